"""Every row of OpenRouter's table of errors, on both routes, through the real command line.

The rows are those of its "errors and debugging" page: what a status means, whether it is tried
again, whether it is billed. Each row says how many attempts it is worth, the words that the user
must be told, the hint, and what the ledger knows of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.attacks.bench import Ended, Meeting, build
from tests.standin import (
    API_KEY,
    IMAGE_COST,
    Answer,
    ErrorBody,
    ErrorInside200,
    InFlightBudget,
    NoCredits,
    NoEndpoints,
    OpenRouterStandIn,
    RateLimit,
    RawBody,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import Cli, Project

AT_ONCE = {"Retry-After": "0"}
ROUTES = ("chat", "images")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, and what is promised about it."""

    answer: Answer
    attempts: int
    words: str
    hint: str = ""
    cost: str | None = "0"
    """Dollars that one such answer took, by the ledger; None when it is marked as unknown."""
    routes: tuple[str, ...] = ROUTES
    requests: int | None = None
    """When one attempt asks more than once, because a free 404 switches the class on chat."""


def typed(status: int, error_type: str, message: str = "words of the service") -> ErrorBody:
    return ErrorBody(status, message, {"error_type": error_type})


def passing(status: int, message: str = "words of the service") -> ErrorBody:
    return ErrorBody(status, message, headers=AT_ONCE)


TABLE: Mapping[str, Row] = {
    # 400: bad parameter, unknown model, image errors, blocks: never again, not billed
    "400-parameter": Row(ErrorBody(400, "Invalid aspect_ratio: 7:3"), 1, "7:3", "`aspect_ratio`"),
    "400-model": Row(
        ErrorBody(400, "no/such is no model", availability={"code": "model_not_found"}),
        1,
        "no/such is no model",
        "spelling of `model`",
    ),
    "400-invalid-image": Row(typed(400, "invalid_image"), 1, "words of the service"),
    "400-image-too-large": Row(
        typed(400, "image_too_large"), 1, "words of the service", "smaller references"
    ),
    "400-image-too-small": Row(typed(400, "image_too_small"), 1, "words of the service"),
    "400-unsupported-format": Row(
        typed(400, "unsupported_image_format"), 1, "words of the service"
    ),
    "400-download-failed": Row(typed(400, "image_download_failed"), 1, "words of the service"),
    "400-policy": Row(
        typed(400, "content_policy_violation"), 1, "words of the service", "change the prompt"
    ),
    "400-refusal": Row(typed(400, "refusal"), 1, "words of the service", "change the prompt"),
    "400-block": Row(
        ErrorBody(400, "Blocked", {"finish_reason": "STOP", "block_reason": "PROHIBITED_CONTENT"}),
        1,
        "PROHIBITED_CONTENT",
        "change the prompt",
    ),
    "400-upstream": Row(
        ErrorBody(
            400,
            "Provider returned error",
            {"provider_name": "Azure", "raw": '{"error": {"message": "seed is not supported"}}'},
        ),
        1,
        "Azure: seed is not supported",
        "`seed`",
    ),
    # 402 for what runs at once: after the wait, with less concurrency
    "402-in-flight": Row(InFlightBudget(retry_after=0), 4, "in-flight", "`-j`"),
    # 403: permission, guardrail, moderation, region
    "403-permission": Row(typed(403, "permission_denied"), 1, "words of the service"),
    "403-guardrail": Row(ErrorBody(403, "Guardrail", {"patterns": ["x"]}), 1, "Guardrail"),
    "403-moderation": Row(
        ErrorBody(
            403,
            "Your input was flagged",
            {"reasons": ["violence"], "flagged_input": "axe", "provider_name": "OpenAI"},
        ),
        1,
        "reasons: violence; flagged: axe",
        "change the prompt",
    ),
    "403-region": Row(
        ErrorBody(403, "Not here", availability={"code": "region_restricted"}), 1, "Not here"
    ),
    # 404: nothing serves it, unless it says that this passes
    "404-modalities": Row(
        NoEndpoints(), 1, "requested output modalities", "remove `modalities`", routes=("images",)
    ),
    "404-both-classes": Row(
        NoEndpoints(),
        1,
        "requested output modalities",
        "remove `modalities`",
        routes=("chat",),
        requests=2,
    ),
    "404-removed": Row(
        ErrorBody(404, "Removed", availability={"fallback_models": ["a/b"]}), 1, "Removed", "a/b"
    ),
    "404-retryable": Row(
        ErrorBody(404, "Busy", headers=AT_ONCE, availability={"retryable": True}), 4, "Busy"
    ),
    # Passing faults: up to four attempts, not billed
    "408": Row(passing(408), 4, "words of the service"),
    "413": Row(ErrorBody(413, "Too large"), 1, "Too large", "smaller references"),
    "422": Row(ErrorBody(422, "Cannot be processed"), 1, "Cannot be processed"),
    "429-platform": Row(RateLimit(retry_after=0), 4, "Rate limit exceeded"),
    "429-upstream": Row(
        ErrorBody(
            429,
            "Provider returned error",
            {"provider_name": "Google", "raw": "quota of the project"},
            headers=AT_ONCE,
        ),
        4,
        "Google: quota of the project",
    ),
    "500": Row(passing(500), 4, "words of the service"),
    "502": Row(passing(502), 4, "words of the service"),
    "503": Row(passing(503), 4, "words of the service"),
    "504": Row(passing(504), 4, "words of the service"),
    "524": Row(RawBody(b"<h1>A timeout occurred</h1>", 524, AT_ONCE), 4, "A timeout occurred"),
    "529": Row(passing(529), 4, "words of the service"),
    # 200 around an error: judged by the code in it
    "200-400": Row(ErrorInside200(400, "late words"), 1, "late words"),
    "200-403": Row(ErrorInside200(403, "late words"), 1, "late words"),
    "200-502": Row(ErrorInside200(502, "late words"), 4, "late words"),
    "200-text-code": Row(ErrorInside200("503", "late words"), 4, "late words"),
    "200-typed": Row(
        ErrorInside200("x", "late words", metadata={"error_type": "provider_overloaded"}),
        4,
        "late words",
    ),
    "200-no-code": Row(ErrorInside200("x", "late words"), 2, "late words", cost=None),
    "200-choice": Row(
        ErrorInside200(502, "late words", in_choice=True), 4, "late words", routes=("chat",)
    ),
    "200-choice-billed": Row(
        ErrorInside200(400, "late words", in_choice=True, cost="0.0021"),
        1,
        "late words",
        cost="0.0021",
        routes=("chat",),
    ),
}

