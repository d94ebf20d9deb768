"""Purchases under way, by fingerprint: they may outlive the build that began them.

A build that is dropped does not wait for its calls: they end in the store, where the next one
finds their images. One that wants the same image meanwhile joins the call instead of making
another.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetgen.core.events import Stored, Warned
from assetgen.engine.buy import HaltedError
from assetgen.engine.retry import Attempts
from assetgen.errors import ProviderError, Refused, Retry

if TYPE_CHECKING:
    from assetgen.core.call import Request
    from assetgen.core.price import Estimate
    from assetgen.engine.buy import Bill, Buyer, Purchase

_ASK_AGAIN = "change its inputs, raise `take`, or start again to ask once more"


@dataclass(slots=True)
class _Call:
    """One purchase, and who waits for it."""

    asset: str
    bill: Bill
    buyer: Buyer
    task: asyncio.Task[Purchase]
    attempts: Attempts
    is_wanted: bool = True

    @property
    def was_given_up(self) -> bool:
        """Whether it ended without an image only because its build was stopped."""
        if self.task.cancelled():
            return True
        error = self.task.exception()
        if isinstance(error, ProviderError):
            return self.buyer.halt.is_set and not self.attempts.is_over
        return isinstance(error, HaltedError)


class UnderWay:
    """Begins purchases, and ends them when nobody waits for them any more."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self._failed: dict[str, ProviderError] = {}
        """How purchases ended that would fail again or may have cost something: nobody is to pay
        for the same disappointment in every round."""
        self._attempts: dict[str, Attempts] = {}
        """Failures that have or may have cost something, before an image came or none will: what
        is asked for again in another round is not paid for once more than in one build."""
        self.unknown_bills = 0
        """Calls that have ended without a known cost; their estimates count."""

    @property
    def is_empty(self) -> bool:
        """Whether every purchase has ended."""
        return not self._calls

    def check(self, fingerprint: str) -> None:
        """See whether an image may be asked for.

        Raises:
            ProviderError: a build before this one was refused it.
        """
        failed = self._failed.get(fingerprint)
        if failed is not None:
            raise Refused(f"{failed.what}; not asked for again", hint=_ASK_AGAIN)

    async def buy(
        self, buyer: Buyer, request: Request, estimate: Estimate, bill: Bill, *, anew: bool
    ) -> Purchase:
        """See `Buyer.buy`; a call for the same fingerprint that is under way is waited for.

        Raises:
            HaltedError: also when the build is dropped while its call goes on.
            ProviderError: also when a build before this one was refused the same image.
        """
        if not anew:
            self.check(request.fingerprint)
        call = self._calls.get(request.fingerprint)
        if call is not None:
            call.is_wanted = True
            await self._end_of(call, buyer)
            if not call.was_given_up:
                bill.usd += call.bill.usd
                bill.unknown += call.bill.unknown
                return call.task.result()
        attempts = self._attempts.pop(request.fingerprint, Attempts())
        task = asyncio.ensure_future(
            buyer.buy(request, estimate, bill, anew=anew, attempts=attempts)
        )
        call = _Call(asset=request.asset, bill=bill, buyer=buyer, task=task, attempts=attempts)
        self._calls[request.fingerprint] = call
        task.add_done_callback(lambda _: self._ended(request.fingerprint, call))
        await self._end_of(call, buyer)
        return task.result()

    async def finish(self) -> None:
        """Wait until every purchase has ended."""
        while self._calls:
            await asyncio.wait([call.task for call in self._calls.values()])

    async def cut(self) -> None:
        """End every purchase at once; what has arrived is stored all the same."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_of(self, call: _Call, buyer: Buyer) -> None:
        """Return when the call has ended; `buyer` is of the build that waits for it."""
        try:
            await buyer.halt.wait_for(call.task)
        except asyncio.CancelledError:
            call.task.cancel()
            await asyncio.gather(call.task, return_exceptions=True)
            raise
        if not call.task.done():
            call.is_wanted = False
            raise HaltedError

    def _ended(self, fingerprint: str, call: _Call) -> None:
        if self._calls.get(fingerprint) is call:
            del self._calls[fingerprint]
        self.unknown_bills += call.bill.unknown
        self._note_failure(fingerprint, call)
        if call.is_wanted or call.task.cancelled() or not call.buyer.is_paid:
            return
        error = call.task.exception()
        if error is None:
            image = call.task.result().result.image
            cost = None if call.bill.unknown else call.bill.usd
            call.buyer.emit(Stored(name=call.asset, image=image, cost_usd=cost))
        elif not isinstance(error, HaltedError):
            told = f"the call that was under way when a change came failed: {error}"
            call.buyer.emit(Warned(call.asset, told))

    def _note_failure(self, fingerprint: str, call: _Call) -> None:
        error = None if call.task.cancelled() else call.task.exception()
        if error is not None and call.attempts.billed:
            self._attempts[fingerprint] = call.attempts.carried()
        if call.was_given_up or not isinstance(error, ProviderError) or error.stops_run:
            return
        if error.retry is Retry.NEVER or error.may_be_billed:
            self._failed[fingerprint] = error
            self._attempts.pop(fingerprint, None)
