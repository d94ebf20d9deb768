"""One build of one project: survey, workshop, run, and the record that it leaves behind."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from assetgen._version import __version__
from assetgen.core.decision import Verdict, total
from assetgen.core.events import Broken, Planned, Warned
from assetgen.core.lock import Lock
from assetgen.core.lock_text import salvage_lock, salvage_products
from assetgen.core.outline import outline_of
from assetgen.core.product import known_paths, products_of
from assetgen.core.record import dump_record, named_path
from assetgen.core.select import with_dependants
from assetgen.engine.buy import Buyer
from assetgen.engine.deliver import Delivery
from assetgen.engine.execute import Build, Orders, Workshop
from assetgen.engine.limits import OverBudgetError
from assetgen.engine.produce import Producer
from assetgen.engine.rebuild import rebuilt_lock
from assetgen.engine.remember import Inspected, compose, recompose
from assetgen.engine.second_look import SecondLook
from assetgen.errors import ProviderError, UsageError
from assetgen.manifest.collector import collector_paused
from assetgen.session.aftermath import note_project
from assetgen.session.descriptors import files_limit, room_for_calls
from assetgen.session.narrowing import narrow
from assetgen.session.survey import Survey, input_paths, survey
from assetgen.session.survey import load as load_project

if TYPE_CHECKING:
    from assetgen.core.decision import Decision, Options
    from assetgen.core.ports import Emit
    from assetgen.core.report import Plan, Report
    from assetgen.engine.halt import Gate, Halt
    from assetgen.session.adapters import Adapters
    from assetgen.session.narrowing import Narrowed
    from assetgen.session.settings import Settings
    from assetgen.session.shift import Shift, Turn


async def build_once(
    adapters: Adapters, settings: Settings, shift: Shift, turn: Turn, emit: Emit
) -> Report:
    """Make what is stale, as far as `turn` allows; the cache must be open.

    Raises:
        ManifestFaults, LockfileError, OutputError, CacheError, UsageError: nothing was tried.
    """
    generates: Literal["all", "free", "none"] = "none" if settings.locked else "all"
    if settings.rebuild_lock:
        _rebuild_lock(adapters, emit)
        generates = "none" if settings.locked else "free"
    narrowed = narrow(adapters, settings)
    with collector_paused():
        lock = (narrowed.lockfile if narrowed is not None else adapters.lockfile).read()
    found = survey(adapters, settings, lock, loaded=turn.loaded, narrowed=narrowed)
    _sweep(adapters, found, lock)
    shift.purse.budget = found.plan.project.budget
    shop = _workshop(adapters, found, shift, turn, emit)
    is_free = not found.options.is_paid
    allowed = generates == "all" or (generates == "free" and is_free)
    if allowed and any(decision.is_purchase for decision in found.plan.decisions):
        try:
            if not found.options.draft:
                adapters.require_key(found.plan.project)
                _check_room(settings, emit)
            shop.buyer()  # a key that cannot be one is told before anything is tried
        except UsageError as error:
            if turn.gate.is_open:
                raise
            emit(Broken((error,)))  # watching: what is free is made all the same
            generates = "free" if found.options.is_paid else "none"
        else:
            _announce(found, shift, turn.gate, emit)
    if narrowed is None:  # what an edit is narrowed by is noted since the build before
        note_project(adapters, lock, emit)
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
        made=found.made,
    )
    report = await build.run()
    named = build.lock if narrowed is None else Lock(entries=build.lock.entries)
    note_project(adapters, named, emit)
    if narrowed is not None:
        await _remember_edit(adapters, narrowed, found, build, report)
        return narrowed.whole(report)
    await _remember(adapters, found, build, report)
    return report


def _sweep(adapters: Adapters, found: Survey, lock: Lock) -> None:
    outputs = [asset.output for asset in found.plan.project.assets]
    outputs += [path for one in products_of(found.plan.project) for path in known_paths(one)]
    outputs += [path for one in lock.products.values() for path in one.files]
    adapters.sweep([*outputs, *(entry.output for entry in lock.everything())])


def _check_room(settings: Settings, emit: Emit) -> None:
    """Refuse to buy what could not be stored; tell why fewer calls than asked for run at once."""
    room = room_for_calls()
    hint = "`ulimit -n` raises the limit"
    if room < 1:
        raise UsageError(
            f"this process may open {files_limit()} files at once, too few to store what is bought",
            hint=hint,
        )
    if room < settings.jobs:
        limit = files_limit()
        emit(Warned(None, f"{room} calls at once, because only {limit} files may be open; {hint}"))


def _announce(found: Survey, shift: Shift, gate: Gate, emit: Emit) -> None:
    """Say what the calls will cost, right before the first of them, if there will be any."""

    def tell() -> None:
        planned = _announcement(found.plan, found.options, shift)
        if planned.images:
            emit(planned)

    if gate.is_open or not found.options.is_paid:
        tell()
    else:
        gate.before_opening = tell


def _announcement(plan: Plan, options: Options, shift: Shift) -> Planned:
    purchases = _purchases(plan, options, shift)
    known, unpriced = total(purchases)
    cap = plan.project.budget.per_build
    return Planned(
        assets=len(plan.work),
        images=len(purchases),
        estimate_usd=known,
        unpriced=unpriced if options.is_paid else 0,
        cap_usd=cap,
        left_usd=None if cap is None else max(Decimal(0), cap - shift.purse.spent),
        is_paid=options.is_paid,
    )


def _purchases(plan: Plan, options: Options, shift: Shift) -> list[Decision]:
    """Calls that may be made: not for what is refused, nor for what would be made from it."""
    refused = {
        decision.asset.name
        for decision in plan.decisions
        if decision.verdict is Verdict.GENERATE and _is_refused(decision, options, shift)
    }
    waiting = with_dependants(plan.project.assets, refused)
    return [
        decision
        for decision in plan.decisions
        if decision.is_purchase
        and decision.asset.name not in refused
        and not (decision.verdict is Verdict.WAIT and decision.asset.name in waiting)
    ]


def _is_refused(decision: Decision, options: Options, shift: Shift) -> bool:
    """Whether a round before this one was refused this image, and the next would be again."""
    fingerprint = decision.key.fingerprint
    try:
        if decision.asset.name not in options.forced:
            shift.under_way.check(fingerprint)
        shift.purse.check(fingerprint, decision.estimate.usd)
    except (ProviderError, OverBudgetError):
        return True
    return False


def _rebuild_lock(adapters: Adapters, emit: Emit) -> None:
    project = adapters.load()
    damaged = adapters.lockfile.bytes()
    if damaged:
        kept = adapters.cache().blobs.keep(damaged)
        emit(Warned(None, f"the lockfile as it was is kept as {kept}"))
    observer = adapters.observer(use_record=False)
    text = damaged.decode("utf-8", "replace")
    adapters.lockfile.rebuild(
        rebuilt_lock(
            project,
            salvage_lock(text),
            observer.outputs([asset.output for asset in project.assets], frozenset()),
            observer.inputs(input_paths(project.assets)),
            salvage_products(text),
        )
    )


def _workshop(adapters: Adapters, found: Survey, shift: Shift, turn: Turn, emit: Emit) -> Workshop:
    supplier = found.supplier
    if supplier is None:
        raise AssertionError("a build needs what only a survey with caches finds")
    buyers: list[Buyer] = []

    def buyer() -> Buyer:
        if not buyers:
            buyers.append(_buyer(adapters, found, shift, turn.halt, emit))
        return buyers[0]

    finishing = adapters.finishing()
    delivery = Delivery(
        files=adapters.files,
        finishing=finishing,
        blobs=adapters.cache().blobs,
        actions=adapters.cache().actions,
        journal=adapters.journal,
        observer=found.observer,
        facts=found.facts,
        forced=found.options.forced,
        emit=emit,
    )
    return Workshop(
        files=adapters.files,
        images=adapters.images(),
        delivery=delivery,
        producer=Producer(
            files=adapters.files,
            finishing=finishing,
            delivery=delivery,
            supplier=supplier,
            facts=found.facts,
            mark=adapters.mark,
            emit=emit,
        ),
        second_look=SecondLook(
            delivery.written, found.observer, files=adapters.files, clock=adapters.clock
        ),
        mark=adapters.mark,
        locks=found.locks,
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


def _buyer(adapters: Adapters, found: Survey, shift: Shift, halt: Halt, emit: Emit) -> Buyer:
    project = found.plan.project
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
        is_repeatable=found.options.is_repeatable,
        project=project.name,
    )


async def _remember(adapters: Adapters, found: Survey, build: Build, report: Report) -> None:
    """Drop from the journal what the lockfile says by now, and write the build record."""
    written = build.shop.delivery.written
    is_as_written = await build.shop.second_look.finish(adapters.lockfile_name)
    if found.plan.is_whole:
        present = {entry.digest for entry in found.observer.seen.values()} - build.lock.digests
        adapters.prune_journal(lambda digest: digest in present)
    _sweep(adapters, found, build.lock)  # builds beside this one may have been killed meanwhile
    # Last, because a build with nothing to do believes it: what a crash leaves behind is
    # tidied up by a build that has something to do.
    read = _read_again(adapters, found) if written else found.read
    record = compose(
        plan=found.plan,
        report=report,
        version=__version__,
        draft=found.options.draft,
        is_as_written=is_as_written and adapters.lockfile.says(build.lock),
        read=read,
        lockfile=adapters.lockfile_name,
        folder=named_path(adapters.folder),
        known_at=_known_at(adapters),
        observer=found.observer,
        files=adapters.files,
        clock=adapters.clock,
    )
    stamp = read.stamps[adapters.manifest_name]
    outline = outline_of(found.plan.project, stamp) if stamp and record.head.complete else None
    if outline is not None:
        adapters.write_outline(outline)
    adapters.write_record(dump_record(record))


async def _remember_edit(
    adapters: Adapters, narrowed: Narrowed, found: Survey, build: Build, report: Report
) -> None:
    """The same after a build that looked at what an edit concerns."""
    is_as_written = await build.shop.second_look.finish(adapters.lockfile_name)
    adapters.prune_journal(lambda digest: not build.lock.names(digest))
    _sweep(adapters, found, build.lock)
    record = recompose(
        narrowed.record,
        plan=found.plan,
        report=report,
        is_as_written=is_as_written and narrowed.lockfile.says(build.lock),
        read=found.read,
        lockfile=adapters.lockfile_name,
        known_at=_known_at(adapters),
        observer=found.observer,
        files=adapters.files,
        clock=adapters.clock,
    )
    adapters.write_outline(narrowed.outline)
    adapters.write_record(record)


def _known_at(adapters: Adapters) -> str:
    """The file by which the cache knows the project, unless no line of text can name it."""
    return adapters.known_at if adapters.known_at == named_path(adapters.known_at) else ""


def _read_again(adapters: Adapters, found: Survey) -> Inspected:
    """Today's stamps where writing outputs has touched a folder that was searched for includes.

    They stand for the same project only when the manifest still reads the same.
    """
    project, stamps = found.plan.project, found.read.stamps
    if all(stamps[path] == adapters.stamp(path) for path in project.read_folders):
        return found.read
    again, read = load_project(adapters)
    return read if again.assets == project.assets else found.read
