"""Buys one image: claim, budget, attempts, and the order of writes that makes it never lost.

The order is that of design section 5: ledger line `sent`; the call; the blob, synced; ledger line
`received`; action cache. What follows (output, lockfile, record) is free to be done again.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from assetgen.core.digest import digest_of
from assetgen.core.events import Retrying, Warned
from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.ledger import LedgerLine
from assetgen.core.price import price_key
from assetgen.core.result import ActionResult
from assetgen.core.value import Value, replace
from assetgen.engine.limits import OverBudgetError
from assetgen.engine.retry import Attempts
from assetgen.errors import (
    BadResponse,
    CacheError,
    ImageError,
    ProviderError,
    RateLimited,
    Retry,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from contextlib import AbstractContextManager

    from assetgen.core.call import Generated, Request
    from assetgen.core.digest import Digest
    from assetgen.core.ports import (
        ActionCache,
        BlobStore,
        Claims,
        Clock,
        Emit,
        Images,
        Ledger,
        Provider,
    )
    from assetgen.core.price import Estimate
    from assetgen.core.result import ImageInfo
    from assetgen.engine.halt import Halt
    from assetgen.engine.limits import Concurrency, Purse

_T = TypeVar("_T")

_CLAIM_POLL_S = 0.1
_PATIENCE_S = 2.0
"""How long another build may hold a claim before the user is told what is being waited for."""


class HaltedError(Exception):
    """The build was stopped before the image was bought."""


class Purchase(Value):
    """An image, and its bytes as they came."""

    result: ActionResult
    data: bytes
    was_bought: bool
    """False when another build had bought it in the meantime."""
    is_kept: bool = True
    """Whether the bytes are safe: in the store, or in a rescue file."""


class _Usable(Value):
    """An image of an answer that is whole."""

    data: bytes
    info: ImageInfo


@dataclass(slots=True)
class Bill:
    """What the calls for one asset have cost so far."""

    usd: Decimal = Decimal(0)
    unknown: int = 0
    """Calls whose cost is not known; their estimates are in `usd`."""


class Buyer(Value):
    """Everything that buying needs, shared by all purchases of one build."""

    provider: Provider
    blobs: BlobStore
    ledger: Ledger
    actions: ActionCache
    claims: Claims
    images: Images
    clock: Clock
    purse: Purse
    slots: Concurrency
    halt: Halt
    emit: Emit
    is_paid: bool
    project: str
    """Its name, for the ledger."""
    is_repeatable: bool = False
    """Whether the provider gives the same image again for the same request."""

    async def buy(
        self,
        request: Request,
        estimate: Estimate,
        bill: Bill,
        *,
        anew: bool,
        attempts: Attempts | None = None,
    ) -> Purchase:
        """The image for a request, bought unless it is there by the time the claim is.

        `anew` asks for another image even when one is known. `bill` collects the cost, also when
        the purchase fails, and `attempts` the failures; those that are in it count.

        Raises:
            ProviderError, CacheError, OverBudgetError, HaltedError.
        """
        if self.halt.is_set:
            raise HaltedError
        claim = await self._claim(request)
        with claim:
            known = None if anew else await asyncio.to_thread(self._known, request.fingerprint)
            if known is not None:
                return known
            return await self._attempt(request, estimate, bill, attempts or Attempts())

    async def _claim(self, request: Request) -> AbstractContextManager[object]:
        waited = 0.0
        while (claim := self.claims.try_claim(request.fingerprint)) is None:
            if waited <= _PATIENCE_S < waited + _CLAIM_POLL_S:
                self.emit(Warned(request.asset, "another build is making this image; waiting"))
            waited += _CLAIM_POLL_S
            if await self.halt.sleep(_CLAIM_POLL_S, self.clock):
                raise HaltedError
        return claim

    def _known(self, fingerprint: str) -> Purchase | None:
        result = self.actions.get_many([fingerprint]).get(fingerprint)
        data = self.blobs.get(result.image) if result is not None else None
        if result is None or data is None:
            return None
        return Purchase(result=result, data=data, was_bought=False)

    async def _attempt(
        self, request: Request, estimate: Estimate, bill: Bill, attempts: Attempts
    ) -> Purchase:
        failure = ""
        while True:
            try:
                async with self.slots.slot():
                    return await self._call(request, estimate, bill)
            except OverBudgetError as error:
                raise OverBudgetError(f"{error}{failure}", error.hint) from None
            except ProviderError as error:
                failure = f"; the attempt before failed: {error.what}"
                if error.lowers_concurrency:
                    self.slots.lower()
                if error.stops_run:
                    self.halt.set(error.what)
                delay = attempts.delay_after(error, self.clock.jitter())
                if delay is None or self.halt.is_set:
                    raise
                self.emit(
                    Retrying(
                        name=request.asset,
                        attempt=attempts.failed,
                        delay_s=round(delay, 3),
                        message=error.what,
                        may_be_billed=error.may_be_billed,
                        cost_usd=error.cost_usd,
                    )
                )
                if await self.halt.sleep(delay, self.clock):
                    raise
                if error.retry is not Retry.AMBIGUOUS and not isinstance(error, RateLimited):
                    # The provider's response cache keeps answers of status 200, bad ones included.
                    # A lost answer is the case that it is for.
                    request = replace(request, allow_cached=False)

    async def _call(self, request: Request, estimate: Estimate, bill: Bill) -> Purchase:
        """One attempt, from reservation to stored image; a slot is held all the while."""
        held = await self.purse.reserve(request.fingerprint, estimate.usd)
        sent = self._line(request, estimate)
        cost: Decimal | None = None
        is_billed = False
        try:
            if self.halt.is_set:
                raise HaltedError
            await self._note_sent(sent)
            is_billed = True  # until an answer says otherwise
            try:
                generated = await self._ask(sent, request)
                cost = generated.cost_usd
                purchase = await _to_its_end(self._take_in(sent, request, generated))
            except ProviderError as error:
                cost, is_billed = error.cost_usd, error.may_be_billed
                await self._note_failure(sent, error)
                _end_if_cut()
                raise
            _end_if_cut()
            self.slots.recover()
            return purchase
        finally:
            spent = cost if cost is not None else held if is_billed else Decimal(0)
            bill.usd += spent
            bill.unknown += is_billed and cost is None
            await self.purse.settle(request.fingerprint, held, spent)

    async def _ask(self, sent: LedgerLine, request: Request) -> Generated:
        try:
            return await self.provider.generate(request)
        except asyncio.CancelledError:
            self._note_cut(sent, may_be_billed=True)
            raise

    async def _take_in(self, sent: LedgerLine, request: Request, generated: Generated) -> Purchase:
        """Look at what has arrived, and store it; the first image that is whole is the result."""
        usable: list[_Usable] = []
        broken: list[ImageError] = []
        loop = asyncio.get_running_loop()
        for data in generated.images:
            try:
                usable.append(await loop.run_in_executor(self.slots.lookers, self._look_at, data))
            except ImageError as error:
                broken.append(error)
        if not usable:
            raise BadResponse(
                f"the answer holds no usable image: {broken[0].what}",
                hint=broken[0].hint,
                cost_usd=generated.cost_usd,
                generation_id=generated.generation_id,
            ) from broken[0]
        return await self._store(sent, request, generated, usable)

    def _look_at(self, data: bytes) -> _Usable:
        return _Usable(data, self.images.inspect(data))

    async def _store(
        self, sent: LedgerLine, request: Request, generated: Generated, usable: list[_Usable]
    ) -> Purchase:
        first, *others = usable
        purchase = await asyncio.to_thread(self._keep, sent, generated, first)
        further = list(dict.fromkeys(one.data for one in others if one.data != first.data))
        stored = await asyncio.to_thread(self._keep_further, sent, further) if further else []
        for warning in generated.warnings:
            self.emit(Warned(request.asset, warning))
        if len(generated.images) > 1:
            which = "first" if first.data == generated.images[0] else "first usable one"
            self.emit(
                Warned(
                    request.asset,
                    f"the answer held {len(generated.images)} images; the {which} is taken, "
                    f"{len(stored)} other kept in the store"
                    + "".join(f" {digest}" for digest in stored),
                )
            )
        return purchase

    def _keep(self, sent: LedgerLine, generated: Generated, image: _Usable) -> Purchase:
        """Store the image that is taken; whatever step fails, the others are done all the same.

        The image is paid for: output and lockfile still take it.
        """
        digest, is_kept = self._receive(sent, image.data)
        is_stored = digest is not None
        result = ActionResult(
            image=digest or digest_of(image.data),
            info=image.info,
            model=generated.model or sent.model,
            provider=generated.provider,
            generation_id=generated.generation_id,
            cost_usd=generated.cost_usd,
            date=self._now()[:10],
        )
        is_booked = self._book(sent, result)
        with self._warning(sent.asset, "the image could not be stored completely"):
            if is_stored and is_booked:
                if self.is_paid:
                    self.blobs.settle(sent.call)
                self.actions.put(sent.fingerprint, result)
        return Purchase(result=result, data=image.data, was_bought=True, is_kept=is_kept)

    def _receive(self, sent: LedgerLine, data: bytes) -> tuple[Digest | None, bool]:
        """Store an image, else rescue it: its digest if it is stored, and whether it is safe."""
        try:
            if self.is_paid:
                digest = self.blobs.receive(data, fingerprint=sent.fingerprint, call=sent.call)
            elif self.is_repeatable:
                digest = self.blobs.put_derived(data)
            else:
                digest = self.blobs.put(data)
        except CacheError as error:
            trouble = f"the image could not be stored: {error.what}"
        else:
            return digest, True
        return None, self._rescue(sent, data, trouble, is_further=False)

    def _book(self, sent: LedgerLine, result: ActionResult) -> bool:
        """Whether the ledger knows of a purchase; what is free is not booked."""
        if not self.is_paid:
            return True
        received = replace(
            sent,
            event="received",
            at=self._now(),
            cost_usd=result.cost_usd,
            result=result,
            generation_id=result.generation_id,
        )
        with self._warning(sent.asset, "the purchase could not be booked"):
            self.ledger.append(received)
            return True
        return False

    def _keep_further(self, sent: LedgerLine, further: Iterable[bytes]) -> list[Digest]:
        """Store, else rescue, what an answer held beside its image; returns what is stored."""
        stored: set[Digest] = set()
        for data in further:
            try:
                digest = self.blobs.put(data)
            except CacheError as error:
                trouble = f"another image of the answer could not be stored: {error.what}"
                self._rescue(sent, data, trouble, is_further=True)
            else:
                stored.add(digest)
        return sorted(stored)

    def _rescue(self, sent: LedgerLine, data: bytes, trouble: str, *, is_further: bool) -> bool:
        """Keep elsewhere what the store does not take, say where, and whether that went well."""
        if not self.is_paid:  # made again, free
            self.emit(Warned(sent.asset, trouble))
            return False
        try:
            place = self.blobs.rescue(
                data, fingerprint=sent.fingerprint, call=sent.call, is_further=is_further
            )
        except CacheError as error:
            self.emit(Warned(sent.asset, f"{trouble}; {error.what}"))
            return False
        taken = f"it is kept as `{place}`, and the next build takes it from there"
        self.emit(Warned(sent.asset, f"{trouble}; {taken}"))
        return True

    @contextmanager
    def _warning(self, asset: str, what: str) -> Iterator[None]:
        """Tell of a cache that fails, and go on."""
        try:
            yield
        except CacheError as error:
            self.emit(Warned(asset, f"{what}: {error.what}"))

    def _line(self, request: Request, estimate: Estimate) -> LedgerLine:
        return LedgerLine(
            event="sent",
            call=uuid.uuid4().hex,
            at=self._now(),
            fingerprint=request.fingerprint,
            key_scheme=KEY_SCHEME,
            asset=request.asset,
            model=request.generate.model,
            project=self.project,
            size=price_key(request.generate),
            estimate_usd=estimate.usd,
        )

    async def _note_sent(self, sent: LedgerLine) -> None:
        """Book a call before it is made; what is free is not booked."""
        if not self.is_paid:
            return
        try:
            await _to_its_end(asyncio.to_thread(self.ledger.append, sent))
        except asyncio.CancelledError:
            self._note_cut(sent, may_be_billed=False)
            raise

    def _note_cut(self, sent: LedgerLine, *, may_be_billed: bool) -> None:
        """Book at once that a call was cut: its task has no time left for more."""
        if self.is_paid:
            cut = replace(sent, event="failed", at=self._now(), outcome="cut by the user")
            with self._warning(sent.asset, "the call that was cut could not be booked"):
                self.ledger.append(replace(cut, may_be_billed=may_be_billed))

    async def _note_failure(self, sent: LedgerLine, error: ProviderError) -> None:
        """Book a failed call; that this fails too must not hide why the call did."""
        if self.is_paid:
            line = _failed(sent, error, self._now())
            with self._warning(sent.asset, "the failed call could not be booked"):
                await _to_its_end(asyncio.to_thread(self.ledger.append, line))

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _to_its_end(work: Coroutine[None, None, _T]) -> _T:
    """Do `work` to its end however often the build is cut meanwhile: an image has arrived."""
    task = asyncio.ensure_future(work)
    cut: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cut = error
        except Exception:  # noqa: BLE001 - `task.result()` raises it
            break
    result = task.result()
    if cut is not None:
        raise cut
    return result


def _end_if_cut() -> None:
    """End here when the build was cut while a provider read an answer that had arrived."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _failed(sent: LedgerLine, error: ProviderError, at: str) -> LedgerLine:
    return replace(
        sent,
        event="failed",
        at=at,
        cost_usd=error.cost_usd,
        generation_id=error.generation_id,
        outcome=error.what,
        may_be_billed=error.may_be_billed,
    )
