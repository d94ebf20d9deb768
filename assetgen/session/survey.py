"""Looks at a project and decides: everything that a plan is made from, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetgen.core.catalogue import ModelTable
from assetgen.core.decision import Decision, Options
from assetgen.core.facts import Facts, FileFact, FileState, Ours
from assetgen.core.lock import Changes, merged, names_of
from assetgen.core.model import FileReference, Generate, Source
from assetgen.core.price import Estimate, estimate, history_of, price_key
from assetgen.core.product import KINDS, paths_of, products_of
from assetgen.core.recipe import finish_of, sha256_of
from assetgen.core.report import Plan
from assetgen.core.select import (
    in_build_order,
    select,
    select_all,
    select_products,
    with_dependencies,
)
from assetgen.core.value import Value, replace
from assetgen.engine.execute import placeholder_request
from assetgen.engine.observe import (
    Observer,
    OfflineOracle,
    Oracle,
    StoreOracle,
    Supplier,
    settle,
    settle_products,
)
from assetgen.engine.remember import Inspected
from assetgen.manifest.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.lock import Lock, LockEntry
    from assetgen.core.model import Asset, Project
    from assetgen.core.plan_products import ProductDecision
    from assetgen.core.ports import LockStore
    from assetgen.core.product import Product
    from assetgen.session.adapters import Adapters
    from assetgen.session.narrowing import Narrowed
    from assetgen.session.settings import Settings


class Survey(Value):
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
    made: dict[str, ProductDecision]
    """Likewise the products."""
    locks: LockStore
    """Where the lockfile was read, and changes of it go."""
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
    narrowed: Narrowed | None = None,
) -> Survey:
    """Verdicts on what the settings ask for.

    `loaded` is the project where it has been read a moment ago; `narrowed` the part of it to look
    at. `offline` opens no cache and trusts no build record; `inputs_only` takes the outputs as the
    lockfile says they are.

    Raises:
        ManifestFaults, OutputError, CacheError, UsageError.
    """
    with collector_paused():
        if narrowed is not None:
            loaded, observer = (narrowed.project, narrowed.read), narrowed.observer
            found = _survey(adapters, settings, lock, loaded, observer)
            plan = replace(found.plan, is_whole=False)
            return replace(found, plan=plan, locks=narrowed.lockfile)
        observer = adapters.observer(use_record=not offline)
        return _survey(
            adapters,
            settings,
            lock,
            loaded or load(adapters),
            observer,
            offline=offline,
            inputs_only=inputs_only,
        )


def _survey(
    adapters: Adapters,
    settings: Settings,
    lock: Lock,
    loaded: tuple[Project, Inspected],
    observer: Observer,
    *,
    offline: bool = False,
    inputs_only: bool = False,
) -> Survey:
    project, read = loaded
    if settings.max_cost_usd is not None:
        budget = replace(project.budget, per_build=settings.max_cost_usd)
        project = replace(project, budget=budget)
    chosen, wanted, products = choose(project, settings)
    journal = adapters.journal.read()
    outputs = [asset.output for asset in chosen]
    facts = Facts(
        lock=lock,
        journal=journal,
        inputs={**observer.recalled_inputs(), **observer.inputs(input_paths(chosen))},
        outputs=(
            _as_recorded(lock) if inputs_only else observer.outputs(outputs, Ours(lock, journal))
        ),
        placeholders=_placeholders(chosen) if settings.draft else {},
    )
    facts.files.update(_files(products, facts, observer, inputs_only=inputs_only))
    options = _options(adapters, project, settings, offline=offline)
    supplier: Supplier | None = None
    oracle: Oracle = OfflineOracle()
    if not offline:
        cache = adapters.cache()
        supplier = Supplier(
            blobs=cache.blobs, files=adapters.files, facts=facts, actions=cache.actions
        )
        oracle = StoreOracle(actions=cache.actions, blobs=cache.blobs, supplier=supplier)
    decided: dict[str, Decision] = {}
    settle(in_build_order(chosen), facts, options, oracle, decided)
    made: dict[str, ProductDecision] = {}
    settle_products(
        products,
        facts,
        options,
        oracle=oracle,
        observer=observer,
        decided=decided,
        made=made,
    )
    listed = [a for a in chosen if a.name in wanted or decided[a.name].is_work]
    return Survey(
        plan=Plan(
            project=project,
            decisions=tuple(decided[asset.name] for asset in listed),
            products=tuple(made[product.name] for product in products),
            orphans=tuple(_orphans(adapters, project, lock, made.values())),
            is_whole=not settings.selectors,
        ),
        facts=facts,
        options=options,
        observer=observer,
        oracle=oracle,
        supplier=supplier,
        decided=decided,
        made=made,
        locks=adapters.lockfile,
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


def choose(
    project: Project, settings: Settings
) -> tuple[list[Asset], frozenset[str], tuple[Product, ...]]:
    """What to look at: assets in manifest order, the names that were asked for, products.

    Raises:
        UsageError: a selector matches nothing.
    """
    products = products_of(project)
    if not settings.selectors:
        names = frozenset(asset.name for asset in project.assets)
        return list(project.assets), names, products
    wanted, made = select_all(project.assets, products, settings.selectors)
    read = {asset.name for product in made for asset in product.reads}
    needed = with_dependencies(project.assets, wanted | read)
    return [asset for asset in project.assets if asset.name in needed], wanted, made


def _files(
    products: Iterable[Product], facts: Facts, observer: Observer, *, inputs_only: bool
) -> dict[str, FileFact]:
    """What is at the paths of products that are known before their pictures are."""
    lock = facts.lock
    if inputs_only:
        recorded = {path: d for one in lock.products.values() for path, d in one.files.items()}
        return {path: FileFact(FileState.IMAGE, digest) for path, digest in recorded.items()}
    return observer.files_of_products(paths_of(products, lock), facts.known)


def _options(adapters: Adapters, project: Project, settings: Settings, *, offline: bool) -> Options:
    def ledger_lines() -> Iterable[LedgerLine]:
        return () if offline else adapters.cache().ledger.lines()

    return Options(
        provider=project.provider,
        plugin=project.plugin,
        draft=settings.draft,
        rebuy=settings.rebuy,
        knows_store=not offline,
        forced=_forced(project, settings),
        estimate=_Estimator(adapters.models(), ledger_lines, project),
    )


def _forced(project: Project, settings: Settings) -> frozenset[str]:
    """Names of assets, and of products that were named themselves: those of assets follow them."""
    kinds = {s for s in settings.force if s.partition(":")[0] in KINDS}
    names = select(project.assets, [s for s in settings.force if s not in kinds])
    return names | select_products(products_of(project), kinds)


def _as_recorded(lock: Lock) -> dict[str, FileFact]:
    return {e.output: FileFact(FileState.IMAGE, e.digest) for e in lock.entries.values()}


def _placeholders(assets: Iterable[Asset]) -> dict[str, str]:
    from assetgen.providers.draft import placeholder_key  # noqa: PLC0415 - only with `--draft`

    keys: dict[str, str] = {}
    for asset in assets:
        if isinstance(asset.action, Generate):
            key = placeholder_key(placeholder_request(asset, asset.action))
            steps = [part for part in finish_of(asset).split(",") if not part.startswith("expect")]
            keys[asset.name] = sha256_of([key, *steps]) if asset.steps else key
    return keys


def _orphans(
    adapters: Adapters, project: Project, lock: Lock, made: Iterable[ProductDecision]
) -> Iterable[LockEntry]:
    names = names_of(project)
    in_use = {asset.output for asset in project.assets}
    in_use |= {path for one in made for path in (w.path for w in one.wanted)}
    after = merged(lock, Changes(), names)
    left = {entry.output: entry for entry in [*lock.entries.values(), *after.orphans.values()]}
    for entry in left.values():
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
