"""How many calls run at once, and how much they may cost."""

from __future__ import annotations

import asyncio
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
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._allowed = float(ceiling)
        self._running = 0
        self._changed = asyncio.Condition()
        self.places = asyncio.Semaphore(ceiling)

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


class OverBudgetError(Exception):
    """A call does not fit the budget; says why."""


class Purse:
    """Reservations against the caps: a call's estimate is held until its bill replaces it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        """May be replaced between two builds that share the purse."""
        self.spent = Decimal(0)
        self._reserved = Decimal(0)
        self._by_asset: dict[str, Decimal] = {}
        self._changed = asyncio.Condition()

    async def reserve(self, asset: str, estimate: Decimal | None) -> Decimal:
        """Hold the estimate for a call, waiting while running calls may still give room.

        Returns the amount held, which goes back through `settle`.

        Raises:
            OverBudgetError: there is no room, and none will come.
        """
        budget = self.budget
        amount = estimate
        if amount == 0:
            return amount  # what is free needs no room
        if amount is None:
            amount = budget.per_asset if budget.per_asset is not None else Decimal(0)
            if budget.per_asset is None and budget.per_build is not None:
                raise OverBudgetError(
                    "there is a cap and no price is known for this model; "
                    "`budget.per_asset` says what one image may cost"
                )
        used = self._by_asset.get(asset, Decimal(0))
        if budget.per_asset is not None and used + amount > budget.per_asset:
            raise OverBudgetError(
                f"about {format_usd(amount)} does not fit the cap of "
                f"{format_usd(budget.per_asset)} for one asset"
            )
        async with self._changed:
            if budget.per_build is not None:
                await self._wait_for_room(amount, budget.per_build)
            self._reserved += amount
            self._by_asset[asset] = used + amount
        return amount

    async def _wait_for_room(self, amount: Decimal, cap: Decimal) -> None:
        while self.spent < cap and self.spent + self._reserved + amount > cap and self._reserved:
            await self._changed.wait()
        if self.spent >= cap or self.spent + self._reserved + amount > cap:
            raise OverBudgetError(
                f"about {format_usd(amount)} does not fit what is left of the cap of "
                f"{format_usd(cap)} ({format_usd(self.spent)} spent)"
            )

    async def settle(self, asset: str, held: Decimal, bill: Decimal) -> None:
        """Replace a reservation by what the call really cost."""
        async with self._changed:
            self._reserved -= held
            self.spent += bill
            self._by_asset[asset] = self._by_asset.get(asset, Decimal(0)) + bill - held
            self._changed.notify_all()
