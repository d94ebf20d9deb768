"""Every row of OpenRouter's table of errors, and how each is told to people."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest

from assetgen.errors import (
    AuthError,
    BadResponse,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from assetgen.providers.openrouter.errors import (
    error_of,
    is_modalities_mismatch,
    is_wrong_endpoint,
)
from tests.providers.openrouter_samples import MISMATCH, error_body, text_of

NOW = 1_790_000_000.0


def error_for(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> ProviderError:
    return error_of(status, headers or {}, body, now=NOW)


@pytest.mark.parametrize(
    ("status", "kind", "retry"),
    [
        (302, BadResponse, Retry.NEVER),
        (400, Refused, Retry.NEVER),
        (401, AuthError, Retry.NEVER),
        (402, AuthError, Retry.NEVER),
        (403, Refused, Retry.NEVER),
        (404, Refused, Retry.NEVER),
        (405, Refused, Retry.NEVER),
        (408, Unavailable, Retry.TRANSIENT),
        (409, Refused, Retry.NEVER),
        (413, Refused, Retry.NEVER),
        (422, Refused, Retry.NEVER),
        (425, Unavailable, Retry.TRANSIENT),
        (429, RateLimited, Retry.TRANSIENT),
        (500, Unavailable, Retry.TRANSIENT),
        (502, Unavailable, Retry.TRANSIENT),
        (503, Unavailable, Retry.TRANSIENT),
        (504, Unavailable, Retry.TRANSIENT),
        (524, Unavailable, Retry.TRANSIENT),
        (529, Unavailable, Retry.TRANSIENT),
        (999, BadResponse, Retry.NEVER),
    ],
)
@pytest.mark.parametrize("has_body", [True, False])
def test_the_status_decides_what_is_allowed_next(
    status: int, kind: type[ProviderError], retry: Retry, has_body: bool
) -> None:
    error = error_for(status, error_body("these words", code=status) if has_body else b"")
    assert type(error) is kind
    assert error.retry is retry
    assert f"(HTTP {status})" in error.what
    assert ("these words" in error.what) is has_body
    assert error.stops_run is (status in {401, 402})
    assert error.lowers_concurrency is (status == 429)
    assert not error.may_be_billed


def test_a_refused_key_says_where_it_comes_from() -> None:
    assert "OPENROUTER_API_KEY" in (error_for(401).hint or "")


def test_missing_credit_says_what_helps() -> None:
    hint = error_for(402, error_body(metadata={"limit_source": "openrouter_credits"})).hint or ""
    assert "credits" in hint
    assert "max_tokens" in hint


def test_a_spent_key_limit_says_what_helps() -> None:
    error = error_for(402, error_body(metadata={"limit_source": "openrouter_key_limit"}))
    assert error.stops_run
    assert "limit of this key" in (error.hint or "")


def test_too_many_paid_calls_in_flight_wait_instead_of_stopping_the_run() -> None:
    body = error_body("Too many", 402, {"limit_source": "openrouter_in_flight_budget"})
    error = error_for(402, body, {"retry-after": "12"})
    assert isinstance(error, RateLimited)
    assert error.retry is Retry.TRANSIENT
    assert error.lowers_concurrency
    assert error.retry_after_s == 12
    assert not error.stops_run


def test_an_absence_that_will_pass_is_tried_again() -> None:
    availability = {"code": "temporarily_unavailable", "retryable": True, "retry_after": 30}
    error = error_for(404, error_body(code=404, availability=availability))
    assert isinstance(error, Unavailable)
    assert error.retry is Retry.TRANSIENT
    assert error.retry_after_s == 30


@pytest.mark.parametrize(
    ("headers", "error", "expected"),
    [
        ({"retry-after": "7"}, {}, 7),
        ({"retry-after": " 2.5 "}, {}, 2.5),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, {}, 90),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, {}, 0),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": "-3"}, {}, None),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "1e9"}, {}, None),
        ({"retry-after": "9" * 5000}, {}, None),
        ({"retry-after": "Mon, 32 Foo 99999 25:61:61 GMT"}, {}, None),
        ({}, {"availability": {"retry_after": 4}}, 4),
        ({}, {"metadata": {"retry_after": 1.5}}, 1.5),
        ({}, {"retry_after": 9}, 9),
        ({}, {"retry_after": -9}, None),
        ({}, {"retry_after": True}, None),
        ({}, {"retry_after": "9"}, None),
        ({}, {"retry_after": 10**400}, None),
        ({"retry-after": "7"}, {"availability": {"retry_after": 4}}, 7),
        ({}, {}, None),
    ],
)
def test_the_wish_to_wait_is_understood_or_left(
    headers: dict[str, str], error: dict[str, Any], expected: float | None
) -> None:
    body = text_of({"error": {"code": 503, "message": "full", **error}})
    assert error_for(503, body, headers).retry_after_s == expected


@pytest.mark.parametrize(
    "raw",
    [
        "quota of project exceeded",
        '{"error":{"code":8,"message":"quota of project exceeded"}}',
        '{"error":"quota of project exceeded"}',
        '{"detail":"quota of project exceeded"}',
        {"error": {"message": "quota of project exceeded"}},
        {"message": "quota of project exceeded"},
        "<html><style>a{}</style><p>quota of project<br/> exceeded</p>",
    ],
)
def test_the_reason_behind_a_generic_message_is_shown(raw: object) -> None:
    body = error_body("Provider returned error", 502, {"raw": raw, "provider_name": "Google"})
    what = error_for(502, body).what
    assert what == "the service failed (HTTP 502): Google: quota of project exceeded"


def test_a_generic_message_without_a_reason_names_the_provider() -> None:
    body = error_body("Provider returned error", 502, {"provider_name": "Google"})
    assert error_for(502, body).what.endswith("Provider returned error; Google")


def test_a_cut_off_raw_text_is_shown_as_it_is() -> None:
    body = error_body("Provider returned error", 502, {"raw": '{"error": {"mess'})
    assert '{"error": {"mess' in error_for(502, body).what


def test_a_block_is_shown_with_its_native_reason_and_not_tried_again() -> None:
    metadata = {"finish_reason": "PROHIBITED_CONTENT", "block_reason": "PROHIBITED_CONTENT"}
    error = error_for(400, error_body("Blocked", 400, metadata))
    assert isinstance(error, Refused)
    assert error.what.endswith("Blocked; blocked: PROHIBITED_CONTENT")
    assert "prompt" in (error.hint or "")


def test_moderation_shows_its_reasons() -> None:
    metadata = {"reasons": ["violence", "gore"], "flagged_input": "a battle"}
    error = error_for(403, error_body("Flagged", 403, metadata))
    assert "reasons: violence, gore; flagged: a battle" in error.what
    assert "prompt" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (400, {"availability": {"code": "model_not_found"}}, "assetgen models"),
        (404, {"availability": {"fallback_models": ["a/b", "c/d"]}}, "a/b, c/d"),
        (400, {"availability": {"code": "wrong_endpoint"}}, "api: images"),
        (413, {}, "smaller references"),
        (400, {"metadata": {"error_type": "image_too_large"}}, "smaller references"),
        (400, {"error_type": "content_policy_violation"}, "change the prompt"),
        (404, json.loads(MISMATCH.body)["error"], "remove `modalities`"),
    ],
)
def test_a_refusal_says_what_to_do_where_that_is_known(
    status: int, error: dict[str, Any], hint: str
) -> None:
    body = text_of({"error": {"code": status, "message": "no", **error}})
    assert hint in (error_for(status, body).hint or "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the service failed (HTTP 502)"),
        (b"upstream\n\ndied", ": upstream died"),
        (
            b"<!DOCTYPE html><title>502</title><script>x()</script><h1>Bad gateway</h1>",
            "502 Bad gateway",
        ),
        (b"\xff\xfe\x00", "(HTTP 502)"),
        (b"[]", ": []"),
        (b'{"error": "plain words"}', ": plain words"),
        (b'{"message": "elsewhere"}', "elsewhere"),
        (b'{"error": {"message": 7, "metadata": [], "availability": "x"}}', "(HTTP 502)"),
        (b"<" * 100_000, "<<<"),
        (b"[" * 100_000, "[[["),
        (b'{"error": {"message": "x"}}' + b" " * 2_000_000, '"x"'),
    ],
)
def test_a_body_that_is_no_error_object_is_shown_in_part(body: bytes, words: str) -> None:
    error = error_for(502, body)
    assert words in error.what
    assert len(error.what) <= 600
    assert error.what.isprintable()


def test_the_id_in_the_headers_is_kept() -> None:
    assert error_for(500, headers={"x-generation-id": "gen-5"}).generation_id == "gen-5"


def test_keys_in_the_words_of_a_provider_are_blotted_out() -> None:
    body = error_body("Incorrect API key provided: sk-proj-abcDEF123456. Bearer abcdef123456", 401)
    what = error_for(401, body).what
    assert "abcDEF" not in what
    assert "abcdef" not in what


def test_the_wrong_class_is_recognised_by_its_404() -> None:
    assert is_modalities_mismatch(404, MISMATCH.body)
    assert not is_modalities_mismatch(400, MISMATCH.body)
    assert not is_modalities_mismatch(404, error_body("No endpoints found for x"))
    assert not is_modalities_mismatch(404, b"<html>")
    assert not is_modalities_mismatch(404, json.dumps({"error": {"message": None}}).encode())


def test_the_wrong_route_is_recognised_by_its_code_and_never_from_a_5xx() -> None:
    body = error_body(availability={"code": "wrong_endpoint"})
    assert is_wrong_endpoint(400, body)
    assert not is_wrong_endpoint(500, body)
    assert not is_wrong_endpoint(400, error_body())
