"""How many calls run at once, and how much they may cost."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.money import format_usd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from assetgen.core.model import Budget

_RECOVERY = 0.25
"""Slots won back by one good answer: four of them undo a quarter of what one refusal halves."""


class Concurrency:
    """Slots for calls: as many as asked for, fewer after the provider complained.

    A place is held for a whole purchase, claim and pauses between attempts included, and bounds
    what is open at once. A slot is held for one call. Nobody waits for a claim while holding a
    slot, so two builds that buy the same images cannot wait for each other.

    `lookers` are the threads that prove what has arrived, one fewer than there are processors: what
    asks, reads and writes needs one too, and stored images make room for calls where proven ones
    only wait.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._allowed = float(ceiling)
        self._running = 0
        self._changed = asyncio.Condition()
        self.places = asyncio.Semaphore(ceiling)
        self.lookers = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), "look-at-image")

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one slot, waiting for it first."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < int(self._allowed))
            self._running += 1
        try:
            yield
        finally:
            async with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def lower(self) -> None:
        """Halve what is allowed, never below one."""
        self._allowed = max(1.0, min(self._allowed, float(self._running)) / 2)

    def recover(self) -> None:
        """Win a little back, never above the ceiling."""
        self._allowed = min(float(self._ceiling), self._allowed + _RECOVERY)


_MORE_FOR_ALL = "what was made is kept; `--max-cost`, or `budget.per_build`, allows more"
_MORE_FOR_ONE = "`budget.per_asset` in the manifest says what the attempts for one image may cost"


class OverBudgetError(Exception):
    """A call does not fit the budget; says why, and what would give it room."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


class Purse:
    """Reservations against the caps: a call's estimate is held until its bill replaces it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        """May be replaced between two builds that share the purse."""
        self.spent = Decimal(0)
        self._reserved = Decimal(0)
        self._by_fingerprint: dict[str, Decimal] = {}
        """`per_asset` bounds the attempts for one image: other inputs have room of their own."""
        self._refused: set[str] = set()
        """Fingerprints that found no room when last asked for."""
        self._changed = asyncio.Condition()

    async def reserve(self, fingerprint: str, estimate: Decimal | None) -> Decimal:
        """Hold the estimate for a call, waiting while running calls may still give room.

        Returns the amount held, which goes back through `settle`.

        Raises:
            OverBudgetError: there is no room, and none will come.
        """
        self._refused.add(fingerprint)
        amount, cap = self._fit(fingerprint, estimate), self.budget.per_build
        async with self._changed:
            if cap is not None and amount:  # what is free needs no room
                await self._wait_for_room(amount, cap)
            self._refused.discard(fingerprint)
            self._reserved += amount
            used = self._by_fingerprint.get(fingerprint, Decimal(0))
            self._by_fingerprint[fingerprint] = used + amount
        return amount

    def check(self, fingerprint: str, estimate: Decimal | None) -> None:
        """See whether there is room by now for what a build before this one found none for.

        Raises:
            OverBudgetError: there is none.
        """
        if fingerprint in self._refused:
            self._fit(fingerprint, estimate)

    def _fit(self, fingerprint: str, estimate: Decimal | None) -> Decimal:
        """What a call would hold.

        Raises:
            OverBudgetError: there is no room for it, whatever running calls turn out to cost.
        """
        budget, amount = self.budget, estimate
        if amount == 0:
            return amount
        if amount is None:
            amount = budget.per_asset if budget.per_asset is not None else Decimal(0)
            if budget.per_asset is None and budget.per_build is not None:
                raise OverBudgetError(
                    "there is a cap and no price is known for this model",
                    "`budget.per_asset` says what one image may cost",
                )
        if budget.per_asset is not None:
            self._fit_one(amount, self._by_fingerprint.get(fingerprint), budget.per_asset)
        if budget.per_build is not None:
            self._fit_all(amount, budget.per_build)
        return amount

    def _fit_one(self, amount: Decimal, used: Decimal | None, cap: Decimal) -> None:
        if (used or 0) + amount <= cap:
            return
        what = f"the cap of {format_usd(cap)} for one asset"
        if used:
            what = f"what is left of {what} ({format_usd(used)} spent on this image)"
        raise OverBudgetError(f"about {format_usd(amount)} does not fit {what}", _MORE_FOR_ONE)

    def _fit_all(self, amount: Decimal, cap: Decimal) -> None:
        if self.spent >= cap or self.spent + amount > cap:
            raise OverBudgetError(
                f"about {format_usd(amount)} does not fit what is left of the cap of "
                f"{format_usd(cap)} ({format_usd(self.spent)} spent)",
                _MORE_FOR_ALL,
            )

    async def _wait_for_room(self, amount: Decimal, cap: Decimal) -> None:
        self._fit_all(amount, cap)
        while self._reserved and self.spent + self._reserved + amount > cap:
            await self._changed.wait()
            self._fit_all(amount, cap)

    async def settle(self, fingerprint: str, held: Decimal, bill: Decimal) -> None:
        """Replace a reservation by what the call really cost."""
        async with self._changed:
            self._reserved -= held
            self.spent += bill
            used = self._by_fingerprint.get(fingerprint, Decimal(0))
            self._by_fingerprint[fingerprint] = used + bill - held
            self._changed.notify_all()
