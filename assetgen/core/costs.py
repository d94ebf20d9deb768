"""What the ledger says about money: each call once, and sums by day, model, asset and project.

A call is known by up to two lines. One without an answer line was cut by a crash, or is under way:
nobody knows whether it is billed. A bill that is unknown counts by its estimate, and is counted, so
that no sum looks more exact than it is.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeVar

from assetgen.core.ledger import UNANSWERED
from assetgen.core.money import json_usd
from assetgen.core.value import Value, field_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.model import Json

COSTS_VERSION = 1
_K = TypeVar("_K", str, tuple[str, str])

Ending = Literal["image", "failed", "may-be-billed", "unanswered"]
"""How a call ended; `may-be-billed` is a failure of which nobody knows the bill."""

_RANK = {"received": 3, "recovered": 2, "failed": 1, "sent": 0}
"""Which line of a call is believed: an image that came is never undone by a later line."""


class Call(Value):
    """One call and its money, in US dollars."""

    day: str
    """When it was sent, `YYYY-MM-DD` in UTC."""
    project: str
    """Empty in a ledger from before projects were noted."""
    asset: str
    model: str
    ending: Ending
    billed_usd: Decimal | None
    """None when the bill is unknown."""
    estimate_usd: Decimal | None = None
    """What counts when it is."""


class Sum(Value):
    """Calls counted and added up; amounts are US dollars."""

    calls: int = 0
    images: int = 0
    failed: int = 0
    """Calls without an image that cost nothing, or what the bill says."""
    may_be_billed: int = 0
    """Calls without an image whose bill is unknown."""
    unanswered: int = 0
    """Calls without a recorded answer; they may be billed, too."""
    unknown_bills: int = 0
    """Calls of any ending that count by their estimate."""
    unpriced: int = 0
    """Of these, calls without an estimate, which count as nothing."""
    images_usd: Decimal = Decimal(0)
    """Bills for images."""
    failed_usd: Decimal = Decimal(0)
    """Bills for calls that gave none."""
    estimated_usd: Decimal = Decimal(0)
    """Estimates in place of unknown bills."""

    @property
    def total_usd(self) -> Decimal:
        """All that was spent, unknown bills by estimate."""
        return self.images_usd + self.failed_usd + self.estimated_usd

    def __add__(self, other: Sum) -> Sum:
        return Sum(*(getattr(self, name) + getattr(other, name) for name in field_names(Sum)))


class Costs(Value):
    """Sums over the same calls, along four sides."""

    total: Sum
    by_day: Mapping[str, Sum]
    by_model: Mapping[str, Sum]
    by_asset: Mapping[tuple[str, str], Sum]
    """By project and asset."""
    by_project: Mapping[str, Sum]


def calls_of(lines: Iterable[LedgerLine]) -> list[Call]:
    """Each call once, in the order in which they were first heard of."""
    first: dict[str, LedgerLine] = {}
    believed: dict[str, LedgerLine] = {}
    for line in lines:
        if line.event == "chosen":
            continue  # no call, and free
        first.setdefault(line.call, line)
        if _RANK[line.event] >= _RANK[believed.setdefault(line.call, line).event]:
            believed[line.call] = line
    return [_call(first[call], line) for call, line in believed.items()]


def _call(first: LedgerLine, line: LedgerLine) -> Call:
    ending: Ending = "image"
    billed = line.cost_usd
    if line.event == "sent" or (line.outcome == UNANSWERED and line.may_be_billed):
        ending, billed = "unanswered", None
    elif line.event == "failed":
        ending = "may-be-billed" if billed is None and line.may_be_billed else "failed"
        if ending == "failed" and billed is None:
            billed = Decimal(0)
    return Call(
        day=first.at[:10],
        project=first.project or line.project,
        asset=first.asset,
        model=first.model,
        ending=ending,
        billed_usd=billed,
        estimate_usd=first.estimate_usd if first.estimate_usd is not None else line.estimate_usd,
    )


def sum_up(calls: Iterable[Call]) -> Costs:
    """Sums of `calls`: days in order, everything else by what it cost, dearest first."""
    ones = [(call, _one(call)) for call in calls]
    return Costs(
        total=_total(one for _, one in ones),
        by_day=dict(sorted(_grouped((call.day, one) for call, one in ones).items())),
        by_model=_dearest_first(_grouped((call.model, one) for call, one in ones)),
        by_asset=_dearest_first(_grouped(((call.project, call.asset), one) for call, one in ones)),
        by_project=_dearest_first(_grouped((call.project, one) for call, one in ones)),
    )


def _total(sums: Iterable[Sum]) -> Sum:
    total = Sum()
    for one in sums:
        total += one
    return total


def _one(call: Call) -> Sum:
    billed, estimate = call.billed_usd, call.estimate_usd
    is_image = call.ending == "image"
    return Sum(
        calls=1,
        images=int(is_image),
        failed=int(call.ending == "failed"),
        may_be_billed=int(call.ending == "may-be-billed"),
        unanswered=int(call.ending == "unanswered"),
        unknown_bills=int(billed is None),
        unpriced=int(billed is None and estimate is None),
        images_usd=(billed or Decimal(0)) if is_image else Decimal(0),
        failed_usd=(billed or Decimal(0)) if not is_image else Decimal(0),
        estimated_usd=(estimate or Decimal(0)) if billed is None else Decimal(0),
    )


def _grouped(sums: Iterable[tuple[_K, Sum]]) -> dict[_K, Sum]:
    groups: dict[_K, Sum] = {}
    for name, one in sums:
        groups[name] = groups.get(name, Sum()) + one
    return groups


def _dearest_first(sums: Mapping[_K, Sum]) -> dict[_K, Sum]:
    return dict(sorted(sums.items(), key=lambda item: (-item[1].total_usd, item[0])))


def costs_json(costs: Costs, *, project: str | None, since: str | None) -> dict[str, Json]:
    """`costs --json`, for the project and from the day that were asked for."""
    return {
        "version": COSTS_VERSION,
        "project": project,
        "since": since,
        "total": _sum_json(costs.total),
        "by_day": [{"day": day, **_sum_json(s)} for day, s in costs.by_day.items()],
        "by_model": [{"model": model, **_sum_json(s)} for model, s in costs.by_model.items()],
        "by_asset": [
            {"project": project or None, "asset": asset, **_sum_json(s)}
            for (project, asset), s in costs.by_asset.items()
        ],
        "by_project": [
            {"project": project or None, **_sum_json(s)} for project, s in costs.by_project.items()
        ],
    }


def _sum_json(amount: Sum) -> dict[str, Json]:
    document: dict[str, Json] = {}
    for name in field_names(Sum):
        value = getattr(amount, name)
        document[name] = json_usd(value) if isinstance(value, Decimal) else value
    document["total_usd"] = json_usd(amount.total_usd)
    return document
