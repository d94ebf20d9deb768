"""Laws of cleaning: only what assetgen wrote goes, it is kept first, and twice does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.core.digest import digest_of
from assetgen.core.value import replace
from assetgen.engine.clean import Cleaner
from assetgen.engine.observe import Observer
from tests.fakes import Machine, generated, marked_key, picture, project_of, sourced

if TYPE_CHECKING:
    from assetgen.core.model import Asset, Project
    from assetgen.core.orphan import Orphan

HERO = generated("hero", "A keeper")
SIDE = generated("side", "Her side", output="art/side.webp")
MOVED = generated("hero", "A keeper", output="pub/hero.png")


def cleaner(machine: Machine, project: Project) -> Cleaner:
    return Cleaner(
        project=project,
        lock=machine.locks.read(),
        lockfile="assets.lock",
        journal=frozenset(machine.journal.read()),
        files=machine.files,
        blobs=machine.blobs,
        ledger=machine.ledger,
        actions=machine.actions,
        locks=machine.locks,
        observer=Observer(
            files=machine.files,
            inspect=machine.images.inspect,
            clock=machine.clock,
            marked_key=marked_key,
        ),
        clock=machine.clock,
    )


def clean(machine: Machine, *assets: Asset) -> dict[str, Orphan]:
    one = cleaner(machine, project_of(*assets))
    return {left.entry.output: left for left in one.remove(one.look())}


def built(*assets: Asset) -> Machine:
    machine = Machine()
    machine.build(project_of(*assets))
    return machine


def test_the_file_of_a_removed_asset_goes_and_its_bytes_are_kept() -> None:
    machine = built(HERO, SIDE)
    data = machine.files.peek(SIDE.output) or b""
    (left,) = clean(machine, HERO).values()
    assert (left.state, left.digest) == ("removed", digest_of(data))
    assert machine.files.peek(SIDE.output) is None
    assert machine.blobs.get(digest_of(data)) == data
    assert set(machine.locks.read().entries) == {"hero"}
    assert machine.locks.read().orphans == {}


def test_twice_does_nothing() -> None:
    machine = built(HERO, SIDE)
    clean(machine, HERO)
    before, paths = machine.locks.text, machine.files.paths()
    assert clean(machine, HERO) == {}
    assert (machine.locks.text, machine.files.paths()) == (before, paths)


def test_looking_changes_nothing() -> None:
    machine = built(HERO, SIDE)
    before, paths = machine.locks.text, machine.files.paths()
    assert [left.state for left in cleaner(machine, project_of(HERO)).look()] == ["removable"]
    assert (machine.locks.text, machine.files.paths()) == (before, paths)


def test_an_old_path_goes_only_after_the_build_that_moved_it() -> None:
    machine = built(HERO)
    (left,) = clean(machine, MOVED).values()
    assert left.state == "left"
    assert "`pub/hero.png`" in left.reason
    assert machine.files.peek(HERO.output)
    assert "hero" in machine.locks.read().entries
    machine.build(project_of(MOVED))
    assert clean(machine, MOVED)[HERO.output].state == "removed"
    assert machine.plan(project_of(MOVED)).verdicts() == {"hero": "keep"}
    assert len(machine.provider.calls) == 1


def test_an_edited_file_is_left_and_is_the_users_from_then_on() -> None:
    machine = built(HERO, SIDE)
    machine.files.put(SIDE.output, picture("painted over", "webp"))
    (left,) = clean(machine, HERO).values()
    assert (left.state, left.reason) == ("left", "its bytes are not those that assetgen wrote")
    assert machine.files.peek(SIDE.output) == picture("painted over", "webp")
    assert set(machine.locks.read().entries) == {"hero"}
    assert clean(machine, HERO) == {}


def test_an_entry_whose_file_is_gone_leaves_the_lockfile() -> None:
    machine = built(HERO, SIDE)
    machine.files.remove(SIDE.output)
    assert clean(machine, HERO)[SIDE.output].state == "gone"
    assert set(machine.locks.read().entries) == {"hero"}


def test_a_pointer_is_left_until_its_bytes_are_there() -> None:
    machine = built(HERO, SIDE)
    oid = machine.locks.read().entries["side"].digest
    pointer = f"version https://git-lfs.github.com/spec/v1\noid {oid}\nsize 9\n".encode()
    machine.files.put(SIDE.output, pointer)
    (left,) = clean(machine, HERO).values()
    assert left.state == "left"
    assert "git lfs pull" in left.reason
    assert machine.files.peek(SIDE.output) == pointer
    assert "side" in {entry.name for entry in machine.locks.read().everything()}


def test_a_path_that_another_asset_has_now_is_not_an_orphan() -> None:
    machine = built(HERO)
    other = generated("keeper", "A keeper", output=HERO.output)
    before = machine.locks.text
    assert clean(machine, other) == {}
    assert machine.files.peek(HERO.output)
    assert machine.locks.text == before
    assert machine.plan(project_of(other)).verdicts() == {"keeper": "keep"}


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(sourced("logo", HERO.output, "pub/logo.png"), id="source"),
        pytest.param(generated("next", "x", HERO.output), id="reference"),
    ],
)
def test_a_file_that_something_reads_now_is_left(user: Asset) -> None:
    machine = built(HERO)
    (left,) = clean(machine, user).values()
    assert (left.state, left.reason) == ("left", "in use: the manifest names it")
    assert machine.files.peek(HERO.output)


@pytest.mark.parametrize("path", ["assets.yaml", ".git/hero.png", ".assetgen/x.png", "src/main.py"])
def test_a_lockfile_from_elsewhere_cannot_name_what_assetgen_never_writes(path: str) -> None:
    machine = built(HERO, SIDE)
    data = machine.files.peek(SIDE.output) or b""
    machine.files.put(path, data)
    text = (machine.locks.text or "").replace(SIDE.output, path)
    machine.locks.text = text
    (left,) = clean(machine, HERO).values()
    assert left.state == "left"
    assert machine.files.peek(path) == data


def test_the_same_asset_again_costs_nothing_although_its_line_is_gone() -> None:
    """In a clone only the lockfile knew which inputs the image belongs to."""
    machine = built(HERO, SIDE)
    clone = machine.fresh_clone()
    clean(clone, HERO)
    assert [line.event for line in clone.ledger.lines()] == ["chosen"]
    clone.build(project_of(HERO, SIDE))
    assert clone.files.peek(SIDE.output) == machine.files.peek(SIDE.output)
    assert len(machine.provider.calls) == 2


def test_a_file_that_cannot_be_removed_stays_in_the_lockfile() -> None:
    machine = built(HERO, SIDE)
    one = cleaner(machine, project_of(HERO))
    found = [replace(left, digest=digest_of(b"other")) for left in one.look()]
    (left,) = one.remove(found)
    assert (left.state, left.reason) == ("left", "changed just now")
    assert "side" in machine.locks.read().entries


def test_a_placeholder_goes_without_a_trace_in_the_store() -> None:
    machine, elsewhere = built(HERO), Machine()
    elsewhere.build(project_of(HERO), draft=True)
    placeholder = elsewhere.files.peek(HERO.output) or b""
    machine.files.put(HERO.output, placeholder)
    other = generated("other", "x")
    (left,) = clean(machine, other).values()
    assert (left.state, left.digest) == ("removed", None)
    assert machine.files.peek(HERO.output) is None
    assert not machine.blobs.has(digest_of(placeholder))
