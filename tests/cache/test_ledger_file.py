"""The ledger on the disk: its text, torn lines, several writers."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.cache.ledger import FileLedger, decode, encode
from assetgen.core.digest import Digest
from assetgen.core.ledger import LedgerLine
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import replace
from assetgen.errors import CacheError
from tests.cache.samples import ROOT, call, received, sent, tree

if TYPE_CHECKING:
    from pathlib import Path

texts = st.text()
amounts = st.none() | st.decimals(0, 10**6, allow_nan=False, allow_infinity=False)
hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
results = st.builds(
    ActionResult,
    image=hexadecimal.map(lambda digits: Digest(f"sha256:{digits}")),
    info=st.builds(
        ImageInfo, format=texts, width_px=st.integers(0), height_px=st.integers(0, 10**6)
    ),
    model=texts,
    provider=st.none() | texts,
    generation_id=st.none() | texts,
    cost_usd=amounts,
    date=texts,
)
ledger_lines = st.builds(
    LedgerLine,
    event=st.sampled_from(["sent", "received", "failed", "recovered", "chosen"]),
    call=hexadecimal.map(lambda digits: digits[:32]),
    at=texts,
    fingerprint=hexadecimal,
    key_scheme=st.integers(),
    asset=texts,
    model=texts,
    project=texts,
    size=texts,
    estimate_usd=amounts,
    cost_usd=amounts,
    result=st.none() | results,
    generation_id=st.none() | texts,
    outcome=texts,
    may_be_billed=st.booleans(),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def path(root: Path) -> Path:
    return root / "ledger.jsonl"


@pytest.fixture
def ledger(root: Path) -> FileLedger:
    return FileLedger(str(root), create=True)


@given(line=ledger_lines)
@settings(deadline=None)
def test_every_line_survives_its_text(line: LedgerLine) -> None:
    text = encode(line)
    assert decode(text) == line
    assert text.isascii()
    assert "\n" not in text


def test_half_a_character_survives_too() -> None:
    line = replace(sent(), outcome="\ud83d cut")
    assert decode(encode(line)) == line


@given(text=st.binary() | texts.map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_a_line_or_none(text: bytes) -> None:
    assert decode(text) is None or isinstance(decode(text), LedgerLine)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(
    changes=st.dictionaries(
        st.sampled_from([*json.loads(encode(received())), "outcome", "may_be_billed", "new"]),
        json_values,
    )
)
@settings(deadline=None)
def test_fields_of_any_kind_are_survived(changes: dict[str, Any]) -> None:
    text = json.dumps(json.loads(encode(received())) | changes)
    assert decode(text) is None or isinstance(decode(text), LedgerLine)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"sent"',
        "{}",
        "[" * 100_000,
        '{"cost_usd": 1e9999999999999999999}',
        "1" * 5000,
        "\ufeff",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_line_is_passed_over(text: str) -> None:
    assert decode(text) is None


def test_unknown_events_and_fields_of_a_newer_version_are_passed_over() -> None:
    fields = json.loads(encode(sent()))
    assert decode(json.dumps(fields | {"event": "refunded"})) is None
    assert decode(json.dumps(fields | {"colour": {"deep": [1]}})) == sent()


def test_a_damaged_result_does_not_hide_what_was_paid() -> None:
    fields = json.loads(encode(received()))
    fields["result"]["image"] = "sha256:../../x"
    line = decode(json.dumps(fields))
    assert line is not None
    assert line.result is None
    assert line.cost_usd == received().cost_usd


@pytest.mark.parametrize(
    "amount", ["0.1", "0.0000001", "0", "3", "123456789.123456789123456789", "0.10"]
)
def test_amounts_are_numbers_and_exact(ledger: FileLedger, path: Path, amount: str) -> None:
    ledger.append(replace(sent(), cost_usd=Decimal(amount)))
    (line,) = ledger.lines()
    assert line.cost_usd == Decimal(amount)
    assert f'"cost_usd": {Decimal(amount)}, ' in path.read_text()


def test_a_line_reads_well(ledger: FileLedger, path: Path) -> None:
    ledger.append(replace(sent(10), may_be_billed=True, outcome="cut"))
    assert path.read_text() == (
        '{"asset": "hero", "at": "2026-11-02T10:00:00Z",'
        f' "call": "{call(10)}", "estimate_usd": 0.04, "event": "sent",'
        f' "fingerprint": "{10:064x}", "key_scheme": 1, "may_be_billed": true,'
        ' "model": "google/gemini-2.5-flash-image", "outcome": "cut",'
        ' "project": "lantern-bay", "size": "2K//0", "sum": "c6d859ae"}\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_from_before_there_were_checksums_is_believed() -> None:
    text = re.sub(r', "sum": "[0-9a-f]{8}"', "", encode(received()))
    assert "sum" not in text
    assert decode(text) == received()


def test_a_flipped_bit_in_a_digest_costs_the_result_and_not_the_bill() -> None:
    text = encode(received())
    place = text.index("sha256:") + 10
    for bit in (1, 2, 4):
        flipped = text[:place] + chr(ord(text[place]) ^ bit) + text[place + 1 :]
        line = decode(flipped)
        assert line is not None
        assert line.result is None
        assert line.cost_usd == received().cost_usd


def test_a_last_line_torn_at_any_byte_costs_only_itself(ledger: FileLedger, path: Path) -> None:
    ledger.append(sent(1))
    ledger.append(received(2))
    whole = path.read_bytes()
    first, last, _ = whole.split(b"\n")
    for length in range(len(last) + 1):
        path.write_bytes(first + b"\n" + last[:length])
        ledger.append(sent(3))
        survivor = [received(2)] if length == len(last) else []
        assert list(ledger.lines()) == [sent(1), *survivor, sent(3)]


def test_damage_in_the_middle_costs_only_its_lines(ledger: FileLedger, path: Path) -> None:
    ledger.append(sent(1))
    with path.open("ab") as file:
        file.write(b'\n\x00\xff\n{"event": "sent"}\n{"a":\n')
    ledger.append(sent(2))
    assert list(ledger.lines()) == [sent(1), sent(2)]


def test_the_tail_holds_what_came_since(ledger: FileLedger) -> None:
    assert ledger.tail(0) == ([], 0)
    ledger.append(sent(1))
    lines, position = ledger.tail(0)
    assert lines == [sent(1)]
    assert ledger.tail(position) == ([], position)
    ledger.append(sent(2))
    ledger.append(received(2))
    lines, position = ledger.tail(position)
    assert lines == [sent(2), received(2)]
    assert ledger.tail(position) == ([], position)


def test_the_tail_waits_for_the_end_of_a_torn_line(ledger: FileLedger, path: Path) -> None:
    ledger.append(sent(1))
    _, position = ledger.tail(0)
    text = encode(received(2)).encode()
    with path.open("ab") as file:
        file.write(text)
    assert ledger.tail(position) == ([received(2)], position)
    ledger.append(sent(3))
    lines, _ = ledger.tail(position)
    assert lines == [received(2), sent(3)]


@pytest.mark.parametrize("position", [3, 10**6, 10**18 - 1])
def test_a_position_in_another_ledger_starts_from_the_beginning(
    ledger: FileLedger, position: int
) -> None:
    ledger.append(sent(1))
    assert ledger.tail(position)[0] == [sent(1)]


APPEND_MANY = """
import sys
from assetgen.cache.ledger import FileLedger
from tests.cache.samples import sent
ledger = FileLedger(sys.argv[1], create=True)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 200):
    ledger.append(sent(number))
