"""The composition root: load, plan, check and build, for the command line and for programs.

    import assetgen

    plan = assetgen.plan("assets.yaml")
    report = assetgen.build("assets.yaml", draft=True, emit=print)

The functions are thin wrappers of `Session`, whose `build` is a coroutine. No decision is taken
here: `survey.py` looks and decides through the core, `adapters.py` makes what stands behind the
ports, and the engine does the work.
"""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

from assetgen._version import __version__
from assetgen.core.events import Done, Planned, Warned
from assetgen.core.lock import salvage_lock
from assetgen.core.plan import total
from assetgen.engine.buy import Buyer, recover
from assetgen.engine.deliver import Delivery
from assetgen.engine.execute import Build, Orders, Workshop
from assetgen.engine.halt import Halt
from assetgen.engine.limits import Concurrency, Purse
from assetgen.engine.rebuild import rebuilt_lock
from assetgen.engine.remember import Inspected, compose, look_again
from assetgen.session.adapters import Adapters
from assetgen.session.settings import (
    DEFAULT_JOBS,
    DEFAULT_MANIFEST,
    DEFAULT_TIMEOUT_S,
    Settings,
    SettingsArgs,
)
from assetgen.session.survey import Survey, input_paths, survey
from assetgen.session.survey import load as load_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.events import Event
    from assetgen.core.model import Project
    from assetgen.core.plan import Options
    from assetgen.core.ports import Emit
    from assetgen.core.report import Plan, Report

__all__ = [
    "DEFAULT_JOBS",
    "DEFAULT_MANIFEST",
    "DEFAULT_TIMEOUT_S",
    "Session",
    "Settings",
    "build",
    "check",
    "load",
    "plan",
]


