"""Strangers: no bytes make a parser do anything but give a value or an error of ours.

`fuzz_targets.py` says what each parser of foreign bytes may do. Here it gets the corpus that
coverage-guided runs have found (`fuzz.py`), and mutations of it with a seed that is always the
same; a mutation that fails is written out, to be added to the corpus.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.attacks.fuzz_targets import TARGETS, playground, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

    Record = Callable[[str, object], None]

TOKENS = [
    *(b"${x}", b"${", b"$$", b"&a ", b"*a", b"<<: ", b"!!", b"---\n", b"...\n", b"? ", b"- ", b"#"),
    *(b"{", b"}", b"[", b"]", b'"', b"'", b"|\n", b">\n", b": ", b",", b"\n", b"\t", b"\r", b"\0"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\x1b[31m", b"\xc2\x85"),
    *(
        b"null",
        b"true",
        b"NaN",
        b"Infinity",
        b"1e999999999",
        b"-1",
        b"9" * 400,
        b"0x10",
        b"\\ud800",
    ),
    *(b"../", b"/etc/passwd", b"asset:hero", b"C:\\", b"%s", b"<<<<<<<", b"=======", b"\\u0000"),
]
ROUNDS = {
    "manifest": 250,
    "lockfile": 1_200,
    "chat": 1_200,
    "images": 600,
    "record": 1_200,
    "ledger": 1_200,
}
"""In the normal suite; the slow one goes `MANY` times as many: over 100,000 in all."""
MANY = 40


def mutated(sample: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """`sample` after one to six changes of bytes, tokens, lines and pieces of other samples."""
    data = bytearray(sample)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(data) + 1)
        end = min(len(data), at + draw.choice((1, 2, 8, 40, 400)))
        match draw.randrange(7):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = draw.choice(TOKENS)
            case 2:
                data[at:end] = draw.choice(TOKENS)
            case 3 if at < len(data):
                data[at] ^= 1 << draw.randrange(8)
            case 4:
                data[at:at] = data[at:end] * draw.choice((1, 2, 50))
            case 5:
                other = draw.choice(others)
                start = draw.randrange(len(other) + 1)
                data[at:end] = other[start : start + 60]
            case _:
                lines = data.split(b"\n")
                draw.shuffle(lines)
                data = bytearray(b"\n".join(lines))
        del data[20_000:]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_coverage_guided_runs_have_found_is_still_harmless(
    name: str, record_property: Record
) -> None:
    samples = seeds(name)
    record_property("rounds", len(samples))
    before = playground().names()
    for sample in samples:
        TARGETS[name](sample)
    assert playground().names() <= before | {"project/assets.yaml"}


@pytest.mark.parametrize("many", [1, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_mutated_bytes_give_a_value_or_an_error_of_ours_and_no_file(
    name: str, many: int, record_property: Record
) -> None:
    samples, rounds = seeds(name), ROUNDS[name] * many
    record_property("rounds", rounds)
    before = playground().names()
    draw = random.Random(f"{name} {many}")  # noqa: S311 - chooses mutations, guards nothing
    for number in range(rounds):
        data = mutated(draw.choice(samples), samples, draw)
        try:
            TARGETS[name](data)
        except BaseException:  # noqa: BLE001 - whatever it is, with what made it
            pytest.fail(f"round {number}: {data!r}")
    assert playground().names() <= before | {"project/assets.yaml"}


def test_the_slow_rounds_are_more_than_a_hundred_thousand() -> None:
    assert sum(ROUNDS.values()) * MANY >= 100_000
