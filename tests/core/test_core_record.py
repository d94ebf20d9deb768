from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.record import Entry, Record, dump_record, named_path, parse_record
from assetgen.core.stamp import COARSE_GRANULE_NS, GRANULE_NS, Stamp, is_settled, stamp_of
from tests.properties import LAWFUL

DIGEST = "sha256:" + "ab" * 32
RECORD = Record(
    version="0.1.0",
    manifest="assets.yaml",
    folder="/home/me/bay",
    known="/home/me/.cache/assetgen/known.json",
    draft=False,
    complete=True,
    entries=[
        Entry("assets.yaml", (1, 2, 3, 4)),
        Entry("refs/no such.png", None),
        Entry("art/灯 台.png", (5, 6, 7, 8), settled=False, kind="image", digest=DIGEST),
        Entry("art/draft.png", (9, 9, 9, 9), kind="draft:0123", digest=DIGEST),
    ],
)
TEXT = dump_record(RECORD)


def said(record: Record | None) -> object:
    """A record as a value that can be compared."""
    if record is None:
        return None
    return (
        record.version,
        record.manifest,
        record.folder,
        record.known,
        record.draft,
        record.complete,
        [(e.path, e.stamp, e.settled, e.kind, e.digest) for e in record.entries],
    )


def test_the_text_is_pinned_by_a_golden_vector() -> None:
    assert (
        "assetgen-record 3\n"
        "version 0.1.0\n"
        "manifest assets.yaml\n"
        "folder /home/me/bay\n"
        "known /home/me/.cache/assetgen/known.json\n"
        "draft 0\n"
        "complete 1\n"
        "1 2 3 4 1 - - assets.yaml\n"
        "- - - - 1 - - refs/no such.png\n"
        f"5 6 7 8 0 image {DIGEST} art/灯 台.png\n"
        f"9 9 9 9 1 draft:0123 {DIGEST} art/draft.png\n"
        "end 4 4618ed48\n"
    ) == TEXT


PATHS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-1, 2**63)
STAMPS = st.none() | st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
ENTRIES = st.builds(
    Entry,
    PATHS,
    STAMPS,
    settled=st.booleans(),
    kind=st.sampled_from(["-", "image", "missing", "draft:0f"]),
    digest=st.sampled_from(["-", DIGEST]),
)
RECORDS = st.builds(
    Record,
    version=st.just("0.1.0"),
    manifest=PATHS,
    folder=PATHS,
    known=PATHS,
    draft=st.booleans(),
    complete=st.booleans(),
    entries=st.lists(ENTRIES, max_size=4),
)


@LAWFUL
@given(RECORDS)
def test_what_was_written_is_read_back(record: Record) -> None:
    assert said(parse_record(dump_record(record))) == said(record)


@pytest.mark.parametrize("end", range(len(TEXT)))
def test_a_record_cut_off_anywhere_is_worthless(end: int) -> None:
    assert parse_record(TEXT[:end]) is None


@pytest.mark.parametrize("line", range(TEXT.count("\n")))
def test_a_record_that_lacks_a_line_is_worthless(line: int) -> None:
    lines = TEXT.splitlines(keepends=True)
    assert parse_record("".join(lines[:line] + lines[line + 1 :])) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("assetgen-record 3", "assetgen-record 4"),
        ("draft 0", "draft 2"),
        ("draft 0", "draft"),
        ("complete 1", "complete yes"),
        ("complete 1", "draft 1"),
        ("1 2 3 4 1 - -", "1 2 3 4 x - -"),
        ("1 2 3 4 1 - -", "1 2 3 x 1 - -"),
        ("1 2 3 4 1 - -", "1 - - - 1 - -"),
        ("1 2 3 4 1 - - assets.yaml", "1 2 3 4 1 - -"),
        ("- - - - 1 - - refs", "- 2 3 4 1 - - refs"),
        ("end 4", "end 5"),
        ("end 4", "end 4\n"),
        ("4618ed48", "4618ed40"),
    ],
)
def test_anything_unexpected_makes_the_whole_record_worthless(old: str, new: str) -> None:
    assert old in TEXT
    assert parse_record(TEXT.replace(old, new, 1)) is None


def test_a_path_with_a_line_end_costs_the_record_and_is_never_misread() -> None:
    record = Record(
        version="1",
        manifest="m",
        folder="/",
        known="",
        draft=False,
        complete=True,
        entries=[Entry("a\nb", None)],
    )
    assert parse_record(dump_record(record)) is None


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
    data = TEXT.encode()
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            assert parse_record(flipped.decode("utf-8", "replace")) is None
