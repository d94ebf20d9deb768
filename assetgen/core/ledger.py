"""One line of the ledger: what was asked for or arrived, when, and what it cost.

A call has one line `sent` before it and one line `received` or `failed` after it; `recovered`
stands for `received` when a crash came in between. `chosen` is no call: somebody said which image
belongs to these inputs, and from then on it is the newest. The text form is one JSON object a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from assetgen.core.result import ActionResult

LedgerEvent = Literal["sent", "received", "failed", "recovered", "chosen"]
GIVES_IMAGE: frozenset[LedgerEvent] = frozenset({"received", "recovered", "chosen"})
"""Events after which their result is the newest for its fingerprint."""

UNANSWERED = "no answer recorded"
"""The outcome of a call whose build died before an answer was booked."""


class LedgerLine(Value):
    """One event of one call."""

    event: LedgerEvent
    call: str
    """Joins the lines of one call: 32 hexadecimal digits. A choice has one of its own."""
    at: str
    """ISO 8601 in UTC, to the second."""
    fingerprint: str
    key_scheme: int
    asset: str
    model: str
    project: str = ""
    """Name of the project that asked; empty in lines from before it was noted."""
    size: str = ""
    """What the price depends on besides the model: see `price_key`."""
    estimate_usd: Decimal | None = None
    cost_usd: Decimal | None = None
    result: ActionResult | None = None
    """Only with `GIVES_IMAGE`; its cost is what the image cost when it was bought."""
    generation_id: str | None = None
    outcome: str = ""
    """Why a call failed, in one line without secrets."""
    may_be_billed: bool = False


def unanswered(lines: Iterable[LedgerLine]) -> list[LedgerLine]:
    """Those of `lines` that say `sent` and have none of the same call after them."""
    still_open: dict[str, LedgerLine] = {}
    for line in lines:
        if line.event == "sent":
            still_open[line.call] = line
        else:
            still_open.pop(line.call, None)
    return list(still_open.values())