CASES = {
    f"{route}-{name}": (route, row)
    for name, row in TABLE.items()
    for route in ROUTES
    if route in row.routes
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    meetings = {
        name: Meeting(row.answer, fields=f"api: {route}") for name, (route, row) in CASES.items()
    }
    return build(tmp_path_factory.mktemp("errors"), meetings)


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_worth_its_attempts_and_stays_on_its_route(ended: Ended, name: str) -> None:
    route, row = CASES[name]
    assert len(ended.ledger[name]) == row.attempts
    assert len(ended.retries[name]) == row.attempts - 1
    assert [request.route for request in ended.requests[name]] == (
        [route] * (row.requests or row.attempts)
    )


@pytest.mark.parametrize("name", CASES)
def test_a_row_fails_its_asset_with_words_and_a_way_out(ended: Ended, name: str) -> None:
    _, row = CASES[name]
    finished = ended.finished[name]
    assert finished["status"] == "failed"
    assert row.words in finished["message"]
    assert row.hint in (finished["hint"] or "")
    assert not any(event["may_be_billed"] for event in ended.retries[name]) or row.cost is None


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_in_the_ledger_with_its_cost_or_as_unknown(ended: Ended, name: str) -> None:
    _, row = CASES[name]
    for line in ended.ledger[name]:
        assert line["event"] == "failed"
        assert row.words in line["outcome"]
        assert line.get("may_be_billed", False) is (row.cost != "0")
        assert Decimal(line.get("cost_usd") or 0) == Decimal(row.cost or 0)
    spent = None if row.cost is None else float(Decimal(row.cost) * row.attempts)
    assert ended.finished[name]["cost_usd"] == spent


def test_a_table_of_errors_stores_nothing_and_ends_with_1(ended: Ended) -> None:
    assert ended.result.code == 1
    assert ended.stored == {}
    assert ended.lock == {}
    assert not (ended.root / "art").exists()
    unknown = [name for name, (_, row) in CASES.items() if row.cost is None]
    assert ended.result.events[-1]["unknown_bills"] == sum(
        CASES[name][1].attempts for name in unknown
    )


def test_the_key_is_in_nothing_that_a_table_of_errors_writes(ended: Ended) -> None:
    assert API_KEY not in ended.result.out + ended.result.err
    for path in ended.root.rglob("*"):
        assert not path.is_file() or API_KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unauthorized(), "OPENROUTER_API_KEY"),
        (NoCredits(), "add credits"),
        (NoCredits("openrouter_key_limit"), "limit of this key"),
    ],
    ids=["401", "402 credits", "402 key limit"],
)
def test_a_row_that_stops_the_run_is_asked_once_and_nothing_is_billed(
    tmp_path: Path, answer: Answer, words: str
) -> None:
    """On the images route; chat's are in `tests/process/test_buying_runs.py`."""
    meeting = Meeting(answer, fields="api: images")
    ended = build(tmp_path, {"first": meeting, "second": meeting}, "-j", "1")
    assert ended.result.code == 1
    assert sum(map(len, ended.requests.values())) == 1
    assert words in ended.finished["first"]["hint"]
    (line,) = ended.ledger["first"]
    assert not line.get("may_be_billed", False)
    assert ended.ledger["second"] == []
    assert ended.result.events[-1]["spent_usd"] == 0


def test_a_learnt_route_that_is_there_no_more_heals_in_one_build(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    openrouter.model("acme/plotter", images_only=True)
    asset = "version: 1\nassets:\n  {0}: {{prompt: {0}, model: acme/plotter, output: {0}.png}}\n"
    learnt = project.root.parent / "cache" / "models.json"
    learnt.parent.mkdir()
    learnt.write_text('{"acme/plotter": {"route": "images"}}')
    project.write("assets.yaml", asset.format("one"))
    assert cli("build").code == 0
    assert [r.route for r in openrouter.generations] == ["images"]

    openrouter.model("acme/plotter")
    openrouter.script_for(lambda r: r.route == "images", ErrorBody(404, "Not Found"))
    project.write("assets.yaml", asset.format("two"))
    result = cli("build")
    assert result.code == 0, result.err
    assert [r.route for r in openrouter.generations][1:] == ["images", "chat"]
    assert openrouter.billed == 2 * Decimal(IMAGE_COST)

    project.write("assets.yaml", asset.format("three"))
    assert cli("build").code == 0
    assert [r.route for r in openrouter.generations][3:] == ["chat"]
