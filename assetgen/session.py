"""The composition root: builds the adapters and offers load, plan, check and build.

Holds no decision of its own. The command line and embedding programs use nothing else:

    import assetgen

    plan = assetgen.plan("assets.yaml")
    report = assetgen.build("assets.yaml", draft=True, emit=print)

Every function comes as a coroutine too, on `Session`.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, Unpack

from assetgen._version import __version__
from assetgen.config import API_KEY, read_environment
from assetgen.core.events import Done, Planned
from assetgen.core.facts import Facts, FileFact, FileState
from assetgen.core.lock import Lock, salvage_lock
from assetgen.core.model import FileReference, Generate, Source
from assetgen.core.plan import Decision, Options, total
from assetgen.core.price import Estimate, estimate, history_of
from assetgen.core.report import Plan, Report
from assetgen.core.select import in_build_order, select, with_dependencies
from assetgen.core.stamp import stamp_of
from assetgen.engine.buy import Buyer, recover
from assetgen.engine.execute import Build, Orders, Workshop, placeholder_request
from assetgen.engine.halt import Halt
from assetgen.engine.limits import Concurrency, Purse
from assetgen.engine.observe import (
    Observer,
    OfflineOracle,
    Oracle,
    StoreOracle,
    Supplier,
    settle,
)
from assetgen.engine.rebuild import rebuilt_lock
from assetgen.engine.remember import Inspected, compose, look_again
from assetgen.errors import UsageError
from assetgen.files.journal import FileJournal
from assetgen.files.lockfile import LockFile, lockfile_name
from assetgen.files.project import ProjectFiles
from assetgen.files.record import read_record, record_path, write_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from decimal import Decimal

    from assetgen.cache.local import LocalCache
    from assetgen.core.call import Request
    from assetgen.core.catalogue import ModelTable
    from assetgen.core.events import Event
    from assetgen.core.ledger import LedgerLine
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Asset, Project
    from assetgen.core.ports import Emit, Images, Provider
    from assetgen.providers.http import Http
    from assetgen.providers.openrouter.models import OpenRouterTable

DEFAULT_MANIFEST = "assets.yaml"
DEFAULT_JOBS = 8
DEFAULT_TIMEOUT_S = 300.0
PROJECT_LOCK_TIMEOUT_S = 60.0
"""The project lock is held while the lockfile is written: longer means that its holder hangs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a plan or a build is asked to do; the same names as the options of the command line."""

    selectors: tuple[str, ...] = ()
    """Empty for every asset."""
    draft: bool = False
    rebuy: bool = False
    force: tuple[str, ...] = ()
    """Selectors of assets to be made anew."""
    locked: bool = False
    max_cost_usd: Decimal | None = None
    """Replaces `budget.per_build` of the manifest."""
    jobs: int = DEFAULT_JOBS
    timeout_s: float = DEFAULT_TIMEOUT_S
    fail_fast: bool = False
    rebuild_lock: bool = False


class SettingsArgs(TypedDict, total=False):
    """The fields of `Settings`, as keywords."""

    selectors: tuple[str, ...]
    draft: bool
    rebuy: bool
    force: tuple[str, ...]
    locked: bool
    max_cost_usd: Decimal | None
    jobs: int
    timeout_s: float
    fail_fast: bool
    rebuild_lock: bool


@dataclass(frozen=True, slots=True)
class _Survey:
    """Everything a plan was made from."""

    project: Project
    facts: Facts
    options: Options
    observer: Observer
    oracle: Oracle
    supplier: Supplier
    decided: dict[str, Decision]
    plan: Plan
    read: Inspected


class Session:
    """One manifest, and the adapters that its commands need."""

    def __init__(
        self, manifest: str = DEFAULT_MANIFEST, environ: Mapping[str, str] | None = None
    ) -> None:
        """`manifest` is a path; `environ` stands for the process's environment."""
        self._manifest = manifest
        self._environ = os.environ if environ is None else environ
        self._root = os.path.abspath(os.path.dirname(manifest) or ".")
        self._name = os.path.basename(manifest)
        self._table: OpenRouterTable | None = None
        self._cache: LocalCache | None = None
        self._images: Images | None = None
        self._http: Http | None = None
        self.halt: Halt | None = None
        """Set while a build runs: `halt.set(…)` lets it finish what is under way and stop."""

    # What can be asked

    def load(self) -> Project:
        """The resolved manifest.

        Raises:
            ManifestFaults: everything that is wrong with it.
            UsageError: it does not exist.
        """
        from assetgen.manifest.load import load as load_manifest  # noqa: PLC0415 - pydantic is slow

        return load_manifest(self._manifest, table=self._models())

    def plan(self, settings: Settings | None = None) -> Plan:
        """What a build with these settings would do, why, and about what it would cost.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        chosen = settings or Settings()
        try:
            self._open_cache(create=False)
            return self._survey(chosen, self._lockfile().read(), offline=False).plan
        finally:
            self._close()

    def check(self, settings: Settings | None = None, *, inputs_only: bool = False) -> Plan:
        """The same verdicts without network, key or cache; nothing is written.

        `inputs_only` compares manifest and references with the lockfile and takes the outputs as
        the lockfile says they are.

        Raises:
            ManifestFaults, LockfileError, OutputError, UsageError.
        """
        lock = self._lockfile().read()
        survey = self._survey(settings or Settings(), lock, offline=True, inputs_only=inputs_only)
        return survey.plan

    async def build(self, settings: Settings | None = None, emit: Emit | None = None) -> Report:
        """Make what is stale. `emit` gets every event, one at a time, from any thread.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError: nothing was tried.
        """
        chosen = settings or Settings()
        self.halt = Halt()
        try:
            return await self._build(chosen, self.halt, _one_at_a_time(emit))
        finally:
            self.halt = None
            self._close()

    # How a plan comes about

    def _survey(
        self,
        settings: Settings,
        lock: Lock,
        *,
        offline: bool,
        inputs_only: bool = False,
    ) -> _Survey:
        loaded_at_ns = time.time_ns()
        stamps = {self._name: stamp_of(self._in_root(self._name))}
        project = _with_cap(self.load(), settings.max_cost_usd)
        for path in (*project.read_files, *project.read_folders):
            stamps.setdefault(path, stamp_of(self._in_root(path)))
        options = self._options(project, settings)
        chosen, wanted = _chosen(project, settings)
        observer = self._observer(use_record=not offline)
        facts = Facts(lock=lock, journal={} if offline else self._journal().read())
        known = lock.digests | frozenset(facts.journal)
        outputs = [asset.output for asset in chosen]
        facts = replace(
            facts,
            inputs=observer.inputs(_input_paths(chosen)),
            outputs=(_recorded_outputs(lock) if inputs_only else observer.outputs(outputs, known)),
            placeholders=_placeholders(chosen) if options.draft else {},
        )
        cache = self._opened_cache()
        supplier = Supplier(blobs=cache.blobs, files=self._files(), facts=facts)
        oracle: Oracle = (
            OfflineOracle()
            if offline
            else StoreOracle(actions=cache.actions, blobs=cache.blobs, supplier=supplier)
        )
        decided: dict[str, Decision] = {}
        settle(in_build_order(chosen), facts, options, oracle, decided)
        plan = Plan(
            project=project,
            decisions=tuple(
                decided[asset.name]
                for asset in chosen
                if asset.name in wanted or decided[asset.name].is_work
            ),
            orphans=tuple(self._orphans(project, lock)),
            is_whole=not settings.selectors,
        )
        return _Survey(
            project=project,
            facts=facts,
            options=options,
            observer=observer,
            oracle=oracle,
            supplier=supplier,
            decided=decided,
            plan=plan,
            read=Inspected(stamps=stamps, at_ns=loaded_at_ns),
        )

    def _options(self, project: Project, settings: Settings) -> Options:
        return Options(
            provider=project.provider,
            draft=settings.draft,
            rebuy=settings.rebuy,
            forced=select(project.assets, settings.force),
            estimate=_Estimator(self._models(), self._ledger_lines),
        )

    def _ledger_lines(self) -> Iterable[LedgerLine]:
        return self._opened_cache().ledger.lines()

    def _orphans(self, project: Project, lock: Lock) -> Iterable[LockEntry]:
        in_use = {asset.output for asset in project.assets}
        for entry in lock.everything():
            if entry.output not in in_use and stamp_of(self._in_root(entry.output)) is not None:
                yield entry

    # How a build runs

    async def _build(self, settings: Settings, halt: Halt, emit: Emit) -> Report:
        cache = self._open_cache(create=True)
        lockfile = self._lockfile()
        self._recover(cache)
        if settings.rebuild_lock:
            self._rebuild_lock(lockfile)
            settings = replace(settings, locked=True)
        survey = self._survey(settings, lockfile.read(), offline=False)
        buys = not settings.locked
        needs_provider = buys and any(decision.is_purchase for decision in survey.plan.decisions)
        if needs_provider and survey.options.is_paid:
            self._require_key()
        shop = self._workshop(survey, lockfile, settings, halt, emit)
        if needs_provider:
            shop.buyer()  # a key that cannot be one is told before anything is tried
            emit(_announcement(survey.plan, survey.options))
        build = Build(
            plan=survey.plan,
            facts=survey.facts,
            options=survey.options,
            orders=Orders(buys=buys, fail_fast=settings.fail_fast, timeout_s=settings.timeout_s),
            shop=shop,
            decided=survey.decided,
        )
        try:
            report = await build.run()
        finally:
            await self._close_provider()
        await self._remember(survey, build, lockfile, report)
        counts = {name: count for name, count in report.counts().items() if count}
        emit(Done(report.exit_code, counts, report.spent_usd, report.unknown_bills))
        return report

    def _recover(self, cache: LocalCache) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        recover(
            blobs=cache.blobs,
            ledger=cache.ledger,
            actions=cache.actions,
            claims=cache.claims,
            images=self._pillow(),
            at=at,
        )

    def _rebuild_lock(self, lockfile: LockFile) -> None:
        project = self.load()
        observer = self._observer(use_record=False)
        lockfile.rebuild(
            rebuilt_lock(
                project,
                salvage_lock(lockfile.text() or ""),
                observer.outputs([asset.output for asset in project.assets], frozenset()),
                observer.inputs(_input_paths(project.assets)),
            )
        )

    def _require_key(self) -> None:
        if read_environment(self._environ).api_key is None:
            raise UsageError(
                f"images must be bought and `{API_KEY}` is not set",
                hint="set it to your OpenRouter key, or use `--draft` for free placeholders",
            )

    def _workshop(
        self, survey: _Survey, lockfile: LockFile, settings: Settings, halt: Halt, emit: Emit
    ) -> Workshop:
        cache = self._opened_cache()
        buyers: list[Buyer] = []

        def buyer() -> Buyer:
            if not buyers:
                buyers.append(self._buyer(survey, settings, halt, emit))
            return buyers[0]

        return Workshop(
            files=self._files(),
            images=self._pillow(),
            blobs=cache.blobs,
            journal=self._journal(),
            locks=lockfile,
            clock=CLOCK,
            observer=survey.observer,
            oracle=survey.oracle,
            supplier=survey.supplier,
            buyer=buyer,
            paint_placeholder=self._paint_placeholder,
            halt=halt,
            emit=emit,
        )

    def _buyer(self, survey: _Survey, settings: Settings, halt: Halt, emit: Emit) -> Buyer:
        cache = self._opened_cache()
        return Buyer(
            provider=self._provider(survey.project),
            blobs=cache.blobs,
            ledger=cache.ledger,
            actions=cache.actions,
            claims=cache.claims,
            images=self._pillow(),
            clock=CLOCK,
            purse=Purse(survey.project.budget),
            slots=Concurrency(settings.jobs),
            halt=halt,
            emit=emit,
            is_paid=survey.options.is_paid,
        )

    async def _remember(
        self, survey: _Survey, build: Build, lockfile: LockFile, report: Report
    ) -> None:
        is_as_written = await look_again(build.written, survey.observer, CLOCK)
        record = compose(
            plan=survey.plan,
            report=report,
            version=__version__,
            draft=survey.options.draft,
            is_as_written=is_as_written and lockfile.says(build.lock),
            read=survey.read,
            lockfile=lockfile_name(self._name),
            observer=survey.observer,
            files=self._files(),
            clock=CLOCK,
        )
        write_record(record_path(self._root, self._name), record)
        recorded = build.lock.digests
        present = {entry.digest for entry in survey.observer.seen.values()} - recorded
        journal = self._journal()
        journal.replace({d: key for d, key in journal.read().items() if d in present})

    # Adapters, made on first use

    def _in_root(self, path: str) -> str:
        return os.path.join(self._root, path)

    def _files(self) -> ProjectFiles:
        return ProjectFiles(self._root)

    def _journal(self) -> FileJournal:
        stem = os.path.splitext(self._name)[0]
        return FileJournal(self._in_root(f".assetgen/{stem}.journal"))

    def _lockfile(self) -> LockFile:
        def hold_project() -> AbstractContextManager[object]:
            from assetgen.cache.locks import hold  # noqa: PLC0415 - only who writes needs it

            os.makedirs(self._in_root(".assetgen"), exist_ok=True)
            return hold(self._in_root(".assetgen/lock"), timeout_s=PROJECT_LOCK_TIMEOUT_S)

        name = lockfile_name(self._name)
        folder = os.path.dirname(self._manifest)
        return LockFile(self._in_root(name), os.path.join(folder, name), hold_project)

    def _observer(self, *, use_record: bool) -> Observer:
        record = read_record(record_path(self._root, self._name)) if use_record else None
        usable = record is not None and record.version == __version__
        return Observer(
            files=self._files(),
            inspect=lambda data: self._pillow().inspect(data),
            clock=CLOCK,
            marked_key=_marked_key,
            recorded={e.path: e for e in record.entries} if record is not None and usable else {},
        )

    def _pillow(self) -> Images:
        if self._images is None:
            from assetgen.steps.image import PillowImages  # noqa: PLC0415 - loads Pillow

            self._images = PillowImages()
        return self._images

    def _models(self) -> OpenRouterTable:
        if self._table is None:
            from assetgen.providers.openrouter.models import load_table  # noqa: PLC0415

            self._table = load_table()
        return self._table

    def _open_cache(self, *, create: bool) -> LocalCache:
        from assetgen.cache.folder import cache_root  # noqa: PLC0415 - not needed by `check`
        from assetgen.cache.local import LocalCache  # noqa: PLC0415

        self._cache = LocalCache(cache_root(self._environ), create=create)
        return self._cache

    def _opened_cache(self) -> LocalCache:
        return self._cache if self._cache is not None else self._open_cache(create=False)

    def _provider(self, project: Project) -> Provider:
        if project.provider == "draft":
            from assetgen.providers.draft import DraftProvider  # noqa: PLC0415

            return DraftProvider(self._pillow())
        from assetgen.providers.http import Http  # noqa: PLC0415 - loads httpx
        from assetgen.providers.openrouter.provider import OpenRouter  # noqa: PLC0415

        environment = read_environment(self._environ)
        self._http = Http()
        return OpenRouter(
            http=self._http,
            images=self._pillow(),
            table=self._models(),
            api_key=environment.api_key or "",
            base_url=environment.base_url,
            learnt=self._opened_cache().learnt,
        )

    async def _close_provider(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _paint_placeholder(self, request: Request) -> bytes:
        from assetgen.providers.draft import drawing_of, mark, placeholder_key  # noqa: PLC0415

        data = self._pillow().paint(drawing_of(request), request.format)
        return mark(data, placeholder_key(request))

    def _close(self) -> None:
        if self._cache is not None:
            self._cache.close()
            self._cache = None


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


class SystemClock:
    """Implements `core.ports.Clock` with the system's time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing


CLOCK = SystemClock()


@dataclass(slots=True)
class _Estimator:
    """Estimates; reads the ledger for the first one."""

    table: ModelTable
    lines: Callable[[], Iterable[LedgerLine]]
    history: dict[tuple[str, str], Decimal] | None = None

    def __call__(self, action: Generate) -> Estimate:
        if self.history is None:
            self.history = history_of(self.lines())
        return estimate(action, self.table, self.history)


def _marked_key(data: bytes) -> str | None:
    from assetgen.providers.draft import marked_key  # noqa: PLC0415 - only for unknown files

    return marked_key(data)


def _one_at_a_time(emit: Emit | None) -> Emit:
    lock = threading.Lock()

    def guarded(event: Event) -> None:
        if emit is not None:
            with lock:
                emit(event)

    return guarded


def _with_cap(project: Project, max_cost_usd: Decimal | None) -> Project:
    if max_cost_usd is None:
        return project
    return replace(project, budget=replace(project.budget, per_build=max_cost_usd))


def _chosen(project: Project, settings: Settings) -> tuple[list[Asset], frozenset[str]]:
    """The assets to look at, in manifest order, and the names that were asked for."""
    if not settings.selectors:
        return list(project.assets), frozenset(asset.name for asset in project.assets)
    wanted = select(project.assets, settings.selectors)
    needed = with_dependencies(project.assets, wanted)
    return [asset for asset in project.assets if asset.name in needed], wanted


def _input_paths(assets: Iterable[Asset]) -> list[str]:
    paths: dict[str, None] = {}
    for asset in assets:
        if isinstance(asset.action, Source):
            paths[asset.action.path] = None
            continue
        for reference in asset.action.references:
            if isinstance(reference, FileReference):
                paths[reference.path] = None
    return list(paths)


def _recorded_outputs(lock: Lock) -> dict[str, FileFact]:
    return {e.output: FileFact(FileState.IMAGE, e.digest) for e in lock.entries.values()}


def _placeholders(assets: Iterable[Asset]) -> dict[str, str]:
    from assetgen.providers.draft import placeholder_key  # noqa: PLC0415 - only with `--draft`

    return {
        asset.name: placeholder_key(placeholder_request(asset, asset.action))
        for asset in assets
        if isinstance(asset.action, Generate)
    }


def _announcement(plan: Plan, options: Options) -> Planned:
    purchases = [decision for decision in plan.decisions if decision.is_purchase]
    known, unpriced = total(plan.decisions)
    return Planned(
        assets=len(plan.work),
        images=len(purchases),
        estimate_usd=known,
        unpriced=unpriced if options.is_paid else 0,
        cap_usd=plan.project.budget.per_build,
        is_paid=options.is_paid,
    )
