from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from assetgen.core.call import Generated
from assetgen.core.digest import digest_of
from assetgen.core.events import Finished, Warned, event_json
from assetgen.core.fingerprint import conversion_key
from assetgen.core.lock import Changes, Names
from assetgen.core.model import Budget, Parameters
from assetgen.core.report import Status
from assetgen.core.value import replace
from assetgen.engine.execute import LOCK_INTERVAL_S, Orders, shape_warning
from assetgen.engine.notes import BATCH
from assetgen.engine.second_look import INTERVAL_S
from assetgen.errors import AuthError, CacheError, Refused, Unavailable
from tests.fakes import (
    PRICE,
    FakeImages,
    FakeProvider,
    Machine,
    generated,
    picture,
    project_of,
    result_of,
    sourced,
    until,
)
from tests.memory import MemoryBlobs

if TYPE_CHECKING:
    from assetgen.core.call import Request
    from assetgen.core.digest import Digest
    from assetgen.core.model import Project
    from assetgen.core.report import Outcome, Report

HERO = generated("hero", "A lighthouse keeper")
SIDE = generated("side", "The same keeper", "asset:hero")
ICON = generated("icon", "A sword", "refs/frame.png")
LOGO = sourced("logo", "hand/logo.png", "public/logo.png")
TWIN = replace(HERO, name="twin", output="art/twin.png")
WEBP = replace(HERO, output="art/hero.webp", format="webp")
PROJECT = project_of(HERO, SIDE, ICON, LOGO)

BY_HAND = picture("painted by hand")


def machine() -> Machine:
    made = Machine()
    made.files.put("refs/frame.png", b"frame")
    made.files.put("hand/logo.png", picture("logo"))
    made.clock.tick()
    return made


def built(project: Project = PROJECT) -> Machine:
    """A machine on which a project was built once; what happened until then is forgotten."""
    made = machine()
    report = made.build(project)
    assert report.exit_code == 0
    return forget(made)


def forget(made: Machine) -> Machine:
    made.provider.calls.clear()
    made.files.reads.clear()
    made.files.writes.clear()
    made.events.clear()
    made.locks.writes = 0
    return made


def statuses(report: Report) -> dict[str, str]:
    return {outcome.name: outcome.status.value for outcome in report.outcomes}


def outcome_of(report: Report, name: str) -> Outcome:
    (found,) = [outcome for outcome in report.outcomes if outcome.name == name]
    return found


def warnings(made: Machine) -> list[str]:
    return [event.message for event in made.events if isinstance(event, Warned)]


def edited(prompt: str = "Other words") -> Project:
    return project_of(generated("hero", prompt), SIDE, ICON, LOGO)


# A first and a second build


def test_a_build_makes_everything_once_in_the_order_of_what_it_reads() -> None:
    made = machine()
    report = made.build(project_of(SIDE, ICON, LOGO, HERO))
    assert statuses(report) == {
        "side": "generated",
        "icon": "generated",
        "logo": "derived",
        "hero": "generated",
    }
    called = made.provider.called()
    assert sorted(called) == ["hero", "icon", "side"]
    assert called.index("hero") < called.index("side")
    assert made.locks.read().entries.keys() == {"side", "icon", "logo", "hero"}
    for asset in (HERO, SIDE, ICON, LOGO):
        data = made.files.peek(asset.output)
        assert data is not None
        assert digest_of(data) == made.locks.read().entries[asset.name].digest
    assert report.exit_code == 0
    assert report.spent_usd == 3 * PRICE


def test_a_second_build_calls_nothing_reads_nothing_and_writes_nothing() -> None:
    made = built()
    report = made.build(PROJECT)
    assert set(statuses(report).values()) == {"kept"}
    assert made.provider.calls == []
    assert made.files.reads == []
    assert made.files.writes == []
    assert made.locks.writes == 0
    assert made.events == []
    assert made.record is not None
    assert made.record.head.complete


def test_the_model_gets_the_images_it_is_to_read() -> None:
    made = machine()
    made.build(PROJECT)
    requests = {request.asset: request for request in made.provider.calls}
    hero, frame = made.files.peek(HERO.output), b"frame"
    assert [(r.label, r.data) for r in requests["side"].references] == [("asset:hero", hero)]
    assert [(r.label, r.data) for r in requests["icon"].references] == [("refs/frame.png", frame)]


def test_a_file_the_user_has_is_copied_byte_for_byte() -> None:
    made = machine()
    made.build(project_of(LOGO))
    assert made.files.peek("public/logo.png") == picture("logo")
    assert made.locks.read().entries["logo"].result.date == ""


def test_an_output_is_noted_as_ours_before_it_is_written() -> None:
    made = machine()
    noted: list[int] = []
    made.files.before_write = lambda _: noted.append(len(made.journal.entries))
    made.build(project_of(HERO))
    assert noted == [1]


def test_every_asset_that_is_worked_on_tells_how_it_came_out() -> None:
    made = machine()
    made.build(PROJECT)
    finished = {event.name: event for event in made.events if isinstance(event, Finished)}
    assert {name: event.status for name, event in finished.items()} == {
        "hero": "generated",
        "side": "generated",
        "icon": "generated",
        "logo": "derived",
    }
    assert finished["hero"].cost_usd == PRICE
    assert finished["logo"].cost_usd == 0
    for event in made.events:
        json.dumps(event_json(event))


