from __future__ import annotations

import json
import os
import shutil
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.digest import Digest, digest_of
from assetgen.core.lock import Changes, Lock, LockEntry, Names, merged
from assetgen.core.lock_text import dump_lock, parse_lock, salvage_lock
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import replace
from assetgen.errors import LockfileError
from tests.fakes import lock_of
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from pathlib import Path

FILE = "assets.lock"


def entry(
    name: str, output: str | None = None, *, image: str = "", cost: str = "0.04"
) -> LockEntry:
    digest = digest_of((image or name).encode())
    return LockEntry(
        name=name,
        output=output or f"art/{name}.png",
        digest=digest,
        fingerprint=digest_of(f"print of {name}".encode()).removeprefix("sha256:"),
        inputs={"model": "ffbeb7fcd397", "prompt": "0b1ee04084ef", "take": "6b86b273ff34"},
        result=ActionResult(
            image=digest,
            info=ImageInfo("png", 1024, 768),
            model="vendor/painter",
            provider="Vendor",
            generation_id="gen-1",
            cost_usd=Decimal(cost),
            date="2027-01-15",
        ),
    )


def source_entry(name: str, output: str) -> LockEntry:
    digest = digest_of(name.encode())
    return LockEntry(
        name=name,
        output=output,
        digest=digest,
        fingerprint=digest.removeprefix("sha256:"),
        inputs={"source hand/logo.png": "7692c3ad3540"},
        result=ActionResult(image=digest, info=ImageInfo("png", 8, 8)),
    )


HERO, ICON, LOGO = entry("hero"), entry("icon"), source_entry("logo", "public/logo.png")
OLD = replace(entry("gone", "art/gelöscht.png"), is_orphan=True)
LOCK = lock_of(HERO, ICON, LOGO, OLD)
TEXT = dump_lock(LOCK)


class TestText:
    def test_is_pinned_by_a_golden_vector(self) -> None:
        assert dump_lock(lock_of(LOGO, replace(HERO, digest=digest_of(b"webp")), OLD)) == (
            '[{"assetgen-lock": 1}\n'
            ',{"name": "hero", "output": "art/hero.png", "digest": '
            '"sha256:a57bb082e728a0cdce930ecfcccf4510a3a247be5f322b09b3a971a3f5ed34f8", "image": '
            '"sha256:ae6c79d10f1fd410650790e63186ec108fa106325b52fbd88de21a43540e6f2c", "format": '
            '"png", "width_px": 1024, "height_px": 768, "fingerprint": '
            '"3493b5d9d320a1b739dcd4c7ab10a3548311167e3fa0a8e0a52edaf3ddc424c0", "key_scheme": 1, '
            '"inputs": {"model": "ffbeb7fcd397", "prompt": "0b1ee04084ef", "take": "6b86b273ff34"}'
            ', "convert_version": 1, "take": 1, "model": "vendor/painter", "provider": "Vendor"'
            ', "generation_id": "gen-1"'
            ', "cost_usd": 0.04, "date": "2027-01-15"}\n'
            ',{"name": "logo", "output": "public/logo.png", "digest": '
            '"sha256:3598ce6f965b2481fe26316c06b30950c46ac7f8e7229f104aa78f579997668d", "image": '
            '"sha256:3598ce6f965b2481fe26316c06b30950c46ac7f8e7229f104aa78f579997668d", "format": '
            '"png", "width_px": 8, "height_px": 8, "fingerprint": '
            '"3598ce6f965b2481fe26316c06b30950c46ac7f8e7229f104aa78f579997668d", "key_scheme": 1, '
            '"inputs": {"source hand/logo.png": "7692c3ad3540"}}\n'
            ',{"orphan": true, "name": "gone", "output": "art/gelöscht.png", "digest": '
            '"sha256:283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247", "image": '
            '"sha256:283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247", "format": '
            '"png", "width_px": 1024, "height_px": 768, "fingerprint": '
            '"cfb8a8ebac475f2a20b3f227ab973e50ba41c55962dc65153dd0b66b5cf544df", "key_scheme": 1, '
            '"inputs": {"model": "ffbeb7fcd397", "prompt": "0b1ee04084ef", "take": "6b86b273ff34"}'
            ', "take": 1, "model": "vendor/painter", "provider": "Vendor", "generation_id": "gen-1"'
            ', "cost_usd": 0.04, "date": "2027-01-15"}\n'
            "]\n"
        )

    def test_has_one_line_for_each_entry_between_header_and_end(self) -> None:
        lines = TEXT.splitlines()
        assert lines[0] == '[{"assetgen-lock": 1}'
        assert [json.loads(line[1:])["name"] for line in lines[1:-1]] == [
            "hero",
            "icon",
            "logo",
            "gone",
        ]
        assert lines[-1] == "]"

    def test_is_one_json_document(self) -> None:
        header, *entries = json.loads(TEXT)
        assert header == {"assetgen-lock": 1}
        assert len(entries) == 4

    def test_does_not_depend_on_the_order_of_the_entries(self) -> None:
        backwards = Lock(entries=dict(reversed(list(LOCK.entries.items()))), orphans=LOCK.orphans)
        assert dump_lock(backwards) == TEXT

    def test_of_an_empty_lock_can_be_read_back(self) -> None:
        assert parse_lock(dump_lock(Lock()), FILE) == Lock()

    def test_writes_an_unknown_cost_as_null_and_a_known_one_as_a_plain_number(self) -> None:
        unknown = replace(HERO, result=replace(HERO.result, cost_usd=None))
        assert '"cost_usd": null' in dump_lock(lock_of(unknown))
        assert '"cost_usd": 0.0387,' in dump_lock(lock_of(entry("hero", cost="0.03870")))

    def test_of_a_file_the_user_has_says_nothing_of_models_and_money(self) -> None:
        assert "cost_usd" not in dump_lock(lock_of(LOGO))


