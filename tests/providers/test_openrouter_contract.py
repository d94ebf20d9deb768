"""What both routes promise alike: one result type, one table of faults, words that can be kept.

Whatever arrives is an image or a `ProviderError`. What each route sends is in the golden files of
`test_openrouter_chat.py` and `test_openrouter_images.py`.
"""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.core.call import Generated
from assetgen.core.model import Parameters
from assetgen.errors import (
    AuthError,
    BadResponse,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from assetgen.providers.document import MAX_VALUES
from assetgen.providers.openrouter import chat, images
from assetgen.providers.openrouter.errors import (
    is_modalities_mismatch,
    is_no_such_route,
    is_wrong_endpoint,
)
from assetgen.providers.openrouter.models import load_table
from tests.providers.openrouter_samples import (
    GEMINI,
    JPEG,
    OTHER_PNG,
    PNG,
    SVG,
    a_request,
    chat_answer,
    data_uri_of,
    error_body,
    images_answer,
    text_of,
)

Route = Literal["chat", "images"]
ROUTES: tuple[Route, ...] = ("chat", "images")
on_both_routes = pytest.mark.parametrize("route", ROUTES)
ANSWERED = {"x-generation-id": "gen-9", "x-provider-name": "Google"}

FIELDS = [
    *("availability", "b64_json", "block_reason", "choices", "code", "content", "cost", "data"),
    *("error", "error_type", "fallback_models", "finish_reason", "http_status", "id", "image_url"),
    *("images", "media_type", "message", "metadata", "model", "native_finish_reason", "provider"),
    *("raw", "reasons", "refusal", "retry_after", "retryable", "text", "url", "usage"),
]
READ_HEADERS = ["retry-after", "x-generation-id", "x-openrouter-cache-status", "x-provider-name"]

STATUSES = st.one_of(st.just(200), st.sampled_from([400, 402, 404, 429, 500]), st.integers(0, 999))
DATES = st.from_regex(r"\w{3}, \d{1,2} \w{3} \d{1,5} [\d:]{1,9} \w+", fullmatch=True)
HEADERS = st.dictionaries(
    st.sampled_from(READ_HEADERS), st.one_of(st.text(max_size=40), DATES), max_size=4
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["data:image/png;base64,", "data:", "https://x", "429", "wrong_endpoint"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    ),
    max_leaves=25,
)


def outcomes(status: int, headers: dict[str, str], body: bytes) -> list[Generated | ProviderError]:
    """What both routes make of an answer; any other exception fails the test."""
    found: list[Generated | ProviderError] = []
    try:
        found.append(chat.parse(a_request(), status, headers, body, now=0.0))
    except ProviderError as error:
        found.append(error)
    try:
        found.append(images.parse(status, headers, body, now=0.0))
    except ProviderError as error:
        found.append(error)
    return found


def check(status: int, headers: dict[str, str], body: bytes) -> None:
    is_modalities_mismatch(status, body)
    is_no_such_route(status, body)
    is_wrong_endpoint(status, body)
    for outcome in outcomes(status, headers, body):
        if isinstance(outcome, Generated):
            assert outcome.images
            told = [*outcome.warnings, outcome.model, outcome.provider, outcome.generation_id]
        else:
            assert outcome.what
            assert outcome.retry_after_s is None or outcome.retry_after_s >= 0
            told = [outcome.what, outcome.hint, outcome.generation_id]
        assert all(text is None or (text.isprintable() and len(text) < 1000) for text in told)


@settings(deadline=None)
@given(STATUSES, HEADERS, st.binary(max_size=200))
def test_any_bytes_give_an_image_or_a_provider_error(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    check(status, headers, body)


@settings(deadline=None)
@given(STATUSES, HEADERS, VALUES)
def test_any_json_gives_an_image_or_a_provider_error(
    status: int, headers: dict[str, str], value: object
) -> None:
    check(status, headers, json.dumps(value).encode())


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [at for key in keys for at in places(value[key])]


@settings(deadline=None)
@given(st.sampled_from([chat_answer, images_answer]), st.integers(0, 10**6), VALUES)
def test_any_field_of_a_good_answer_may_be_anything(
    make: Any, number: int, replacement: object
) -> None:
    answer = make()
    found = places(answer)
    container, key = found[number % len(found)]
    container[key] = replacement
    check(200, {}, json.dumps(answer).encode())


@pytest.mark.parametrize("fraction", range(20))
def test_a_good_answer_cut_anywhere_is_a_provider_error(fraction: int) -> None:
    for answer in (chat_answer(), images_answer()):
        body = json.dumps(answer).encode()
        results = outcomes(200, {}, body[: (len(body) - 1) * fraction // 19])
        assert all(isinstance(result, ProviderError) for result in results)


# One result type


def understood(
    route: Route, answer: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> Generated:
    """What a route makes of an answer; `answer` is its document, or a body as it is."""
    body = answer if isinstance(answer, bytes) else text_of(answer)
    given = ANSWERED if headers is None else headers
    if route == "images":
        return images.parse(status, given, body, now=0.0)
    return chat.parse(a_request(), status, given, body, now=0.0)


def not_understood(route: Route, answer: object, *, status: int = 200) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        understood(route, answer, status=status)
    return caught.value


def answer_of(
    route: Route,
    *texts: str,
    declared: str = "image/png",
    usage: object = None,
    **changes: object,
) -> dict[str, Any]:
    """An answer around images in base64."""
    more: dict[str, Any] = {"usage": {"cost": 0.03} if usage is None else usage, **changes}
    if route == "images":
        items = [{"b64_json": text, "media_type": declared} for text in texts]
        return {"created": 0, "data": items, **more}
    uris = [{"image_url": {"url": f"data:{declared};base64,{text}"}} for text in texts]
    return chat_answer(message={"images": uris}, **more)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@on_both_routes
def test_images_bill_id_and_provider_come_in_one_form(route: Route) -> None:
    answer = answer_of(route, encoded(PNG), encoded(OTHER_PNG))
    answer.pop("id", None)
    generated = understood(route, answer)
    assert generated.images == (PNG, OTHER_PNG)
    assert generated.cost_usd == Decimal("0.03")
    assert generated.provider == "Google"
    assert generated.generation_id == "gen-9"
    assert generated.warnings == ()


@on_both_routes
@pytest.mark.parametrize("declared", ["image/webp", "image/jpg", "text/html", ""])
def test_bytes_are_taken_whatever_type_they_are_declared_as(route: Route, declared: str) -> None:
    assert understood(route, answer_of(route, encoded(JPEG), declared=declared)).images == (JPEG,)


@on_both_routes
@pytest.mark.parametrize(
    "text",
    [
        encoded(JPEG).rstrip("="),
        encoded(JPEG).replace("/", "_").replace("+", "-"),
        encoded(JPEG).replace("/", "%2F").replace("=", "%3D"),
        "\n ".join(encoded(JPEG)),
    ],
    ids=["no padding", "URL-safe letters", "percent signs", "white space"],
)
def test_base64_is_read_however_it_is_written(route: Route, text: str) -> None:
    assert understood(route, answer_of(route, text)).images == (JPEG,)


@on_both_routes
@pytest.mark.parametrize(
    ("usage", "bill"),
    [
        ({"cost": 0.1}, Decimal("0.1")),
        ({"cost": 0}, Decimal(0)),
        ({"cost": None}, None),
        ({"cost": -1}, None),
        ({"cost": 5000}, None),
        ({"cost": True}, None),
        ({}, None),
        ([], None),
    ],
)
def test_a_bill_is_exact_or_unknown(route: Route, usage: object, bill: Decimal | None) -> None:
    answer = answer_of(route, encoded(PNG), usage=usage)
    assert understood(route, answer).cost_usd == bill


@on_both_routes
def test_a_number_of_a_thousand_digits_is_no_bill(route: Route) -> None:
    body = text_of(answer_of(route, encoded(PNG), usage={"cost": 12345}))
    body = body.replace(b"12345", b"0." + b"1" * 1000)
    assert understood(route, body).cost_usd is None


@on_both_routes
def test_what_is_beside_a_usable_image_is_a_warning(route: Route) -> None:
    answer = answer_of(route, "?", encoded(PNG), error={"code": 502, "message": "late fault"})
    generated = understood(route, answer)
    assert generated.images == (PNG,)
    assert any("base64" in warning for warning in generated.warnings)
    assert any("late fault" in warning for warning in generated.warnings)


@on_both_routes
def test_an_answer_from_nobody_knows_where_is_enough(route: Route) -> None:
    if route == "images":
        bare: dict[str, Any] = {"data": [{"b64_json": encoded(PNG)}]}
    else:
        bare = {"choices": [{"message": {"images": [{"image_url": {"url": data_uri_of(PNG)}}]}}]}
    assert understood(route, bare, headers={}) == Generated(images=(PNG,))


# One table of faults


def item_with_address(route: Route, url: str) -> dict[str, Any]:
    if route == "images":
        return {"created": 0, "data": [{"url": url}]}
    return chat_answer(message={"images": [{"image_url": {"url": url}}]})


def nothing_in(route: Route, images_: object) -> dict[str, Any]:
    if route == "images":
        return {"created": 0, "data": images_, "usage": {"cost": 0.03}}
    return chat_answer(message={"images": images_})


Fault = tuple[type[ProviderError], Retry, str]
UNUSABLE: dict[str, tuple[Any, Fault]] = {
    "an empty list": (lambda r: nothing_in(r, []), (BadResponse, Retry.UNUSABLE, "is empty")),
    "null": (lambda r: nothing_in(r, None), (BadResponse, Retry.UNUSABLE, "")),
    "no list": (lambda r: nothing_in(r, "none"), (BadResponse, Retry.UNUSABLE, "list")),
    "bad base64": (lambda r: answer_of(r, "!!"), (BadResponse, Retry.UNUSABLE, "base64")),
    "no bytes": (lambda r: answer_of(r, ""), (BadResponse, Retry.UNUSABLE, "empty")),
    "svg": (lambda r: answer_of(r, encoded(SVG)), (Refused, Retry.NEVER, "SVG")),
    "an address": (
        lambda r: item_with_address(r, "http://203.0.113.9/a.png"),
        (BadResponse, Retry.UNUSABLE, "never fetched"),
    ),
    "a list": (lambda _: b"[]", (BadResponse, Retry.UNUSABLE, "no JSON object")),
    "a page": (lambda _: b"<html>", (BadResponse, Retry.UNUSABLE, "not JSON")),
    "an event stream": (
        lambda _: b'data: {"type": "image_generation.completed"}\n\n',
        (BadResponse, Retry.UNUSABLE, "not JSON"),
    ),
    "padding": (lambda _: b" \n: WAIT\n", (BadResponse, Retry.AMBIGUOUS, "may be billed")),
    "an error": (
        lambda _: {"error": {"code": 503, "message": "full"}},
        (Unavailable, Retry.TRANSIENT, "full"),
    ),
    "an error in text": (
        lambda _: {"error": "it broke"},
        (BadResponse, Retry.UNUSABLE, "it broke"),
    ),
    "a block": (
        lambda _: {"error": {"message": "no", "metadata": {"block_reason": "SAFETY"}}},
        (Refused, Retry.NEVER, "SAFETY"),
    ),
    "a bush of values": (
        lambda _: b'{"data": [' + b"0," * MAX_VALUES + b"0]}",
        (BadResponse, Retry.UNUSABLE, "more than 500,000 values"),
    ),
    "a tower of brackets": (
        lambda _: b'{"a":' + b"[" * 100_000,
        (BadResponse, Retry.UNUSABLE, "nested too deeply"),
    ),
}


@on_both_routes
@pytest.mark.parametrize("case", UNUSABLE)
def test_an_answer_without_a_usable_image_is_the_same_fault(route: Route, case: str) -> None:
    make, (kind, retry, words) = UNUSABLE[case]
    error = not_understood(route, make(route))
    assert type(error) is kind
    assert error.retry is retry
    assert words in error.what


REFUSALS: dict[str, tuple[int, bytes, type[ProviderError], str]] = {
    "moderation": (
        403,
        error_body("Flagged", 403, {"reasons": ["violence"], "flagged_input": "axe"}),
        Refused,
        "change the prompt",
    ),
    "policy": (
        400,
        error_body("Blocked", 400, {"error_type": "content_policy_violation"}),
        Refused,
        "change the prompt",
    ),
    "google's block": (
        400,
        error_body("Blocked", 400, {"finish_reason": "PROHIBITED_CONTENT"}),
        Refused,
        "change the prompt",
    ),
    "ratio": (
        400,
        error_body("Invalid aspect_ratio: 7:3"),
        Refused,
        "change or remove `aspect_ratio`",
    ),
    "resolution": (
        400,
        error_body("resolution: must be one of 1K, 2K"),
        Refused,
        "change or remove `image_size`",
    ),
    "quality": (
        400,
        error_body("Unsupported parameter: 'quality'"),
        Refused,
        "change or remove `quality`",
    ),
    "references": (
        400,
        error_body("input_references: at most 1"),
        Refused,
        "change or remove `reference`",
    ),
    "param": (
        400,
        text_of({"error": {"code": 400, "message": "no", "param": "body.seed"}}),
        Refused,
        "change or remove `seed`",
    ),
    "upstream": (
        400,
        error_body(
            "Provider returned error", 400, {"raw": '{"error": {"message": "seed is unknown"}}'}
        ),
        Refused,
        "change or remove `seed`",
    ),
    "format": (
        422,
        error_body("output_format webp is not supported", 422),
        Refused,
        "change or remove `params.output_format`",
    ),
    "credit": (402, error_body("Empty", 402), AuthError, "add credits"),
    "key": (401, error_body("Who?", 401), AuthError, "OPENROUTER_API_KEY"),
    "size": (413, error_body("Too big", 413), Refused, "smaller references"),
    "budget": (
        402,
        error_body("Busy", 402, {"limit_source": "openrouter_in_flight_budget"}),
        RateLimited,
        "`-j`",
    ),
}


@on_both_routes
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_what_to_do_about_it(route: Route, case: str) -> None:
    status, body, kind, hint = REFUSALS[case]
    error = not_understood(route, body, status=status)
    assert type(error) is kind
    assert hint in (error.hint or "")
    assert not error.may_be_billed


@pytest.mark.parametrize(
    "message", ["The quality of this prompt is low", "A background check failed", "Bad size"]
)
def test_words_of_every_day_are_not_taken_for_fields(message: str) -> None:
    assert not_understood("chat", error_body(message), status=400).hint is None


@on_both_routes
def test_a_generation_that_did_not_finish_costs_nothing_and_is_tried_again(route: Route) -> None:
    error = not_understood(route, error_body("generation failed", 502), status=502)
    assert error.retry is Retry.TRANSIENT
    assert not error.may_be_billed


# One set of knobs


@on_both_routes
def test_every_knob_of_the_manifest_is_sent_and_nothing_that_asks_for_more(route: Route) -> None:
    parameters = Parameters(
        aspect_ratio="3:2",
        image_size="0.5K",
        quality="high",
        background="transparent",
        seed=7,
        extra={"output_format": "webp", "output_compression": 80, "steps": 30},
    )
    request = a_request(GEMINI, parameters=parameters)
    if route == "images":
        sent = json.loads(images.request_body(request))
        options = {"steps": 30}
        assert sent.pop("provider") == {
            "options": {"google-ai-studio": options, "google-vertex": options}
        }
        assert sent.pop("resolution") == "512"
        knobs = sent
    else:
        facts = load_table().facts(GEMINI)
        sent = json.loads(chat.request_body(request, facts, image_only=False))
        assert sent["stream"] is False
        knobs = sent["image_config"] | {"seed": sent["seed"]}
        assert knobs.pop("image_size") == "0.5K"
        assert knobs.pop("steps") == 30
    assert "n" not in sent
    assert sent.get("stream", False) is False
    stated = {"aspect_ratio": "3:2", "quality": "high", "background": "transparent", "seed": 7}
    own = {"output_format": "webp", "output_compression": 80}
    assert {name: knobs.get(name) for name in stated | own} == stated | own