def test_a_chain_is_built_in_one_go() -> None:
    chain = [generated("a0")]
    chain += [generated(f"a{n}", "x", f"asset:a{n - 1}") for n in range(1, 30)]
    made = machine()
    report = made.build(project_of(*reversed(chain)))
    assert made.provider.called() == [asset.name for asset in chain]
    assert report.exit_code == 0


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_calls_run_at_once_as_were_asked_for_and_no_more(jobs: int) -> None:
    made, together = machine(), asyncio.Barrier(jobs)

    async def meet(_: Request) -> None:
        await asyncio.wait_for(together.wait(), 60)

    made.provider.during = meet
    made.build(project_of(*(generated(f"a{n}", f"x{n}") for n in range(12))), jobs=jobs)
    assert made.provider.most_running == jobs


# Staleness


def test_only_what_an_edit_reaches_is_made_again() -> None:
    made = built()
    report = made.build(edited())
    assert statuses(report) == {
        "hero": "generated",
        "side": "generated",
        "icon": "kept",
        "logo": "kept",
    }
    assert made.provider.called() == ["hero", "side"]


def test_an_edit_that_gives_the_same_picture_stops_there() -> None:
    made = Machine(provider=FakeProvider(paint=lambda request: picture(request.asset)))
    project = project_of(HERO, SIDE)
    made.build(project)
    forget(made)
    report = made.build(project_of(generated("hero", "Other words"), SIDE))
    assert made.provider.called() == ["hero"]
    assert statuses(report) == {"hero": "generated", "side": "kept"}
    assert made.record is not None
    assert made.record.head.complete


def test_a_changed_reference_costs_one_call() -> None:
    made = built()
    made.files.put("refs/frame.png", b"another frame")
    made.build(PROJECT)
    assert made.provider.called() == ["icon"]


def test_a_touched_reference_costs_nothing() -> None:
    made = built()
    made.files.put("refs/frame.png", b"frame")
    made.build(PROJECT)
    assert made.provider.calls == []
    assert made.files.reads == ["refs/frame.png"]


@pytest.mark.parametrize("damage", [None, b"", b"garbage"], ids=["missing", "empty", "garbage"])
def test_a_damaged_output_is_restored_free(damage: bytes | None) -> None:
    made = built()
    before = made.files.peek(HERO.output)
    if damage is None:
        made.files.remove(HERO.output)
    else:
        made.files.put(HERO.output, damage)
    report = made.build(PROJECT)
    assert statuses(report)["hero"] == "restored"
    assert made.files.peek(HERO.output) == before
    assert made.provider.calls == []
    assert made.locks.writes == 0


def test_unreadable_bytes_are_kept_before_they_are_replaced() -> None:
    made = built()
    made.files.put(HERO.output, b"half a picture of somebody")
    made.build(PROJECT)
    assert made.blobs.get(digest_of(b"half a picture of somebody")) is not None
    assert warnings(made) == [
        f"the former bytes are kept as {digest_of(b'half a picture of somebody')}"
    ]


def test_going_back_to_earlier_words_costs_nothing() -> None:
    made = built()
    made.build(edited())
    forget(made)
    report = made.build(PROJECT)
    assert made.provider.calls == []
    assert statuses(report)["hero"] == "restored"
    assert statuses(report)["side"] == "restored"


def test_a_renamed_asset_costs_nothing_and_leaves_nothing_behind() -> None:
    made = built()
    renamed = project_of(
        replace(HERO, name="keeper"), generated("side", "The same keeper", "asset:keeper"), ICON
    )
    made.build(renamed)
    assert made.provider.calls == []
    assert made.files.writes == []
    lock = made.locks.read()
    assert lock.entries["keeper"].output == HERO.output
    assert HERO.output not in lock.orphans


def test_a_moved_output_costs_nothing_and_its_old_path_stays_listed() -> None:
    made = built()
    moved = replace(HERO, output="new/hero.png")
    made.build(project_of(moved, SIDE, ICON, LOGO))
    assert made.provider.calls == []
    assert made.files.peek("new/hero.png") == made.files.peek(HERO.output)
    assert HERO.output in made.locks.read().orphans


def test_a_removed_asset_leaves_its_file_and_is_listed_as_an_orphan() -> None:
    made = built()
    made.build(project_of(HERO, SIDE, LOGO))
    assert ICON.output in made.locks.read().orphans
    assert made.files.peek(ICON.output) is not None
    assert made.files.writes == []


def test_a_lost_lockfile_is_written_again_from_the_caches() -> None:
    made = built()
    before = made.locks.text
    made.locks.text = None
    made.build(PROJECT)
    assert made.provider.calls == []
    assert made.locks.text == before


def test_a_selection_leaves_the_entries_of_the_others_alone() -> None:
    made = built()
    before = made.locks.read()
    made.build(edited(), names=["hero"])
    after = made.locks.read()
    assert after.entries["side"] == before.entries["side"]
    assert after.entries["hero"] != before.entries["hero"]
    assert after.orphans == {}
    assert made.record is not None
    assert not made.record.head.complete


