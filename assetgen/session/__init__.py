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
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Unpack

from assetgen._version import __version__
from assetgen.core.decision import total
from assetgen.core.events import Broken, Done, Planned, Warned
from assetgen.core.lock import salvage_lock
from assetgen.engine.buy import Buyer
from assetgen.engine.deliver import Delivery
from assetgen.engine.execute import Build, Orders, Workshop
from assetgen.engine.halt import Gate, Halt
from assetgen.engine.limits import Concurrency
from assetgen.engine.rebuild import rebuilt_lock
from assetgen.engine.recover import recover
from assetgen.engine.remember import Inspected, compose, look_again
from assetgen.errors import CacheError, ProviderFault, UsageError
from assetgen.session.adapters import Adapters
from assetgen.session.choose import Choice, adopt_files, clean_up, use_image
from assetgen.session.look import explain_asset, history_of_asset
from assetgen.session.settings import (
    DEFAULT_JOBS,
    DEFAULT_MANIFEST,
    DEFAULT_TIMEOUT_S,
    Settings,
    SettingsArgs,
)
from assetgen.session.shift import Shift, Turn
from assetgen.session.stop import Stop
from assetgen.session.survey import Survey, input_paths, survey
from assetgen.session.survey import load as load_project

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from os import PathLike

    from assetgen.core.decision import Options
    from assetgen.core.events import Event
    from assetgen.core.explain import Explanation
    from assetgen.core.history import History
    from assetgen.core.lock import Lock
    from assetgen.core.model import Project
    from assetgen.core.orphan import Orphan
    from assetgen.core.ports import Emit
    from assetgen.core.report import Plan, Report
    from assetgen.session.base import Base
    from assetgen.session.rounds import Rounds

__all__ = [
    "DEFAULT_JOBS",
    "DEFAULT_MANIFEST",
    "DEFAULT_TIMEOUT_S",
    "Session",
    "Settings",
    "Stop",
    "build",
    "check",
    "load",
    "plan",
]


