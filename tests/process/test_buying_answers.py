"""Every answer that is no image: how often it is asked for again, what it costs, what is said."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import assetgen
from tests.conftest import Cli, Completed, Project
from tests.standin import (
    API_KEY,
    IMAGE_COST,
    TALK_COST,
    Answer,
    BadBase64,
    BrokenImage,
    Chunked,
    CloseDelimited,
    ContentFilter,
    CutAfter,
    CutBeforeHeaders,
    Empty,
    ErrorBody,
    ErrorInside200,
    HttpUrlImage,
    Image,
    Length,
    MalformedJson,
    OpenRouterStandIn,
    Padded,
    RawBody,
    Redirect,
    Refusal,
    ResetConnection,
    SlowDrip,
    Stall,
    Text,
    WhitespaceOnly,
    WrongContentLength,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.standin import Recorded

GEMINI = "google/gemini-2.5-flash-image"
AT_ONCE = {"Retry-After": "0"}
ELSEWHERE = "http://203.0.113.9/image.png"
"""An address that nobody has (RFC 5737): whoever asks for it waits for ever."""


@dataclass(frozen=True, slots=True)
class Bad:
    """An answer, given to every attempt, and what is promised about it."""

    answer: Answer
    requests: int
    """How many attempts it is worth."""
    words: str
    """What the user must be told."""
    cost: str | None = "0"
    """Dollars that one such answer says it took; None when it cannot say."""
    is_ambiguous: bool = False
    """Whether the user is told before the next attempt that this one may be billed."""


BAD: Mapping[str, Bad] = {
    # Refusals: asked once
    "refusal": Bad(Refusal(), 1, "I can't help with that request.", TALK_COST),
    "content-filter": Bad(ContentFilter(cost="0.0011"), 1, "IMAGE_SAFETY", "0.0011"),
    "filter-that-says-stop": Bad(
        ContentFilter("PROHIBITED_CONTENT", finish_reason="stop"), 1, "PROHIBITED_CONTENT"
    ),
    "blocked-by-google": Bad(
        ErrorBody(400, "Blocked by Google", {"block_reason": "PROHIBITED_CONTENT"}),
        1,
        "PROHIBITED_CONTENT",
    ),
    "moderated": Bad(
        ErrorBody(403, "Your input was flagged", {"reasons": ["violence"], "flagged_input": "axe"}),
        1,
        "violence",
    ),
    "error-403-inside-200": Bad(
        ErrorInside200(403, "Not for your region"),
        1,
        "Not for your region",
    ),
    "svg": Bad(BrokenImage("svg"), 1, "SVG", IMAGE_COST),
    # Other faults of the request: asked once
    "bad-request": Bad(
        ErrorBody(
            400,
            "Provider returned error",
            {"provider_name": "Azure", "raw": '{"error": {"message": "seed is not supported"}}'},
        ),
        1,
        "Azure: seed is not supported",
    ),
    "no-such-model": Bad(
        ErrorBody(404, "No endpoints found for acme/lamp"), 1, "No endpoints found for acme/lamp"
    ),
    "too-large": Bad(ErrorBody(413, "Request body is too large"), 1, "Request body is too large"),
    "unprocessable": Bad(ErrorBody(422, "Cannot be processed"), 1, "Cannot be processed"),
    # Passing faults: up to four attempts
    "error-408": Bad(ErrorBody(408, "Timed out", headers=AT_ONCE), 4, "Timed out"),
    "error-500": Bad(ErrorBody(500, "Internal", headers=AT_ONCE), 4, "Internal"),
    "error-502": Bad(
        ErrorBody(
            502,
            "Provider returned error",
            {"provider_name": "Google", "raw": "upstream connect error"},
            headers=AT_ONCE,
        ),
        4,
        "Google: upstream connect error",
    ),
    "error-503": Bad(ErrorBody(503, "Nobody is free", headers=AT_ONCE), 4, "Nobody is free"),
    "error-504": Bad(ErrorBody(504, "No answer", headers=AT_ONCE), 4, "No answer"),
    "error-524": Bad(
        RawBody(b"<h1>A timeout occurred</h1>", 524, AT_ONCE), 4, "A timeout occurred"
    ),
    "error-529": Bad(ErrorBody(529, "Overloaded", headers=AT_ONCE), 4, "Overloaded"),
    "error-502-inside-200": Bad(ErrorInside200(502, "Upstream went away"), 4, "Upstream went away"),
    "error-503-in-choice": Bad(
        ErrorInside200("503", "Upstream is full", in_choice=True), 4, "Upstream is full"
    ),
    # An answer without a usable image: one more attempt
    "empty": Bad(Empty("[]"), 2, "`images` is empty"),
    "null": Bad(Empty("null"), 2, "`images` are null"),
    "missing": Bad(Empty("missing"), 2, "no `images`"),
    "text": Bad(Text("Let me describe it instead"), 2, "Let me describe it instead", TALK_COST),
    "length": Bad(Length("I was about to"), 2, "I was about to", "0.0307"),
    "cut-off-image": Bad(BrokenImage("truncated"), 2, "image", IMAGE_COST),
    "html": Bad(BrokenImage("html"), 2, "HTML", IMAGE_COST),
    "bomb": Bad(BrokenImage("bomb"), 2, "20000", IMAGE_COST),
    "empty-image": Bad(BrokenImage("empty"), 2, "empty", IMAGE_COST),
    "bad-base64": Bad(BadBase64(), 2, "base64", IMAGE_COST),
    "address": Bad(HttpUrlImage(ELSEWHERE), 2, ELSEWHERE, IMAGE_COST),
    "malformed-json": Bad(MalformedJson(), 2, "not JSON", None),
    "page": Bad(RawBody(b"<html>Sign in</html>"), 2, "Sign in", None),
    "list": Bad(RawBody(b"[]"), 2, "no JSON object", None),
    "no-choices": Bad(RawBody(b'{"id": "gen-1"}'), 2, "no `choices`", None),
    # A lost answer: one more attempt, and the user is told that it may be billed
    "whitespace-only": Bad(
        WhitespaceOnly(cost=IMAGE_COST), 2, "closed without an answer", None, is_ambiguous=True
    ),
    "cut-before-headers": Bad(CutBeforeHeaders(), 2, "was lost", None, is_ambiguous=True),
    "cut-in-the-middle": Bad(CutAfter(fraction=0.5), 2, "was lost", None, is_ambiguous=True),
    "cut-in-a-chunk": Bad(CutAfter(Chunked()), 2, "was lost", None, is_ambiguous=True),
    "reset": Bad(ResetConnection(), 2, "was lost", None, is_ambiguous=True),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A build in which each asset of `BAD` got its answer, whatever it tried."""

    result: Completed
    requests: Mapping[str, int]
    finished: Mapping[str, Any]
    """The last event of each asset."""
    retries: Mapping[str, list[Any]]
    ledger: Mapping[str, list[Any]]
    """Lines of each asset that say how a call ended."""
    root: Path
    cache: Path
    paths: frozenset[str]
    """All that was asked of the server."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """One build for all bad answers, because most of it is waiting."""
    folder = tmp_path_factory.mktemp("answers")
    project = Project(folder)
    project.write("assets.yaml", manifest(*BAD))
    with OpenRouterStandIn() as openrouter:
        for name, bad in BAD.items():
            openrouter.script_for(is_for(name), *[bad.answer] * 9)
        cli = Cli(folder, environment(openrouter, folder / "cache"))
        try:
            result = cli("build", "--json", "-j", str(len(BAD)))
        finally:
            cli.close()
        prompts = [request.prompt for request in openrouter.generations]
        paths = frozenset(f"{request.method} {request.path}" for request in openrouter.requests)
    events = result.events
    return Ended(
        result=result,
        requests={name: prompts.count(name) for name in BAD},
        finished={e["name"]: e for e in events if e["event"] == "finished"},
        retries={
            name: [e for e in events if e["event"] == "retrying" and e["name"] == name]
            for name in BAD
        },
        ledger={
            name: [line for line in ledger(folder / "cache", "failed") if line["asset"] == name]
            for name in BAD
        },
        root=folder,
        cache=folder / "cache",
        paths=paths,
    )


def environment(openrouter: OpenRouterStandIn, cache: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(assetgen.__path__[0]).parent),
        "HOME": str(cache),
        "ASSETGEN_CACHE_DIR": str(cache),
        "OPENROUTER_API_KEY": API_KEY,
        "OPENROUTER_BASE_URL": openrouter.base_url,
    }


def manifest(*names: str) -> str:
    """Assets of which each has its own name as its prompt."""
    assets = [f"  {n}: {{prompt: '{n}', model: {GEMINI}, output: art/{n}.png}}\n" for n in names]
    return "version: 1\nassets:\n" + "".join(assets)


def is_for(name: str) -> Any:
    """Whether a request is for the asset with this prompt."""

    def asked(request: Recorded) -> bool:
        return request.prompt == name

    return asked


def ledger(cache: Path, event: str) -> list[Any]:
    text = (cache / "ledger.jsonl").read_text("utf-8")
    lines = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    return [line for line in lines if line["event"] == event]


def dollars(text: str | None) -> Decimal:
    return Decimal(text or 0)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_worth_so_many_attempts_and_no_more(ended: Ended, name: str) -> None:
    assert ended.requests[name] == BAD[name].requests
    assert len(ended.retries[name]) == BAD[name].requests - 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_fails_its_asset_with_the_words_of_who_gave_it(
    ended: Ended, name: str
) -> None:
    assert ended.finished[name]["status"] == "failed"
    assert BAD[name].words in ended.finished[name]["message"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_in_the_ledger_with_what_it_cost(ended: Ended, name: str) -> None:
    bad, lines = BAD[name], ended.ledger[name]
    assert len(lines) == bad.requests
    assert sum(line.get("cost_usd", Decimal(0)) for line in lines) == (
        dollars(bad.cost) * bad.requests
    )
    if bad.cost is None:
        assert all(line["may_be_billed"] for line in lines)
        assert ended.finished[name]["cost_usd"] is None
    else:
        assert ended.finished[name]["cost_usd"] == float(dollars(bad.cost) * bad.requests)


@pytest.mark.parametrize("name", [name for name, bad in BAD.items() if bad.is_ambiguous])
def test_before_a_lost_answer_is_asked_for_again_the_user_hears_that_it_may_be_billed(
    ended: Ended, name: str
) -> None:
    assert [event["may_be_billed"] for event in ended.retries[name]] == [True]


def test_passing_faults_are_tried_again_without_fear_of_a_bill(ended: Ended) -> None:
    passing = [name for name, bad in BAD.items() if bad.requests == 4]
    assert not any(event["may_be_billed"] for name in passing for event in ended.retries[name])


def test_nothing_of_a_bad_answer_is_stored_written_or_recorded(ended: Ended) -> None:
    assert ended.result.code == 1
    assert not (ended.root / "art").exists()
    assert not (ended.root / "assets.lock").exists()
    kept = [path for path in (ended.cache / "blobs").rglob("*") if path.is_file()]
    kept += [path for path in (ended.cache / "incoming").rglob("*") if path.is_file()]
    assert kept == []


def test_an_address_in_an_answer_is_never_asked(ended: Ended) -> None:
    assert ended.paths == {"POST /api/v1/chat/completions"}


def test_the_sum_counts_known_bills_and_estimates_of_unknown_ones(ended: Ended) -> None:
    done = ended.result.events[-1]
    unknown = sum(bad.requests for bad in BAD.values() if bad.cost is None)
    known = sum((dollars(bad.cost) * bad.requests for bad in BAD.values()), Decimal(0))
    assert done["unknown_bills"] == unknown
    assert done["spent_usd"] == float(known + unknown * Decimal(IMAGE_COST))


GOOD: Mapping[str, Answer] = {
    "padded": Padded(),
    "chunked": Chunked(),
    "until-closed": CloseDelimited(),
    "late": Stall(0.05),
    "slow": SlowDrip(bytes_per_second=20_000),
    "bare": Image(with_type=False, content="Here you are"),
    "promised-more": WrongContentLength(),
}


def test_an_image_arrives_however_it_travels(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(*GOOD))
    for name, answer in GOOD.items():
        openrouter.script_for(is_for(name), answer)
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == len(GOOD)
    assert "warning" not in result.err


def test_a_fault_that_passes_leaves_no_trace_but_a_line(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("lamp"))
    openrouter.script(ErrorBody(503, "Nobody is free", headers=AT_ONCE))
    result = cli("build")
    assert result.code == 0, result.err
    assert "Nobody is free" in result.err
    assert len(openrouter.generations) == 2
    assert openrouter.billed == Decimal(IMAGE_COST)
    assert cli("check").code == 0


def test_an_unusable_answer_that_was_billed_is_part_of_what_the_image_cost(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("lamp"))
    openrouter.script(Text())
    result = cli("build", "--json")
    assert result.code == 0, result.err
    assert openrouter.billed == Decimal(IMAGE_COST) + Decimal(TALK_COST)
    (finished,) = (event for event in result.events if event["event"] == "finished")
    assert finished["cost_usd"] == float(openrouter.billed)
    assert result.events[-1]["spent_usd"] == float(openrouter.billed)


def test_a_bad_answer_is_not_asked_for_in_the_response_cache_again(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    openrouter.response_cache = True
    project.write("assets.yaml", manifest("lamp"))
    openrouter.script(Empty())
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 2


def test_a_lost_answer_is_fetched_from_the_response_cache_free(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    openrouter.response_cache = True
    project.write("assets.yaml", manifest("lamp"))
    openrouter.script(CutBeforeHeaders())
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 2
    assert openrouter.billed == Decimal(IMAGE_COST)


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("moved", "gone", "found"))
    with OpenRouterStandIn() as elsewhere:
        target = f"{elsewhere.base_url}/chat/completions"
        for name, status in (("moved", 301), ("found", 302), ("gone", 307)):
            openrouter.script_for(is_for(name), *[Redirect(target, status)] * 3)
        result = cli("build")
        assert elsewhere.requests == []
    assert result.code == 1
    assert len(openrouter.generations) == 3
    assert target.split("/")[2] in result.err
    assert API_KEY not in result.err


def test_the_deadline_of_a_call_is_total_however_busy_the_line_is(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    text = manifest("silent", "padded", "patient")
    project.write("assets.yaml", text.replace("prompt: 'pat", "timeout_s: 60, prompt: 'pat"))
    openrouter.script_for(is_for("silent"), *[Stall(3600)] * 3)
    openrouter.script_for(is_for("padded"), *[Padded(lines=("\n",) * 360_000)] * 3)
    openrouter.script_for(is_for("patient"), Stall(1.5))
    result = cli("build", "--timeout", "1", "--json")
    assert result.code == 1
    prompts = [request.prompt for request in openrouter.generations]
    assert sorted(prompts) == ["padded", "padded", "patient", "silent", "silent"]
    finished = {event["name"]: event for event in result.events if event["event"] == "finished"}
    assert finished["patient"]["status"] == "generated"
    for name in ("silent", "padded"):
        assert "within 1 s" in finished[name]["message"]
        assert "may be billed" in finished[name]["message"]
        assert "--timeout" in finished[name]["hint"]


def test_a_server_that_cannot_be_reached_is_no_bill(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", manifest("lamp"))
    nowhere = {"OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1"}
    result = cli("build", "--json", env=nowhere)
    assert result.code == 1
    retries = [event for event in result.events if event["event"] == "retrying"]
    assert [event["may_be_billed"] for event in retries] == [False] * 3
    assert "127.0.0.1:9" in retries[0]["message"]
    assert result.events[-1]["spent_usd"] == 0