# Conversion


def test_an_image_in_another_format_is_converted_and_kept_as_it_came() -> None:
    made = machine()
    made.build(project_of(WEBP, SIDE))
    entry = made.locks.read().entries["hero"]
    came = made.blobs.get(entry.result.image)
    assert came is not None
    converted = FakeImages().convert(came, "webp")
    assert made.files.peek(WEBP.output) == converted
    assert entry.digest == digest_of(converted)
    (request,) = [request for request in made.provider.calls if request.asset == "side"]
    assert request.references[0].data == came


def test_another_encoder_neither_rewrites_the_lockfile_nor_the_output_again() -> None:
    made = built(project_of(WEBP))
    image = made.locks.read().entries["hero"].result.image
    before = made.locks.text
    other = made.fresh_clone()
    other.images = FakeImages(encoder="two")
    other.blobs.put(made.blobs.get(image) or b"")
    other.files.remove(WEBP.output)
    report = other.build(project_of(WEBP))
    assert statuses(report) == {"hero": "derived"}
    written = other.files.peek(WEBP.output)
    assert written == FakeImages(encoder="two").convert(made.blobs.get(image) or b"", "webp")
    assert other.locks.text == before
    assert other.journal.entries[digest_of(written or b"")] == conversion_key(image, "webp")
    forget(other)
    assert statuses(other.build(project_of(WEBP))) == {"hero": "kept"}
    assert other.files.writes == []


def test_another_format_of_a_bought_image_is_free() -> None:
    made = built(project_of(HERO))
    report = made.build(project_of(WEBP))
    assert statuses(report) == {"hero": "derived"}
    assert made.provider.calls == []


def test_a_source_that_cannot_be_converted_fails_by_name() -> None:
    made = machine()
    made.files.put("hand/logo.png", b"not an image")
    report = made.build(project_of(LOGO, HERO))
    assert statuses(report) == {"logo": "failed", "hero": "generated"}
    assert "`hand/logo.png`" in outcome_of(report, "logo").message
    assert made.files.peek(LOGO.output) is None


# Two with the same inputs


def test_two_assets_with_the_same_inputs_are_one_call_and_both_get_the_image() -> None:
    made = machine()
    report = made.build(project_of(HERO, TWIN))
    assert len(made.provider.calls) == 1
    assert report.exit_code == 0
    assert made.files.peek(HERO.output) == made.files.peek(TWIN.output)
    entries = made.locks.read().entries
    assert entries["hero"].fingerprint == entries["twin"].fingerprint
    assert report.spent_usd == PRICE


def test_two_dependants_with_the_same_inputs_are_one_call() -> None:
    other = replace(SIDE, name="other", output="art/other.png")
    made = machine()
    report = made.build(project_of(HERO, SIDE, other))
    assert sorted(made.provider.called()) == ["hero", made.provider.called()[1]]
    assert made.files.peek(SIDE.output) == made.files.peek(other.output)
    assert report.spent_usd == 2 * PRICE


def another_each_time(request: Request) -> bytes:
    return picture(f"{next(NUMBERS)} for {request.fingerprint}")


NUMBERS = iter(range(10**9))


def test_two_assets_with_the_same_inputs_that_are_forced_are_one_call_and_one_new_image() -> None:
    made = Machine(provider=FakeProvider(paint=another_each_time))
    project = project_of(HERO, TWIN)
    made.build(project)
    before = made.files.peek(HERO.output)
    forget(made)
    made.build(project, forced=["hero", "twin"])
    assert len(made.provider.calls) == 1
    assert made.files.peek(HERO.output) != before
    assert made.files.peek(TWIN.output) == made.files.peek(HERO.output)


def test_two_dependants_with_the_same_inputs_that_are_forced_are_one_call() -> None:
    other = replace(SIDE, name="other", output="art/other.png")
    made = Machine(provider=FakeProvider(paint=another_each_time))
    project = project_of(HERO, SIDE, other)
    made.build(project)
    forget(made)
    made.build(project, forced=["hero", "side", "other"])
    assert len(made.provider.calls) == 2
    assert made.files.peek(SIDE.output) == made.files.peek(other.output)


def test_when_the_shared_call_gives_no_image_the_other_is_not_tried() -> None:
    made = machine()
    made.provider.script("hero", Refused("no"))
    report = made.build(project_of(HERO, TWIN))
    assert statuses(report) == {"hero": "failed", "twin": "blocked"}
    assert len(made.provider.calls) == 1


# Failures


def test_one_failure_does_not_stop_the_others() -> None:
    made = machine()
    made.provider.script("hero", Refused("the model will not draw this", hint="say it otherwise"))
    report = made.build(PROJECT)
    assert statuses(report) == {
        "hero": "failed",
        "side": "blocked",
        "icon": "generated",
        "logo": "derived",
    }
    failed = outcome_of(report, "hero")
    assert (failed.message, failed.hint) == ("the model will not draw this", "say it otherwise")
    assert "`hero`" in outcome_of(report, "side").message
    assert report.exit_code == 1
    assert made.locks.read().entries.keys() == {"icon", "logo"}
    assert made.record is not None
    assert not made.record.head.complete


