"""One line about an event: what it says of money is what is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assetgen.cli.render import event_line
from assetgen.core.events import Planned, Retrying


@pytest.mark.parametrize(
    ("cost_usd", "may_be_billed", "said"),
    [
        (Decimal("0.0387"), True, "; it cost $0.0387"),
        (None, True, "; the call may be billed"),
        (None, False, ""),
        (Decimal(0), False, ""),
    ],
)
def test_a_retry_says_what_the_failed_call_cost_or_that_it_may_have(
    cost_usd: Decimal | None, may_be_billed: bool, said: str
) -> None:
    retry = Retrying("hero", 1, 0.5, "no image", may_be_billed, cost_usd)
    assert event_line(retry) == f"retrying hero in 0.5 s: no image{said}"


@pytest.mark.parametrize(
    ("left", "said"),
    [("0.10", "cap $0.10"), ("0.0226", "$0.0226 left of the cap of $0.10")],
)
def test_the_announcement_says_what_is_left_of_the_cap(left: str, said: str) -> None:
    planned = Planned(1, 1, Decimal("0.04"), 0, Decimal("0.10"), Decimal(left), is_paid=True)
    assert event_line(planned) == f"generating up to 1 image, about $0.04, {said}"
