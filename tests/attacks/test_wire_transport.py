"""What can happen to an answer on its way: each heals, or fails by name, and nothing bad is kept.

An answer that is whole is never bought again, whatever happened to its end. One that is lost gets
one more attempt, is marked `may be billed`, and its estimate counts as spent (design, attempts).
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.attacks.bench import Ended, Meeting, build
from tests.standin import (
    API_KEY,
    IMAGE_COST,
    Answer,
    Chunked,
    CloseDelimited,
    CutAfter,
    CutBeforeHeaders,
    CutInHeaders,
    Image,
    OpenRouterStandIn,
    Padded,
    RawBody,
    Redirect,
    ResetConnection,
    SlowDrip,
    Stall,
    WrongContentLength,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PARTS = 16
IMPATIENT = "timeout_s: 3"


@dataclass(frozen=True, slots=True)
class Loss:
    """A way to lose an answer, and what the user is told."""

    answer: Answer
    words: str = "was lost"
    attempts: int = 2
    is_ambiguous: bool = True
    """Whether the user hears that it may be billed."""
    fields: str = ""


LOST: Mapping[str, Loss] = {
    **{f"cut-at-{part}-of-{PARTS}": Loss(CutAfter(fraction=part / PARTS)) for part in range(PARTS)},
    **{
        f"chunked-cut-at-{part}-of-{PARTS}": Loss(CutAfter(Chunked(), fraction=part / PARTS))
        for part in (0, 8, 15)
    },
    "images-route-cut": Loss(CutAfter(fraction=0.5), fields="api: images"),
    "images-route-cut-before-headers": Loss(CutBeforeHeaders(), fields="api: images"),
    "cut-before-headers": Loss(CutBeforeHeaders()),
    "cut-in-status-line": Loss(CutInHeaders(bytes=7)),
    "cut-in-headers": Loss(CutInHeaders(bytes=60)),
    "reset-before-headers": Loss(ResetConnection()),
    "reset-in-headers": Loss(CutInHeaders(bytes=60, is_reset=True)),
    "reset-after-headers": Loss(ResetConnection(bytes=0)),
    "reset-in-body": Loss(ResetConnection(bytes=500)),
    "stalled": Loss(Stall(3600), words="within 3 s", fields=IMPATIENT),
    "a-byte-a-second": Loss(SlowDrip(bytes_per_second=1), words="within 3 s", fields=IMPATIENT),
    "whitespace-for-ever": Loss(
        Padded(lines=(" ",) * 360_000), words="within 3 s", fields=IMPATIENT
    ),
    "declares-less": Loss(WrongContentLength(delta=-100), words="not JSON", is_ambiguous=False),
    "no-http": Loss(RawBody(b"", 200, {"Bad\x00Name": "x"})),
    "says-gzip-and-is-not": Loss(
        RawBody(b"not gzip", headers={"Content-Encoding": "gzip"}),
        words="not the `gzip` it says",
        is_ambiguous=False,
    ),
    "gzip-cut": Loss(
        RawBody(gzip.compress(bytes(9999))[:-9], headers={"Content-Encoding": "gzip"}),
        words="compressed answer ends",
    ),
    "brotli": Loss(
        RawBody(b"\x0b\x02", headers={"Content-Encoding": "br"}),
        words="compressed with `br`",
        is_ambiguous=False,
    ),
}

WHOLE: Mapping[str, Answer] = {
    "cut-after-the-last-byte": CutAfter(fraction=1),
    "cut-before-the-last-chunk": CutAfter(Chunked(), fraction=1),
    "chunked": Chunked(),
    "until-closed": CloseDelimited(),
    "padded": Padded(),
    "late": Stall(0.1),
    "slow": SlowDrip(bytes_per_second=20_000),
    "declares-more": WrongContentLength(delta=100),
    "padded-and-cut-after-the-last-byte": CutAfter(Padded(), fraction=1),
}


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    meetings = {name: Meeting(loss.answer, loss.fields) for name, loss in LOST.items()}
    return build(tmp_path_factory.mktemp("lost"), meetings)


@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_gets_one_more_attempt_and_fails_by_name(lost: Ended, name: str) -> None:
    loss = LOST[name]
    assert len(lost.requests[name]) == loss.attempts
    assert lost.finished[name]["status"] == "failed"
    assert loss.words in lost.finished[name]["message"]
    assert ("may be billed" in lost.finished[name]["message"]) is loss.is_ambiguous
    assert [event["may_be_billed"] for event in lost.retries[name]] == [True]


@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_has_an_unknown_cost_in_the_ledger(lost: Ended, name: str) -> None:
    assert [line["event"] for line in lost.ledger[name]] == ["failed"] * LOST[name].attempts
    assert all(line["may_be_billed"] for line in lost.ledger[name])
    assert all(line.get("cost_usd") is None for line in lost.ledger[name])
    assert lost.finished[name]["cost_usd"] is None


def test_lost_answers_leave_nothing_and_their_estimates_count(lost: Ended) -> None:
    assert lost.result.code == 1
    assert lost.stored == {}
    assert lost.lock == {}
    calls = sum(loss.attempts for loss in LOST.values())
    assert lost.result.events[-1]["unknown_bills"] == calls
    assert lost.result.events[-1]["spent_usd"] == float(calls * Decimal(IMAGE_COST))


def test_an_answer_that_is_whole_is_bought_once_however_it_ended(tmp_path: Path) -> None:
    meetings = {
        f"{route}-{name}": Meeting(answer, f"api: {route}")
        for route in ("chat", "images")
        for name, answer in WHOLE.items()
    }
    ended = build(tmp_path, meetings)
    assert ended.result.code == 0, ended.result.err
    assert {name: len(asked) for name, asked in ended.requests.items()} == dict.fromkeys(
        meetings, 1
    )
    assert all(ended.output(name).exists() for name in meetings)
    assert ended.result.events[-1]["spent_usd"] == float(len(meetings) * Decimal(IMAGE_COST))


def test_a_redirect_takes_neither_the_call_nor_the_key_to_another_host(tmp_path: Path) -> None:
    with OpenRouterStandIn() as elsewhere:
        meetings = {
            f"{route}-{status}": Meeting(
                Redirect(f"{elsewhere.base_url}/images", status), f"api: {route}"
            )
            for route in ("chat", "images")
            for status in (301, 302, 303, 307, 308)
        }
        ended = build(tmp_path, meetings)
        assert elsewhere.requests == []
    assert ended.result.code == 1
    for name in meetings:
        assert len(ended.requests[name]) == 1
        assert "the API key is not sent elsewhere" in ended.finished[name]["message"]
        assert not ended.ledger[name][0].get("may_be_billed", False)
    assert API_KEY not in ended.result.out + ended.result.err


def test_a_server_that_closes_after_each_answer_costs_no_attempt(tmp_path: Path) -> None:
    meetings = {f"call-{number}": Meeting(CutAfter(Image(), fraction=1)) for number in range(5)}
    ended = build(tmp_path, meetings, "-j", "1")
    assert ended.result.code == 0, ended.result.err
    assert all(len(asked) == 1 for asked in ended.requests.values())
    assert all(not retries for retries in ended.retries.values())
