"""Runs a plan: order, outcomes, and everything between an image and its file.

One coroutine an asset. It waits for the assets it reads, decides again where the plan could only
say `wait`, gets the image, and delivers it: output, lockfile entry, event.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from assetgen.core.call import ReferenceImage, Request
from assetgen.core.decision import Decision, Verdict
from assetgen.core.digest import digest_of
from assetgen.core.events import Finished, Started, Warned
from assetgen.core.facts import FileState
from assetgen.core.lock import Changes, Lock, entry_of, names_of
from assetgen.core.model import AssetReference, Generate, Source
from assetgen.core.money import format_usd
from assetgen.core.recipe import finish_of, finished_info
from assetgen.core.report import Outcome, Report, Status
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import Value, field, replace
from assetgen.engine.buy import Bill, HaltedError
from assetgen.engine.halt import Gate
from assetgen.engine.limits import OverBudgetError
from assetgen.engine.notes import Notes
from assetgen.engine.observe import settle
from assetgen.engine.places import Places
from assetgen.engine.products import Products, outcome_of
from assetgen.engine.underway import UnderWay
from assetgen.errors import AssetgenError, ImageError, OutputError, StepError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.decision import Options
    from assetgen.core.digest import Digest
    from assetgen.core.facts import Facts
    from assetgen.core.lock import LockEntry, ProductEntry
    from assetgen.core.model import Asset
    from assetgen.core.plan_products import ProductDecision
    from assetgen.core.ports import Clock, Emit, Files, Images, InputStore, LockStore
    from assetgen.core.report import Plan
    from assetgen.engine.buy import Buyer
    from assetgen.engine.deliver import Delivery
    from assetgen.engine.halt import Halt
    from assetgen.engine.observe import Oracle, Supplier
    from assetgen.engine.produce import Producer
    from assetgen.engine.second_look import SecondLook

LOCK_INTERVAL_S = 5.0
"""A long build writes its lockfile this often: what a crash may leave to the caches."""
_DISK_WORKERS = min((os.cpu_count() or 1) + 1, 16)
"""Pictures that are worked on at once, and no more than memory bears: one for each processor, and
one whose files are on their way to the disk."""
_RATIO_TOLERANCE = 0.03
_LOST = "is lost: nothing on this machine could keep it"


class Workshop(Value):
    """The ports and helpers that running a plan needs."""

    files: Files
    images: Images
    delivery: Delivery
    locks: LockStore
    clock: Clock
    oracle: Oracle
    supplier: Supplier
    buyer: Callable[[], Buyer]
    """Made on first use: a build that buys nothing needs no provider."""
    paint_placeholder: Callable[[Request], bytes]
    mark: Callable[[bytes, str], bytes]
    """Marks a placeholder with its key, so that everybody knows it for one."""
    producer: Producer
    second_look: SecondLook
    inputs: InputStore
    halt: Halt
    emit: Emit
    gate: Gate = field(default_factory=Gate)
    """What paid calls pass before they start."""
    under_way: UnderWay = field(default_factory=UnderWay)
    """Purchases, which may outlive the build."""


class Orders(Value):
    """How a plan is to be run."""

    generates: Literal["all", "free", "none"] = "all"
    """Which images may be made: `free` buys nothing (`--rebuild-lock`), `none` is `--locked`."""
    fail_fast: bool = False
    timeout_s: float = 300.0


@dataclasses.dataclass(slots=True)
class Build:
    """One run of one plan."""

    plan: Plan
    facts: Facts
    options: Options
    orders: Orders
    shop: Workshop
    decided: dict[str, Decision]
    """The plan's decisions by name, and later what became of them."""
    outcomes: dict[str, Outcome] = dataclasses.field(default_factory=dict)
    lock: Lock = dataclasses.field(default_factory=Lock)
    """The lockfile as it was last written."""
    _bills: dict[str, Bill] = dataclasses.field(default_factory=dict)
    _done: dict[str, asyncio.Event] = dataclasses.field(default_factory=dict)
    _buyers: dict[str, str] = dataclasses.field(default_factory=dict)
    """Who buys a fingerprint: what two assets turn out to need is bought once."""
    made: dict[str, ProductDecision] = dataclasses.field(default_factory=dict)
    """The same for products."""
    _changes: dict[str, LockEntry] = dataclasses.field(default_factory=dict)
    _product_changes: dict[str, ProductEntry] = dataclasses.field(default_factory=dict)
    _not_kept: set[str] = dataclasses.field(default_factory=set)
    """Assets whose new image no store has taken: only the output can keep it."""
    _changes_lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    _deciding: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    _locked_at: float = 0.0
    _notes: Notes = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        """Begin to take notes."""
        self._notes = Notes(self.shop.inputs, self.shop.emit)

    async def run(self) -> Report:
        """Run the plan to its end, or to where it was stopped."""
        work, products = self.plan.work, self._products()
        self._done |= {decision.asset.name: asyncio.Event() for decision in work}
        self._done |= {one.name: asyncio.Event() for one in self.plan.products if one.is_work}
        self._locked_at = self.shop.clock.now()
        places = Places(_DISK_WORKERS)
        for decision in self.plan.decisions:
            if not decision.is_work:
                outcome = self._settled(decision)
                if outcome.status is Status.HELD:
                    self._tell(outcome, self._locked_at)
        for product in self.plan.products:
            if not product.is_work:
                outcome = self.outcomes[product.name] = products.settled(product)
                if outcome.status is Status.HELD:
                    self._tell(outcome, self._locked_at)
        try:
            tasks = [asyncio.ensure_future(self._one(decision, places)) for decision in work]
            tasks += [
                asyncio.ensure_future(self._one_product(products, product, places))
                for product in self.plan.products
                if product.is_work
            ]
            self.shop.halt.watch(tasks)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._notes.finish()
        finally:
            self._write_lock()
        unexpected = [result for result in results if isinstance(result, BaseException)]
        if unexpected:
            raise unexpected[0]
        return self._report()

    # One asset

    async def _one(self, decision: Decision, places: Places) -> None:
        name = decision.asset.name
        started = self.shop.clock.now()
        try:
            outcome = await self._run_one(decision, places)
        except OverBudgetError as error:
            outcome = self._outcome(decision, Status.OVER_BUDGET, str(error), error.hint)
        except HaltedError:
            outcome = self._outcome(decision, Status.STOPPED, self.shop.halt.reason)
        except AssetgenError as error:
            hint = self._hint_about_image(name, error)
            outcome = self._outcome(decision, Status.FAILED, error.what, hint)
            if self.orders.fail_fast:
                self.shop.halt.set(f"`{name}` failed")
        except asyncio.CancelledError:
            self.shop.halt.set("the build was cut")
            if not self.shop.halt.is_cut:
                raise
            outcome = self._outcome(decision, Status.STOPPED, self.shop.halt.reason)
        except BaseException:
            self.shop.halt.set("the build was cut")
            raise
        finally:
            self._done[name].set()
        self._finish(outcome._replace(cost_usd=self._cost(name)), started)

    async def _one_product(
        self, products: Products, decision: ProductDecision, places: Places
    ) -> None:
        name, started = decision.name, self.shop.clock.now()
        try:
            outcome = await products.run(decision, places, self.shop.halt)
        except HaltedError:
            outcome = outcome_of(decision, Status.STOPPED, self.shop.halt.reason)
        except AssetgenError as error:
            outcome = outcome_of(decision, Status.FAILED, error.what)._replace(hint=error.hint)
            if self.orders.fail_fast:
                self.shop.halt.set(f"`{name}` failed")
        except asyncio.CancelledError:
            self.shop.halt.set("the build was cut")
            if not self.shop.halt.is_cut:
                raise
            outcome = outcome_of(decision, Status.STOPPED, self.shop.halt.reason)
        finally:
            self._done[name].set()
        self._finish(outcome, started)

    def _products(self) -> Products:
        return Products(
            producer=self.shop.producer,
            facts=self.facts,
            options=self.options,
            oracle=self.shop.oracle,
            observer=self.shop.delivery.observer,
            decided=self.decided,
            outcomes=self.outcomes,
            done=self._done,
            made=self.made,
            emit=self.shop.emit,
            changes=self._product_changes,
        )

    def _hint_about_image(self, name: str, error: AssetgenError) -> str | None:
        """What became of a bought image whose output could not be written."""
        if name in self._not_kept and self.options.is_paid:
            return f"the image {_LOST}"
        if isinstance(error, (OutputError, StepError)) and self._cost(name) != 0:
            return error.hint or "the image is kept: mend this and build again, free"
        return error.hint

    async def _run_one(self, decision: Decision, places: Places) -> Outcome:
        asset = decision.asset
        for name in asset.reads:
            if name in self._done:
                await self._done[name].wait()
        if self.shop.halt.is_set:
            raise HaltedError
        if decision.shares_with is not None:
            return await self._share(decision, decision.shares_with)
        blocked = self._blocked_by(decision)
        if blocked is not None:
            return blocked
        if decision.verdict is Verdict.WAIT:
            async with self._deciding:
                decision = await asyncio.to_thread(self._decide_again, decision)
        if not decision.is_work:
            return self._settled(decision)
        if isinstance(asset.action, Generate) and decision.verdict is Verdict.GENERATE:
            return await self._generate(decision, asset.action)
        async with places.one(ends=False):
            if self.shop.halt.is_set:
                raise HaltedError
            self.shop.emit(Started(asset.name, decision.verdict.value))
            return await asyncio.to_thread(self._bring, decision)

    def _blocked_by(self, decision: Decision) -> Outcome | None:
        """The outcome of an asset that reads one that was to be made and was not."""
        if decision.is_draft:
            return None
        for name in decision.asset.reads:
            outcome = self.outcomes.get(name)
            if outcome is None:
                continue
            read = self.decided[name]
            if read.image is None or (outcome.status is Status.FAILED and read.result is None):
                is_stale = outcome.status is Status.STALE
                reason = f"reads `{name}`, which was not made"
                status = Status.STALE if is_stale else Status.BLOCKED
                return self._outcome(decision, status, reason)
        return None

    def _decide_again(self, decision: Decision) -> Decision:
        """The verdict now that the images it depends on exist."""
        name = decision.asset.name
        self.decided.pop(name)
        settle([decision.asset], self.facts, self.options, self.shop.oracle, self.decided)
        return self.decided[name]

    async def _share(self, decision: Decision, buyer: str) -> Outcome:
        """Take the image that the call for another asset of this build gives."""
        self.shop.emit(Started(decision.asset.name, decision.verdict.value))
        await self._done[buyer].wait()
        result = self.decided[buyer].result
        if result is None:
            reason = f"shares the call of `{buyer}`, which gave no image"
            return self._outcome(decision, Status.BLOCKED, reason)
        return await asyncio.to_thread(self._deliver_stored, decision, result, Status.RESTORED)

    def _settled(self, decision: Decision) -> Outcome:
        """Outcome of an asset for which nothing is run; its lockfile entry may still move."""
        name = decision.asset.name
        entry = self.facts.lock.entries.get(name)
        if decision.verdict is Verdict.KEEP and decision.keyed and decision.result:
            moved = (
                entry is None
                or entry.fingerprint != decision.keyed.fingerprint
                or entry.output != decision.asset.output
                or entry.result.image != decision.result.image
                or entry.finish != finish_of(decision.asset)
            )
            if moved and decision.digest is not None:
                self._record(decision, decision.result, decision.digest)
        usable = decision.hold is None or decision.hold.leaves_output_usable
        status = Status.HELD if decision.hold is not None else Status.KEPT
        outcome = Outcome(
            name=name,
            status=status,
            output=decision.asset.output,
            message=decision.reason,
            leaves_output_usable=usable,
        )
        self.outcomes[name] = outcome
        return outcome

    # Getting the image

    async def _generate(self, decision: Decision, action: Generate) -> Outcome:
        asset = decision.asset
        if decision.is_draft and self.orders.generates != "none":
            self.shop.emit(Started(asset.name, "generate"))
            return await asyncio.to_thread(self._place_draft, decision, action)
        allowed = self.orders.generates
        if allowed == "none" or (allowed == "free" and self.options.is_paid):
            return self._outcome(decision, Status.STALE, decision.reason)
        is_anew = asset.name in self.options.forced
        if not is_anew:
            self.shop.under_way.check(decision.key.fingerprint)
        if self.options.is_paid and not await self.shop.gate.passed(self.shop.halt):
            raise HaltedError
        first = self._buyers.setdefault(decision.key.fingerprint, asset.name)
        if first != asset.name:
            return await self._share(decision, first)
        buyer = self.shop.buyer()
        async with buyer.slots.places:  # bounds the images in memory, references included
            buyer.purse.check(decision.key.fingerprint, decision.estimate.usd)
            self.shop.emit(Started(asset.name, "generate"))
            return await self._buy(buyer, decision, action, anew=is_anew)

    async def _buy(
        self, buyer: Buyer, decision: Decision, action: Generate, *, anew: bool
    ) -> Outcome:
        asset = decision.asset
        request = await asyncio.to_thread(self._request, decision, action)
        bill = self._bills.setdefault(asset.name, Bill())
        purchase = await self.shop.under_way.buy(buyer, request, decision.estimate, bill, anew=anew)
        if not purchase.is_kept:
            self._not_kept.add(asset.name)
        if not purchase.was_bought:
            decision = replace(decision, reason="another build made it in the meantime")
        warning = shape_warning(asset, purchase.result)
        if warning:
            self.shop.emit(Warned(asset.name, warning))
        came = purchase.result.image
        result = self._recorded_result(decision, purchase.result)
        status = Status.GENERATED if purchase.was_bought else Status.RESTORED
        return await asyncio.to_thread(self._deliver, decision, result, purchase.data, came, status)

    def _place_draft(self, decision: Decision, action: Generate) -> Outcome:
        asset = decision.asset
        data = self._placeholder(asset, placeholder_request(asset, action))
        info = self.shop.images.inspect(data)
        data = self.shop.mark(data, self.facts.placeholders[asset.name])
        if not self.shop.delivery.place_draft(asset, data):
            changed = f"`{asset.output}` was changed while the build was running"
            return self._outcome(decision, Status.HELD, changed)
        self.decided[asset.name] = replace(decision, verdict=Verdict.KEEP, finished=info)
        return self._outcome(decision, Status.DRAFTED, decision.reason)

    def _placeholder(self, asset: Asset, request: Request) -> bytes:
        """The drawing, finished like the image that it stands for, as far as that can be done."""
        if not asset.steps:
            return self.shop.paint_placeholder(request)
        painted = self.shop.paint_placeholder(replace(request, format="png"))
        data, reason = self.shop.delivery.finishing.placeholder(asset, painted)
        if reason is not None:
            what = f"a step was left out of the draft: {reason.what}"
            self.shop.emit(Warned(asset.name, what))
        return data

    def _recorded_result(self, decision: Decision, result: ActionResult) -> ActionResult:
        """What the lockfile says about the image.

        What is repeatable and is made again from the same inputs is the same picture, even where
        another zlib packs it differently: the lockfile's word stays. Not so for a picture that was
        adopted, which no provider made, nor for one that was asked for anew.
        """
        name = decision.asset.name
        entry = self.facts.lock.entries.get(name)
        if not self.options.is_repeatable or entry is None or name in self.options.forced:
            return result
        if not entry.result.date:
            return result
        return entry.result if entry.fingerprint == decision.key.fingerprint else result

    def _request(self, decision: Decision, action: Generate) -> Request:
        asset = decision.asset
        return Request(
            asset=asset.name,
            fingerprint=decision.key.fingerprint,
            generate=action,
            references=tuple(self._reference(asset, r) for r in action.references),
            format=asset.format,
            timeout_s=action.limits.timeout_s or self.orders.timeout_s,
            allow_cached=asset.name not in self.options.forced,
        )

    def _reference(self, asset: Asset, reference: object) -> ReferenceImage:
        label = str(reference)
        if isinstance(reference, AssetReference):
            digest = self.decided[reference.name].image
            data = self.shop.supplier.fetch(digest) if digest is not None else None
            if data is None and self.options.provider == "draft":
                data = b""  # the renderer draws the digest, not the picture
        elif self.facts.inputs[label].state is FileState.POINTER:
            digest, data = self.facts.inputs[label].digest, b""  # only drafts get so far
        else:
            data = self.shop.files.read(label)
            digest = digest_of(data) if data is not None else None
            if digest != self.facts.inputs[label].digest:
                raise OutputError(
                    f"`{label}` changed while the build was running",
                    hint="run `assetgen build` again",
                )
        if data is None or digest is None:
            raise OutputError(
                f"the image of `{label}`, which `{asset.name}` reads, is not on this machine",
                hint="get the outputs or a teammate's store",
            )
        return ReferenceImage(label=label, digest=digest, data=data)

    def _bring(self, decision: Decision) -> Outcome:
        """Restore or derive: the bytes are on this machine."""
        action, result = decision.asset.action, decision.result
        if result is not None:
            done = Status.RESTORED if decision.verdict is Verdict.RESTORE else Status.DERIVED
            return self._deliver_stored(decision, result, done)
        path = action.path if isinstance(action, Source) else ""
        data = self.shop.files.read(path)
        if data is None or digest_of(data) != decision.image:
            raise OutputError(
                f"`{path}` changed while the build was running", hint="run `assetgen build` again"
            )
        asset = decision.asset
        is_read_next = bool(asset.steps or asset.variants or asset.frames)
        info = self._info_of(path, data, is_read_next=is_read_next)
        result = ActionResult(image=decision.image, info=info)
        return self._deliver(decision, result, data, decision.image, Status.DERIVED)

    def _info_of(self, path: str, data: bytes, *, is_read_next: bool) -> ImageInfo:
        try:
            return self.shop.images.inspect(data, is_read_next=is_read_next)
        except ImageError as error:
            raise ImageError(f"`{path}`: {error.what}", hint=error.hint) from error

    def _deliver_stored(self, decision: Decision, result: ActionResult, done: Status) -> Outcome:
        """Deliver from bytes that are somewhere on this machine."""
        digest = decision.digest or result.image
        data = self.shop.supplier.fetch(digest)
        if data is None:
            raise OutputError(
                "the stored image went away while the build was running",
                hint="run `assetgen build` again",
            )
        return self._deliver(decision, result, data, digest, done)

    def _deliver(
        self,
        decision: Decision,
        result: ActionResult,
        data: bytes,
        digest_of_data: Digest,
        done: Status,
    ) -> Outcome:
        """Bring the image to its output and to the lockfile."""
        name, asset = decision.asset.name, decision.asset
        self.decided[name] = replace(decision, result=result)
        digest = self.shop.delivery.deliver(decision, result, data, digest_of_data)
        known = self.shop.delivery.finished.get(name, decision.finished)
        finished = finished_info(asset, result.info, known)
        self.decided[name] = decision = replace(decision, result=result, finished=finished)
        if digest is None:
            fate, hint = self._of_undelivered(decision, result)
            changed = f"`{decision.asset.output}` was changed while the build was running"
            return self._outcome(decision, Status.HELD, f"{changed}; {fate}", hint)
        self._record(decision, result, digest)
        return self._outcome(decision, done, decision.reason)

    def _of_undelivered(self, decision: Decision, result: ActionResult) -> tuple[str, str]:
        """What becomes of an image whose output somebody has changed, and what to do then."""
        name, action = decision.asset.name, decision.asset.action
        clear = "move or delete the file and build"
        if isinstance(action, Source):
            return f"`{action.path}` is as it was", f"{clear}: it is converted again"
        if name not in self._not_kept:
            another = f"`assetgen build --force {name}` makes another"
            return f"the image is kept as {result.image}", (
                f"{clear}: the image comes back, free; {another}"
            )
        if self.options.is_paid:
            return f"the image {_LOST}", f"{clear}: that buys another image"
        return "the image is not kept", f"{clear}: it is made again, free"

    # Bookkeeping

    def _record(self, decision: Decision, result: ActionResult, digest: Digest) -> None:
        asset, keyed = decision.asset, decision.key
        with self._changes_lock:
            self._changes[asset.name] = entry_of(asset, keyed, result, digest, decision.finished)
        self._notes.add(keyed.document)

    def _write_lock(self) -> None:
        """Bring the changes to the lockfile; those that cannot be written stay for the next time.

        Raises:
            OutputError: they cannot be written; the images are in the store all the same.
        """
        with self._changes_lock:
            changes, self._changes = self._changes, {}
            made = dict(self._product_changes)
            self._product_changes.clear()
        try:
            names = names_of(self.plan.project)
            self.lock = self.shop.locks.update(Changes(changes, made), names)
        except AssetgenError as error:
            with self._changes_lock:
                self._changes = changes | self._changes
                self._product_changes |= made | self._product_changes
            raise OutputError(
                f"the lockfile could not be written: {error.what}",
                where=error.where,
                hint=f"{error.hint or 'mend this and build again'}; no image is lost",
            ) from error
        finally:
            self._notes.write()
        self._locked_at = self.shop.clock.now()

    def _cost(self, name: str) -> Decimal | None:
        bill = self._bills.get(name)
        if bill is None:
            return Decimal(0)
        return None if bill.unknown else bill.usd

    def _outcome(
        self, decision: Decision, status: Status, message: str = "", hint: str | None = None
    ) -> Outcome:
        asset = decision.asset
        return Outcome(
            name=asset.name, status=status, output=asset.output, message=message, hint=hint
        )

    def _finish(self, outcome: Outcome, started: float) -> None:
        self.outcomes[outcome.name] = outcome
        self._tell(outcome, started)
        self.shop.second_look.glance()
        self._notes.write_beside()
        if self.shop.clock.now() - self._locked_at < LOCK_INTERVAL_S:
            return
        try:
            self._write_lock()
        except OutputError as error:
            self._locked_at = self.shop.clock.now()
            self.shop.emit(Warned(None, f"{error.what}; trying again later"))

    def _tell(self, outcome: Outcome, started: float) -> None:
        self.shop.emit(
            Finished(
                name=outcome.name,
                status=outcome.status.value,
                output=outcome.output,
                message=outcome.message,
                hint=outcome.hint,
                cost_usd=outcome.cost_usd,
                seconds=round(self.shop.clock.now() - started, 3),
            )
        )

    def _report(self) -> Report:
        bills = self._bills.values()
        spent = sum((bill.usd for bill in bills), Decimal(0))
        cap = self.plan.project.budget.per_build
        in_all = self.shop.buyer().purse.spent if self._bills else spent
        over = max(Decimal(0), in_all - cap) if cap is not None else Decimal(0)
        if over:
            self.shop.emit(Warned(None, f"the bills went {format_usd(over)} over the cap"))
        halt = self.shop.halt
        return Report(
            outcomes=tuple(
                self.outcomes[name]
                for name in [
                    *(decision.asset.name for decision in self.plan.decisions),
                    *(product.name for product in self.plan.products),
                ]
                if name in self.outcomes
            ),
            spent_usd=spent,
            unknown_bills=sum(bill.unknown for bill in bills),
            overshoot_usd=over,
            was_interrupted=halt.is_interrupt,
            stopped_by=halt.reason,
            orphans=tuple(entry.output for entry in self.plan.orphans),
        )


