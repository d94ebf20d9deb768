"""What a plan says and what a build did, as plain values."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from assetgen.core.decision import Decision, Verdict, total
from assetgen.core.money import json_usd
from assetgen.core.plan_products import ProductDecision
from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Json, Project


AnyDecision = Decision | ProductDecision


class Plan(Value):
    """A verdict for each chosen asset, in the order of the manifest."""

    project: Project
    decisions: tuple[Decision, ...]
    products: tuple[ProductDecision, ...] = ()
    """Each behind those that it reads."""
    orphans: tuple[LockEntry, ...] = ()
    """Files that moved or removed assets left behind and that are still there."""
    is_whole: bool = True
    """Whether every asset of the project was looked at."""

    @property
    def work(self) -> tuple[Decision, ...]:
        """What a build would run."""
        return tuple(decision for decision in self.decisions if decision.is_work)

    @property
    def is_up_to_date(self) -> bool:
        """Whether a build would find nothing to do, and no image is missing."""
        return all(
            decision.verdict is Verdict.KEEP
            or (decision.hold is not None and decision.hold.leaves_output_usable)
            for decision in self.everything
        )

    @property
    def everything(self) -> tuple[AnyDecision, ...]:
        """The verdicts on assets, then those on products."""
        return (*self.decisions, *self.products)

    def counts(self) -> dict[str, int]:
        """Number of assets and products by verdict, every verdict listed."""
        found = Counter(decision.verdict for decision in self.everything)
        return {verdict.value: found[verdict] for verdict in Verdict}


def plan_json(plan: Plan) -> dict[str, Json]:
    """`plan --json`: see schemas/plan.schema.json."""
    known, unpriced = total(plan.decisions)
    counts: dict[str, Json] = dict(plan.counts())
    return {
        "version": 1,
        "assets": [decision_json(decision) for decision in plan.everything],
        "summary": {
            "assets": len(plan.decisions),
            "products": len(plan.products),
            **counts,
            "images": sum(decision.is_purchase for decision in plan.decisions),
            "estimate_usd": json_usd(known),
            "unpriced": unpriced,
            "orphans": [entry.output for entry in plan.orphans],
        },
    }


def decision_json(decision: AnyDecision) -> dict[str, Json]:
    """One asset or product, as `plan --json` and reports have it."""
    return {
        "name": decision.name,
        "kind": kind_of(decision),
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "output": decision.output,
        "estimate_usd": json_usd(decision.estimate.usd) if decision.is_work else 0,
        "estimate_basis": decision.estimate.basis if decision.is_purchase else "free",
    }


def kind_of(decision: AnyDecision) -> str:
    """`asset`, or the kind of a product."""
    return decision.product.kind if isinstance(decision, ProductDecision) else "asset"


class Status(Enum):
    """How one asset came out of a build."""

    KEPT = "kept"
    RESTORED = "restored"
    DERIVED = "derived"
    GENERATED = "generated"
    DRAFTED = "drafted"
    HELD = "held"
    FAILED = "failed"
    BLOCKED = "blocked"
    """An asset it reads has no image, because that one failed or was not started."""
    OVER_BUDGET = "over-budget"
    STALE = "stale"
    """It would have to be generated, and the build was told not to."""
    STOPPED = "stopped"
    """The build ended before its turn came."""

    __hash__ = object.__hash__  # members are one of a kind; Enum's own hashes the name, in Python


class Outcome(NamedTuple):
    """What became of one asset; a tuple, because thousands are made at once."""

    name: str
    status: Status
    output: str
    message: str = ""
    hint: str | None = None
    cost_usd: Decimal | None = Decimal(0)
    """What its calls cost; None when a bill is unknown."""
    leaves_output_usable: bool = True
    """For held assets: whether the output is there."""


class Report(Value):
    """What a build did."""

    outcomes: tuple[Outcome, ...]
    spent_usd: Decimal = Decimal(0)
    """Sum of the bills, with the estimate where a bill is unknown."""
    unknown_bills: int = 0
    overshoot_usd: Decimal = Decimal(0)
    was_interrupted: bool = False
    stopped_by: str = ""
    """Why no further call was made: an error that stops the run."""
    orphans: tuple[str, ...] = field(default=())

    def named(self, *statuses: Status) -> list[str]:
        """Names of the assets that came out in one of these ways."""
        return [outcome.name for outcome in self.outcomes if outcome.status in statuses]

    def counts(self) -> dict[str, int]:
        """Number of assets by status, every status listed."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {status.value: found[status] for status in Status}

    @property
    def exit_code(self) -> int:
        """The code of design section 7: of several, 130, 1, 5, 4 in this order."""
        if self.was_interrupted:
            return 130
        statuses: Mapping[Status, int] = Counter(outcome.status for outcome in self.outcomes)
        if self.stopped_by or statuses[Status.FAILED]:
            return 1
        if statuses[Status.OVER_BUDGET]:
            return 5
        missing = any(
            outcome.status is Status.HELD and not outcome.leaves_output_usable
            for outcome in self.outcomes
        )
        return 4 if missing or statuses[Status.STALE] else 0
