"""Whatever arrives: an image or a `ProviderError`, in words that can be printed and kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.core.call import Generated
from assetgen.errors import ProviderError
from assetgen.providers.openrouter import chat, images
from assetgen.providers.openrouter.errors import is_modalities_mismatch, is_wrong_endpoint
from tests.providers.openrouter_samples import a_request, chat_answer, images_answer

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