"""


def test_two_processes_write_whole_lines(root: Path, ledger: FileLedger) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND_MANY, str(root), str(start)], cwd=ROOT)
        for start in (0, 1000)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    numbers = [int(line.call, 16) for line in ledger.lines()]
    assert sorted(numbers) == [*range(200), *range(1000, 1200)]
    assert [number for number in numbers if number < 1000] == list(range(200))


def test_threads_write_whole_lines(ledger: FileLedger) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ledger.append, [sent(number) for number in range(100)]))
    assert {int(line.call, 16) for line in ledger.lines()} == set(range(100))


def test_a_line_is_on_the_disk_when_append_returns(
    ledger: FileLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real_sync = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            synced.append(path.read_bytes())
        real_sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    ledger.append(sent(1))
    assert synced == [path.read_bytes()]


def test_a_full_disk_leaves_no_half_line(
    ledger: FileLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(sent(1))
    real_write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, text: real_write(descriptor, text[:7]))
        with pytest.raises(CacheError, match="only 7 of"):
            ledger.append(sent(2))
    assert path.read_text() == encode(sent(1)) + "\n"


def test_a_line_that_cannot_be_synced_is_an_error(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> NoReturn:
        raise OSError(5, "Input/output error")

    ledger.append(sent(1))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CacheError, match="Input/output error"):
        ledger.append(sent(2))


def test_a_ledger_that_is_no_file_says_so(root: Path, path: Path, ledger: FileLedger) -> None:
    path.mkdir(parents=True)
    for use in (lambda: list(ledger.lines()), lambda: ledger.append(sent())):
        with pytest.raises(CacheError, match=r"ledger\.jsonl") as caught:
            use()
        assert caught.value.hint == "set `ASSETGEN_CACHE_DIR` to a folder you can write"
    assert root.is_dir()


def test_for_looking_only_nothing_is_made_or_changed(root: Path, ledger: FileLedger) -> None:
    looking = FileLedger(str(root), create=False)
    assert list(looking.lines()) == []
    assert not root.exists()
    ledger.append(sent(1))
    before = tree(root)
    assert list(looking.lines()) == [sent(1)]
    with pytest.raises(CacheError, match="opened for reading only"):
        looking.append(sent(2))
    assert tree(root) == before


def test_calls_without_an_answer_are_found_without_reading_those_that_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = FileLedger(str(root), create=True)
    for number in range(1, 4):
        ledger.append(sent(number))
        ledger.append(received(number))
    ledger.append(sent(4))
    ledger.append(sent(5))
    ledger.append(received(5))
    assert ledger.unanswered() == [sent(4)]
    seen: list[str | bytes] = []

    def decoding(text: str | bytes) -> LedgerLine | None:
        seen.append(text)
        return decode(text)

    monkeypatch.setattr("assetgen.cache.ledger.decode", decoding)
    assert ledger.unanswered() == [sent(4)]
    assert len(seen) == 3
    ledger.append(received(4))
    assert ledger.unanswered() == []
    seen.clear()
    assert ledger.unanswered() == []
    assert seen == []


@pytest.mark.parametrize("text", ["", "x", "-1", "7", "9" * 30, "123456789"])
def test_a_wrong_note_of_how_far_the_ledger_was_read_hides_no_call(root: Path, text: str) -> None:
    ledger = FileLedger(str(root), create=True)
    ledger.append(sent(1))
    (root / "ledger.checked").write_text(text)
    assert ledger.unanswered() == [sent(1)]


def test_looking_for_calls_without_an_answer_changes_nothing_when_only_looking(root: Path) -> None:
    FileLedger(str(root), create=True).append(sent(1))
    before = sorted(path.name for path in root.iterdir())
    assert FileLedger(str(root), create=False).unanswered() == [sent(1)]
    assert sorted(path.name for path in root.iterdir()) == before
