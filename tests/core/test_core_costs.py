"""The ledger added up: every call once, every sum the same along each side."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.costs import Sum, calls_of, costs_json, sum_up
from assetgen.core.ledger import UNANSWERED, LedgerEvent, LedgerLine
from tests.properties import LAWFUL


def line(event: LedgerEvent, call: str = "a", **fields: object) -> LedgerLine:
    defaults: dict[str, object] = {
        "at": "2026-11-01T10:00:00Z",
        "fingerprint": "f" * 64,
        "key_scheme": 1,
        "asset": "hero",
        "model": "some/model",
        "project": "bay",
        "estimate_usd": Decimal("0.04"),
    }
    return LedgerLine(event=event, call=call, **{**defaults, **fields})  # type: ignore[arg-type]


def total(*lines: LedgerLine) -> Sum:
    return sum_up(calls_of(lines)).total


def test_a_call_counts_once_by_its_bill() -> None:
    found = total(line("sent"), line("received", cost_usd=Decimal("0.0387")))
    assert found == Sum(calls=1, images=1, images_usd=Decimal("0.0387"))
    assert found.total_usd == Decimal("0.0387")


def test_a_call_without_an_answer_may_be_billed_and_counts_by_its_estimate() -> None:
    found = total(line("sent"))
    assert (found.unanswered, found.unknown_bills, found.images) == (1, 1, 0)
    assert found.total_usd == found.estimated_usd == Decimal("0.04")
    closed = line("failed", outcome=UNANSWERED, may_be_billed=True)
    assert total(line("sent"), closed) == found  # as the next build books it


def test_an_image_saved_after_a_crash_counts_by_its_estimate() -> None:
    found = total(line("sent"), line("recovered"))
    assert (found.images, found.unknown_bills, found.unanswered) == (1, 1, 0)
    assert found.total_usd == Decimal("0.04")


def test_an_unknown_bill_without_an_estimate_is_counted_as_unpriced() -> None:
    found = total(line("sent", estimate_usd=None), line("received", estimate_usd=None))
    assert (found.unknown_bills, found.unpriced, found.total_usd) == (1, 1, Decimal(0))


def test_failures_that_cost_nothing_those_with_a_bill_and_those_that_may_be_billed_are_apart() -> (
    None
):
    found = total(
        line("failed", "a"),
        line("failed", "b", cost_usd=Decimal("0.01"), may_be_billed=True),
        line("failed", "c", may_be_billed=True),
    )
    assert (found.failed, found.may_be_billed, found.images) == (2, 1, 0)
    assert (found.failed_usd, found.estimated_usd) == (Decimal("0.01"), Decimal("0.04"))


def test_an_image_that_came_is_believed_although_a_cut_is_noted_after_it() -> None:
    bought = line("received", cost_usd=Decimal("0.03"))
    cut = line("failed", may_be_billed=True)
    assert total(line("sent"), bought, cut) == total(line("sent"), cut, bought)
    assert total(line("sent"), bought, cut).images == 1


def test_a_call_belongs_to_the_day_it_was_sent() -> None:
    late = line("received", at="2026-11-02T00:00:03Z", cost_usd=Decimal("0.03"))
    sent = line("sent", at="2026-11-01T23:59:58Z")
    assert list(sum_up(calls_of([sent, late])).by_day) == ["2026-11-01"]


amounts = st.sampled_from((None, Decimal(0), Decimal("0.0387"), Decimal("1.5")))
lines = st.builds(
    line,
    st.sampled_from(("sent", "received", "failed", "recovered")),
    st.sampled_from("abcdefgh"),
    at=st.sampled_from(("2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z", "not a time")),
    asset=st.sampled_from(("hero", "side", "")),
    model=st.sampled_from(("some/model", "other/model")),
    project=st.sampled_from(("bay", "cliff", "")),
    estimate_usd=amounts,
    cost_usd=amounts,
    may_be_billed=st.booleans(),
)


@LAWFUL
@given(st.lists(lines, max_size=12))
def test_each_call_ends_in_one_way_and_every_side_adds_up_to_the_total(
    found: list[LedgerLine],
) -> None:
    calls = calls_of(found)
    costs = sum_up(calls)
    for side in (costs.by_day, costs.by_model, costs.by_asset, costs.by_project):
        added = Sum()
        for one in side.values():
            added += one
        assert added == costs.total
    assert costs.total.calls == len({one.call for one in found})
    spent = [c.billed_usd if c.billed_usd is not None else c.estimate_usd for c in calls]
    assert costs.total.total_usd == sum((usd for usd in spent if usd is not None), Decimal(0))
    one = costs.total
    assert one.images + one.failed + one.may_be_billed + one.unanswered == one.calls
    assert one.unpriced <= one.unknown_bills <= one.calls


def test_json_writes_amounts_as_they_are_billed() -> None:
    bills = [line("received", str(i), cost_usd=Decimal("0.1")) for i in range(3)]
    document = costs_json(sum_up(calls_of(bills)), project=None, since=None)
    total_ = document["total"]
    assert isinstance(total_, dict)
    assert total_["total_usd"] == 0.3  # 0.1 + 0.1 + 0.1 is not, in floats
