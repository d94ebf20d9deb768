from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from assetgen.cache.local import LocalCache
from assetgen.core.call import Generated, Request
from assetgen.core.digest import digest_of
from assetgen.core.events import Retrying, Warned
from assetgen.core.fingerprint import KEY_SCHEME, key_of
from assetgen.core.ledger import UNANSWERED, LedgerLine
from assetgen.core.model import Budget, Generate
from assetgen.core.price import Estimate
from assetgen.core.result import ImageInfo
from assetgen.engine.buy import Bill, HaltedError, Purchase
from assetgen.engine.halt import Halt
from assetgen.engine.limits import OverBudgetError
from assetgen.engine.recover import Aftermath
from assetgen.errors import (
    AuthError,
    BadResponse,
    CacheError,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from tests.fakes import (
    AT,
    PRICE,
    FakeClock,
    FakeImages,
    FakeProvider,
    Machine,
    generated,
    painted,
    picture,
    result_of,
)
from tests.memory import MemoryBlobs, MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from assetgen.core.digest import Digest
    from assetgen.core.ports import ActionCache, BlobStore, Claims, Ledger
    from assetgen.core.result import ImageInfo

T = TypeVar("T")

KNOWN = Estimate(PRICE, "list price: x")
UNKNOWN = Estimate(None, "nobody knows")


def request_for(name: str = "hero", prompt: str = "a ship") -> Request:
    asset = generated(name, prompt)
    assert isinstance(asset.action, Generate)
    return Request(
        asset=name,
        fingerprint=key_of(asset, "openrouter", []).fingerprint,
        generate=asset.action,
        references=(),
        format="png",
        timeout_s=300.0,
    )


HERO = request_for()
SENT = LedgerLine(
    event="sent",
    call="c" * 32,
    at=AT,
    fingerprint=HERO.fingerprint,
    key_scheme=KEY_SCHEME,
    asset="hero",
    model=HERO.generate.model,
)


def run(scenario: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run to the end; a scenario that hangs fails."""
    return asyncio.run(asyncio.wait_for(scenario(), 60))


def buy(
    machine: Machine,
    request: Request = HERO,
    *,
    estimate: Estimate = KNOWN,
    bill: Bill | None = None,
    anew: bool = False,
    budget: Budget | None = None,
    is_paid: bool = True,
) -> Purchase:
    async def scenario() -> Purchase:
        buyer = machine.buyer(budget=budget, is_paid=is_paid)
        return await buyer.buy(request, estimate, bill or Bill(), anew=anew)

    return run(scenario)


def lines(machine: Machine) -> list[LedgerLine]:
    return list(machine.ledger.lines())


def events(machine: Machine) -> list[str]:
    return [line.event for line in machine.ledger.lines()]


# What it says, and in which order


class Crash(BaseException):
    """The process ends here."""


class Diary:
    """Notes every call of a port, and may end the process right after one of them."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.crash_after: str | None = None

    def watch(self, name: str, port: object) -> object:
        return Watched(name, port, self)

    def note(self, entry: str) -> None:
        self.entries.append(entry)
        if entry == self.crash_after:
            self.crash_after = None
            raise Crash


class Watched:
    """A port whose calls are noted when they have returned."""

    def __init__(self, name: str, port: object, diary: Diary) -> None:
        self._name, self._port, self._diary = name, port, diary

    def __getattr__(self, method: str) -> object:
        call = getattr(self._port, method)

        def noted(*arguments: object, **keywords: object) -> object:
            result = call(*arguments, **keywords)
            event = getattr(arguments[0], "event", None) if arguments else None
            try:
                self._diary.note(f"{self._name}.{method}" + (f" {event}" if event else ""))
            except Crash:
                if isinstance(result, AbstractContextManager):
                    result.__exit__(None, None, None)  # the system frees the locks of the dead
                raise
            return result

        async def noted_later(*arguments: object) -> object:
            result = await call(*arguments)
            self._diary.note(f"{self._name}.{method}")
            return result

        return noted_later if method == "generate" else noted


def watch(machine: Machine) -> Diary:
    diary = Diary()
    machine.blobs = cast("BlobStore", diary.watch("blobs", machine.blobs))
    machine.ledger = cast("Ledger", diary.watch("ledger", machine.ledger))
    machine.actions = cast("ActionCache", diary.watch("actions", machine.actions))
    machine.claims = cast("Claims", diary.watch("claims", machine.claims))
    machine.provider = cast("FakeProvider", diary.watch("provider", machine.provider))
    return diary


ORDER = [
    "claims.try_claim",
    "actions.get_many",
    "ledger.append sent",
    "provider.generate",
    "blobs.receive",
    "ledger.append received",
    "blobs.settle",
    "actions.put",
]


def test_an_image_is_safe_before_anything_says_that_it_is_there() -> None:
    machine = Machine()
    diary = watch(machine)
    buy(machine)
    assert diary.entries == ORDER


@pytest.mark.parametrize("moment", ORDER)
def test_a_crash_right_after_any_step_loses_no_image_that_has_arrived(
    tmp_path: Path, moment: str
) -> None:
    provider = FakeProvider()
    with LocalCache(str(tmp_path), create=True) as cache:
        machine = machine_with(cache, provider)
        watch(machine).crash_after = moment
        with pytest.raises(Crash):
            buy(machine)
    with LocalCache(str(tmp_path), create=True) as cache:
        machine = machine_with(cache, provider)
        machine.recover()
        purchase = buy(machine)
        assert purchase.data == painted(HERO)
        has_arrived = ORDER.index(moment) >= ORDER.index("blobs.receive")
        was_called = ORDER.index(moment) >= ORDER.index("provider.generate")
        assert purchase.was_bought is not has_arrived
        assert len(provider.calls) == (1 if has_arrived or not was_called else 2)
        assert list(cache.blobs.arrivals()) == []
        received = [line for line in cache.ledger.lines() if line.result is not None]
        assert [line.event for line in received] == (
            ["recovered"] if moment == "blobs.receive" else ["received"]
        )


def machine_with(cache: LocalCache, provider: FakeProvider) -> Machine:
    return Machine(
        blobs=cache.blobs,
        ledger=cache.ledger,
        actions=cache.actions,
        claims=cache.claims,
        provider=provider,
    )


def test_the_ledger_says_what_was_asked_and_what_came() -> None:
    machine = Machine()
    machine.provider.script(
        "hero",
        Generated(
            images=(picture("x"),),
            cost_usd=Decimal("0.0387"),
            provider="Vendor",
            model="vendor/painter-2",
            generation_id="gen-9",
        ),
    )
    purchase = buy(machine)
    sent, received = lines(machine)
    assert (sent.event, sent.fingerprint, sent.asset) == ("sent", HERO.fingerprint, "hero")
    assert (sent.model, sent.size, sent.estimate_usd) == ("vendor/painter", "//0", PRICE)
    assert sent.at == "2027-01-15T08:00:01Z"
    assert sent.result is None
    assert received.event == "received"
    assert received.call == sent.call
    assert received.cost_usd == Decimal("0.0387")
    assert received.generation_id == "gen-9"
    assert received.result == purchase.result
    assert purchase.result.model == "vendor/painter-2"
    assert purchase.result.date == "2027-01-15"
    assert purchase.was_bought


def test_a_slot_is_held_until_the_image_is_stored() -> None:
    machine = Machine()
    diary = watch(machine)

    async def scenario() -> None:
        buyer = machine.buyer(jobs=1)
        await asyncio.gather(
            buyer.buy(request_for("a", "one"), KNOWN, Bill(), anew=False),
            buyer.buy(request_for("b", "two"), KNOWN, Bill(), anew=False),
        )

    run(scenario)
    claim, look_up, *call = ORDER
    assert [entry for entry in diary.entries if entry not in {claim, look_up}] == [*call, *call]


def test_what_is_free_is_stored_and_not_booked() -> None:
    machine = Machine()
    purchase = buy(machine, is_paid=False)
    assert lines(machine) == []
    assert machine.blobs.get(purchase.result.image) == purchase.data
    assert machine.actions.get_many([HERO.fingerprint]) == {HERO.fingerprint: purchase.result}


# Not twice


def test_an_image_that_is_known_and_here_is_not_bought() -> None:
    machine = Machine()
    first = buy(machine)
    second = buy(machine)
    assert (second.result, second.data) == (first.result, first.data)
    assert not second.was_bought
    assert len(machine.provider.calls) == 1


def test_an_image_that_is_asked_for_anew_is_bought_although_it_is_known() -> None:
    machine = Machine()
    buy(machine)
    assert buy(machine, anew=True).was_bought
    assert len(machine.provider.calls) == 2


def test_an_image_whose_bytes_are_gone_is_bought() -> None:
    machine = Machine()
    machine.actions.put(HERO.fingerprint, result_of(KEEPER))
    assert buy(machine).was_bought


KEEPER = picture("keeper")


def test_two_that_want_one_image_at_once_make_one_call() -> None:
    machine = Machine()

    async def scenario() -> tuple[Purchase, Purchase]:
        one, other = machine.buyer(), machine.buyer()
        return await asyncio.gather(
            one.buy(HERO, KNOWN, Bill(), anew=False), other.buy(HERO, KNOWN, Bill(), anew=False)
        )

    purchases = run(scenario)
    assert len(machine.provider.calls) == 1
    assert sorted(purchase.was_bought for purchase in purchases) == [False, True]
    assert purchases[0].data == purchases[1].data


class Eventful(FakeClock):
    """A clock at which something happens after some waiting."""

    def __init__(self, after_s: float, happen: Callable[[], None]) -> None:
        super().__init__()
        self._due_s = self.time_s + after_s
        self._happen = happen

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.time_s >= self._due_s:
            self._due_s = float("inf")
            self._happen()


def claimed(machine: Machine, after_s: float, then: Callable[[], None]) -> None:
    """Somebody else makes the image, and lets go after some time."""
    claim = machine.claims.try_claim(HERO.fingerprint)
    assert claim is not None

    def end() -> None:
        then()
        claim.__exit__(None, None, None)

    machine.clock = Eventful(after_s, end)


def test_another_build_that_makes_the_image_is_waited_for_and_its_image_taken() -> None:
    machine = Machine()

    def arrives() -> None:
        machine.actions.put(HERO.fingerprint, result_of(KEEPER))
        machine.blobs.put(KEEPER)

    claimed(machine, 5.0, arrives)
    purchase = buy(machine)
    assert purchase.data == KEEPER
    assert not purchase.was_bought
    assert machine.provider.calls == []
    assert lines(machine) == []
    assert machine.events == [Warned("hero", "another build is making this image; waiting")]


def test_a_short_wait_for_another_build_is_not_worth_a_word() -> None:
    machine = Machine()
    claimed(machine, 1.0, lambda: None)
    buy(machine)
    assert machine.events == []


def test_an_image_that_another_build_failed_to_make_is_tried_here() -> None:
    machine = Machine()
    claimed(machine, 5.0, lambda: None)
    assert buy(machine).was_bought


def test_a_build_that_is_stopped_does_not_wait_for_another_one() -> None:
    machine = Machine()
    halts: list[Halt] = []
    claim = machine.claims.try_claim(HERO.fingerprint)
    assert claim is not None
    machine.clock = Eventful(3.0, lambda: halts[0].set("interrupted"))

    async def scenario() -> None:
        halts.append(Halt())
        buyer = machine.buyer(halt=halts[0])
        with pytest.raises(HaltedError):
            await buyer.buy(HERO, KNOWN, Bill(), anew=False)

    run(scenario)
    assert machine.provider.calls == []


# Attempts


def lost() -> ProviderError:
    return Unavailable("the answer was cut off", retry=Retry.AMBIGUOUS)


def retried(machine: Machine) -> list[Retrying]:
    return [event for event in machine.events if isinstance(event, Retrying)]


def asked_of_the_response_cache(machine: Machine) -> list[bool]:
    return [request.allow_cached for request in machine.provider.calls]


def test_an_unusable_answer_is_tried_once_more_and_not_from_the_response_cache() -> None:
    machine = Machine()
    machine.provider.script("hero", BadResponse("the answer holds no image"))
    assert buy(machine).was_bought
    assert asked_of_the_response_cache(machine) == [True, False]
    assert events(machine) == ["sent", "failed", "sent", "received"]


def test_a_second_unusable_answer_is_the_end() -> None:
    machine = Machine()
    machine.provider.script("hero", *(BadResponse(f"no image {n}") for n in (1, 2, 3)))
    with pytest.raises(BadResponse, match="no image 2"):
        buy(machine)
    assert len(machine.provider.calls) == 2


def test_bytes_that_are_no_image_are_an_unusable_answer_that_was_paid() -> None:
    machine, bill = Machine(), Bill()
    broken = Generated(images=(b"<svg/>",), cost_usd=Decimal("0.01"), generation_id="gen-1")
    machine.provider.script("hero", broken, broken)
    with pytest.raises(BadResponse, match="no usable image"):
        buy(machine, bill=bill)
    assert bill == Bill(usd=Decimal("0.02"), unknown=0)
    failed = [line for line in lines(machine) if line.event == "failed"]
    assert [line.cost_usd for line in failed] == [Decimal("0.01")] * 2
    assert [line.generation_id for line in failed] == ["gen-1"] * 2
    assert not machine.blobs.has(digest_of(b"<svg/>"))


def test_a_lost_answer_is_tried_once_more_may_be_cached_and_counts_as_spent() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.script("hero", lost())
    assert buy(machine, bill=bill).was_bought
    assert asked_of_the_response_cache(machine) == [True, True]
    assert bill == Bill(usd=2 * PRICE, unknown=1)
    (retry,) = retried(machine)
    assert retry.may_be_billed
    failed = lines(machine)[1]
    assert (failed.event, failed.may_be_billed, failed.cost_usd) == ("failed", True, None)


def test_a_lost_answer_keeps_its_share_of_the_budget() -> None:
    machine = Machine()
    machine.provider.script("hero", lost())
    with pytest.raises(OverBudgetError):
        buy(machine, budget=Budget(per_build=PRICE))
    assert len(machine.provider.calls) == 1


def test_too_many_calls_are_tried_four_times_and_cost_nothing() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.script("hero", *(RateLimited("slow down") for _ in range(9)))
    with pytest.raises(RateLimited):
        buy(machine, bill=bill)
    assert len(machine.provider.calls) == 4
    assert bill == Bill()
    assert events(machine) == ["sent", "failed"] * 4
    assert [retry.attempt for retry in retried(machine)] == [1, 2, 3]
    assert [retry.delay_s for retry in retried(machine)] == machine.clock.slept == [0.5, 1.0, 2.0]
    assert not any(retry.may_be_billed for retry in retried(machine))
    assert asked_of_the_response_cache(machine) == [True] * 4


def test_every_attempt_is_a_call_of_its_own_in_the_ledger() -> None:
    machine = Machine()
    machine.provider.script("hero", Unavailable("down"), Unavailable("down"))
    buy(machine)
    calls = [line.call for line in lines(machine)]
    assert calls[0::2] == calls[1::2]
    assert len(set(calls)) == 3


def test_complaints_about_speed_lower_how_much_runs_at_once() -> None:
    machine = Machine()

    async def scenario() -> int:
        complaint = RateLimited("slow down", lowers_concurrency=True)
        for name in "abcdefgh":
            machine.provider.script(name, complaint)
        buyer = machine.buyer(jobs=8)
        names = [*"abcdefgh", *(f"later{n}" for n in range(8))]
        machine.provider.most_running = 0
        await asyncio.gather(
            *(buyer.buy(request_for(n, n), KNOWN, Bill(), anew=False) for n in names[:8])
        )
        machine.provider.most_running = 0
        await asyncio.gather(
            *(buyer.buy(request_for(n, n), KNOWN, Bill(), anew=False) for n in names[8:])
        )
        return machine.provider.most_running

    assert run(scenario) < 8


def test_images_are_proven_on_all_processors_but_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, count, lock = Machine(), 8, threading.Lock()
    now, most = 0, 0
    inspect = machine.images.inspect

    def counting(data: bytes) -> ImageInfo:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return inspect(data)

    monkeypatch.setattr(machine.images, "inspect", counting)
    monkeypatch.setattr("assetgen.engine.limits.os.cpu_count", lambda: 3)

    async def scenario() -> None:
        buyer = machine.buyer(jobs=count)
        names = [f"a{number}" for number in range(count)]
        await asyncio.gather(
            *(buyer.buy(request_for(n, n), KNOWN, Bill(), anew=False) for n in names)
        )

    run(scenario)
    assert most == 2


def test_a_refusal_is_not_tried_again() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.script("hero", Refused("the model will not draw this"))
    with pytest.raises(Refused):
        buy(machine, bill=bill)
    assert len(machine.provider.calls) == 1
    assert bill == Bill()
    assert lines(machine)[-1].outcome == "the model will not draw this"


def test_a_refusal_that_was_billed_is_counted() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.script("hero", Refused("no", cost_usd=Decimal("0.02")))
    with pytest.raises(Refused):
        buy(machine, bill=bill)
    assert bill == Bill(usd=Decimal("0.02"))


def test_a_missing_key_stops_the_run_and_no_further_call_starts() -> None:
    machine = Machine()
    machine.provider.script("hero", AuthError("the key is not valid"))

    async def scenario() -> Halt:
        halt = Halt()
        buyer = machine.buyer(halt=halt)
        with pytest.raises(AuthError):
            await buyer.buy(HERO, KNOWN, Bill(), anew=False)
        with pytest.raises(HaltedError):
            await buyer.buy(request_for("other", "x"), KNOWN, Bill(), anew=False)
        return halt

    halt = run(scenario)
    assert halt.reason == "the key is not valid"
    assert not halt.is_interrupt
    assert machine.provider.called() == ["hero"]


def test_what_is_in_flight_when_the_run_stops_is_kept() -> None:
    machine = Machine()
    machine.provider.script("bad", AuthError("the key is not valid"))
    other = request_for("slow", "x")

    async def linger(request: Request) -> None:
        for _ in range(20 if request.asset == "slow" else 1):
            await asyncio.sleep(0)

    machine.provider.during = linger

    async def scenario() -> tuple[Purchase | BaseException, Purchase | BaseException]:
        buyer = machine.buyer()
        return await asyncio.gather(
            buyer.buy(other, KNOWN, Bill(), anew=False),
            buyer.buy(request_for("bad", "y"), KNOWN, Bill(), anew=False),
            return_exceptions=True,
        )

    slow, bad = run(scenario)
    assert isinstance(bad, AuthError)
    assert isinstance(slow, Purchase)
    assert machine.blobs.get(slow.result.image) == slow.data


def test_a_stop_during_the_wait_for_another_attempt_ends_the_purchase() -> None:
    machine = Machine()
    halts: list[Halt] = []
    machine.clock = Eventful(0.0, lambda: halts[0].set("interrupted"))
    machine.provider.script("hero", Unavailable("down"))

    async def scenario() -> None:
        halts.append(Halt())
        with pytest.raises(Unavailable):
            await machine.buyer(halt=halts[0]).buy(HERO, KNOWN, Bill(), anew=False)

    run(scenario)
    assert len(machine.provider.calls) == 1


# Bills


def test_the_bill_replaces_the_estimate() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.cost_usd = Decimal("0.001")
    buy(machine, bill=bill)
    assert bill == Bill(usd=Decimal("0.001"))


def test_a_missing_bill_is_unknown_and_its_estimate_counts_as_spent() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.cost_usd = None
    purchase = buy(machine, bill=bill)
    assert bill == Bill(usd=PRICE, unknown=1)
    assert purchase.result.cost_usd is None


def test_a_missing_bill_without_an_estimate_counts_as_the_cap_for_one_asset() -> None:
    machine, bill = Machine(), Bill()
    machine.provider.cost_usd = None
    buy(machine, bill=bill, estimate=UNKNOWN, budget=Budget(per_asset=Decimal("0.30")))
    assert bill == Bill(usd=Decimal("0.30"), unknown=1)


def test_a_call_that_does_not_fit_the_budget_is_not_made() -> None:
    machine, bill = Machine(), Bill()
    with pytest.raises(OverBudgetError):
        buy(machine, bill=bill, budget=Budget(per_build=Decimal("0.03")))
    assert machine.provider.calls == []
    assert lines(machine) == []
    assert bill == Bill()


# Answers with more than asked for


def test_of_several_images_the_first_is_taken_and_the_others_are_kept_and_mentioned() -> None:
    machine = Machine()
    images = (picture("first"), picture("second"), picture("first"))
    machine.provider.script("hero", Generated(images=images, cost_usd=PRICE))
    purchase = buy(machine)
    assert purchase.data == picture("first")
    assert machine.blobs.get(digest_of(picture("second"))) == picture("second")
    (warned,) = [event for event in machine.events if isinstance(event, Warned)]
    assert warned.message.startswith("the answer held 3 images; the first is taken, 1 other")
    assert digest_of(picture("second")) in warned.message


def test_warnings_of_the_answer_are_passed_on() -> None:
    machine = Machine()
    answer = Generated(images=(picture("x"),), cost_usd=PRICE, warnings=("it was scaled down",))
    machine.provider.script("hero", answer)
    buy(machine)
    assert Warned("hero", "it was scaled down") in machine.events


# A cache that cannot be written


class FullBlobs(MemoryBlobs):
    def receive(self, data: bytes, *, fingerprint: str, call: str) -> Digest:
        raise CacheError(f"no space for {len(data)} bytes of {fingerprint} {call}")


class FullLedger(MemoryLedger):
    def append(self, line: LedgerLine) -> None:
        raise CacheError(f"no space for `{line.event}`")


def test_an_image_that_cannot_be_stored_is_still_handed_out() -> None:
    machine = Machine(blobs=FullBlobs())
    assert buy(machine).data == painted(HERO)
    (warned,) = machine.events
    assert isinstance(warned, Warned)
    assert "could not be stored" in warned.message


class FullForFurther(MemoryBlobs):
    """Takes the image of an answer, and nothing beside it."""

    def put(self, data: bytes) -> Digest:
        if data == picture("second"):
            raise CacheError("no space")
        return super().put(data)


def test_further_images_of_an_answer_that_cannot_be_stored_are_rescued_and_named() -> None:
    blobs = FullForFurther()
    machine = Machine(blobs=blobs)
    images = tuple(map(picture, ("first", "second", "second", "third", "first")))
    machine.provider.script("hero", Generated(images=images, cost_usd=PRICE))
    assert buy(machine).is_kept
    assert blobs.further == [picture("second")]
    rescued, told = (event.message for event in machine.events if isinstance(event, Warned))
    assert rescued.startswith("another image of the answer could not be stored: no space; it is")
    assert "is kept as `elsewhere`" in rescued
    assert "1 other kept in the store" in told
    assert digest_of(picture("second")) not in told
    assert digest_of(picture("third")) in told


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_who_waited_for_a_claim_takes_the_result_also_when_it_is_free(
    *, is_repeatable: bool
) -> None:
    machine = Machine()

    async def scenario() -> list[Purchase]:
        buyers = [machine.buyer(is_paid=False, is_repeatable=is_repeatable) for _ in range(2)]
        calls = (buyer.buy(HERO, KNOWN, Bill(), anew=False) for buyer in buyers)
        return await asyncio.gather(*calls)

    first, second = run(scenario)
    assert (first.was_bought, second.was_bought) == (True, False)
    assert machine.provider.called() == ["hero"]


def test_an_image_that_costs_nothing_is_not_rescued() -> None:
    blobs = FullForFurther()
    machine = Machine(blobs=blobs)
    images = tuple(map(picture, ("second", "third", "second")))
    machine.provider.script("hero", Generated(images=images, cost_usd=None))
    assert not buy(machine, is_paid=False).is_kept
    assert (blobs.rescued, blobs.further) == ([], [])


def test_no_call_is_made_that_the_ledger_cannot_note() -> None:
    machine, bill = Machine(ledger=FullLedger()), Bill()
    with pytest.raises(CacheError):
        buy(machine, bill=bill)
    assert machine.provider.calls == []
    assert bill == Bill()


# Cut off by the user


def cut(machine: Machine, bill: Bill, moment: Callable[[], Awaitable[object]]) -> None:
    """Cancel a purchase at some moment."""

    async def scenario() -> None:
        task = asyncio.create_task(machine.buyer().buy(HERO, KNOWN, bill, anew=False))
        await moment()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario)


def test_a_call_that_is_cut_is_in_the_ledger_and_counts_as_spent() -> None:
    machine, bill = Machine(), Bill()
    arrived = asyncio.Event()

    async def hang(_: Request) -> None:
        arrived.set()
        await asyncio.Event().wait()

    machine.provider.during = hang
    cut(machine, bill, arrived.wait)
    assert bill == Bill(usd=PRICE, unknown=1)
    sent, failed = lines(machine)
    assert (failed.event, failed.call, failed.may_be_billed) == ("failed", sent.call, True)


class SlowImages(FakeImages):
    """Looks at an image until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_looking, self.let_go = threading.Event(), threading.Event()

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:
        self.is_looking.set()
        assert self.let_go.wait(60)
        return super().inspect(data, is_read_next=is_read_next)


def test_an_image_that_has_arrived_is_kept_although_the_build_is_cut_while_looking_at_it() -> None:
    images = SlowImages()
    machine = Machine(images=images)

    async def scenario() -> None:
        task = asyncio.create_task(machine.buyer().buy(HERO, KNOWN, Bill(), anew=False))
        await asyncio.to_thread(images.is_looking.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        images.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario)
    machine.images = FakeImages()
    machine.recover()
    assert not buy(machine).was_bought


@pytest.mark.parametrize("is_image", [True, False])
def test_an_answer_that_a_cut_provider_still_gives_is_kept_and_booked_before_the_end(
    is_image: bool,
) -> None:
    machine, bill = Machine(), Bill()
    is_asked = asyncio.Event()

    async def finish_reading(_: Request) -> None:
        is_asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        if not is_image:
            raise Unavailable("passing", retry=Retry.TRANSIENT)

    machine.provider.during = finish_reading
    cut(machine, bill, is_asked.wait)
    assert events(machine) == ["sent", "received" if is_image else "failed"]
    assert len(machine.provider.calls) == 1
    assert bill.unknown == 0
    if is_image:
        assert not buy(machine).was_bought


# After a crash


def test_an_arrival_of_a_build_that_still_runs_is_left_to_it() -> None:
    machine = Machine()
    machine.blobs.receive(KEEPER, fingerprint=HERO.fingerprint, call="c" * 32)
    with machine.claims.try_claim(HERO.fingerprint) or pytest.fail("not free"):
        assert machine.recover().images == 0
    assert len(machine.blobs.arrivals()) == 1


def test_an_arrival_is_booked_with_an_unknown_cost_and_only_once() -> None:
    machine = Machine()
    diary = watch(machine)
    diary.crash_after = "blobs.receive"
    with pytest.raises(Crash):
        buy(machine)
    assert machine.recover().images == 1
    assert machine.recover().images == 0
    sent, recovered = lines(machine)
    assert (recovered.event, recovered.call, recovered.at) == ("recovered", sent.call, AT)
    assert recovered.cost_usd is None
    assert recovered.result is not None
    assert recovered.result.image == digest_of(painted(HERO))
    assert recovered.result.cost_usd is None


def test_nothing_to_recover_claims_and_writes_nothing() -> None:
    machine = Machine()
    diary = watch(machine)
    assert machine.recover() == Aftermath()
    assert diary.entries == ["blobs.arrivals", "ledger.unanswered"]


def test_a_call_without_an_answer_is_told_once_and_only_when_its_claim_is_free() -> None:
    machine = Machine()
    machine.ledger.append(SENT)
    claim = machine.claims.try_claim(HERO.fingerprint)
    assert claim is not None
    with claim:
        assert machine.recover().unanswered == 0
    assert machine.recover().unanswered == 1
    closed = list(machine.ledger.lines())[-1]
    assert (closed.event, closed.outcome, closed.may_be_billed) == ("failed", UNANSWERED, True)
    assert machine.recover() == Aftermath()


def test_a_call_whose_image_arrived_right_before_a_crash_is_no_call_without_an_answer() -> None:
    machine = Machine()
    machine.ledger.append(SENT)
    machine.blobs.receive(KEEPER, fingerprint=HERO.fingerprint, call=SENT.call)
    assert machine.recover() == Aftermath(images=1)
    assert machine.recover() == Aftermath()


def test_an_arrival_that_is_no_image_does_not_stop_later_builds() -> None:
    machine = Machine()
    machine.blobs.receive(b"garbage", fingerprint=HERO.fingerprint, call="c" * 32)
    assert machine.recover().images == 0
    assert buy(machine).was_bought
