"""Builds that wait at a gate, or are dropped and made again: nothing is paid for twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.core.events import Finished, Started, Stored, Warned
from assetgen.core.model import Budget
from assetgen.core.report import Report, Status
from assetgen.engine.halt import Gate
from assetgen.engine.limits import Purse
from assetgen.errors import BadResponse, Refused, Retry, Unavailable
from tests.fakes import PRICE, Machine, generated, picture, project_of, sourced
from tests.properties import BUILDING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from assetgen.core.call import Request
    from assetgen.core.model import Project


async def start(machine: Machine, project: Project) -> asyncio.Task[Report]:
    """A round that runs; it has gone as far as it can without anything else happening."""
    round_ = asyncio.ensure_future(machine.build_async(project, survey=machine.plan(project)))
    await asyncio.sleep(0.2)
    return round_


def drop(machine: Machine) -> None:
    assert machine.halt is not None
    machine.halt.drop("something changed")


def held_until(released: asyncio.Event) -> Callable[[Request], Awaitable[None]]:
    async def during(_: Request) -> None:
        await released.wait()

    return during


def empty(count: int) -> list[BadResponse]:
    """Answers without an image, which cost something all the same."""
    return [BadResponse("no image", cost_usd=Decimal("0.01")) for _ in range(count)]


def test_free_work_is_done_while_paid_calls_wait_at_the_gate() -> None:
    machine = Machine(gate=Gate(is_open=False))
    machine.files.put("hand/logo.png", picture("logo"))

    async def play() -> Report:
        round_ = await start(machine, project_of(generated("hero"), sourced("logo")))
        assert machine.files.peek("art/logo.png") == picture("logo")
        assert machine.provider.called() == []
        assert Started("hero", "generate") not in machine.events
        machine.gate.open()
        return await round_

    assert asyncio.run(play()).named(Status.GENERATED) == ["hero"]


def test_what_waits_at_the_gate_of_a_dropped_round_is_never_called() -> None:
    machine = Machine(gate=Gate(is_open=False))

    async def play() -> Report:
        round_ = await start(machine, project_of(generated("hero")))
        drop(machine)
        return await round_

    report = asyncio.run(play())
    assert report.named(Status.STOPPED) == ["hero"]
    assert machine.provider.called() == []


def test_a_dropped_round_ends_while_its_call_goes_on_into_the_store() -> None:
    machine = Machine()

    async def play() -> None:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        round_ = await start(machine, project_of(generated("hero", "one")))
        drop(machine)
        assert (await round_).named(Status.STOPPED) == ["hero"]
        assert machine.files.peek("art/hero.png") is None
        released.set()
        await machine.under_way.finish()

    asyncio.run(play())
    (stored,) = [event for event in machine.events if isinstance(event, Stored)]
    assert (stored.name, stored.cost_usd) == ("hero", PRICE)
    report = machine.build(project_of(generated("hero", "one")))
    assert report.named(Status.RESTORED) == ["hero"]
    assert machine.provider.called() == ["hero"]


def test_a_round_that_wants_the_same_image_joins_the_call_under_way() -> None:
    machine = Machine()
    before = project_of(generated("hero"), generated("icon", "a sword"))
    after = project_of(generated("hero"), generated("icon", "a shield"))

    async def play() -> Report:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        first = await start(machine, before)
        drop(machine)
        await first
        second = await start(machine, after)
        released.set()
        report = await second
        await machine.under_way.finish()
        return report

    report = asyncio.run(play())
    assert report.named(Status.GENERATED) == ["hero", "icon"]
    assert machine.provider.called() == ["hero", "icon", "icon"]
    assert report.spent_usd == 2 * PRICE
    finished = [e.name for e in machine.events if isinstance(e, Finished) and e.cost_usd == PRICE]
    assert sorted(finished) == ["hero", "icon"]
    assert [e.name for e in machine.events if isinstance(e, Stored)] == ["icon"]


def test_a_refusal_of_a_joined_call_is_not_asked_for_again() -> None:
    machine = Machine()
    machine.provider.script("hero", Refused("no keepers", cost_usd=Decimal("0.01")))

    async def play() -> Report:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        first = await start(machine, project_of(generated("hero")))
        drop(machine)
        await first
        second = await start(machine, project_of(generated("hero")))
        released.set()
        return await second

    report = asyncio.run(play())
    assert report.named(Status.FAILED) == ["hero"]
    assert report.spent_usd == Decimal("0.01")
    assert machine.provider.called() == ["hero"]


def test_what_was_refused_in_one_round_is_not_asked_for_in_the_next() -> None:
    machine = Machine()
    hero, icon = generated("hero"), generated("icon", "a sword")
    machine.provider.script("hero", Refused("no keepers"))

    async def play() -> list[Report]:
        projects = (project_of(hero), project_of(hero, icon), project_of(generated("hero", "gull")))
        return [await (await start(machine, project)) for project in projects]

    first, again, other_words = asyncio.run(play())
    assert first.named(Status.FAILED) == ["hero"]
    assert (again.named(Status.FAILED), again.named(Status.GENERATED)) == (["hero"], ["icon"])
    (outcome,) = [o for o in again.outcomes if o.name == "hero"]
    assert (outcome.message, outcome.cost_usd) == (
        "no keepers; not asked for again",
        Decimal(0),
    )
    assert other_words.named(Status.GENERATED) == ["hero"]
    assert machine.provider.called() == ["hero", "icon", "hero"]


def test_a_service_that_was_down_in_one_round_is_asked_again_in_the_next() -> None:
    machine = Machine()
    machine.provider.script("hero", *[Unavailable("down")] * 4)

    async def play() -> list[Report]:
        return [await (await start(machine, project_of(generated("hero")))) for _ in range(2)]

    first, second = asyncio.run(play())
    assert first.named(Status.FAILED) == second.named(Status.GENERATED) == ["hero"]


def test_a_joined_call_that_was_not_tried_again_for_the_drop_is_tried_again() -> None:
    machine = Machine()
    machine.provider.script("hero", Unavailable("busy", retry=Retry.TRANSIENT))

    async def play() -> Report:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        first = await start(machine, project_of(generated("hero")))
        drop(machine)
        await first
        second = await start(machine, project_of(generated("hero")))
        released.set()
        return await second

    assert asyncio.run(play()).named(Status.GENERATED) == ["hero"]
    assert machine.provider.called() == ["hero", "hero"]


def test_rounds_dropped_between_attempts_pay_for_no_more_of_them_than_one_build() -> None:
    scratch = Machine()
    scratch.provider.script("hero", *empty(4))
    assert scratch.build(project_of(generated("hero"))).named(Status.FAILED) == ["hero"]
    for dropped in range(1, 4):
        machine = Machine()
        machine.provider.script("hero", *empty(4))

        async def play(machine: Machine = machine, dropped: int = dropped) -> Report:
            for _ in range(dropped):
                released = asyncio.Event()
                machine.provider.during = held_until(released)
                round_ = await start(machine, project_of(generated("hero")))
                drop(machine)
                released.set()
                await round_
                await machine.under_way.finish()
            return await (await start(machine, project_of(generated("hero"))))

        assert asyncio.run(play()).named(Status.FAILED) == ["hero"]
        assert machine.provider.called() == scratch.provider.called() == ["hero"] * 2


def test_a_round_that_joins_a_call_goes_on_from_its_attempts() -> None:
    machine = Machine()
    machine.provider.script("hero", *empty(4))

    async def play() -> Report:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        first = await start(machine, project_of(generated("hero")))
        drop(machine)
        await first
        second = await start(machine, project_of(generated("hero")))
        released.set()
        return await second

    assert asyncio.run(play()).named(Status.FAILED) == ["hero"]
    assert machine.provider.called() == ["hero"] * 2


def test_the_cap_for_one_asset_does_not_count_what_other_words_have_cost() -> None:
    machine = Machine(purse=Purse(Budget()))
    budget = Budget(per_asset=PRICE)

    async def play() -> list[Report]:
        words = ("a ship", "a sword", "a gull")
        projects = [project_of(generated("hero", said), budget=budget) for said in words]
        return [await (await start(machine, project)) for project in projects]

    assert [report.named(Status.GENERATED) for report in asyncio.run(play())] == [["hero"]] * 3


def test_what_found_no_room_in_one_round_does_not_begin_in_the_next_until_there_is_room() -> None:
    machine = Machine(purse=Purse(Budget()))

    async def play() -> list[Report]:
        caps = ("0.01", "0.01", "1.00")
        projects = [
            project_of(generated("hero"), budget=Budget(per_build=Decimal(cap))) for cap in caps
        ]
        return [await (await start(machine, project)) for project in projects]

    first, again, raised = asyncio.run(play())
    assert first.named(Status.OVER_BUDGET) == again.named(Status.OVER_BUDGET) == ["hero"]
    assert raised.named(Status.GENERATED) == ["hero"]
    assert len([event for event in machine.events if isinstance(event, Started)]) == 2


def test_the_failure_of_a_call_nobody_waits_for_is_told() -> None:
    machine = Machine()
    machine.provider.script("hero", Refused("no keepers"))

    async def play() -> None:
        released = asyncio.Event()
        machine.provider.during = held_until(released)
        round_ = await start(machine, project_of(generated("hero")))
        drop(machine)
        await round_
        released.set()
        await machine.under_way.finish()

    asyncio.run(play())
    told = [e.message for e in machine.events if isinstance(e, Warned)]
    assert any("no keepers" in message for message in told)


def test_what_has_not_started_of_a_dropped_round_is_left_free_work_too() -> None:
    machine = Machine()
    assets = [sourced(f"logo{n}", f"hand/{n}.png") for n in range(40)]
    for n in range(40):
        machine.files.put(f"hand/{n}.png", picture(str(n)))

    async def play() -> Report:
        loop = asyncio.get_running_loop()

        def drop_at_first(_: str) -> None:
            machine.files.before_write = lambda _: None
            loop.call_soon_threadsafe(drop, machine)

        machine.files.before_write = drop_at_first
        project = project_of(*assets)
        return await machine.build_async(project, survey=machine.plan(project))

    report = asyncio.run(play())
    assert report.named(Status.STOPPED)
    assert machine.build(project_of(*assets)).named(Status.STOPPED) == []


def test_cutting_ends_a_call_that_outlived_its_round() -> None:
    machine = Machine()

    async def play() -> None:
        machine.provider.during = held_until(asyncio.Event())
        round_ = await start(machine, project_of(generated("hero")))
        drop(machine)
        await round_
        await machine.under_way.cut()
        assert machine.under_way.is_empty

    asyncio.run(play())
    assert [line.outcome for line in machine.ledger.lines()][-1] == "cut by the user"


PROMPTS = st.sampled_from(["a ship", "a sword", "a keeper"])
STATES = st.lists(
    st.tuples(PROMPTS, PROMPTS, st.integers(1, 12), st.booleans()), min_size=1, max_size=5
)


def project_with(hero: str, icon: str) -> Project:
    return project_of(
        generated("hero", hero), generated("icon", icon), generated("side", "left", "asset:hero")
    )


@settings(BUILDING, max_examples=40)
@given(STATES)
def test_any_sequence_of_dropped_rounds_ends_as_a_build_from_scratch_and_pays_once(
    states: list[tuple[str, str, int, bool]],
) -> None:
    machine = Machine()

    async def play() -> None:
        project = project_of()
        for hero, icon, steps, is_open in states:
            machine.gate = Gate(is_open=is_open)
            project = project_with(hero, icon)
            round_ = asyncio.ensure_future(
                machine.build_async(project, survey=machine.plan(project))
            )
            for _ in range(steps):
                await asyncio.sleep(0)
            drop(machine)
            await round_
        machine.gate = Gate()
        await machine.build_async(project, survey=machine.plan(project))
        await machine.under_way.finish()

    asyncio.run(play())
    scratch = Machine()
    hero, icon, _, _ = states[-1]
    scratch.build(project_with(hero, icon))
    outputs = {f"art/{name}.png" for name in ("hero", "icon", "side")}
    for output in outputs:
        assert machine.files.peek(output) == scratch.files.peek(output)
    fingerprints = [request.fingerprint for request in machine.provider.calls]
    assert len(fingerprints) == len(set(fingerprints))
    entries = machine.locks.read().entries
    assert {n: e.fingerprint for n, e in entries.items()} == {
        n: e.fingerprint for n, e in scratch.locks.read().entries.items()
    }
