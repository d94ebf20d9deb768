from __future__ import annotations

from assetgen.core.costs import calls_of
from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.history import Found, Past, digits_to_tell, matching, past_images
from assetgen.core.ledger import LedgerEvent, LedgerLine
from assetgen.core.lock import LockEntry
from assetgen.core.price import history_of
from assetgen.core.store import purchases_of
from assetgen.core.value import replace
from tests.fakes import MODEL, picture, result_of

ONE, TWO, THREE = (result_of(picture(name)) for name in ("one", "two", "three"))
MINE, OTHER = "1" * 64, "2" * 64


def line(
    result: object = ONE,
    *,
    event: LedgerEvent = "received",
    asset: str = "hero",
    project: str = "bay",
    fingerprint: str = OTHER,
    at: str = "2027-01-15T08:00:00Z",
) -> LedgerLine:
    return LedgerLine(
        event=event,
        call="0" * 32,
        at=at,
        fingerprint=fingerprint,
        key_scheme=KEY_SCHEME,
        asset=asset,
        model=MODEL,
        project=project,
        result=result,  # type: ignore[arg-type]
    )


def images(*lines: LedgerLine, entry: LockEntry | None = None) -> list[str]:
    found = past_images(
        "hero", "bay", lines=lines, fingerprints=frozenset({MINE}), cached={}, entry=entry
    )
    return [past.result.image for past in found]


def entry() -> LockEntry:
    return LockEntry(
        name="hero",
        output="hero.png",
        digest=THREE.image,
        fingerprint=MINE,
        inputs={},
        result=replace(THREE, date="2027-01-14"),
    )


def test_the_newest_comes_first_and_of_one_second_the_last() -> None:
    early = line(ONE, at="2027-01-14T08:00:00Z")
    assert images(early, line(TWO), line(THREE)) == [THREE.image, TWO.image, ONE.image]


def test_only_lines_that_gave_an_image_count() -> None:
    sent, failed = line(None, event="sent"), line(None, event="failed")
    assert images(sent, failed, line(ONE, event="recovered")) == [ONE.image]
    assert images(line(TWO, event="chosen")) == [TWO.image]


def test_other_assets_and_other_projects_do_not_count() -> None:
    assert images(line(asset="side"), line(project="harbour")) == []


def test_lines_from_before_projects_were_noted_count() -> None:
    assert images(line(project="")) == [ONE.image]


def test_what_another_asset_bought_for_the_same_inputs_counts() -> None:
    assert images(line(asset="side", project="harbour", fingerprint=MINE)) == [ONE.image]


def test_the_recorded_image_counts_also_where_no_ledger_knows_it() -> None:
    assert images(entry=entry()) == [THREE.image]
    assert images(line(ONE), entry=entry()) == [ONE.image, THREE.image]


def test_an_image_that_came_or_was_chosen_again_is_listed_once_with_its_first_provenance() -> None:
    again = replace(ONE, cost_usd=None, generation_id="gen-2")
    found = past_images(
        "hero",
        "bay",
        lines=[line(ONE), line(again, at="2027-01-16T08:00:00Z")],
        fingerprints=frozenset(),
        cached={MINE: ONE},
        entry=None,
    )
    assert [past.result for past in found] == [ONE]


def test_as_many_digits_are_shown_as_tell_the_images_apart() -> None:
    assert digits_to_tell([]) == 8
    assert digits_to_tell([ONE.image, TWO.image]) == 8
    assert digits_to_tell(["sha256:" + "a" * 64, "sha256:" + "a" * 10 + "b" * 54]) == 11


def test_digits_that_several_images_begin_with_match_all_of_them() -> None:
    images = [
        Found(Past(result, MINE, ""), "", is_current=False, is_of_today=False, words=None)
        for result in (ONE, TWO)
    ]
    assert matching(images, "sha256:") == images
    assert matching(images, ONE.image) == images[:1]
    assert matching(images, ONE.image.upper().removeprefix("SHA256:")[:9]) == images[:1]


def test_a_choice_is_no_call_and_costs_nothing() -> None:
    lines = [
        replace(line(ONE, event="sent"), result=None),
        replace(line(ONE), cost_usd=ONE.cost_usd),
        replace(line(ONE, event="chosen", fingerprint=MINE), call="1" * 32),
        replace(line(TWO, event="chosen"), call="2" * 32),
    ]
    assert [call.billed_usd for call in calls_of(lines)] == [ONE.cost_usd]
    bought = purchases_of(lines)
    assert bought[ONE.image].cost_usd == ONE.cost_usd
    assert bought[ONE.image].fingerprints == {MINE, OTHER}, "a build on either is respected"
    assert bought[TWO.image].asset == "hero"
    assert set(history_of(lines).values()) == {ONE.cost_usd}