def test_a_failure_is_tried_again_by_the_next_build_and_nothing_else_is() -> None:
    made = machine()
    made.provider.script("hero", Refused("no"))
    made.build(PROJECT)
    forget(made)
    report = made.build(PROJECT)
    assert made.provider.called() == ["hero", "side"]
    assert report.exit_code == 0


def test_an_image_whose_output_cannot_be_written_is_not_bought_again() -> None:
    made = machine()
    made.files.broken.add(HERO.output)
    report = made.build(project_of(HERO, SIDE))
    assert statuses(report) == {"hero": "failed", "side": "generated"}
    assert made.locks.read().entries.keys() == {"side"}
    made.files.broken.clear()
    forget(made)
    report = made.build(project_of(HERO, SIDE))
    assert statuses(report) == {"hero": "restored", "side": "kept"}
    assert made.provider.calls == []


def test_fail_fast_starts_nothing_more_and_keeps_what_is_under_way() -> None:
    made = machine()
    made.provider.script("a", Refused("no"))
    names = ["a", "b", "c", "d"]
    project = project_of(*(generated(name, f"prompt {name}") for name in names))
    report = made.build(project, jobs=1, orders=Orders(fail_fast=True))
    assert statuses(report) == {"a": "failed", "b": "stopped", "c": "stopped", "d": "stopped"}
    assert report.exit_code == 1
    assert made.provider.called() == ["a"]


def test_a_missing_key_stops_the_run() -> None:
    made = machine()
    made.provider.script("a", AuthError("the key is not valid"))
    project = project_of(generated("a", "1"), generated("b", "2"), LOGO)
    report = made.build(project, jobs=1)
    assert statuses(report)["a"] == "failed"
    assert statuses(report)["b"] == "stopped"
    assert report.stopped_by == "the key is not valid"
    assert report.exit_code == 1
    assert made.provider.called() == ["a"]


def test_an_unexpected_error_is_not_hidden_and_what_was_done_is_recorded() -> None:
    made = machine()
    made.provider.script("hero", RuntimeError("a fault of ours"))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        made.build(project_of(HERO, ICON))
    assert "hero" not in made.locks.read().entries
    forget(made)
    assert made.build(project_of(HERO, ICON)).exit_code == 0


def test_a_reference_that_changes_while_the_build_runs_is_not_sent() -> None:
    made = machine()
    survey = made.plan(PROJECT)
    made.files.put("refs/frame.png", b"changed meanwhile")
    report = made.build(PROJECT, survey=survey)
    failed = outcome_of(report, "icon")
    assert failed.status is Status.FAILED
    assert "`refs/frame.png` changed" in failed.message
    assert "icon" not in made.provider.called()


def test_an_image_to_read_that_is_not_on_this_machine_holds_who_reads_it() -> None:
    made = built(project_of(HERO, SIDE)).fresh_clone()
    made.files.remove(HERO.output)
    changed = project_of(HERO, generated("side", "Other words", "asset:hero"))
    report = made.build(changed)
    assert statuses(report) == {"hero": "held", "side": "held"}
    assert "`hero`" in outcome_of(report, "side").message
    assert report.exit_code == 4
    assert made.provider.calls == []


# Money


def test_the_budget_ends_a_build_with_five_and_buys_what_fits() -> None:
    made = machine()
    assets = [generated(f"a{n}", f"prompt {n}") for n in range(5)]
    project = project_of(*assets, budget=Budget(per_build=Decimal("0.10")))
    report = made.build(project)
    assert len(report.named(Status.GENERATED)) == 2
    assert len(report.named(Status.OVER_BUDGET)) == 3
    assert report.exit_code == 5
    assert report.spent_usd == 2 * PRICE
    forget(made)
    assert len(made.build(project).named(Status.GENERATED)) == 2


def test_dependants_of_what_did_not_fit_are_not_tried() -> None:
    made = machine()
    report = made.build(project_of(HERO, SIDE, budget=Budget(per_asset=Decimal("0.01"))))
    assert statuses(report) == {"hero": "over-budget", "side": "blocked"}
    assert report.exit_code == 5


def test_an_overshoot_is_told() -> None:
    made = machine()
    made.provider.cost_usd = Decimal("0.12")
    report = made.build(project_of(HERO, budget=Budget(per_build=Decimal("0.10"))))
    assert report.overshoot_usd == Decimal("0.02")
    assert warnings(made) == ["the bills went $0.02 over the cap"]
    assert report.exit_code == 0


def test_an_unknown_bill_is_told_as_unknown_and_counted_with_its_estimate() -> None:
    made = machine()
    made.provider.cost_usd = None
    report = made.build(project_of(HERO))
    assert outcome_of(report, "hero").cost_usd is None
    assert (report.spent_usd, report.unknown_bills) == (PRICE, 1)