class Session:
    """One manifest, and what can be asked of it."""

    def __init__(
        self, manifest: str = DEFAULT_MANIFEST, environ: Mapping[str, str] | None = None
    ) -> None:
        """`manifest` is a path; `environ` stands for the process's environment."""
        self._adapters = Adapters(manifest, os.environ if environ is None else environ)
        self.halt: Halt | None = None
        """Set while a build runs: `halt.set(…)` lets it finish what is under way and stop."""

    def load(self) -> Project:
        """The resolved manifest.

        Raises:
            ManifestFaults: everything that is wrong with it.
            UsageError: it does not exist.
        """
        return self._adapters.load()

    def plan(self, settings: Settings | None = None) -> Plan:
        """What a build with these settings would do, why, and about what it would cost.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        try:
            lock = self._adapters.lockfile.read()
            return survey(self._adapters, settings or Settings(), lock).plan
        finally:
            self._adapters.close()

    def check(self, settings: Settings | None = None, *, inputs_only: bool = False) -> Plan:
        """The same verdicts without network, key or cache; nothing is written.

        `inputs_only` compares manifest and references with the lockfile, and takes the outputs as
        the lockfile says they are.

        Raises:
            ManifestFaults, LockfileError, OutputError, UsageError.
        """
        chosen, lock = settings or Settings(), self._adapters.lockfile.read()
        found = survey(self._adapters, chosen, lock, offline=True, inputs_only=inputs_only)
        return found.plan

    async def build(self, settings: Settings | None = None, emit: Emit | None = None) -> Report:
        """Make what is stale. `emit` gets every event, one at a time, from any thread.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError: nothing was tried.
        """
        self.halt = Halt()
        try:
            return await self._build(settings or Settings(), self.halt, _one_at_a_time(emit))
        finally:
            self.halt = None
            self._adapters.close()

    async def _build(self, settings: Settings, halt: Halt, emit: Emit) -> Report:
        adapters = self._adapters
        adapters.open_cache(create=True)
        self._recover()
        if settings.rebuild_lock:
            self._rebuild_lock(emit)
            settings = replace(settings, locked=True)
        found = survey(adapters, settings, adapters.lockfile.read())
        shop = self._workshop(found, settings, halt, emit)
        buys = not settings.locked
        if buys and any(decision.is_purchase for decision in found.plan.decisions):
            if found.options.is_paid:
                adapters.require_key()
            shop.buyer()  # a key that cannot be one is told before anything is tried
            emit(_announcement(found.plan, found.options))
        build = Build(
            plan=found.plan,
            facts=found.facts,
            options=found.options,
            orders=Orders(buys=buys, fail_fast=settings.fail_fast, timeout_s=settings.timeout_s),
            shop=shop,
            decided=found.decided,
        )
        try:
            report = await build.run()
        finally:
            await adapters.close_provider()
        await self._remember(found, build, report)
        counts = {name: count for name, count in report.counts().items() if count}
        emit(Done(report.exit_code, counts, report.spent_usd, report.unknown_bills))
        return report

    def _recover(self) -> None:
        """Book what had arrived when an earlier build died."""
        cache = self._adapters.cache()
        recover(
            blobs=cache.blobs,
            ledger=cache.ledger,
            actions=cache.actions,
            claims=cache.claims,
            images=self._adapters.images(),
            at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _rebuild_lock(self, emit: Emit) -> None:
        adapters = self._adapters
        project = adapters.load()
        damaged = adapters.lockfile.bytes()
        if damaged:
            kept = adapters.cache().blobs.keep(damaged)
            emit(Warned(None, f"the lockfile as it was is kept as {kept}"))
        observer = adapters.observer(use_record=False)
        adapters.lockfile.rebuild(
            rebuilt_lock(
                project,
                salvage_lock(damaged.decode("utf-8", "replace")),
                observer.outputs([asset.output for asset in project.assets], frozenset()),
                observer.inputs(input_paths(project.assets)),
            )
        )

    def _workshop(self, found: Survey, settings: Settings, halt: Halt, emit: Emit) -> Workshop:
        adapters = self._adapters
        buyers: list[Buyer] = []

        def buyer() -> Buyer:
            if not buyers:
                buyers.append(self._buyer(found, settings, halt, emit))
            return buyers[0]

        return Workshop(
            files=adapters.files,
            images=adapters.images(),
            delivery=Delivery(
                files=adapters.files,
                images=adapters.images(),
                blobs=adapters.cache().blobs,
                actions=adapters.cache().actions,
                journal=adapters.journal,
                observer=found.observer,
                facts=found.facts,
                emit=emit,
            ),
            locks=adapters.lockfile,
            clock=adapters.clock,
            oracle=found.oracle,
            supplier=found.supplier,
            buyer=buyer,
            paint_placeholder=adapters.paint_placeholder,
            halt=halt,
            emit=emit,
        )

    def _buyer(self, found: Survey, settings: Settings, halt: Halt, emit: Emit) -> Buyer:
        adapters, project = self._adapters, found.plan.project
        cache = adapters.cache()
        return Buyer(
            provider=adapters.provider(project),
            blobs=cache.blobs,
            ledger=cache.ledger,
            actions=cache.actions,
            claims=cache.claims,
            images=adapters.images(),
            clock=adapters.clock,
            purse=Purse(project.budget),
            slots=Concurrency(settings.jobs),
            halt=halt,
            emit=emit,
            is_paid=found.options.is_paid,
        )

    async def _remember(self, found: Survey, build: Build, report: Report) -> None:
        """Write the build record, and drop from the journal what the lockfile says by now."""
        adapters, written = self._adapters, build.shop.delivery.written
        is_as_written = await look_again(written, found.observer, adapters.clock)
        adapters.write_record(
            compose(
                plan=found.plan,
                report=report,
                version=__version__,
                draft=found.options.draft,
                is_as_written=is_as_written and adapters.lockfile.says(build.lock),
                read=self._read_again(found) if written else found.read,
                lockfile=adapters.lockfile_name,
                observer=found.observer,
                files=adapters.files,
                clock=adapters.clock,
            )
        )
        present = {entry.digest for entry in found.observer.seen.values()} - build.lock.digests
        journal = adapters.journal
        journal.replace({d: key for d, key in journal.read().items() if d in present})

    def _read_again(self, found: Survey) -> Inspected:
        """Today's stamps where writing outputs has touched a folder that was searched for includes.

        They stand for the same project only when the manifest still reads the same.
        """
        project, stamps = found.plan.project, found.read.stamps
        if all(stamps[path] == self._adapters.stamp(path) for path in project.read_folders):
            return found.read
        again, read = load_project(self._adapters)
        return read if again.assets == project.assets else found.read


def load(manifest: str = DEFAULT_MANIFEST) -> Project:
    """The resolved manifest: see `Session.load`."""
    return Session(manifest).load()


def plan(manifest: str = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]) -> Plan:
    """What a build would do: see `Session.plan`; keywords are the fields of `Settings`."""
    return Session(manifest).plan(Settings(**settings))


def check(manifest: str = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]) -> Plan:
    """Whether everything is up to date, without key, network or cache: see `Session.check`."""
    return Session(manifest).check(Settings(**settings))


def build(
    manifest: str = DEFAULT_MANIFEST,
    emit: Emit | None = None,
    **settings: Unpack[SettingsArgs],
) -> Report:
    """Make what is stale: see `Session.build`. Not to be called from a running event loop."""
    return asyncio.run(Session(manifest).build(Settings(**settings), emit))


def _one_at_a_time(emit: Emit | None) -> Emit:
    lock = threading.Lock()

    def guarded(event: Event) -> None:
        if emit is not None:
            with lock:
                emit(event)

    return guarded


def _announcement(plan: Plan, options: Options) -> Planned:
    known, unpriced = total(plan.decisions)
    return Planned(
        assets=len(plan.work),
        images=sum(decision.is_purchase for decision in plan.decisions),
        estimate_usd=known,
        unpriced=unpriced if options.is_paid else 0,
        cap_usd=plan.project.budget.per_build,
        is_paid=options.is_paid,
    )
