"""Runs the products of a plan: each as soon as what it reads is there, beside the calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from assetgen.core.decision import Verdict
from assetgen.core.events import Started
from assetgen.core.report import Outcome, Status
from assetgen.core.value import Value, field
from assetgen.engine.buy import HaltedError
from assetgen.engine.observe import settle_products
from assetgen.engine.produce import Producer, entry_of_product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.decision import Decision, Options
    from assetgen.core.facts import Facts
    from assetgen.core.lock import ProductEntry
    from assetgen.core.plan_products import ProductDecision
    from assetgen.core.ports import Emit
    from assetgen.engine.halt import Halt
    from assetgen.engine.observe import Observer, Oracle
    from assetgen.engine.places import Places

_MADE = {Status.KEPT, Status.RESTORED, Status.DERIVED, Status.GENERATED, Status.DRAFTED}


class Products(Value):
    """What running products needs; `decided`, `outcomes` and `done` are those of the build."""

    producer: Producer
    facts: Facts
    options: Options
    oracle: Oracle
    observer: Observer
    decided: Mapping[str, Decision]
    outcomes: Mapping[str, Outcome]
    done: Mapping[str, asyncio.Event]
    """Set once an asset or product of the plan has been run, by name."""
    made: dict[str, ProductDecision]
    """The plan's decisions by name, and later what became of them."""
    emit: Emit
    changes: dict[str, ProductEntry] = field(default_factory=dict)
    """What the lockfile does not say yet."""
    deciding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, decision: ProductDecision, places: Places, halt: Halt) -> Outcome:
        """Make one product.

        Raises:
            HaltedError: the build was stopped before its turn.
            AssetgenError: it cannot be made.
        """
        product = decision.product
        for name in [*(asset.name for asset in product.reads), *product.after]:
            if name in self.done:
                await self.done[name].wait()
        blocked = self._blocked(decision)
        if blocked is not None:
            return blocked
        async with self.deciding:
            # What it reads may have come out other than the plan could tell.
            decision = await asyncio.to_thread(self._decide_again, decision)
        if decision.verdict is Verdict.WAIT:
            return outcome_of(decision, Status.BLOCKED, decision.reason)
        if not decision.is_work:
            return self.settled(decision)
        async with places.one(ends=True):
            if halt.is_set:
                raise HaltedError
            self.emit(Started(decision.name, decision.verdict.value))
            return await asyncio.to_thread(self._make, decision)

    def settled(self, decision: ProductDecision) -> Outcome:
        """Outcome of a product for which nothing is run; the lockfile may not know it yet."""
        if decision.verdict is Verdict.KEEP:
            entry = entry_of_product(decision)
            is_known = self.facts.lock.products.get(decision.name) == entry
            if not is_known and not decision.is_draft:
                self.changes[decision.name] = entry
            return outcome_of(decision, Status.KEPT, decision.reason)
        usable = decision.hold is None or decision.hold.leaves_output_usable
        return outcome_of(decision, Status.HELD, decision.reason, is_usable=usable)

    def _decide_again(self, decision: ProductDecision) -> ProductDecision:
        product = decision.product
        self.made.pop(product.name, None)
        settle_products(
            [product],
            self.facts,
            self.options,
            oracle=self.oracle,
            observer=self.observer,
            decided=self.decided,
            made=self.made,
        )
        return self.made[product.name]

    def _blocked(self, decision: ProductDecision) -> Outcome | None:
        """The outcome of a product that reads what was to be made and was not."""
        product = decision.product
        for name in [*(asset.name for asset in product.reads), *product.after]:
            outcome = self.outcomes.get(name)
            if outcome is None or outcome.status in _MADE or outcome.status is Status.HELD:
                continue
            is_stale = outcome.status is Status.STALE
            reason = f"reads `{name}`, which was not made"
            return outcome_of(decision, Status.STALE if is_stale else Status.BLOCKED, reason)
        return None

    def _make(self, decision: ProductDecision) -> Outcome:
        was = decision.verdict
        decision = self.producer.make(decision, self.decided, self.made)
        self.made[decision.name] = decision
        if decision.is_draft:
            return outcome_of(decision, Status.DRAFTED, decision.reason)
        self.changes[decision.name] = entry_of_product(decision)
        status = Status.RESTORED if was is Verdict.RESTORE else Status.DERIVED
        return outcome_of(decision, status, decision.reason)


def outcome_of(
    decision: ProductDecision, status: Status, message: str, *, is_usable: bool = True
) -> Outcome:
    """What became of a product."""
    return Outcome(
        name=decision.name,
        status=status,
        output=decision.output,
        message=message,
        leaves_output_usable=is_usable,
    )