def test_failed_attempts_are_part_of_what_an_asset_cost() -> None:
    made = machine()
    made.provider.script("hero", Refused("no", cost_usd=Decimal("0.02")))
    report = made.build(project_of(HERO))
    assert outcome_of(report, "hero").cost_usd == Decimal("0.02")
    assert report.spent_usd == Decimal("0.02")


def test_locked_restores_and_never_buys() -> None:
    made = built()
    made.files.remove(ICON.output)
    report = made.build(edited(), orders=Orders(generates="none"))
    assert statuses(report) == {
        "hero": "stale",
        "side": "stale",
        "icon": "restored",
        "logo": "kept",
    }
    assert made.provider.calls == []
    assert report.exit_code == 4


@pytest.mark.parametrize("budget", [Budget(per_build=Decimal(0)), Budget(per_asset=Decimal(0))])
def test_drawing_drafts_as_the_product_is_free_whatever_the_budget(budget: Budget) -> None:
    made = machine()
    made.provider.cost_usd = Decimal(0)
    project = project_of(HERO, SIDE, provider="draft", budget=budget)
    report = made.build(project, price=Decimal(0))
    assert set(statuses(report).values()) == {"generated"}


# Stopping


def test_an_interrupt_keeps_what_is_in_flight_and_starts_nothing_more() -> None:
    made = machine()
    project = project_of(*(generated(f"a{n}", f"prompt {n}") for n in range(6)))

    async def interrupt(_: Request) -> None:
        await asyncio.sleep(0)
        assert made.halt is not None
        made.halt.set("interrupted", is_interrupt=True)

    made.provider.during = interrupt
    report = made.build(project, jobs=2)
    assert len(report.named(Status.GENERATED)) == 2
    assert len(report.named(Status.STOPPED)) == 4
    assert report.exit_code == 130
    assert len(made.locks.read().entries) == 2
    made.provider.during = FakeProvider().during
    forget(made)
    assert made.build(project).exit_code == 0
    assert len(made.provider.calls) == 4


def test_a_cut_build_is_continued_without_buying_anything_twice() -> None:
    made = machine()
    project = project_of(*(generated(f"a{n}", f"prompt {n}") for n in range(6)))
    both_hang = asyncio.Event()

    async def hang(_: Request) -> None:
        if len(made.provider.calls) > 3:
            both_hang.set()
        if len(made.provider.calls) > 2:
            await asyncio.Event().wait()

    made.provider.during = hang

    async def cut() -> None:
        task = asyncio.create_task(made.build_async(project, survey=made.plan(project), jobs=2))
        await both_hang.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(cut(), 60))
    made.provider.during = FakeProvider().during
    forget(made)
    made.recover()
    assert made.build(project).exit_code == 0
    assert len(made.provider.calls) == 4


def test_a_long_build_writes_its_lockfile_now_and_then() -> None:
    made = machine()
    seen: list[int] = []

    async def long(_: Request) -> None:
        seen.append(len(made.locks.read().entries))
        made.clock.tick(LOCK_INTERVAL_S)
        await asyncio.sleep(0)

    made.provider.during = long
    made.build(project_of(*(generated(f"a{n}", f"prompt {n}") for n in range(4))), jobs=1)
    assert seen == [0, 1, 2, 3]


def test_while_a_build_waits_for_images_it_looks_again_at_those_that_are_there() -> None:
    made = machine()
    project = project_of(*(generated(f"a{n}", f"prompt {n}") for n in range(6)))
    last = project.assets[-1].name

    async def long(request: Request) -> None:
        made.clock.tick(2 * INTERVAL_S)
        if request.asset == last:
            await until(lambda: project.assets[0].output in made.files.reads)

    made.provider.during = long
    made.build(project, jobs=1)
    assert made.record is not None
    assert made.record.head.complete


def test_while_a_build_waits_for_images_it_keeps_the_words_of_those_that_are_there() -> None:
    made = machine()
    project = project_of(*(generated(f"a{n:02}", f"prompt {n}") for n in range(BATCH + 8)))
    last = project.assets[-1].name
    first: list[str] = []

    async def long(request: Request) -> None:
        first.append(request.fingerprint)
        if request.asset == last:
            await until(lambda: made.inputs.get(first[0]) is not None)

    made.provider.during = long
    made.build(project, jobs=1)
    assert all(made.inputs.get(one) is not None for one in first)


# Somebody's work


def test_an_edited_output_is_left_alone_and_everything_else_goes_on() -> None:
    made = built()
    made.files.put(HERO.output, BY_HAND)
    report = made.build(PROJECT)
    assert statuses(report) == {"hero": "held", "side": "kept", "icon": "kept", "logo": "kept"}
    assert made.files.peek(HERO.output) == BY_HAND
    assert made.provider.calls == []
    assert report.exit_code == 0
    assert made.record is not None
    assert not made.record.head.complete


