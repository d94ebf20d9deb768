"""Looks at a project and decides: everything that a plan is made from, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assetgen.core.catalogue import ModelTable
from assetgen.core.decision import Decision, Options
from assetgen.core.facts import Facts, FileFact, FileState
from assetgen.core.model import FileReference, Generate, Source
from assetgen.core.price import Estimate, estimate, history_of, price_key
from assetgen.core.report import Plan
from assetgen.core.select import in_build_order, select, with_dependencies
from assetgen.engine.execute import placeholder_request
from assetgen.engine.observe import (
    Observer,
    OfflineOracle,
    Oracle,
    StoreOracle,
    Supplier,
    settle,
)
from assetgen.engine.remember import Inspected
from assetgen.manifest.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.lock import Lock, LockEntry
    from assetgen.core.model import Asset, Project
    from assetgen.session.adapters import Adapters
    from assetgen.session.settings import Settings


@dataclass(frozen=True, slots=True)
class Survey:
    """A plan, and all that was found out for it."""

    plan: Plan
    facts: Facts
    options: Options
    observer: Observer
    oracle: Oracle
    supplier: Supplier | None
    """None offline, where nothing can be had."""
    decided: dict[str, Decision]
    """Also the assets that others read and that the plan does not list."""
    read: Inspected
    """Stamps of the manifest, its includes and the folders searched for them."""


def survey(
    adapters: Adapters,
    settings: Settings,
    lock: Lock,
    *,
    offline: bool = False,
    inputs_only: bool = False,
    loaded: tuple[Project, Inspected] | None = None,
) -> Survey:
    """Verdicts on what the settings ask for.

    `loaded` is the project where it has been read a moment ago. `offline` opens no cache and
    trusts no build record; `inputs_only` takes the outputs as the lockfile says they are.

    Raises:
        ManifestFaults, OutputError, CacheError, UsageError.
    """
    with collector_paused():
        return _survey(adapters, settings, lock, loaded, offline=offline, inputs_only=inputs_only)


def _survey(
    adapters: Adapters,
    settings: Settings,
    lock: Lock,
    loaded: tuple[Project, Inspected] | None,
    *,
    offline: bool,
    inputs_only: bool,
) -> Survey:
    project, read = loaded or load(adapters)
    if settings.max_cost_usd is not None:
        budget = replace(project.budget, per_build=settings.max_cost_usd)
        project = replace(project, budget=budget)
    chosen, wanted = choose(project, settings)
    observer = adapters.observer(use_record=not offline)
    journal = adapters.journal.read()
    outputs = [asset.output for asset in chosen]
    facts = Facts(
        lock=lock,
        journal=journal,
        inputs=observer.inputs(input_paths(chosen)),
        outputs=(
            _as_recorded(lock)
            if inputs_only
            else observer.outputs(outputs, lock.digests | frozenset(journal))
        ),
        placeholders=_placeholders(chosen) if settings.draft else {},
    )
    options = _options(adapters, project, settings, offline=offline)
    supplier: Supplier | None = None
    oracle: Oracle = OfflineOracle()
    if not offline:
        cache = adapters.cache()
        supplier = Supplier(blobs=cache.blobs, files=adapters.files, facts=facts)
        oracle = StoreOracle(actions=cache.actions, blobs=cache.blobs, supplier=supplier)
    decided: dict[str, Decision] = {}
    settle(in_build_order(chosen), facts, options, oracle, decided)
    listed = [a for a in chosen if a.name in wanted or decided[a.name].is_work]
    return Survey(
        plan=Plan(
            project=project,
            decisions=tuple(decided[asset.name] for asset in listed),
            orphans=tuple(_orphans(adapters, project, lock)),
            is_whole=not settings.selectors,
        ),
        facts=facts,
        options=options,
        observer=observer,
        oracle=oracle,
        supplier=supplier,
        decided=decided,
        read=read,
    )


def load(adapters: Adapters) -> tuple[Project, Inspected]:
    """The project, and the stamps of what it was read from.

    A stamp that is younger than the moment before reading is not trusted later.
    """
    at_ns = int(adapters.clock.now() * 1e9)
    stamps = {adapters.manifest_name: adapters.stamp(adapters.manifest_name)}
    project = adapters.load()
    for path in (*project.read_files, *project.read_folders):
        stamps.setdefault(path, adapters.stamp(path))
    return project, Inspected(stamps=stamps, at_ns=at_ns)


def input_paths(assets: Iterable[Asset]) -> list[str]:
    """Files that assets read: references and sources, each once."""
    paths: dict[str, None] = {}
    for asset in assets:
        if isinstance(asset.action, Source):
            paths[asset.action.path] = None
            continue
        for reference in asset.action.references:
            if isinstance(reference, FileReference):
                paths[reference.path] = None
    return list(paths)


def choose(project: Project, settings: Settings) -> tuple[list[Asset], frozenset[str]]:
    """The assets to look at, in manifest order, and the names that were asked for.

    Raises:
        UsageError: a selector matches nothing.
    """
    if not settings.selectors:
        return list(project.assets), frozenset(asset.name for asset in project.assets)
    wanted = select(project.assets, settings.selectors)
    needed = with_dependencies(project.assets, wanted)
    return [asset for asset in project.assets if asset.name in needed], wanted


def _options(adapters: Adapters, project: Project, settings: Settings, *, offline: bool) -> Options:
    def ledger_lines() -> Iterable[LedgerLine]:
        return () if offline else adapters.cache().ledger.lines()

    return Options(
        provider=project.provider,
        plugin=project.plugin,
        draft=settings.draft,
        rebuy=settings.rebuy,
        knows_store=not offline,
        forced=select(project.assets, settings.force),
        estimate=_Estimator(adapters.models(), ledger_lines, project),
    )


def _as_recorded(lock: Lock) -> dict[str, FileFact]:
    return {e.output: FileFact(FileState.IMAGE, e.digest) for e in lock.entries.values()}


def _placeholders(assets: Iterable[Asset]) -> dict[str, str]:
    from assetgen.providers.draft import placeholder_key  # noqa: PLC0415 - only with `--draft`

    return {
        asset.name: placeholder_key(placeholder_request(asset, asset.action))
        for asset in assets
        if isinstance(asset.action, Generate)
    }


def _orphans(adapters: Adapters, project: Project, lock: Lock) -> Iterable[LockEntry]:
    in_use = {asset.output for asset in project.assets}
    for entry in lock.everything():
        if entry.output not in in_use and adapters.stamp(entry.output) is not None:
            yield entry


@dataclass(slots=True)
class _Estimator:
    """Estimates; reads the ledger for the first one."""

    table: ModelTable
    lines: Callable[[], Iterable[LedgerLine]]
    project: Project
    history: dict[tuple[str, str], Decimal] | None = None
    made: dict[tuple[str, str], Estimate] = field(default_factory=dict)

    def __call__(self, action: Generate) -> Estimate:
        plugin = self.project.plugin
        if plugin is not None and plugin.estimate_usd is not None:
            usd = plugin.estimate_usd(action)
            basis = "no price is known" if usd is None else "an estimate"
            return Estimate(usd=usd, basis=f"{basis} by provider `{self.project.provider}`")
        if plugin is not None and not action.model:
            return Estimate(usd=None, basis=f"provider `{self.project.provider}` names no price")
        if self.history is None:
            self.history = history_of(self.lines())
        key = (action.model, price_key(action))
        if key not in self.made:
            table = self.table if plugin is None else ModelTable(date=self.table.date)
            self.made[key] = estimate(action, table, self.history)
        return self.made[key]