# Laws

NAMES = st.text("abcXYZ019._-", min_size=1, max_size=4)
TEXTS = st.text(max_size=6)
DIGESTS = st.integers(0, 5).map(lambda n: digest_of(b"%d" % n))
AMOUNTS = st.none() | st.decimals(0, 9999, places=10, allow_nan=False)
BOUGHT = st.builds(
    ActionResult,
    image=DIGESTS,
    info=st.builds(ImageInfo, st.sampled_from(["png", "gif"]), st.integers(1), st.integers(1)),
    model=TEXTS,
    provider=st.none() | TEXTS,
    generation_id=st.none() | TEXTS,
    cost_usd=AMOUNTS,
    date=st.just("2027-01-15"),
)
OWN = st.builds(
    ActionResult, image=DIGESTS, info=st.builds(ImageInfo, TEXTS, st.just(1), st.just(2))
)


def _entries(
    results: st.SearchStrategy[ActionResult], takes: st.SearchStrategy[int]
) -> st.SearchStrategy[LockEntry]:
    return st.builds(
        LockEntry,
        name=NAMES,
        output=NAMES.map("art/ö {}".format),
        digest=DIGESTS,
        fingerprint=st.sampled_from(["a" * 64, "b" * 64]),
        inputs=st.dictionaries(TEXTS, TEXTS, max_size=3),
        result=results,
        take=takes,
        is_orphan=st.booleans(),
    )


ENTRIES = _entries(BOUGHT, st.integers(1, 9)) | _entries(OWN, st.just(1))
LOCKS = st.lists(ENTRIES, max_size=5).map(lambda entries: lock_of(*entries))


@LAWFUL
@given(LOCKS)
def test_what_was_written_is_read_back(lock: Lock) -> None:
    assert parse_lock(dump_lock(lock), FILE) == lock


@LAWFUL
@given(LOCKS, ENTRIES)
def test_adding_an_entry_adds_one_line_and_touches_no_other(lock: Lock, new: LockEntry) -> None:
    if new.name in lock.entries or new.output in lock.orphans:
        return
    before = dump_lock(lock).split("\n")
    after = dump_lock(lock_of(*lock.everything(), new)).split("\n")
    added = [line for line in after if line not in before]
    assert len(after) == len(before) + 1
    assert [line for line in after if line not in added] == before