@pytest.mark.parametrize("before", [None, b""], ids=["missing", "empty"])
def test_an_output_that_somebody_paints_while_the_build_runs_is_left_alone(
    before: bytes | None,
) -> None:
    made = machine()
    if before is not None:
        made.files.put(HERO.output, before)
    project = project_of(HERO)
    survey = made.plan(project)
    made.files.put(HERO.output, BY_HAND)
    report = made.build(project, survey=survey)
    assert statuses(report) == {"hero": "held"}
    assert made.files.peek(HERO.output) == BY_HAND
    bought = made.provider.calls[0]
    assert made.actions.get_many([bought.fingerprint])
    forget(made)
    made.build(project)
    made.files.remove(HERO.output)
    assert statuses(made.build(project)) == {"hero": "restored"}
    assert made.provider.calls == []


def test_an_output_that_somebody_edits_before_it_is_restored_is_left_alone() -> None:
    made = built()
    made.files.remove(HERO.output)
    survey = made.plan(PROJECT)
    made.files.put(HERO.output, BY_HAND)
    report = made.build(PROJECT, survey=survey)
    assert statuses(report)["hero"] == "held"
    assert made.files.peek(HERO.output) == BY_HAND


def test_an_output_that_somebody_restored_meanwhile_is_not_held() -> None:
    made = built()
    data = made.files.peek(HERO.output)
    made.files.remove(HERO.output)
    survey = made.plan(PROJECT)
    made.files.put(HERO.output, data or b"")
    report = made.build(PROJECT, survey=survey)
    assert statuses(report)["hero"] == "restored"


def test_force_replaces_an_edited_output_and_keeps_its_bytes() -> None:
    made = built()
    made.files.put(HERO.output, BY_HAND)
    report = made.build(PROJECT, forced=["hero"])
    assert statuses(report)["hero"] == "generated"
    assert made.files.peek(HERO.output) != BY_HAND
    assert made.blobs.get(digest_of(BY_HAND)) == BY_HAND
    assert warnings(made) == [f"the former bytes are kept as {digest_of(BY_HAND)}"]
    request = made.provider.calls[0]
    assert not request.allow_cached


def test_a_forced_image_takes_its_dependants_along() -> None:
    made = Machine(provider=FakeProvider(paint=another_each_time))
    project = project_of(HERO, SIDE)
    made.build(project)
    forget(made)
    report = made.build(project, forced=["hero"])
    assert made.provider.called() == ["hero", "side"]
    assert statuses(report) == {"hero": "generated", "side": "generated"}


@pytest.mark.parametrize("forced", [["hero"], []], ids=["force", "an edited prompt"])
def test_an_image_that_is_replaced_in_a_fresh_clone_is_kept_first(forced: list[str]) -> None:
    """Its bytes came with git: this machine's store has never seen them."""
    made = built()
    before = made.files.peek(HERO.output)
    assert before is not None
    clone = made.fresh_clone()
    clone.provider = FakeProvider(paint=another_each_time)
    clone.build(PROJECT if forced else edited(), forced=forced)
    assert clone.files.peek(HERO.output) != before
    assert clone.is_known(before)


def test_going_back_to_earlier_words_in_a_fresh_clone_costs_nothing() -> None:
    clone = built().fresh_clone()
    clone.build(edited())
    forget(clone)
    clone.build(PROJECT)
    assert clone.provider.calls == []


def test_an_image_whose_path_another_asset_takes_is_kept_first() -> None:
    made = built(project_of(HERO, ICON))
    before = made.files.peek(ICON.output)
    assert before is not None
    clone = made.fresh_clone()
    clone.build(project_of(replace(HERO, output=ICON.output)))
    assert clone.files.peek(ICON.output) == made.files.peek(HERO.output)
    assert clone.is_known(before)


def test_two_assets_swap_their_paths_and_lose_nothing() -> None:
    made = built(project_of(HERO, ICON))
    hero, icon = made.files.peek(HERO.output), made.files.peek(ICON.output)
    swapped = project_of(replace(HERO, output=ICON.output), replace(ICON, output=HERO.output))
    made.build(swapped)
    assert made.files.peek(ICON.output) == hero
    assert made.files.peek(HERO.output) == icon
    assert made.provider.calls == []


def test_a_pinned_image_outlives_its_words_and_is_restored() -> None:
    made = built()
    before = made.files.peek(HERO.output)
    pinned = project_of(generated("hero", "Other words", pinned=True), SIDE, ICON, LOGO)
    assert statuses(made.build(pinned))["hero"] == "held"
    made.files.remove(HERO.output)
    report = made.build(pinned)
    assert statuses(report)["hero"] == "restored"
    assert made.files.peek(HERO.output) == before
    assert made.provider.calls == []


def test_what_was_bought_and_is_not_here_is_held_until_it_is_asked_for_again() -> None:
    made = built(project_of(HERO)).fresh_clone()
    made.provider.calls.clear()
    made.files.remove(HERO.output)
    report = made.build(project_of(HERO))
    assert statuses(report) == {"hero": "held"}
    assert report.exit_code == 4
    assert made.provider.calls == []
    report = made.build(project_of(HERO), rebuy=True)
    assert statuses(report) == {"hero": "generated"}
    assert made.provider.called() == ["hero"]


def test_a_held_asset_without_an_image_blocks_those_that_read_it() -> None:
    made = machine()
    made.files.put(HERO.output, BY_HAND)
    report = made.build(project_of(HERO, SIDE))
    assert statuses(report) == {"hero": "held", "side": "held"}
    assert report.exit_code == 4


