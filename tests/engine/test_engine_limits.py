from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.model import Budget
from assetgen.engine.halt import Halt
from assetgen.engine.limits import Concurrency, OverBudgetError, Purse
from assetgen.engine.retry import MAX_RETRY_AFTER_S, Attempts
from assetgen.errors import (
    AuthError,
    BadResponse,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from tests.fakes import FakeClock
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Attempts


def delays(errors: Iterable[ProviderError], jitter: float = 0.5) -> list[float | None]:
    """The wait after each failure, up to the one that is final."""
    attempts, waits = Attempts(), []
    for error in errors:
        waits.append(attempts.delay_after(error, jitter))
        if waits[-1] is None:
            break
    return waits


def lost() -> ProviderError:
    return Unavailable("the answer was cut off", retry=Retry.AMBIGUOUS)


class TestAttempts:
    def test_a_transient_fault_is_tried_four_times_in_all_ever_more_slowly(self) -> None:
        assert delays([Unavailable("down")] * 9) == [0.5, 1.0, 2.0, None]

    def test_too_many_calls_are_tried_four_times_in_all(self) -> None:
        assert len(delays([RateLimited("slow down")] * 9)) == 4

    @pytest.mark.parametrize("error", [Refused("no"), AuthError("no key")], ids=["refused", "key"])
    def test_what_would_fail_in_the_same_way_is_not_tried_again(self, error: ProviderError) -> None:
        assert delays([error]) == [None]

    @pytest.mark.parametrize("make", [lost, lambda: BadResponse("empty")], ids=["lost", "unusable"])
    def test_what_may_have_cost_money_is_tried_once_more(
        self, make: Callable[[], ProviderError]
    ) -> None:
        assert delays([make(), make()]) == [0.5, None]

    def test_what_may_have_cost_money_counts_together(self) -> None:
        assert delays([lost(), BadResponse("empty")]) == [0.5, None]

    def test_a_doubtful_answer_among_transient_faults_still_gets_its_one_more_attempt(self) -> None:
        down = Unavailable("down")
        assert delays([down, lost(), down, down]) == [0.5, 1.0, 2.0, None]

    def test_the_whole_range_of_the_back_off_is_used(self) -> None:
        assert delays([Unavailable("down")] * 4, jitter=0.0) == [0.0, 0.0, 0.0, None]
        assert delays([Unavailable("down")], jitter=0.999) == [pytest.approx(0.999)]

    def test_the_provider_s_wish_is_waited_for(self) -> None:
        (wait,) = delays([RateLimited("slow down", retry_after_s=7.0)])
        assert wait is not None
        assert 7.0 <= wait <= 8.0

    def test_a_provider_that_wants_too_long_a_wait_is_not_waited_for(self) -> None:
        patient = RateLimited("slow down", retry_after_s=MAX_RETRY_AFTER_S)
        assert delays([patient])[0] is not None
        endless = RateLimited("slow down", retry_after_s=MAX_RETRY_AFTER_S + 1)
        assert delays([endless]) == [None]

    def test_a_wish_does_not_buy_a_fifth_attempt(self) -> None:
        assert len(delays([RateLimited("x", retry_after_s=1.0)] * 9)) == 4

    @LAWFUL
    @given(
        st.lists(
            st.sampled_from([Unavailable("x"), RateLimited("x", retry_after_s=3), lost()]),
            min_size=4,
            max_size=6,
        ),
        st.floats(0, 1, exclude_max=True),
    )
    def test_there_are_never_more_than_four_attempts_nor_two_that_may_be_billed(
        self, errors: list[ProviderError], jitter: float
    ) -> None:
        waits = delays(errors, jitter)
        assert len(waits) <= 4
        assert waits[-1] is None
        assert all(wait is not None and 0 <= wait <= 21 for wait in waits[:-1])
        assert sum(error.retry is Retry.AMBIGUOUS for error in errors[: len(waits)]) <= 2


# Slots


@dataclass
class Gauge:
    """Counts what runs at once."""

    running: int = 0
    most: int = 0
    order: list[int] = field(default_factory=list)

    async def work(self, slots: Concurrency, number: int = 0, turns: int = 3) -> None:
        async with slots.slot():
            self.order.append(number)
            self.running += 1
            self.most = max(self.most, self.running)
            for _ in range(turns):
                await asyncio.sleep(0)
            self.running -= 1


class TestConcurrency:
    @pytest.mark.parametrize("ceiling", [1, 2, 8])
    def test_as_many_run_as_were_asked_for_and_never_more(self, ceiling: int) -> None:
        async def scenario() -> int:
            slots, gauge = Concurrency(ceiling), Gauge()
            await asyncio.gather(*(gauge.work(slots, n) for n in range(30)))
            assert len(gauge.order) == 30
            return gauge.most

        assert asyncio.run(scenario()) == ceiling

    def test_fewer_run_after_a_complaint(self) -> None:
        async def scenario() -> int:
            slots, gauge = Concurrency(8), Gauge()
            async with asyncio.TaskGroup() as group:
                for number in range(8):
                    group.create_task(gauge.work(slots, number))
                await asyncio.sleep(0)
                slots.lower()
            gauge.most = 0
            await asyncio.gather(*(gauge.work(slots, n) for n in range(30)))
            return gauge.most

        assert asyncio.run(scenario()) == 4

    def test_one_always_runs_whatever_the_provider_complains_about(self) -> None:
        async def scenario() -> int:
            slots, gauge = Concurrency(8), Gauge()
            for _ in range(50):
                slots.lower()
            await asyncio.gather(*(gauge.work(slots, n) for n in range(5)))
            assert len(gauge.order) == 5
            return gauge.most

        assert asyncio.run(scenario()) == 1

    def test_good_answers_win_back_what_was_asked_for_and_never_more(self) -> None:
        async def scenario() -> list[int]:
            slots = Concurrency(4)
            for _ in range(5):
                slots.lower()
            most = []
            for _ in range(6):
                gauge = Gauge()
                await asyncio.gather(*(gauge.work(slots, n) for n in range(12)))
                most.append(gauge.most)
                for _ in range(4):
                    slots.recover()
            return most

        assert asyncio.run(scenario()) == [1, 2, 3, 4, 4, 4]

    def test_a_cut_that_waits_for_a_slot_takes_none_with_it(self) -> None:
        async def scenario() -> None:
            slots, gauge = Concurrency(1), Gauge()
            first = asyncio.create_task(gauge.work(slots, 1, turns=10))
            await asyncio.sleep(0)
            second = asyncio.create_task(gauge.work(slots, 2))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            await gauge.work(slots, 3)
            assert gauge.order == [1, 3]

        asyncio.run(scenario())

    @LAWFUL
    @given(st.integers(1, 5), st.lists(st.sampled_from(["work", "lower", "recover"]), max_size=40))
    def test_nothing_is_ever_stuck(self, ceiling: int, steps: list[str]) -> None:
        async def scenario() -> None:
            slots, gauge = Concurrency(ceiling), Gauge()
            async with asyncio.TaskGroup() as group:
                for number, step in enumerate(steps):
                    if step == "work":
                        group.create_task(gauge.work(slots, number))
                    elif step == "lower":
                        slots.lower()
                    else:
                        slots.recover()
                    await asyncio.sleep(0)
            assert len(gauge.order) == steps.count("work")
            assert gauge.most <= ceiling

        asyncio.run(asyncio.wait_for(scenario(), 30))


# Money


@dataclass
class Spender:
    """Buys through a purse and notes what started."""

    purse: Purse
    started: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    most_committed: Decimal = Decimal(0)

    async def buy(
        self, name: str, price: Decimal | None, bill: Decimal | None = None, turns: int = 1
    ) -> None:
        try:
            held = await self.purse.reserve(name, price)
        except OverBudgetError as error:
            self.refused.append(str(error))
            self.hints.append(error.hint)
            return
        self.started.append(name)
        for _ in range(turns):
            await asyncio.sleep(0)
        await self.purse.settle(name, held, held if bill is None else bill)


def spender(per_build: str | None = None, per_asset: str | None = None) -> Spender:
    return Spender(
        Purse(
            Budget(
                per_build=Decimal(per_build) if per_build is not None else None,
                per_asset=Decimal(per_asset) if per_asset is not None else None,
            )
        )
    )


CENTS = st.integers(1, 60).map(lambda cents: Decimal(cents) / 100)


class TestPurse:
    @LAWFUL
    @given(st.integers(0, 200), CENTS, st.integers(1, 9), st.integers(0, 40))
    def test_a_cap_buys_as_many_images_as_fit_at_every_concurrency(
        self, cap_cents: int, price: Decimal, jobs: int, wanted: int
    ) -> None:
        async def scenario() -> None:
            buyer = spender(str(Decimal(cap_cents) / 100))
            slots = Concurrency(jobs)

            async def one(number: int) -> None:
                async with slots.slot():
                    await buyer.buy(f"a{number}", price, turns=number % 3)

            await asyncio.gather(*map(one, range(wanted)))
            fit = int(Decimal(cap_cents) / 100 // price)
            assert len(buyer.started) == min(wanted, fit)
            assert buyer.purse.spent == len(buyer.started) * price

        asyncio.run(asyncio.wait_for(scenario(), 30))

    def test_a_call_waits_while_running_ones_may_turn_out_cheaper(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("0.10")
            await asyncio.gather(
                buyer.buy("a", Decimal("0.08"), bill=Decimal("0.02"), turns=5),
                buyer.buy("b", Decimal("0.08"), bill=Decimal("0.02")),
            )
            return buyer

        buyer = asyncio.run(scenario())
        assert buyer.started == ["a", "b"]
        assert buyer.purse.spent == Decimal("0.04")

    def test_a_free_answer_gives_its_room_back(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("0.04")
            for name in ("a", "b"):
                await buyer.buy(name, Decimal("0.04"), bill=Decimal(0))
            return buyer

        assert asyncio.run(scenario()).started == ["a", "b"]

    def test_nothing_starts_after_a_bill_has_reached_the_cap(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("0.10")
            await buyer.buy("a", Decimal("0.04"), bill=Decimal("0.13"))
            await buyer.buy("b", Decimal("0.01"))
            return buyer

        buyer = asyncio.run(scenario())
        assert buyer.started == ["a"]
        assert "$0.13 spent" in buyer.refused[0]
        assert "$0.10" in buyer.refused[0]

    def test_a_cap_of_nothing_buys_nothing(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("0")
            await buyer.buy("a", Decimal("0.01"))
            await buyer.buy("b", None)
            return buyer

        assert asyncio.run(scenario()).started == []

    def test_a_cap_of_nothing_does_not_forbid_what_is_free(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("0", "0")
            await buyer.buy("a", Decimal(0))
            return buyer

        assert asyncio.run(scenario()).started == ["a"]

    def test_without_a_cap_everything_starts(self) -> None:
        async def scenario() -> Spender:
            buyer = spender()
            for name in ("a", "b"):
                await buyer.buy(name, None)
                await buyer.buy(name, Decimal(1000))
            return buyer

        assert asyncio.run(scenario()).refused == []

    def test_an_unknown_price_under_a_cap_is_not_started_and_says_what_would_help(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("1.00")
            await buyer.buy("a", None)
            return buyer

        buyer = asyncio.run(scenario())
        assert "no price is known" in buyer.refused[0]
        assert "`budget.per_asset`" in buyer.hints[0]

    def test_an_unknown_price_counts_as_the_cap_for_one_asset(self) -> None:
        async def scenario() -> Spender:
            buyer = spender("1.00", "0.40")
            await asyncio.gather(
                *(buyer.buy(name, None, bill=Decimal("0.40"), turns=3) for name in "abc")
            )
            return buyer

        buyer = asyncio.run(scenario())
        assert buyer.started == ["a", "b"]
        assert buyer.purse.spent == Decimal("0.80")

    def test_an_image_dearer_than_the_cap_for_one_asset_is_not_started(self) -> None:
        async def scenario() -> Spender:
            buyer = spender(per_asset="0.30")
            await buyer.buy("dear", Decimal("0.31"))
            await buyer.buy("cheap", Decimal("0.30"))
            return buyer

        buyer = asyncio.run(scenario())
        assert buyer.started == ["cheap"]
        assert "$0.30 for one asset" in buyer.refused[0]
        assert "`budget.per_asset`" in buyer.hints[0]
        assert "--max-cost" not in buyer.hints[0]

    def test_what_is_left_of_the_cap_for_one_asset_is_said(self) -> None:
        async def scenario() -> Spender:
            buyer = spender(per_asset="0.08")
            await buyer.buy("a", Decimal("0.05"))
            await buyer.buy("a", Decimal("0.05"))
            return buyer

        assert asyncio.run(scenario()).refused == [
            "about $0.05 does not fit what is left of the cap of $0.08 for one asset "
            "($0.05 spent on this image)"
        ]

    def test_the_cap_for_one_asset_counts_all_its_calls(self) -> None:
        async def scenario() -> Spender:
            buyer = spender(per_asset="0.10")
            for _ in range(3):
                await buyer.buy("a", Decimal("0.05"))
            await buyer.buy("b", Decimal("0.05"))
            return buyer

        assert asyncio.run(scenario()).started == ["a", "a", "b"]

    @LAWFUL
    @given(st.lists(st.tuples(CENTS, CENTS, st.integers(0, 4)), max_size=12), st.integers(1, 100))
    def test_nobody_waits_for_ever_and_reservations_never_exceed_the_cap(
        self, calls: list[tuple[Decimal, Decimal, int]], cap_cents: int
    ) -> None:
        cap = Decimal(cap_cents) / 100

        async def scenario() -> None:
            buyer = spender(str(cap))
            await asyncio.gather(
                *(
                    buyer.buy(f"a{n}", price, min(bill, price), turns)
                    for n, (price, bill, turns) in enumerate(calls)
                )
            )
            assert len(buyer.started) + len(buyer.refused) == len(calls)
            assert buyer.purse.spent <= cap

        asyncio.run(asyncio.wait_for(scenario(), 30))


# Stopping


class TestHalt:
    def test_the_first_reason_counts(self) -> None:
        async def scenario() -> Halt:
            halt = Halt()
            halt.set("the key is not valid")
            halt.set("interrupted", is_interrupt=True)
            return halt

        halt = asyncio.run(scenario())
        assert halt.is_set
        assert halt.reason == "the key is not valid"
        assert halt.is_interrupt

    def test_a_wait_ends_when_its_time_is_over(self) -> None:
        async def scenario() -> None:
            clock = FakeClock()
            assert await Halt().sleep(5.0, clock) is False
            assert clock.slept == [5.0]

        asyncio.run(scenario())

    def test_a_wait_ends_at_once_when_the_build_is_stopped(self) -> None:
        class Endless(FakeClock):
            async def sleep(self, seconds: float) -> None:
                self.slept.append(seconds)
                await asyncio.Event().wait()

        async def scenario() -> None:
            halt = Halt()
            waiting = asyncio.create_task(halt.sleep(5.0, Endless()))
            await asyncio.sleep(0)
            halt.set("interrupted")
            assert await waiting is True

        asyncio.run(asyncio.wait_for(scenario(), 30))
