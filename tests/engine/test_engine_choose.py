"""Laws of choosing: nothing is bought, nothing is lost, and the plan agrees afterwards."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.core.digest import digest_of
from assetgen.core.events import Warned
from assetgen.core.select import in_build_order
from assetgen.core.value import replace
from assetgen.engine.choose import Chooser
from assetgen.engine.deliver import Delivery
from assetgen.errors import AssetgenError, CacheError, OutputError, UsageError
from tests.fakes import FakeImages, Machine, generated, picture, project_of, result_of, sourced
from tests.memory import MemoryActions, MemoryInputs
from tests.properties import BUILDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.model import Asset, Project
    from assetgen.core.result import ActionResult

HERO = generated("hero", "A keeper")
SIDE = generated("side", "Her side", "asset:hero", output="art/side.webp")
BOTH = project_of(HERO, SIDE)
OTHER_WORDS = project_of(generated("hero", "A captain"), SIDE)


def chooser(machine: Machine, project: Project, *, forced: str = "") -> Chooser:
    survey = machine.plan(project)
    return Chooser(
        project=project,
        facts=survey.facts,
        options=survey.options,
        decided=survey.decided,
        files=machine.files,
        images=machine.images,
        delivery=Delivery(
            files=machine.files,
            finishing=machine.finishing(),
            blobs=machine.blobs,
            actions=machine.actions,
            journal=machine.journal,
            observer=survey.observer,
            facts=survey.facts,
            forced=frozenset({forced}),
            emit=machine.events.append,
        ),
        supplier=survey.supplier,
        blobs=machine.blobs,
        ledger=machine.ledger,
        actions=machine.actions,
        inputs=machine.inputs,
        locks=machine.locks,
        clock=machine.clock,
        lines=tuple(machine.ledger.lines()),
    )


def use(machine: Machine, project: Project, name: str, result: ActionResult) -> None:
    one = chooser(machine, project, forced=name)
    one.use(one.decided[name].asset, result)
    one.finish()
    machine.clock.tick()


def adopt(machine: Machine, project: Project, *names: str) -> list[bool]:
    one = chooser(machine, project)
    done = [one.adopt(a) for a in in_build_order(project.assets) if a.name in names]
    one.finish()
    machine.clock.tick()
    return done


def images_of(machine: Machine, asset: str) -> list[ActionResult]:
    lines = machine.ledger.lines()
    return [line.result for line in lines if line.asset == asset and line.result is not None]


def two_images() -> Machine:
    """`hero` has been bought twice, from the same words; `side` was made from the second."""
    machine = Machine()
    calls = machine.provider.calls
    machine.provider.paint = lambda request: picture(f"{request.asset} {len(calls)}")
    machine.build(BOTH)
    machine.build(BOTH, forced=["hero"])
    assert len(images_of(machine, "hero")) == 2
    return machine


# Use


def test_an_image_that_is_chosen_is_the_assets_image_at_once_and_for_free() -> None:
    machine = two_images()
    first, second = images_of(machine, "hero")
    calls = len(machine.provider.calls)
    use(machine, BOTH, "hero", first)
    assert digest_of(machine.files.peek(HERO.output) or b"") == first.image
    entry = machine.locks.read().entries["hero"]
    assert entry.result == first
    assert machine.plan(BOTH).verdicts()["hero"] == "keep"
    assert len(machine.provider.calls) == calls
    assert machine.blobs.has(second.image)


def test_the_bytes_it_replaces_are_kept_and_named() -> None:
    machine = two_images()
    painted = picture("by hand")
    machine.files.put(HERO.output, painted)
    machine.events.clear()
    use(machine, BOTH, "hero", images_of(machine, "hero")[0])
    assert machine.blobs.get(digest_of(painted)) == painted
    (warning,) = (event for event in machine.events if isinstance(event, Warned))
    assert digest_of(painted) in warning.message


def test_dependants_follow_and_come_back_for_free() -> None:
    machine = two_images()
    first, second = images_of(machine, "hero")
    use(machine, BOTH, "hero", first)
    assert machine.plan(BOTH).verdicts() == {"hero": "keep", "side": "restore"}
    assert "reference asset:hero changed" in machine.plan(BOTH).reasons()["side"]
    calls = len(machine.provider.calls)
    machine.build(BOTH)
    use(machine, BOTH, "hero", second)
    machine.build(BOTH)
    assert len(machine.provider.calls) == calls
    assert set(machine.plan(BOTH).verdicts().values()) == {"keep"}


@pytest.mark.parametrize("loses_actions", [False, True])
def test_changing_the_words_away_and_back_brings_the_chosen_image(loses_actions: bool) -> None:
    machine = two_images()
    first, _ = images_of(machine, "hero")
    use(machine, BOTH, "hero", first)
    machine.build(OTHER_WORDS)
    machine.build(BOTH)
    assert machine.locks.read().entries["hero"].result == first
    if loses_actions:
        newest = [line for line in machine.ledger.lines() if line.result]
        machine.actions = MemoryActions()
        for line in newest:
            if line.result is not None:
                machine.actions.put(line.fingerprint, line.result)
        machine.build(OTHER_WORDS)
        machine.build(BOTH)
        assert machine.locks.read().entries["hero"].result == first


def test_an_image_in_another_format_is_converted_and_its_dependants_read_it_as_it_came() -> None:
    machine = Machine()
    project = project_of(replace(HERO, output="art/hero.webp", format="webp"), SIDE)
    machine.build(project)
    machine.build(project, forced=["hero"])
    first = images_of(machine, "hero")[0]
    use(machine, project, "hero", first)
    entry = machine.locks.read().entries["hero"]
    assert entry.result.image == first.image != entry.digest
    assert machine.files.peek("art/hero.webp") == FakeImages().convert(
        machine.blobs.get(first.image) or b"", "webp"
    )
    assert machine.plan(project).verdicts()["hero"] == "keep"


def test_choosing_an_image_twice_notes_it_once() -> None:
    machine = two_images()
    first = images_of(machine, "hero")[0]
    use(machine, BOTH, "hero", first)
    use(machine, BOTH, "hero", first)
    events = [line.event for line in machine.ledger.lines()]
    assert events.count("chosen") == 1


def test_an_image_made_from_other_words_is_recorded_for_todays() -> None:
    machine = Machine()
    machine.build(BOTH)
    before = machine.locks.read().entries["hero"].result
    machine.build(OTHER_WORDS)
    use(machine, OTHER_WORDS, "hero", before)
    assert machine.plan(OTHER_WORDS).verdicts()["hero"] == "keep"


def test_a_source_is_not_chosen_for() -> None:
    machine = Machine()
    machine.files.put("hand/logo.png", picture("logo"))
    project = project_of(sourced("logo"))
    with pytest.raises(UsageError, match=r"`hand/logo\.png`"):
        use(machine, project, "logo", result_of(picture("x")))


def test_an_asset_whose_inputs_do_not_exist_is_not_chosen_for() -> None:
    machine = Machine()
    with pytest.raises(UsageError, match="reads `hero`, which will be made first"):
        use(machine, BOTH, "side", result_of(picture("x")))


def test_an_image_that_goes_away_in_the_last_moment_changes_nothing() -> None:
    machine = two_images()
    before = machine.locks.text
    with pytest.raises(OutputError):
        use(machine, BOTH, "hero", result_of(picture("never stored")))
    assert machine.locks.text == before


def test_an_output_that_changes_in_the_last_moment_is_left_alone() -> None:
    machine = two_images()
    one = chooser(machine, BOTH, forced="hero")
    machine.clock.tick()
    machine.files.put(HERO.output, picture("just painted"))
    with pytest.raises(OutputError, match="changed just now"):
        one.use(HERO, images_of(machine, "hero")[0])
    assert machine.files.peek(HERO.output) == picture("just painted")


# Adopt


def test_an_edited_file_becomes_the_image_without_a_provenance_it_does_not_have() -> None:
    machine = Machine()
    machine.build(BOTH)
    painted = picture("by hand", width=20)
    machine.files.put(HERO.output, painted)
    assert adopt(machine, BOTH, "hero") == [True]
    entry = machine.locks.read().entries["hero"]
    assert (entry.digest, entry.result.image) == (digest_of(painted), digest_of(painted))
    assert (entry.result.model, entry.result.date, entry.result.info.width_px) == ("", "", 20)
    assert machine.blobs.get(digest_of(painted)) == painted
    assert machine.plan(BOTH).verdicts() == {"hero": "keep", "side": "generate"}


def test_an_unchanged_image_after_new_words_keeps_its_provenance() -> None:
    machine = Machine()
    machine.build(BOTH)
    machine.build(BOTH)
    before = machine.locks.read().entries
    words = project_of(
        generated("hero", "A captain"),
        generated("side", "Another side", "asset:hero", output="art/side.webp"),
    )
    assert adopt(machine, words, "hero", "side") == [True, True]
    after = machine.locks.read().entries
    for name in ("hero", "side"):
        assert after[name].result == before[name].result
        assert after[name].digest == before[name].digest
        assert after[name].fingerprint != before[name].fingerprint
    assert after["side"].digest != after["side"].result.image, "a converted output stays one"
    assert set(machine.plan(words).verdicts().values()) == {"keep"}
    assert machine.build(words).exit_code == 0
    assert len(machine.provider.calls) == 2


def test_pictures_brought_into_a_new_project_are_adopted_together() -> None:
    machine = Machine()
    machine.files.put(HERO.output, picture("hero"))
    machine.files.put(SIDE.output, picture("side", "webp"))
    assert adopt(machine, BOTH, "hero", "side") == [True, True]
    assert set(machine.plan(BOTH).verdicts().values()) == {"keep"}
    assert adopt(machine, BOTH, "hero", "side") == [False, False]


def test_an_older_image_put_back_by_hand_has_its_own_provenance_again() -> None:
    machine = two_images()
    first, _ = images_of(machine, "hero")
    machine.files.put(HERO.output, machine.blobs.get(first.image) or b"")
    assert adopt(machine, BOTH, "hero") == [True]
    assert machine.locks.read().entries["hero"].result == first


def test_the_adopted_file_comes_back_after_other_words_and_is_never_bought_over() -> None:
    machine = Machine()
    machine.files.put(HERO.output, picture("mine"))
    alone, other = project_of(HERO), project_of(generated("hero", "A captain"))
    adopt(machine, alone, "hero")
    machine.build(other)
    machine.build(alone)
    assert machine.files.peek(HERO.output) == picture("mine")
    assert len(machine.provider.calls) == 1


def lfs_pointer(data: bytes) -> bytes:
    oid = digest_of(data)
    return f"version https://git-lfs.github.com/spec/v1\noid {oid}\nsize {len(data)}\n".encode()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(None, "there is no file", id="missing"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"text", "is not a readable image", id="no image"),
        pytest.param(picture("draft:" + "0" * 64), "placeholder draft", id="draft"),
        pytest.param(lfs_pointer(b"x"), "Git LFS pointer", id="pointer"),
        pytest.param(picture("x", "jpeg"), "holds JPEG and must be PNG", id="another format"),
    ],
)
def test_what_cannot_be_the_image_is_refused_and_nothing_changes(
    found: bytes | None, words: str
) -> None:
    machine = Machine()
    if found is not None:
        machine.files.put(HERO.output, found)
    with pytest.raises(UsageError, match=words) as refused:
        adopt(machine, project_of(HERO), "hero")
    assert refused.value.hint
    assert machine.locks.text is None
    assert machine.files.peek(HERO.output) == found
    assert list(machine.ledger.lines()) == []


def test_a_pointer_to_the_recorded_image_is_adopted_without_its_bytes() -> None:
    machine = Machine()
    machine.build(project_of(HERO))
    clone = machine.fresh_clone()
    clone.files.put(HERO.output, lfs_pointer(clone.files.peek(HERO.output) or b""))
    clone.clock.tick()
    other = project_of(generated("hero", "A captain"))
    assert adopt(clone, other, "hero") == [True]
    assert clone.plan(other).verdicts() == {"hero": "keep"}


def test_a_cache_that_cannot_note_the_words_warns_and_adopts() -> None:
    class Full(MemoryInputs):
        def put_many(self, documents: Iterable[bytes]) -> None:  # noqa: ARG002 - the port
            raise CacheError("cannot write: No space left on device")

    machine = Machine()
    machine.inputs = Full()
    machine.files.put(HERO.output, picture("mine"))
    assert adopt(machine, project_of(HERO), "hero") == [True]
    (warning,) = (event for event in machine.events if isinstance(event, Warned))
    assert "No space left" in warning.message


PROMPTS = st.sampled_from(["a keeper", "a captain"])
FILES = st.sampled_from(["as built", "painted", "older", "gone", "other format"])


def three(prompts: tuple[str, ...], suffix: str) -> Project:
    one, two, last = prompts
    return project_of(
        generated("a", one, output=f"art/a.{suffix}"),
        generated("b", two, "asset:a", output=f"art/b.{suffix}"),
        generated("c", last, "asset:b", output="art/c.png", pinned=suffix == "webp"),
    )


def disturb(machine: Machine, asset: Asset, kind: str) -> None:
    older = images_of(machine, asset.name)
    if kind == "painted":
        machine.files.put(asset.output, picture(f"painted {asset.name}", asset.format))
    elif kind == "gone":
        machine.files.remove(asset.output)
    elif kind == "other format":
        machine.files.put(asset.output, picture("wrong", "avif"))
    elif kind == "older" and older and asset.format == "png":
        machine.files.put(asset.output, machine.blobs.get(older[0].image) or b"")


def adopted(machine: Machine, project: Project) -> list[str]:
    """Names of the assets whose files could be adopted."""
    one, names = chooser(machine, project), []
    for asset in project.assets:
        with suppress(AssetgenError):
            one.adopt(asset)
            names.append(asset.name)
    one.finish()
    machine.clock.tick()
    return names


@given(
    now=st.tuples(PROMPTS, PROMPTS, PROMPTS),
    files=st.tuples(FILES, FILES, FILES),
    suffix=st.sampled_from(["png", "webp"]),
    builds=st.booleans(),
)
@settings(BUILDING, max_examples=60)
def test_what_was_adopted_is_kept_and_not_bought_and_no_bytes_are_lost(
    now: tuple[str, ...], files: tuple[str, ...], suffix: str, builds: bool
) -> None:
    machine = Machine()
    then, today = three(("a keeper",) * 3, suffix), three(now, suffix)
    if builds:
        machine.build(then)
        machine.build(then, forced=["a", "b", "c"])
    for asset, kind in zip(then.assets, files, strict=True):
        disturb(machine, asset, kind)
    machine.clock.tick()
    before = {path: machine.files.peek(path) for path in machine.files.paths()}
    calls = len(machine.provider.calls)
    names = adopted(machine, today)
    verdicts = machine.plan(today).verdicts()
    assert {verdicts[name] for name in names} <= {"keep"}
    assert {path: machine.files.peek(path) for path in machine.files.paths()} == before
    if "a" in names:
        machine.build(today, names=["a"])
        assert len(machine.provider.calls) == calls
    assert all(machine.is_known(data) for data in before.values() if data)