# Placeholder drafts


def test_placeholders_fill_what_has_no_image_and_are_recorded_nowhere() -> None:
    made = machine()
    report = made.build(PROJECT, draft=True)
    assert statuses(report) == {
        "hero": "drafted",
        "side": "drafted",
        "icon": "drafted",
        "logo": "derived",
    }
    assert made.provider.calls == []
    assert made.locks.read().entries.keys() == {"logo"}
    for asset in (HERO, SIDE, ICON):
        data = made.files.peek(asset.output)
        assert data is not None
        assert not made.blobs.has(digest_of(data))
        assert digest_of(data) not in made.journal.entries
    assert list(made.ledger.lines()) == []


def test_a_second_build_with_placeholders_does_nothing() -> None:
    made = machine()
    made.build(PROJECT, draft=True)
    forget(made)
    report = made.build(PROJECT, draft=True)
    assert set(statuses(report).values()) == {"kept"}
    assert made.files.writes == []
    assert made.files.reads == []


def test_a_placeholder_gives_way_to_the_real_image_without_a_word() -> None:
    made = machine()
    made.build(PROJECT, draft=True)
    forget(made)
    report = made.build(PROJECT)
    assert statuses(report)["hero"] == "generated"
    assert warnings(made) == []
    assert report.exit_code == 0


def test_a_placeholder_that_somebody_painted_over_is_their_work() -> None:
    made = machine()
    made.build(PROJECT, draft=True)
    made.files.put(HERO.output, BY_HAND)
    report = made.build(PROJECT)
    assert statuses(report)["hero"] == "held"
    assert made.files.peek(HERO.output) == BY_HAND


def test_a_placeholder_never_covers_what_somebody_paints_while_the_build_runs() -> None:
    made = machine()
    survey = made.plan(PROJECT, draft=True)
    made.files.put(HERO.output, BY_HAND)
    report = made.build(PROJECT, survey=survey)
    assert made.files.peek(HERO.output) == BY_HAND
    assert statuses(report)["hero"] == "held"


def test_placeholders_leave_real_images_alone() -> None:
    made = built()
    before = made.files.peek(HERO.output)
    report = made.build(edited(), draft=True)
    assert statuses(report)["hero"] == "held"
    assert made.files.peek(HERO.output) == before
    assert report.exit_code == 0


def test_drafts_as_the_product_are_locked_like_any_image_and_not_booked() -> None:
    made = machine()
    project = project_of(HERO, SIDE, provider="draft")
    report = made.build(project)
    assert set(statuses(report).values()) == {"generated"}
    assert made.locks.read().entries.keys() == {"hero", "side"}
    assert list(made.ledger.lines()) == []


def test_drafts_packed_by_another_zlib_do_not_rewrite_the_lockfile() -> None:
    project = project_of(HERO, provider="draft")
    made = built(project)
    before = made.locks.text
    other = made.fresh_clone()
    other.provider = FakeProvider(paint=another_each_time)
    other.files.remove(HERO.output)
    assert statuses(other.build(project)) == {"hero": "generated"}
    assert other.locks.text == before
    forget(other)
    assert statuses(other.build(project)) == {"hero": "kept"}


# Words about the picture


@pytest.mark.parametrize(
    ("parameters", "width", "height", "warning"),
    [
        (Parameters(), 7, 9, None),
        (Parameters(aspect_ratio="auto"), 7, 9, None),
        (Parameters(aspect_ratio="16:9"), 1600, 900, None),
        (Parameters(aspect_ratio="16:9"), 1640, 900, None),
        (Parameters(aspect_ratio="16:9"), 1000, 1000, "asked for 16:9, got 1000x1000 px"),
        (Parameters(image_size="2K"), 2048, 2048, None),
        (Parameters(image_size="2K"), 2752, 1536, None),
        (Parameters(image_size="2K"), 1024, 1024, "asked for 2K, got 1024x1024 px"),
        (Parameters(image_size="0.5K"), 512, 512, None),
    ],
)
def test_a_picture_of_another_shape_than_asked_for_is_worth_a_word(
    parameters: Parameters, width: int, height: int, warning: str | None
) -> None:
    asset = generated("hero", parameters=parameters)
    assert shape_warning(asset, result_of(picture("x", width=width, height=height))) == warning


def test_a_picture_of_another_shape_is_taken_all_the_same() -> None:
    made = machine()
    square = generated("hero", parameters=Parameters(aspect_ratio="1:1"))
    answer = Generated(images=(picture("x", width=30, height=10),), cost_usd=PRICE)
    made.provider.script("hero", answer)
    report = made.build(project_of(square))
    assert statuses(report) == {"hero": "generated"}
    assert warnings(made) == ["asked for 1:1, got 30x10 px"]


# What is remembered


def test_a_build_with_something_left_to_say_is_not_remembered_as_complete() -> None:
    made = machine()
    made.provider.script("hero", *(Unavailable("down") for _ in range(4)))
    made.build(PROJECT)
    assert made.record is not None
    assert not made.record.head.complete
    made.build(PROJECT)
    assert made.record.head.complete