# Damage


def damaged(text: str) -> LockfileError:
    with pytest.raises(LockfileError) as caught:
        parse_lock(text, FILE)
    assert caught.value.where is not None
    assert caught.value.where.file == FILE
    assert caught.value.hint is not None
    return caught.value


@pytest.mark.parametrize(
    "marker", ["<<<<<<< HEAD", "||||||| 1a2b3c4", "=======", ">>>>>>> other-branch"]
)
def test_conflict_markers_are_named_with_their_line_and_the_way_out(marker: str) -> None:
    lines = TEXT.splitlines()
    error = damaged("\n".join([*lines[:2], marker, *lines[2:], ""]))
    assert error.what == "the lockfile has conflict markers"
    assert error.where is not None
    assert error.where.line == 3
    assert error.where.source_line == marker
    assert "--rebuild-lock" in (error.hint or "")


@pytest.mark.parametrize("end", range(len(TEXT)))
def test_a_lockfile_cut_off_anywhere_is_an_error_or_says_the_same(end: int) -> None:
    if TEXT[:end] == TEXT.removesuffix("\n"):
        assert parse_lock(TEXT[:end], FILE) == LOCK
    else:
        assert "--rebuild-lock" in (damaged(TEXT[:end]).hint or "")


@pytest.mark.parametrize(
    "text", ["", "\n", "{}", "[]", "null\n", "# mine\n", '["x"]\n', "[" * 9999]
)
def test_another_file_is_not_taken_for_a_lockfile(text: str) -> None:
    error = damaged(text)
    assert error.where is not None
    assert error.where.line == 1
    assert "--rebuild-lock" in (error.hint or "")


def test_two_different_entries_for_one_asset_are_an_error() -> None:
    lines = TEXT.splitlines()
    other = dump_lock(lock_of(entry("hero", image="other"))).splitlines()[1]
    error = damaged("\n".join([*lines[:2], other, *lines[2:], ""]))
    assert "`hero` twice" in error.what
    assert error.where is not None
    assert error.where.line == 3
    assert "--rebuild-lock" in (error.hint or "")


def test_the_same_line_twice_is_read_as_once() -> None:
    lines = TEXT.splitlines()
    assert parse_lock("\n".join([*lines[:2], lines[1], *lines[2:], ""]), FILE) == LOCK


@pytest.mark.parametrize("version", ["2", "99"])
def test_a_newer_version_is_not_read_and_the_better_way_out_comes_first(version: str) -> None:
    error = damaged(TEXT.replace('"assetgen-lock": 1', f'"assetgen-lock": {version}'))
    assert error.what == "the lockfile was written by a newer assetgen"
    hint = error.hint or ""
    assert hint.index("install that version") < hint.index("--rebuild-lock")


def test_a_newer_key_scheme_is_not_read_either() -> None:
    error = damaged(TEXT.replace('"key_scheme": 1', '"key_scheme": 2', 1))
    assert error.what == "the lockfile was written by a newer assetgen"


@pytest.mark.parametrize("version", ["0", "-1", "true", '"1"', "null", "[]", "{}"])
def test_a_version_nobody_wrote_is_damage(version: str) -> None:
    damaged(TEXT.replace('"assetgen-lock": 1', f'"assetgen-lock": {version}'))


def changed_field(name: str, value: str) -> str:
    """A lockfile whose first entry has another JSON value in one field."""
    lines = TEXT.splitlines()
    fields = json.loads(lines[1][1:])
    fields[name] = "PLACE"
    lines[1] = "," + json.dumps(fields).replace('"PLACE"', value)
    return "\n".join([*lines, ""])


