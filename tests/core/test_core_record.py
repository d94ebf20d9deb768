from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.record import (
    FORMAT,
    ORDER,
    Entry,
    Head,
    Record,
    dump_record,
    named_path,
    read_front,
)
from assetgen.core.record_kept import KeptRecord, parse_record
from assetgen.core.stamp import (
    COARSE_GRANULE_NS,
    GRANULE_NS,
    Stamp,
    are_unchanged,
    is_settled,
    stamp_of,
)
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.record import Columns

DIGEST = "sha256:" + "ab" * 32
HEAD = Head(
    version="0.1.0",
    manifest="assets.yaml",
    folder="/home/me/bay",
    known="/home/me/.cache/assetgen/known.json",
    draft=False,
    complete=True,
)
RECORD = Record(
    head=HEAD,
    entries=[
        Entry("assets.yaml", (1, 2, 3, 4)),
        Entry("refs/no such.png", None),
        Entry("art/灯 台.png", (-5, 6, 7, 2**64 - 1), settled=False, kind="image", digest=DIGEST),
        Entry("art/draft.png", (9, 9, 9, 9), kind="draft:0123", digest=DIGEST),
    ],
)
DATA = dump_record(RECORD)


def said(record: Record | KeptRecord | None) -> object:
    """A record as a value that can be compared."""
    if isinstance(record, KeptRecord):
        record = Record(head=record.head, entries=record.entries())
    if record is None:
        return None
    head = record.head
    return (
        head.version,
        head.manifest,
        head.folder,
        head.known,
        head.draft,
        head.complete,
        [(e.path, e.stamp, e.settled, e.kind, e.digest) for e in record.entries],
    )


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, sys.byteorder, signed=value < 0) for value in values)


def checked(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(8, "big") + data


def ended(*texts: str) -> bytes:
    return b"".join(text.encode() + bytes(1) for text in texts)


def test_the_bytes_are_pinned_by_a_golden_vector() -> None:
    known = "/home/me/.cache/assetgen/known.json"
    head = ended("0.1.0", "assets.yaml", "/home/me/bay", known, "0", "1")
    paths = ended("assets.yaml", "refs/no such.png", "art/灯 台.png", "art/draft.png")
    details = ended("-", "-", "image", "draft:0123", "-", "-", DIGEST, DIGEST)
    front = (
        numbers(0x0102030405060708, 4, len(head), len(paths), len(details))
        + head
        + numbers(1, 0, -5, 9)
        + numbers(2, 0, 6, 9)
        + numbers(3, 0, 7, 9)
        + numbers(4, 0, 2**64 - 1, 9)
        + bytes([1, 1, 0, 1])
        + paths
    )
    assert b"assetgen-record 4\n" + checked(front) + checked(details) == DATA


PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
SIGNED = st.integers(-(2**63), 2**63 - 1)
STAMPS = st.none() | st.tuples(SIGNED, SIGNED, SIGNED, st.integers(1, 2**64 - 1))
ENTRIES = st.builds(
    Entry,
    PATHS,
    STAMPS,
    settled=st.booleans(),
    kind=st.sampled_from(["-", "image", "missing", "draft:0f"]),
    digest=st.sampled_from(["-", DIGEST]),
)
HEADS = st.builds(
    Head,
    version=st.just("0.1.0"),
    manifest=PATHS,
    folder=PATHS,
    known=PATHS,
    draft=st.booleans(),
    complete=st.booleans(),
)
RECORDS = st.builds(Record, head=HEADS, entries=st.lists(ENTRIES, max_size=4))


@LAWFUL
@given(RECORDS)
def test_what_was_written_is_read_back(record: Record) -> None:
    assert said(parse_record(dump_record(record))) == said(record)


@LAWFUL
@given(RECORDS)
def test_what_a_build_with_nothing_to_do_reads_is_the_same_record(record: Record) -> None:
    front, entries = read_front(dump_record(record)), record.entries
    assert front is not None
    assert said(Record(head=front.head, entries=entries)) == said(record)
    assert front.paths == [entry.path for entry in entries]
    assert list(zip(*front.stamps, strict=True)) == [e.stamp or (0, 0, 0, 0) for e in entries]
    assert list(front.settled) == [entry.settled for entry in entries]


@LAWFUL
@given(RECORDS, st.lists(ENTRIES, max_size=3), HEADS)
def test_entries_put_in_place_of_others_give_the_record_that_has_them(
    record: Record, fresh: list[Entry], head: Head
) -> None:
    entries = {entry.path: entry for entry in record.entries}
    kept = parse_record(dump_record(Record(head=record.head, entries=list(entries.values()))))
    assert kept is not None
    changed = {entry.path: entry for entry in fresh}
    expected = Record(head=head, entries=list({**entries, **changed}.values()))
    assert kept.dump(head, changed) == dump_record(expected)
    assert {path: said_of(kept[path]) for path in kept} == {
        path: said_of(entry) for path, entry in entries.items()
    }
    assert kept.is_settled == all(entry.settled for entry in entries.values())


def said_of(entry: Entry) -> object:
    return (entry.path, entry.stamp, entry.settled, entry.kind, entry.digest)


@pytest.mark.parametrize("end", range(len(DATA)))
def test_a_record_cut_off_anywhere_is_worthless(end: int) -> None:
    assert parse_record(DATA[:end]) is None


@pytest.mark.parametrize("data", [b"\0", b"\n", DATA])
def test_a_record_with_anything_behind_it_is_worthless(data: bytes) -> None:
    assert parse_record(DATA + data) is None


FRONT = DATA[len(FORMAT) + 8 :]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ended("", "0", "1"), ended("", "0", "2")),
        (ended("", "0", "1"), ended("", "x", "1")),
        (ended("", "0", "1"), ended("", "", "01")),
        (ended("0.1.0"), ended("0.1", "")),
        (ended("draft.png"), ended("draft", "png")),
        (ended("draft.png"), b"draft.png/"),
        (numbers(ORDER), ORDER.to_bytes(8, "little" if sys.byteorder == "big" else "big")),
        (numbers(ORDER, 4), numbers(ORDER, 3)),
        (numbers(ORDER, 4), numbers(ORDER, 2**63)),
    ],
)
def test_what_is_not_as_written_is_worthless_although_its_checksum_is_right(
    old: bytes, new: bytes
) -> None:
    assert old in FRONT
    front = FRONT.replace(old, new, 1)
    details = 8 + len(ended("-", "-", "image", "draft:0123", "-", "-", DIGEST, DIGEST))
    data = FORMAT + checked(front[:-details]) + front[-details:]
    assert read_front(data) is None
    assert parse_record(data) is None