def placeholder_request(asset: Asset, action: Generate) -> Request:
    """What a placeholder draft is drawn from: all that the manifest says, and no image.

    References are there by name only; the name stands for a digest that may not be known yet.
    """
    labels = [str(reference) for reference in action.references]
    return Request(
        asset=asset.name,
        fingerprint="",
        generate=action,
        references=tuple(
            ReferenceImage(label=label, digest=digest_of(label.encode()), data=b"")
            for label in labels
        ),
        format=asset.format,
        timeout_s=0.0,
    )


def shape_warning(asset: Asset, result: ActionResult) -> str | None:
    """What to say when the picture is not of the shape that was asked for (3 % are forgiven)."""
    if not isinstance(asset.action, Generate):
        return None
    stated = asset.action.parameters
    width, height = result.info.width_px, result.info.height_px
    if stated.aspect_ratio and stated.aspect_ratio != "auto":
        across, _, down = stated.aspect_ratio.partition(":")
        wanted = float(across) / float(down)
        if abs(width / height - wanted) > _RATIO_TOLERANCE * wanted:
            return f"asked for {stated.aspect_ratio}, got {width}x{height} px"
    if stated.image_size:
        side = 1024 * float(stated.image_size.removesuffix("K"))
        if abs((width * height) ** 0.5 - side) > _RATIO_TOLERANCE * side:
            return f"asked for {stated.image_size}, got {width}x{height} px"
    return None