WRONG = {
    "name": ["1", "null", "[]"],
    "output": ["1", "null"],
    "digest": ["1", "null", '"md5:abc"', '"sha256:ABC"', '"' + "a" * 64 + '"'],
    "image": ["1", "null", '"sha256:"'],
    "format": ["1", "null"],
    "width_px": ['"1"', "1.5", "true", "null", "NaN"],
    "height_px": ["[]", "Infinity"],
    "fingerprint": ["1", "null"],
    "key_scheme": ['"1"', "1.0", "true"],
    "inputs": ["[]", "null", '{"prompt": 1}', '"prompt"'],
    "take": ['"2"', "null", "1.0"],
    "model": ["1", "[]"],
    "provider": ["1", "{}"],
    "generation_id": ["1"],
    "cost_usd": ["NaN", "Infinity", "-Infinity", "-1", '"free"', "true", "[]"],
    "date": ["20270115", "null"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_of_the_wrong_kind_is_damage_and_never_dropped_silently(
    name: str, value: str
) -> None:
    error = damaged(changed_field(name, value))
    assert error.where is not None
    assert error.where.line == 2
    assert "--rebuild-lock" in (error.hint or "")


@pytest.mark.parametrize("name", ["name", "output", "digest", "image", "format", "inputs"])
def test_a_missing_field_is_damage(name: str) -> None:
    lines = TEXT.splitlines()
    fields = json.loads(lines[1][1:])
    del fields[name]
    damaged("\n".join([lines[0], "," + json.dumps(fields), *lines[2:], ""]))


@pytest.mark.parametrize(
    "line", [",", ",{", ",[]", ",1", "x", ' ,{"name": "hero"}', ",{}", "," + "[" * 9999]
)
def test_a_line_nobody_wrote_is_damage(line: str) -> None:
    lines = TEXT.splitlines()
    error = damaged("\n".join([*lines[:3], line, *lines[3:], ""]))
    assert error.where is not None
    assert error.where.line == 4


@pytest.mark.parametrize("cost", ["1e30", "1e400", "123456789012345678901234567890"])
def test_an_absurd_cost_is_damage_or_can_be_written_again(cost: str) -> None:
    text = changed_field("cost_usd", cost)
    try:
        lock = parse_lock(text, FILE)
    except LockfileError:
        return
    assert parse_lock(dump_lock(lock), FILE).entries.keys() == LOCK.entries.keys()


@pytest.mark.parametrize("output", [r'"art/\ud800.png"', r'"art/\u0000.png"'])
def test_a_path_that_no_file_can_have_is_damage(output: str) -> None:
    damaged(changed_field("output", output))


# Salvage


def test_salvage_finds_both_sides_of_a_conflict() -> None:
    ours, theirs = entry("hero", image="ours"), entry("hero", image="theirs")
    text = "\n".join(
        [
            '[{"assetgen-lock": 1}',
            "<<<<<<< HEAD",
            dump_lock(lock_of(ours)).splitlines()[1],
            "=======",
            dump_lock(lock_of(theirs)).splitlines()[1],
            ">>>>>>> other",
            dump_lock(lock_of(ICON)).splitlines()[1],
            "]",
        ]
    )
    assert salvage_lock(text) == [ours, theirs, ICON]


def test_salvage_of_a_cut_off_lockfile_finds_every_whole_line() -> None:
    cut = TEXT[: TEXT.index('"icon"') + 40]
    assert salvage_lock(cut) == [HERO]


def test_salvage_leaves_out_what_a_newer_version_wrote() -> None:
    assert salvage_lock(TEXT.replace('"key_scheme": 1', '"key_scheme": 2', 1)) == [ICON, LOGO, OLD]


@LAWFUL
@given(st.text(max_size=40))
def test_salvage_of_anything_at_all_gives_a_list(text: str) -> None:
    assert salvage_lock(text) == []


# Merging what a build changed


def test_merging_a_new_asset_leaves_the_others_alone() -> None:
    new = entry("new")
    lock = merged(LOCK, Changes({"new": new}), Names(frozenset(["hero", "icon", "logo", "new"])))
    assert lock == lock_of(HERO, ICON, LOGO, OLD, new)


def test_merging_nothing_changes_nothing() -> None:
    assert merged(LOCK, Changes({}), Names(frozenset(["hero", "icon", "logo"]))) == LOCK


def test_a_moved_asset_leaves_its_old_path_as_an_orphan() -> None:
    moved = replace(HERO, output="art/new/hero.png")
    lock = merged(LOCK, Changes({"hero": moved}), Names(frozenset(["hero", "icon", "logo"])))
    assert lock.entries["hero"] == moved
    assert lock.orphans["art/hero.png"] == replace(HERO, is_orphan=True)


def test_a_removed_asset_becomes_an_orphan() -> None:
    lock = merged(LOCK, Changes({}), Names(frozenset(["hero", "logo"])))
    assert lock == lock_of(HERO, LOGO, OLD, replace(ICON, is_orphan=True))


def test_a_renamed_asset_that_keeps_its_path_leaves_no_orphan() -> None:
    renamed = replace(HERO, name="keeper")
    lock = merged(LOCK, Changes({"keeper": renamed}), Names(frozenset(["keeper", "icon", "logo"])))
    assert lock == lock_of(renamed, ICON, LOGO, OLD)


def test_an_asset_that_comes_back_takes_its_path_from_the_orphans() -> None:
    back = replace(OLD, is_orphan=False)
    lock = merged(LOCK, Changes({"gone": back}), Names(frozenset(["hero", "icon", "logo", "gone"])))
    assert lock == lock_of(HERO, ICON, LOGO, back)


def test_an_asset_that_was_moved_back_leaves_only_the_other_path() -> None:
    names = Names(frozenset(["hero", "icon", "logo"]))
    away = merged(LOCK, Changes({"hero": replace(HERO, output="b.png")}), names)
    back = merged(away, Changes({"hero": HERO}), names)
    assert "art/hero.png" not in back.orphans
    assert "b.png" in back.orphans


def test_two_assets_that_swap_their_paths_leave_no_orphan() -> None:
    swapped = {
        "hero": replace(HERO, output=ICON.output),
        "icon": replace(ICON, output=HERO.output),
    }
    lock = merged(LOCK, Changes(swapped), Names(frozenset(["hero", "icon", "logo"])))
    assert lock.orphans.keys() == {OLD.output}


@LAWFUL
@given(LOCKS, st.lists(ENTRIES, max_size=3), st.lists(NAMES, max_size=3))
def test_merging_forgets_no_path_and_the_second_time_changes_nothing(
    lock: Lock, changed: list[LockEntry], others: list[str]
) -> None:
    changes = {e.name: replace(e, is_orphan=False) for e in changed}
    names = Names(frozenset([*others, *changes]))
    once = merged(lock, Changes(changes), names)
    before = {e.output for e in lock.everything()} | {e.output for e in changes.values()}
    assert {e.output for e in once.everything()} == before
    assert merged(once, Changes(changes), names) == once
    assert once.entries.keys() <= names.assets


def test_the_entry_of_an_asset_comes_before_an_orphan_with_the_same_fingerprint() -> None:
    orphan = replace(HERO, name="old", output="old.png", is_orphan=True)
    assert lock_of(orphan, HERO).by_fingerprint[HERO.fingerprint] == HERO


def test_digests_of_outputs_and_of_images_as_they_came_are_known() -> None:
    webp = replace(HERO, digest=Digest(digest_of(b"converted")))
    assert lock_of(webp).digests == {webp.digest, HERO.result.image}


# Git


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )


def merge_branches(
    folder: Path, base: Lock, ours: Lock, theirs: Lock, attributes: str = ""
) -> subprocess.CompletedProcess[str]:
    """What `git merge` makes of a lockfile that two branches changed."""

    def commit(lock: Lock) -> None:
        (folder / FILE).write_text(dump_lock(lock), "utf-8")
        assert git(folder, "add", "-A").returncode == 0
        done = git(folder, "commit", "-q", "-m", "x")
        assert done.returncode == 0, done.stderr

    assert git(folder, "init", "-q", "-b", "main").returncode == 0
    (folder / ".gitattributes").write_text(attributes)
    commit(base)
    assert git(folder, "checkout", "-q", "-b", "other").returncode == 0
    commit(theirs)
    assert git(folder, "checkout", "-q", "main").returncode == 0
    commit(ours)
    return git(folder, "merge", "-q", "--no-edit", "other")


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
BASE = [entry(name) for name in ("b", "d", "f", "h")]


@needs_git
def test_git_merges_branches_that_add_assets_apart_from_each_other(tmp_path: Path) -> None:
    first, last = entry("a"), entry("z")
    done = merge_branches(tmp_path, lock_of(*BASE), lock_of(*BASE, first), lock_of(*BASE, last))
    assert done.returncode == 0, done.stdout
    merged_lock = parse_lock((tmp_path / FILE).read_text("utf-8"), FILE)
    assert merged_lock == lock_of(*BASE, first, last)


@needs_git
def test_git_merges_branches_that_add_assets_in_one_place_with_the_attribute_of_init(
    tmp_path: Path,
) -> None:
    one, other = entry("e1"), entry("e2")
    done = merge_branches(
        tmp_path,
        lock_of(*BASE),
        lock_of(*BASE, one),
        lock_of(*BASE, other),
        f"{FILE} merge=union\n",
    )
    assert done.returncode == 0, done.stdout
    merged_lock = parse_lock((tmp_path / FILE).read_text("utf-8"), FILE)
    assert merged_lock == lock_of(*BASE, one, other)


@needs_git
def test_git_merges_the_first_assets_of_two_branches(tmp_path: Path) -> None:
    one, other = entry("a"), entry("b")
    done = merge_branches(tmp_path, Lock(), lock_of(one), lock_of(other), f"{FILE} merge=union\n")
    assert done.returncode == 0, done.stdout
    assert parse_lock((tmp_path / FILE).read_text("utf-8"), FILE) == lock_of(one, other)


@needs_git
def test_branches_that_changed_one_asset_in_two_ways_never_merge_silently(tmp_path: Path) -> None:
    ours, theirs = entry("d", image="ours"), entry("d", image="theirs")
    rest = [e for e in BASE if e.name != "d"]
    merge_branches(
        tmp_path,
        lock_of(*BASE),
        lock_of(*rest, ours),
        lock_of(*rest, theirs),
        f"{FILE} merge=union\n",
    )
    text = (tmp_path / FILE).read_text("utf-8")
    assert "`d` twice" in damaged(text).what
    assert {e.digest for e in salvage_lock(text) if e.name == "d"} == {ours.digest, theirs.digest}


@needs_git
def test_without_the_attribute_adjacent_additions_are_a_conflict_that_is_named(
    tmp_path: Path,
) -> None:
    one, other = entry("e1"), entry("e2")
    done = merge_branches(tmp_path, lock_of(*BASE), lock_of(*BASE, one), lock_of(*BASE, other))
    assert done.returncode != 0
    text = (tmp_path / FILE).read_text("utf-8")
    assert damaged(text).what == "the lockfile has conflict markers"
    assert lock_of(*salvage_lock(text)) == lock_of(*BASE, one, other)


def test_a_line_that_nobody_changed_is_written_as_it_was() -> None:
    """Also one that another version wrote with more in it: what we do not know is not dropped."""
    text = TEXT.replace('"name": "icon"', '"name": "icon", "later": [1, 2]')
    lock = parse_lock(text, FILE)
    assert dump_lock(lock) == text
    assert dump_lock(
        merged(
            lock,
            Changes({"hero": replace(HERO, take=2)}),
            Names(frozenset(["hero", "icon", "logo"])),
        )
    ) == (text.replace('"take": 1', '"take": 2', 1))


def test_a_line_is_never_that_of_other_values() -> None:
    parsed = parse_lock(TEXT, FILE)
    moved = merged(parsed, Changes({}), Names(frozenset(["hero", "logo"])))
    assert dump_lock(moved) == dump_lock(
        merged(LOCK, Changes({}), Names(frozenset(["hero", "logo"])))
    )
    entries = dict(parsed.entries) | {"hero": replace(parsed.entries["hero"], output="b.png")}
    assert '"output": "b.png"' in dump_lock(replace(parsed, entries=entries))