def test_a_record_of_an_older_format_is_worthless() -> None:
    assert parse_record(DATA.replace(FORMAT, b"assetgen-record 3\n")) is None


def test_damaged_details_are_not_believed() -> None:
    assert parse_record(DATA.replace(b"draft:0123", b"draft:0124")) is None


def test_a_path_that_no_file_can_have_costs_the_record_and_is_never_misread() -> None:
    assert parse_record(dump_record(Record(head=HEAD, entries=[Entry("a\0b", None)]))) is None


def test_a_path_of_any_bytes_is_read_back() -> None:
    record = Record(head=HEAD, entries=[Entry("a\nb", None), Entry("caf\udce9", (1, 2, 3, 4))])
    assert said(parse_record(dump_record(record))) == said(record)


@pytest.mark.parametrize(
    "stamp", [(0, 0, 0, 0), (2**63, 1, 1, 1), (1, -(2**63) - 1, 1, 1), (1, 1, 1, 2**64)]
)
def test_a_stamp_that_has_no_room_proves_nothing(stamp: Stamp) -> None:
    found = parse_record(dump_record(Record(head=HEAD, entries=[Entry("a", stamp)])))
    assert found is not None
    assert [(entry.stamp, entry.settled) for entry in found.entries()] == [(None, False)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/me/灯 台", "/home/me/灯 台"),
        ("/a\nb", "/a\\nb"),
        ("/a\\nb", "/a\\\\nb"),
        ("/caf\udce9", "/caf\\xe9"),
    ],
)
def test_any_path_has_a_name_of_its_own_on_one_line(path: str, name: str) -> None:
    assert named_path(path) == name
    name.encode()


# Stamps

NOW = 1_800_000_000_123_456_789


def at(mtime: int, ctime: int | None = None) -> Stamp:
    return (mtime, mtime if ctime is None else ctime, 10, 20)


@pytest.mark.parametrize(
    ("stamp", "settled"),
    [
        (at(NOW - GRANULE_NS - 1), True),
        (at(NOW - GRANULE_NS), False),
        (at(NOW), False),
        (at(NOW + 10**12), False),
        (at(NOW - 10**12, NOW), False),
        (at(NOW, NOW - 10**12), False),
    ],
    ids=["older", "just as old", "same moment", "future", "ctime is new", "mtime is new"],
)
def test_a_stamp_is_settled_only_when_a_later_change_must_show(stamp: Stamp, settled: bool) -> None:
    assert is_settled(stamp, NOW) is settled


def test_whole_seconds_are_taken_for_a_file_system_that_keeps_no_finer_time() -> None:
    second = NOW // 10**9 * 10**9
    assert not is_settled(at(second), second + COARSE_GRANULE_NS)
    assert is_settled(at(second), second + COARSE_GRANULE_NS + 1)
    assert is_settled(at(second, second + 1), second + GRANULE_NS + 2)


def test_what_is_not_there_has_no_stamp() -> None:
    assert stamp_of("/nonexistent/file") is None
    assert stamp_of("/dev/null/inside-a-file") is None


def test_no_flipped_bit_is_believed() -> None:
    for place in range(len(DATA)):
        for bit in range(8):
            flipped = bytearray(DATA)
            flipped[place] ^= 1 << bit
            assert parse_record(bytes(flipped)) is None


def test_many_paths_are_compared_as_one_is(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a", "b", "none")]
    for path in paths[:2]:
        Path(path).write_bytes(b"x")
    stamps = [stamp_of(path) or (0, 0, 0, 0) for path in paths]
    assert are_unchanged(paths, columns(stamps))
    for which in range(3):
        for number in range(4):
            other = [list(stamp) for stamp in stamps]
            other[which][number] += 1
            assert not are_unchanged(paths, columns(other))
    assert not are_unchanged([*paths[:2], str(tmp_path)], columns(stamps))
    assert not are_unchanged([paths[0], str(tmp_path / "gone"), paths[2]], columns(stamps))


def columns(stamps: Sequence[Sequence[int]]) -> Columns:
    mtimes, ctimes, sizes, inodes = (list(column) for column in zip(*stamps, strict=True))
    return mtimes, ctimes, sizes, inodes
