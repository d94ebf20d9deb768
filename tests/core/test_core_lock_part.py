"""A part of a lockfile answers, and is changed, as the whole would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.bundle import Bundle
from assetgen.core.digest import digest_of
from assetgen.core.lock import Changes, Lock, LockEntry, Names, ProductEntry, merged
from assetgen.core.lock_part import LockPart, part_of, spliced
from assetgen.core.lock_text import dump_lock, parse_lock
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import replace
from tests.properties import LAWFUL

NAMES = ("a", "a.b", "a-b", "b", "hero", "hero-2", "z")


def entry(name: str, image: str, output: str | None = None) -> LockEntry:
    digest = digest_of(image.encode())
    return LockEntry(
        name=name,
        output=output or f"art/{name}.png",
        digest=digest,
        fingerprint=digest_of(f"print of {image}".encode()).removeprefix("sha256:"),
        inputs={"prompt": "0b1ee04084ef"},
        result=ActionResult(image=digest, info=ImageInfo("png", 8, 8), model="m", date="2027"),
    )


def lock_text(names: dict[str, str], orphans: dict[str, str]) -> str:
    entries = {name: entry(name, image) for name, image in names.items()}
    gone = [replace(entry(f"x-{name}", image), is_orphan=True) for name, image in orphans.items()]
    return dump_lock(Lock(entries=entries, orphans={one.output: one for one in gone}))


def known(text: str, *names: str) -> LockPart:
    part = part_of(text, names)
    assert part is not None
    return part


IMAGES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from("pqrst"), min_size=1)


@LAWFUL
@given(IMAGES, st.dictionaries(st.sampled_from(NAMES), st.sampled_from("pqrst")), st.data())
def test_new_entries_give_the_text_that_merging_the_whole_gives(
    images: dict[str, str], orphans: dict[str, str], data: st.DataObject
) -> None:
    text = lock_text(images, orphans)
    looked_at = data.draw(st.lists(st.sampled_from(sorted(images)), unique=True))
    changed = {name: entry(name, f"new {name}") for name in looked_at}
    part = spliced(known(text, *looked_at), changed)
    assert part is not None
    whole = merged(parse_lock(text, "assets.lock"), Changes(changed), Names(frozenset(images)))
    assert part.text == dump_lock(whole)
    assert {name: part.entries[name] for name in changed} == changed


@LAWFUL
@given(IMAGES, st.dictionaries(st.sampled_from(NAMES), st.sampled_from("pqrst")))
def test_questions_find_what_the_whole_would_answer(
    images: dict[str, str], orphans: dict[str, str]
) -> None:
    text = lock_text(images, orphans)
    whole, part = parse_lock(text, "assets.lock"), known(text)
    assert part.digests == whole.digests
    assert part.orphans == whole.orphans
    for image in "pqrstu":
        one = entry("any", image)
        found = part.by_fingerprint.get(one.fingerprint)
        expected = whole.by_fingerprint.get(one.fingerprint)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert found.result == expected.result
        assert part.by_digest.get(one.digest, []) == whole.by_digest.get(one.digest, [])


def test_an_entry_that_moves_is_left_to_the_whole() -> None:
    part = known(lock_text({"hero": "p"}, {}), "hero")
    assert spliced(part, {"hero": entry("hero", "q", "elsewhere.png")}) is None


def test_an_entry_that_is_new_is_left_to_the_whole() -> None:
    part = known(lock_text({"hero": "p"}, {}), "hero", "side")
    assert spliced(part, {"side": entry("side", "q")}) is None


def test_products_are_left_to_the_whole() -> None:
    made = ProductEntry("atlas:ui", "key", {}, Bundle(), {"ui.json": digest_of(b"")})
    text = dump_lock(Lock(entries={"hero": entry("hero", "p")}, products={made.name: made}))
    assert part_of(text, ["hero"]) is None


def test_lines_that_somebody_has_written_otherwise_are_left_to_the_whole() -> None:
    text = lock_text({"hero": "p"}, {})
    assert part_of(text, ["hero"]) is not None
    said = text.replace('{"name": "hero", ', "{").replace('"take": ', '"name": "hero", "take": ')
    assert said != text
    assert parse_lock(said, "assets.lock") == parse_lock(text, "assets.lock")
    assert part_of(said, ["hero"]) is None


def test_cannot_be_listed_by_what_is_searched() -> None:
    part = known(lock_text({"hero": "p"}, {}))
    with pytest.raises(NotImplementedError):
        list(part.by_digest)
    with pytest.raises(NotImplementedError):
        len(part.by_fingerprint)