class Session:
    """One manifest, and what can be asked of it."""

    def __init__(
        self,
        manifest: str | PathLike[str] = DEFAULT_MANIFEST,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`manifest` is a path; `environ` stands for the process's environment."""
        self._adapters = Adapters(os.fspath(manifest), os.environ if environ is None else environ)
        self.halt: Halt | None = None
        """Set while a build runs: `halt.set(…)` lets it finish what is under way and stop."""

    def load(self) -> Project:
        """The resolved manifest.

        Raises:
            ManifestFaults: everything that is wrong with it.
            UsageError: it does not exist.
        """
        return self._adapters.load()

    def plan(self, settings: Settings | None = None, emit: Emit | None = None) -> Plan:
        """What a build with these settings would do, why, and about what it would cost.

        `emit` gets the warning about calls that an earlier build left unanswered.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        with self._looking(emit) as lock:
            return survey(self._adapters, settings or Settings(), lock).plan

    def explain(self, name: str, emit: Emit | None = None) -> Explanation:
        """One asset's verdict, inputs then and now, image, and who depends on it.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        with self._looking(emit) as lock:
            return explain_asset(self._adapters, name, lock)

    def history(self, name: str, emit: Emit | None = None) -> History:
        """Every image ever made for one asset whose bytes are still here, newest first.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        with self._looking(emit) as lock:
            return history_of_asset(self._adapters, name, lock)

    @contextmanager
    def _looking(self, emit: Emit | None) -> Iterator[Lock]:
        """The lockfile, and a cache that nothing is written to."""
        try:
            lock = self._adapters.lockfile.read()
            self._recover_for_plan(Listener(emit))
            yield lock
        finally:
            self._adapters.close()

    def use(self, name: str, digest: str, emit: Emit | None = None) -> Choice:
        """Give an asset the one of its images whose digest starts so; free, and at once.

        Raises:
            UsageError: no image has such a digest, or several have.
            ManifestFaults, LockfileError, OutputError, ImageError, CacheError.
        """
        listener = Listener(emit)
        with self._changing(listener):
            return use_image(self._adapters, name, digest, listener)

    def adopt(self, selectors: Sequence[str], emit: Emit | None = None) -> list[Choice]:
        """Record the files that are there as these assets' images for their present inputs, free.

        Raises:
            UsageError: a selector matches nothing; what cannot be adopted is in the answer.
            ManifestFaults, LockfileError, OutputError, CacheError.
        """
        listener = Listener(emit)
        with self._changing(listener):
            return adopt_files(self._adapters, selectors, listener)

    def clean(self, *, remove: bool = False, emit: Emit | None = None) -> list[Orphan]:
        """What moved and removed assets left behind; with `remove` it goes, kept in the store.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError.
        """
        if not remove:
            with self._looking(emit):
                return clean_up(self._adapters, remove=False)
        with self._changing(Listener(emit)):
            return clean_up(self._adapters, remove=True)

    @contextmanager
    def _changing(self, emit: Emit) -> Iterator[None]:
        """A cache to write to, which knows afterwards whose images these are."""
        try:
            self._adapters.open_cache(create=True)
            self._recover(emit)
            yield
            if self._adapters.stamp(self._adapters.lockfile_name) is not None:
                self._note_project(emit)
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

    def base(self, ref: str) -> Base:
        """The project as it was at a commit of its git repository, and what changed since.

        Raises:
            UsageError: there is no git, no repository or no such commit.
            LockfileError: the present lockfile cannot be read.
        """
        from assetgen.session.base import open_base  # noqa: PLC0415 - only reports need git

        return open_base(self._adapters, ref)

    async def build(
        self,
        settings: Settings | None = None,
        emit: Emit | None = None,
        stop: Stop | None = None,
    ) -> Report:
        """Make what is stale.

        Args:
            settings: what is asked; everything, by default.
            emit: gets every event, one at a time, from any thread. What it raises is kept, the
                build goes on untold, and the exception is raised at the end.
            stop: ends the build early, from any task or thread.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError: nothing was tried.
        """
        chosen = settings or Settings()
        self.halt = Halt()
        listener = Listener(emit)
        try:
            with (stop or Stop()).obeyed_by(self.halt):
                async with self._open(chosen, listener) as shift:
                    turn = Turn(self.halt, Gate())
                    report = await self._build(chosen, shift, turn, listener)
                counts = {name: count for name, count in report.counts().items() if count}
                listener(Done(report.exit_code, counts, report.spent_usd, report.unknown_bills))
        finally:
            self.halt = None
        if listener.failure is not None:
            raise listener.failure
        return report

    @asynccontextmanager
    async def rounds(
        self, settings: Settings | None = None, emit: Emit | None = None
    ) -> AsyncIterator[Rounds]:
        """Builds one after another under one budget, as `watch` needs them: see `Rounds`.

        Raises:
            CacheError: the user's cache cannot be used.
        """
        from assetgen.session.rounds import Rounds  # noqa: PLC0415 - `build` needs none

        chosen, listener = settings or Settings(), Listener(emit)
        async with self._open(chosen, listener) as shift:

            async def build(turn: Turn, emit: Emit) -> Report:
                return await self._build(chosen, shift, turn, emit)

            yield Rounds(self._adapters, chosen, shift, build, listener)
        if listener.failure is not None:
            raise listener.failure

    @asynccontextmanager
    async def _open(self, settings: Settings, emit: Emit) -> AsyncIterator[Shift]:
        """What builds need, until the last of them is over."""
        try:
            self._adapters.open_cache(create=True)
            self._recover(emit)
            shift = Shift(slots=Concurrency(settings.jobs))
            try:
                yield shift
            finally:
                await shift.under_way.cut()
                await self._close_provider(emit)
        finally:
            self._adapters.close()

    async def _build(self, settings: Settings, shift: Shift, turn: Turn, emit: Emit) -> Report:
        adapters = self._adapters
        generates: Literal["all", "free", "none"] = "none" if settings.locked else "all"
        if settings.rebuild_lock:
            self._rebuild_lock(emit)
            generates = "none" if settings.locked else "free"
        lock = adapters.lockfile.read()
        found = survey(adapters, settings, lock, loaded=turn.loaded)
        outputs = [asset.output for asset in found.plan.project.assets]
        adapters.sweep([*outputs, *(entry.output for entry in lock.everything())])
        shift.purse.budget = found.plan.project.budget
        shop = self._workshop(found, shift, turn, emit)
        is_free = not found.options.is_paid
        allowed = generates == "all" or (generates == "free" and is_free)
        if allowed and any(decision.is_purchase for decision in found.plan.decisions):
            try:
                if not found.options.draft:
                    adapters.require_key(found.plan.project)
                shop.buyer()  # a key that cannot be one is told before anything is tried
            except UsageError as error:
                if turn.gate.is_open:
                    raise
                emit(Broken((error,)))  # watching: what is free is made all the same
                generates = "free" if found.options.is_paid else "none"
            else:
                self._announce(found, turn.gate, emit)
        if bool(lock.everything()) or _fills_store(found):
            self._note_project(emit)
        build = Build(
            plan=found.plan,
            facts=found.facts,
            options=found.options,
            orders=Orders(
                generates=generates,
                fail_fast=settings.fail_fast,
                timeout_s=settings.timeout_s,
            ),
            shop=shop,
            decided=found.decided,
        )
        report = await build.run()
        await self._remember(found, build, report)
        return report

    def _announce(self, found: Survey, gate: Gate, emit: Emit) -> None:
        """Say what the calls will cost, right before the first of them."""
        planned = _announcement(found.plan, found.options)
        if gate.is_open or not found.options.is_paid:
            emit(planned)
        else:
            gate.before_opening = lambda: emit(planned)

    def _note_project(self, emit: Emit) -> None:
        """Tell the cache whose images these are."""
        try:
            self._adapters.note_project()
        except CacheError as error:
            emit(Warned(None, f"this project could not be noted in the cache: {error.what}"))

    async def _close_provider(self, emit: Emit) -> None:
        """End connections; what was made does not depend on how that goes."""
        try:
            await self._adapters.close_provider()
        except ProviderFault as error:
            emit(Warned(None, error.what))

    def _recover_for_plan(self, emit: Emit) -> None:
        """What arrived right before a build died is not to be planned for again."""
        cache = self._adapters.cache()
        if not cache.blobs.has_arrivals() and not cache.ledger.unanswered():
            return
        self._adapters.close()
        self._adapters.open_cache(create=True)
        try:
            self._recover(emit)
        except CacheError as error:
            emit(Warned(None, f"what an earlier build left open stays so: {error.what}"))
            self._adapters.close()

    def _recover(self, emit: Emit) -> None:
        """Book what was open when an earlier build died."""
        exposed = self._adapters.exposure()
        if exposed is not None:
            emit(Warned(None, exposed))
        cache = self._adapters.cache()
        aftermath = recover(
            blobs=cache.blobs,
            ledger=cache.ledger,
            actions=cache.actions,
            claims=cache.claims,
            images=self._adapters.images(),
            at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        count = aftermath.unanswered
        if count:
            calls = "1 earlier call has" if count == 1 else f"{count} earlier calls have"
            told = f"{calls} no answer on record and may have been billed; see `assetgen costs`"
            emit(Warned(None, told))

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

    def _workshop(self, found: Survey, shift: Shift, turn: Turn, emit: Emit) -> Workshop:
        adapters, supplier = self._adapters, found.supplier
        if supplier is None:
            raise AssertionError("a build needs what only a survey with caches finds")
        buyers: list[Buyer] = []

        def buyer() -> Buyer:
            if not buyers:
                buyers.append(self._buyer(found, shift, turn.halt, emit))
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
                forced=found.options.forced,
                emit=emit,
            ),
            locks=adapters.lockfile,
            clock=adapters.clock,
            oracle=found.oracle,
            supplier=supplier,
            buyer=buyer,
            paint_placeholder=adapters.paint_placeholder,
            inputs=adapters.cache().inputs,
            halt=turn.halt,
            emit=emit,
            gate=turn.gate,
            under_way=shift.under_way,
        )

    def _buyer(self, found: Survey, shift: Shift, halt: Halt, emit: Emit) -> Buyer:
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
            purse=shift.purse,
            slots=shift.slots,
            halt=halt,
            emit=emit,
            is_paid=found.options.is_paid,
            project=project.name,
        )

    async def _remember(self, found: Survey, build: Build, report: Report) -> None:
        """Drop from the journal what the lockfile says by now, and write the build record."""
        adapters, written = self._adapters, build.shop.delivery.written
        is_as_written = await look_again(written, found.observer, adapters.clock)
        if found.plan.is_whole:
            present = {entry.digest for entry in found.observer.seen.values()} - build.lock.digests
            adapters.prune_journal(lambda digest: digest in present)
        # Last, because a build with nothing to do believes it: what a crash leaves behind is
        # tidied up by a build that has something to do.
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

    def _read_again(self, found: Survey) -> Inspected:
        """Today's stamps where writing outputs has touched a folder that was searched for includes.

        They stand for the same project only when the manifest still reads the same.
        """
        project, stamps = found.plan.project, found.read.stamps
        if all(stamps[path] == self._adapters.stamp(path) for path in project.read_folders):
            return found.read
        again, read = load_project(self._adapters)
        return read if again.assets == project.assets else found.read


def load(manifest: str | PathLike[str] = DEFAULT_MANIFEST) -> Project:
    """The resolved manifest: see `Session.load`."""
    return Session(manifest).load()


def plan(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]
) -> Plan:
    """What a build would do: see `Session.plan`; keywords are the fields of `Settings`."""
    return Session(manifest).plan(Settings(**settings))


def check(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]
) -> Plan:
    """Whether everything is up to date, without key, network or cache: see `Session.check`."""
    return Session(manifest).check(Settings(**settings))


def build(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST,
    emit: Emit | None = None,
    stop: Stop | None = None,
    **settings: Unpack[SettingsArgs],
) -> Report:
    """Make what is stale: see `Session.build`; keywords are the fields of `Settings`.

    Raises:
        RuntimeError: called from a running event loop, where `await Session(…).build(…)` works.
    """
    session = Session(manifest)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(session.build(Settings(**settings), emit, stop))
    raise RuntimeError("an event loop is running: use `await Session(…).build(…)`")


class Listener:
    """Hands events on, one at a time; a listener that fails does not steer the build.

    Its exception is kept, nothing more is told, and `Session.build` raises it at the end.
    """

    def __init__(self, emit: Emit | None) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self.failure: Exception | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._emit is None or self.failure is not None:
                return
            try:
                self._emit(event)
            except Exception as error:  # noqa: BLE001 - raised once nothing can be lost by it
                self.failure = error


def _fills_store(found: Survey) -> bool:
    """Whether the build brings images into the store; placeholders never get there."""
    has_work = any(decision.is_work for decision in found.plan.decisions)
    return has_work and not found.options.draft


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
