"""What an edit concerns, and what becomes of an outline that is not as written."""

from __future__ import annotations

import json
from zlib import crc32

import pytest

from assetgen.core.outline import FORMAT, Declared, Outline, Pieces, dump_outline, parse_outline

STAMP = (1, 2, 3, 4)


def outline(reads: dict[str, list[str]], *names: str) -> Outline:
    declared = [Declared(name, f"{name}.png", f"entry {name}") for name in names]
    return Outline(STAMP, Pieces("r", {one.entry: "d" for one in declared}), declared, reads)


CHAIN = outline({"b": ["a"], "c": ["b", "x"], "y": ["x"]}, *"abcxyz", *"0123456789", *"ABCDEFGH")


def concerned(*names: str) -> str | None:
    found = CHAIN.concerned(f"entry {name}" for name in names)
    return None if found is None else "".join(sorted(key.removeprefix("entry ") for key in found))


def test_an_edit_concerns_who_reads_it_and_what_these_read() -> None:
    assert concerned("z") == "z"
    assert concerned("a") == "abcx"
    assert concerned("c") == "abcx"
    assert concerned("y") == "xy"


def test_an_edit_of_most_of_a_project_concerns_all_of_it() -> None:
    assert concerned("a", *"0123456789") is None


def test_is_read_as_it_was_written() -> None:
    assert parse_outline(dump_outline(CHAIN)) == CHAIN


@pytest.mark.parametrize(
    "damage",
    [
        {"stamp": [1, 2, 3]},
        {"stamp": "1234"},
        {"rest": None},
        {"digests": ["d"]},
        {"names": ["a"] * 24},
        {"keys": ["a"] * 24},
        {"outputs": [1] * 24},
        {"reads": {"nobody": []}},
        {"reads": {"a": ["nobody"]}},
        {"reads": []},
    ],
    ids=str,
)
def test_is_worth_nothing_when_it_is_not_as_written(damage: dict[str, object]) -> None:
    document = json.loads(dump_outline(CHAIN)[len(FORMAT) + 8 :])
    assert parse_outline(sealed(json.dumps(document | damage).encode())) is None


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"[" * 10_000, b"\xff", b"{"])
def test_is_worth_nothing_when_it_is_no_outline(data: bytes) -> None:
    assert parse_outline(data) is None
    assert parse_outline(sealed(data)) is None


def test_is_worth_nothing_with_any_bit_flipped_or_cut_anywhere() -> None:
    data = dump_outline(CHAIN)
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        assert parse_outline(bytes(flipped)) is None
        assert parse_outline(data[:at]) is None


def sealed(said: bytes) -> bytes:
    return FORMAT + b"%08x" % crc32(said) + said
