"""When to look and when to pay, with times as literals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.pace import PATIENCE_S, QUIET_S, SETTLE_S, Due, Pace
from tests.properties import LAWFUL


def test_nothing_is_due_while_nothing_happens() -> None:
    pace = Pace()
    assert pace.due(1e9) is Due.NOTHING
    assert pace.next_at() is None


def test_a_change_is_looked_at_a_moment_after_it() -> None:
    pace = Pace()
    pace.notice(10.0)
    assert pace.due(10.0) is Due.NOTHING
    assert pace.next_at() == 10.0 + SETTLE_S
    assert pace.due(10.0 + SETTLE_S) is Due.LOOK
    pace.looked(10.1, found_change=True)
    assert pace.due(99.0) is Due.NOTHING


def test_a_save_in_two_steps_is_looked_at_once() -> None:
    pace = Pace()
    pace.notice(10.0)
    pace.notice(10.04)
    assert pace.due(10.06) is Due.NOTHING
    assert pace.due(10.04 + SETTLE_S) is Due.LOOK


def test_a_stream_of_changes_is_not_waited_out() -> None:
    pace = Pace()
    for step in range(10):
        pace.notice(10.0 + step * 0.03)
    assert pace.due(10.0 + PATIENCE_S) is Due.LOOK


def test_paid_calls_wait_until_nothing_has_changed_for_a_while() -> None:
    pace = Pace()
    pace.notice(10.0)
    pace.looked(10.1, found_change=True)
    pace.is_gated = True
    assert pace.due(10.1 + QUIET_S - 0.01) is Due.NOTHING
    pace.notice(10.3)
    pace.looked(10.4, found_change=True)
    assert pace.due(10.1 + QUIET_S) is Due.NOTHING
    assert pace.next_at() == 10.4 + QUIET_S
    assert pace.due(10.4 + QUIET_S) is Due.PAY


def test_a_touched_file_does_not_put_paid_calls_off() -> None:
    pace = Pace()
    pace.looked(10.0, found_change=True)
    pace.is_gated = True
    pace.notice(10.3)
    pace.looked(10.35, found_change=False)
    assert pace.due(10.0 + QUIET_S) is Due.PAY


def test_what_is_not_looked_at_yet_holds_paid_calls_back() -> None:
    pace = Pace()
    pace.looked(10.0, found_change=True)
    pace.is_gated = True
    pace.notice(10.39)
    assert pace.due(10.41) is Due.NOTHING
    assert pace.due(10.39 + SETTLE_S) is Due.LOOK


STEPS = st.lists(
    st.tuples(st.sampled_from(["sign", "touch", "wait"]), st.floats(0.001, 0.7)), max_size=30
)


@LAWFUL
@given(STEPS)
def test_no_call_is_ever_paid_for_within_the_quiet_time_of_a_change(
    steps: list[tuple[str, float]],
) -> None:
    """Driven as the loop drives it: sleep until something is due or a sign comes."""
    pace, now, changed_at, is_news = Pace(), 0.0, float("-inf"), False
    paid: list[float] = []
    for what, gap_s in [*steps, ("wait", 5.0)]:
        end = now + gap_s
        while (at := pace.next_at()) is not None and at <= end:
            now = max(now, at)
            match pace.due(now):
                case Due.LOOK:
                    pace.looked(now, found_change=is_news)
                    pace.is_gated, is_news = pace.is_gated or is_news, False
                case Due.PAY:
                    assert not is_news
                    assert now - changed_at >= QUIET_S
                    paid.append(now)
                    pace.is_gated = False
                case Due.NOTHING:
                    raise AssertionError("what was promised for now is not due now")
        now = end
        if what == "sign":
            changed_at, is_news = now, True
        if what != "wait":
            pace.notice(now)
    assert bool(paid) == any(what == "sign" for what, _ in steps)