def test_an_output_that_changes_right_after_it_was_written_is_not_remembered_as_ours() -> None:
    made = machine()
    project = project_of(HERO)

    class Painter(type(made.clock)):  # type: ignore[misc]
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            made.files.put(HERO.output, BY_HAND)

    made.clock = Painter()
    made.build(project)
    assert made.record is not None
    assert not made.record.head.complete
    assert statuses(made.build(project)) == {"hero": "held"}


def test_a_second_build_of_drafts_packed_by_another_zlib_leaves_the_lockfile_alone_too() -> None:
    project = project_of(HERO, SIDE, provider="draft")
    made = built(project)
    other = made.fresh_clone()
    other.provider = FakeProvider(paint=another_each_time)
    for asset in (HERO, SIDE):
        other.files.remove(asset.output)
    other.build(project)
    forget(other)
    other.build(project)
    assert other.provider.calls == []
    assert other.locks.text == made.locks.text


def test_a_pinned_image_bought_again_after_its_words_changed_is_known_by_its_own_words() -> None:
    """Else the shared cache would hand out a picture of the new words for the old ones."""
    made = built(project_of(HERO))
    clone = made.fresh_clone()
    clone.files.remove(HERO.output)
    clone.provider = FakeProvider(paint=another_each_time)
    clone.build(project_of(generated("hero", "Other words", pinned=True)), rebuy=True)
    (call,) = clone.provider.calls
    (entry,) = made.locks.read().entries.values()
    assert call.generate.prompt == "Other words"
    assert call.fingerprint != entry.fingerprint


def test_an_output_of_an_earlier_conversion_is_converted_again_and_recorded_as_it_is_now() -> None:
    made = built(project_of(WEBP))
    (entry,) = made.locks.read().entries.values()
    earlier = picture("an earlier way to convert")
    made.files.put(WEBP.output, earlier)
    old = replace(entry, digest=digest_of(earlier), convert_version=entry.convert_version - 1)
    made.locks.update(Changes({entry.name: old}), Names(frozenset([entry.name])))
    forget(made)
    assert statuses(made.build(project_of(WEBP))) == {"hero": "restored"}
    assert made.provider.calls == []
    assert made.locks.read().entries["hero"] == entry
    assert digest_of(made.files.peek(WEBP.output) or b"") == entry.digest
    clone = made.fresh_clone()
    clone.files.put(WEBP.output, earlier)
    clone.locks.update(Changes({entry.name: old}), Names(frozenset([entry.name])))
    clone.blobs.put(made.blobs.get(entry.result.image) or b"")
    assert statuses(clone.build(project_of(WEBP))) == {"hero": "derived"}
    assert clone.locks.read().entries["hero"] == entry


# An output that somebody changes while its image is made


class StoresNothing(MemoryBlobs):
    """A store that is full, on a machine where nothing else takes an image either."""

    def put(self, data: bytes) -> Digest:
        raise CacheError(f"no space for {len(data)} bytes")

    def rescue(self, data: bytes, *, fingerprint: str, call: str, is_further: bool = False) -> str:
        raise CacheError(f"no place for {len(data)} bytes of {fingerprint} {call} {is_further}")


def held(made: Machine, project: Project) -> Outcome:
    """Build, and paint over the output at the last moment."""

    async def paint_over(_: Request) -> None:
        made.files.put("art/hero.png", BY_HAND)

    made.provider.during = paint_over
    outcome = outcome_of(made.build(project), "hero")
    assert outcome.status is Status.HELD
    assert made.files.peek("art/hero.png") == BY_HAND
    return outcome


def test_an_image_that_finds_its_output_changed_is_kept_and_comes_back_free() -> None:
    made = machine()
    outcome = held(made, project_of(HERO))
    (call,) = made.provider.calls
    assert f"the image is kept as {digest_of(made.provider.paint(call))}" in outcome.message
    assert "the image comes back, free" in (outcome.hint or "")
    made.files.remove("art/hero.png")
    assert statuses(made.build(project_of(HERO))) == {"hero": "restored"}


def test_an_image_that_finds_its_output_changed_and_no_store_is_said_to_be_lost() -> None:
    made = machine()
    made.blobs = StoresNothing()
    outcome = held(made, project_of(HERO))
    assert "the image is lost" in outcome.message
    assert "is kept" not in outcome.message
    assert "buys another" in (outcome.hint or "")


def test_a_free_image_that_finds_its_output_changed_and_no_store_is_made_again() -> None:
    made = machine()
    made.blobs = StoresNothing()
    outcome = held(made, project_of(HERO, provider="draft"))
    assert outcome.message.endswith("the image is not kept")
    assert "made again, free" in (outcome.hint or "")


def test_a_copy_of_a_file_that_finds_its_output_changed_names_the_file() -> None:
    made = machine()
    project = project_of(LOGO)
    survey = made.plan(project)
    made.clock.tick()
    made.files.put("public/logo.png", BY_HAND)
    outcome = outcome_of(made.build(project, survey=survey), "logo")
    assert outcome.status is Status.HELD
    assert outcome.message.endswith("`hand/logo.png` is as it was")
