"""What is sent to, and understood from, the chat route."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assetgen.core.call import Generated, Request
from assetgen.core.model import Json, Parameters
from assetgen.errors import (
    AuthError,
    BadResponse,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from assetgen.providers.openrouter import chat
from assetgen.providers.openrouter.models import load_table
from assetgen.providers.openrouter.references import data_uri
from tests.providers.openrouter_samples import (
    FLUX,
    GEMINI,
    JPEG,
    OTHER_PNG,
    PNG,
    SVG,
    UNKNOWN,
    a_request,
    chat_answer,
    data_uri_of,
    item_of,
    text_of,
)

GOLDEN = Path(__file__).parent / "golden"
NAMED_MODELS = (
    FLUX,
    "black-forest-labs/flux.2-flex",
    GEMINI,
    "google/gemini-3-pro-image-preview",
    "openai/gpt-5-image",
    "openai/gpt-5-image-mini",
)
KNOBS = Parameters(
    aspect_ratio="16:9",
    image_size="1K",
    quality="high",
    background="opaque",
    seed=7,
    extra={"zeta": [1, "two"], "strength": 0.2, "aspect_ratio": "1:1"},
)


def body_of(request: Request, *, image_only: bool = False) -> dict[str, Any]:
    facts = load_table().facts(request.generate.model)
    uris = [data_uri(reference.data) for reference in request.references]
    body = chat.request_body(request, facts, image_only=image_only, references=uris)
    value = json.loads(body)
    assert isinstance(value, dict)
    return value


def parsed(
    answer: object, *, request: Request | None = None, headers: dict[str, str] | None = None
) -> Generated:
    body = answer if isinstance(answer, bytes) else text_of(answer)
    return chat.parse(request or a_request(), 200, headers or {}, body, now=0.0)


def failure(answer: object, *, headers: dict[str, str] | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        parsed(answer, headers=headers)
    return caught.value


# What is sent


@pytest.mark.parametrize("model", NAMED_MODELS)
@pytest.mark.parametrize("variant", ["plain", "knobs", "references"])
def test_the_request_is_the_golden_one(model: str, variant: str) -> None:
    """Property order counts: it is part of the key of OpenRouter's response cache."""
    request = {
        "plain": a_request(model),
        "knobs": a_request(model, parameters=KNOBS, max_tokens=512),
        "references": a_request(model, references=(PNG, JPEG)),
    }[variant]
    facts = load_table().facts(model)
    body = chat.request_body(
        request,
        facts,
        image_only=bool(facts.is_image_only),
        references=[data_uri(reference.data) for reference in request.references],
    )
    path = GOLDEN / f"chat.{model.replace('/', '.')}.{variant}.json"
    if os.environ.get("ASSETGEN_REWRITE_GOLDEN"):
        path.write_bytes(body + b"\n")
    assert body + b"\n" == path.read_bytes()


def test_a_model_nobody_knows_gets_no_max_tokens_and_both_modalities() -> None:
    body = body_of(a_request(UNKNOWN))
    assert body == {
        "model": UNKNOWN,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "A lighthouse keeper"}]}
        ],
        "modalities": ["image", "text"],
        "stream": False,
    }


def test_an_image_only_model_gets_only_the_image_modality_and_no_default_cap() -> None:
    body = body_of(a_request(GEMINI), image_only=True)
    assert body["modalities"] == ["image"]
    assert "max_tokens" not in body


def test_max_tokens_of_the_manifest_are_sent_to_any_model() -> None:
    assert body_of(a_request(FLUX, max_tokens=800), image_only=True)["max_tokens"] == 800
    assert body_of(a_request(GEMINI, max_tokens=800))["max_tokens"] == 800


def test_stated_modalities_override_the_class() -> None:
    request = a_request(FLUX, parameters=Parameters(modalities=("image", "text")))
    assert body_of(request, image_only=True)["modalities"] == ["image", "text"]


def test_references_follow_the_text_in_order() -> None:
    content = body_of(a_request(references=(OTHER_PNG, PNG)))["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "image_url"]
    assert content[1]["image_url"] == {"url": data_uri_of(OTHER_PNG)}
    assert content[2]["image_url"] == {"url": data_uri_of(PNG)}


def test_params_join_the_knobs_without_overriding_them() -> None:
    config = body_of(a_request(parameters=KNOBS))["image_config"]
    assert list(config) == [
        *("aspect_ratio", "image_size", "quality", "background"),
        *("strength", "zeta"),
    ]
    assert config["aspect_ratio"] == "16:9"
    assert config["zeta"] == [1, "two"]


def test_the_order_of_params_in_the_manifest_does_not_change_the_request() -> None:
    facts = load_table().facts(GEMINI)
    orders: tuple[dict[str, Json], ...] = (
        {"a": {"x": 1, "y": [{"p": 1, "q": 2}]}, "b": 2},
        {"b": 2, "a": {"y": [{"q": 2, "p": 1}], "x": 1}},
    )
    one, other = (
        chat.request_body(a_request(parameters=Parameters(extra=extra)), facts, image_only=False)
        for extra in orders
    )
    assert one == other


# What is understood


def test_an_image_comes_with_its_bill_and_where_it_is_from() -> None:
    generated = parsed(chat_answer())
    assert generated == Generated(
        images=(PNG,),
        cost_usd=Decimal("0.0387"),
        provider="Google",
        model=GEMINI,
        generation_id="gen-1",
    )


def test_the_smallest_answer_is_enough() -> None:
    answer = {"choices": [{"message": {"images": [{"image_url": {"url": data_uri_of(JPEG)}}]}}]}
    assert parsed(answer) == Generated(images=(JPEG,))


def test_several_images_come_in_order() -> None:
    answer = chat_answer(message={"images": [item_of(PNG), item_of(OTHER_PNG), item_of(JPEG)]})
    assert parsed(answer).images == (PNG, OTHER_PNG, JPEG)


def test_only_the_first_choice_is_looked_at() -> None:
    answer = chat_answer()
    answer["choices"].append({"message": {"images": [item_of(OTHER_PNG)]}})
    assert parsed(answer).images == (PNG,)


def test_a_usable_image_beside_a_broken_one_is_not_thrown_away() -> None:
    broken = {"image_url": {"url": "data:image/png;base64,????"}}
    generated = parsed(chat_answer(message={"images": [broken, item_of(OTHER_PNG)]}))
    assert generated.images == (OTHER_PNG,)
    assert any("not usable" in warning for warning in generated.warnings)


@pytest.mark.parametrize(
    "padding",
    [b"   \n\n\r\n\t ", b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n", b"\n : wait\n  "],
)
def test_padding_before_the_json_is_skipped(padding: bytes) -> None:
    assert parsed(padding + text_of(chat_answer()) + b"\n").images == (PNG,)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,iVBORw0K\nGgpmaXJz\r\ndCBwaWN0 dXJl",
        "DATA:image/png;charset=x;BASE64,iVBORw0KGgpmaXJzdCBwaWN0dXJl",
        "data:;base64,iVBORw0KGgpmaXJzdCBwaWN0dXJl",
        "data:image/png;base64,iVBORw0KGgpmaXJzdCBwaWN0dXJl%0A",
        " data:text/html;base64,iVBORw0KGgpmaXJzdCBwaWN0dXJl",
    ],
)
def test_loose_ways_to_write_a_data_uri_are_understood(url: str) -> None:
    assert parsed(chat_answer(message={"images": [{"image_url": {"url": url}}]})).images == (PNG,)


def test_base64_without_its_padding_is_understood() -> None:
    url = data_uri_of(PNG + b"x").rstrip("=")
    assert len(url.partition(",")[2]) % 4
    generated = parsed(chat_answer(message={"images": [{"image_url": {"url": url}}]}))
    assert generated.images == (PNG + b"x",)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("0.1344", Decimal("0.1344")),
        ("0", Decimal(0)),
        ("2", Decimal(2)),
        ("1e-7", Decimal("1E-7")),
        ("0.30000000000000004", Decimal("0.30000000000000004")),
        ("null", None),
        ("-0.01", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999999999", None),
        ("1e99999999999999999999", None),
        ('"0.04"', Decimal("0.04")),
        ("true", None),
        ("[1]", None),
    ],
)
def test_the_bill_is_exact_or_unknown(cost: str, expected: Decimal | None) -> None:
    body = text_of(chat_answer(usage={"cost": "COST"})).replace(b'"COST"', cost.encode())
    assert parsed(body).cost_usd == expected


@pytest.mark.parametrize("usage", [None, [], "free", {}])
def test_a_missing_bill_is_unknown_and_not_free(usage: object) -> None:
    assert parsed(chat_answer(usage=usage)).cost_usd is None


def test_the_header_names_the_generation_when_the_body_does_not() -> None:
    answer = chat_answer()
    del answer["id"]
    assert parsed(answer, headers={"x-generation-id": "gen-h"}).generation_id == "gen-h"


def test_an_answer_from_the_response_cache_is_free_and_says_so() -> None:
    generated = parsed(chat_answer(usage=None), headers={"x-openrouter-cache-status": "HIT"})
    assert generated.cost_usd == 0
    assert generated.warnings == ("answered from the provider's response cache, free",)


@pytest.mark.parametrize(
    "model", [GEMINI, f"{GEMINI}-20251001", "gemini-2.5-flash-image", f"{GEMINI}:free"]
)
def test_other_spellings_of_the_model_are_no_warning(model: str) -> None:
    assert parsed(chat_answer(model=model)).warnings == ()


def test_another_model_than_asked_for_is_a_warning() -> None:
    generated = parsed(chat_answer(model="openai/gpt-5-image"))
    assert generated.warnings == (f"`openai/gpt-5-image` answered instead of `{GEMINI}`",)


def test_an_image_with_an_error_beside_it_is_kept_with_a_warning() -> None:
    generated = parsed(
        chat_answer(error={"code": 502, "message": "late fault"}, finish_reason="length")
    )
    assert generated.images == (PNG,)
    assert any("late fault" in warning for warning in generated.warnings)


# What is no image

NOT_JSON = "the answer is cut off or not JSON"
EMPTY: dict[str, Any] = {"images": []}
BAD_ANSWERS: dict[str, tuple[object, type[ProviderError], Retry, str]] = {
    "whitespace only": (b" \n \r\n\t ", BadResponse, Retry.AMBIGUOUS, "without an answer"),
    "comments only": (b": WAIT\n: WAIT", BadResponse, Retry.AMBIGUOUS, "without an answer"),
    "nothing": (b"", BadResponse, Retry.AMBIGUOUS, "may be billed"),
    "truncated": (text_of(chat_answer())[:-40], BadResponse, Retry.UNUSABLE, NOT_JSON),
    "html": (b"<html>gateway</html>", BadResponse, Retry.UNUSABLE, NOT_JSON),
    "no utf-8": (b'{"a":"\xff"}', BadResponse, Retry.UNUSABLE, "no UTF-8"),
    "two values": (b'{"choices":[]} {}', BadResponse, Retry.UNUSABLE, NOT_JSON),
    "too deep": (b"[" * 100_000, BadResponse, Retry.UNUSABLE, "nested too deeply"),
    "endless number": (b"1" * 10_000, BadResponse, Retry.UNUSABLE, NOT_JSON),
    "a list": ([chat_answer()], BadResponse, Retry.UNUSABLE, "no JSON object"),
    "a word": (b'"sorry"', BadResponse, Retry.UNUSABLE, 'no JSON object: `"sorry"`'),
    "no choices": ({"id": "x"}, BadResponse, Retry.UNUSABLE, "no `choices`"),
    "null choices": ({"choices": None}, BadResponse, Retry.UNUSABLE, "no `choices`"),
    "empty choices": ({"choices": []}, BadResponse, Retry.UNUSABLE, "empty list of `choices`"),
    "odd choices": ({"choices": {"0": 1}}, BadResponse, Retry.UNUSABLE, "not what they should be"),
    "null message": ({"choices": [{"message": None}]}, BadResponse, Retry.UNUSABLE, "no `images`"),
    "empty images": (chat_answer(message=EMPTY), BadResponse, Retry.UNUSABLE, "`images` is empty"),
    "null images": (
        chat_answer(message={"images": None}),
        *(BadResponse, Retry.UNUSABLE, "`images` are null"),
    ),
    "images no list": (
        chat_answer(message={"images": {"0": item_of()}}),
        *(BadResponse, Retry.UNUSABLE, "`images` are no list"),
    ),
    "missing images": (
        {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]},
        *(BadResponse, Retry.UNUSABLE, "no `images`"),
    ),
    "no picture, natively": (
        chat_answer(message=EMPTY, native_finish_reason="NO_IMAGE"),
        *(BadResponse, Retry.UNUSABLE, "(`NO_IMAGE`)"),
    ),
    "text": (
        chat_answer(message={"images": [], "content": "I would draw\na tower."}),
        *(BadResponse, Retry.UNUSABLE, "text instead of an image: I would draw a tower."),
    ),
    "text in parts": (
        chat_answer(
            message={"images": None, "content": [{"type": "text", "text": "Certainly"}, 7]}
        ),
        *(BadResponse, Retry.UNUSABLE, "text instead of an image: Certainly"),
    ),
    "refusal": (
        chat_answer(message={"images": [], "refusal": "I can't draw that."}),
        *(Refused, Retry.NEVER, "the model refused: I can't draw that."),
    ),
    "content filter": (
        chat_answer(message=EMPTY, finish_reason="content_filter", native_finish_reason=None),
        *(Refused, Retry.NEVER, "content filter (`content_filter`)"),
    ),
    "length": (
        chat_answer(message=EMPTY, finish_reason="length"),
        *(BadResponse, Retry.UNUSABLE, "limit of tokens"),
    ),
    "native length": (
        chat_answer(message=EMPTY, finish_reason=None, native_finish_reason="MAX_TOKENS"),
        *(BadResponse, Retry.UNUSABLE, "limit of tokens"),
    ),
    "item of text": (
        chat_answer(message={"images": ["abc"]}),
        *(BadResponse, Retry.UNUSABLE, "no `image_url.url`"),
    ),
    "bare address": (
        chat_answer(message={"images": [{"image_url": data_uri_of(PNG)}]}),
        *(BadResponse, Retry.UNUSABLE, "no `image_url.url`"),
    ),
    "http address": (
        chat_answer(message={"images": [{"image_url": {"url": "https://example.com/a.png"}}]}),
        *(BadResponse, Retry.UNUSABLE, "never fetched: `https://example.com/a.png`"),
    ),
    "other address": (
        chat_answer(message={"images": [{"image_url": {"url": "file:///etc/passwd"}}]}),
        *(BadResponse, Retry.UNUSABLE, "no base64 data URI"),
    ),
    "not base64 encoded": (
        chat_answer(message={"images": [{"image_url": {"url": "data:image/png,xyz"}}]}),
        *(BadResponse, Retry.UNUSABLE, "no base64 data URI"),
    ),
    "bad base64": (
        chat_answer(message={"images": [{"image_url": {"url": "data:image/png;base64,ab?!"}}]}),
        *(BadResponse, Retry.UNUSABLE, "base64 cannot be decoded"),
    ),
    "foreign letters": (
        chat_answer(message={"images": [{"image_url": {"url": "data:image/png;base64,ä"}}]}),
        *(BadResponse, Retry.UNUSABLE, "base64 cannot be decoded"),
    ),
    "no bytes": (
        chat_answer(message={"images": [{"image_url": {"url": "data:image/png;base64,"}}]}),
        *(BadResponse, Retry.UNUSABLE, "the image is empty"),
    ),
    "svg": (
        chat_answer(message={"images": [item_of(SVG, "image/svg+xml")]}),
        *(Refused, Retry.NEVER, "SVG"),
    ),
    "svg declared as png": (
        chat_answer(message={"images": [item_of(b"\xef\xbb\xbf  " + SVG, "image/png")]}),
        *(Refused, Retry.NEVER, "SVG"),
    ),
    "error 429 at the top": (
        {"error": {"code": 429, "message": "slow down"}},
        *(RateLimited, Retry.TRANSIENT, "(error 429 in an answer): slow down"),
    ),
    "error in a choice": (
        {"choices": [{"error": {"code": 502, "message": "broke"}, "finish_reason": "error"}]},
        *(Unavailable, Retry.TRANSIENT, "broke"),
    ),
    "code in text": (
        {"error": {"code": "503", "message": "full"}},
        *(Unavailable, Retry.TRANSIENT, "full"),
    ),
    "code as http_status": (
        {"error": {"http_status": 401, "message": "who"}},
        *(AuthError, Retry.NEVER, "who"),
    ),
    "code as word": (
        {"error": {"code": "rate_limit_exceeded", "message": "slow"}},
        *(RateLimited, Retry.TRANSIENT, "slow"),
    ),
    "code as metadata": (
        {"error": {"message": "no", "metadata": {"error_type": "content_policy_violation"}}},
        *(Refused, Retry.NEVER, "no"),
    ),
    "error 400": (
        {"error": {"code": 400, "message": "bad ratio"}},
        *(Refused, Retry.NEVER, "bad ratio"),
    ),
    "block without code": (
        {"error": {"message": "no", "metadata": {"block_reason": "PROHIBITED_CONTENT"}}},
        *(Refused, Retry.NEVER, "PROHIBITED_CONTENT"),
    ),
    "error without code": (
        {"error": {"message": "something"}},
        *(BadResponse, Retry.UNUSABLE, "holds an error: something"),
    ),
    "error as text": (
        {"error": "something"},
        *(BadResponse, Retry.UNUSABLE, "holds an error: something"),
    ),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_an_answer_without_an_image_says_why(case: str) -> None:
    answer, kind, retry, words = BAD_ANSWERS[case]
    error = failure(answer)
    assert type(error) is kind
    assert error.retry is retry
    assert words in error.what
    assert "\n" not in error.what
    assert not error.what.endswith("..")


@pytest.mark.parametrize("native", sorted(chat.BLOCKED))
def test_every_native_block_is_a_refusal_that_is_not_tried_again(native: str) -> None:
    error = failure(chat_answer(message={"images": []}, native_finish_reason=native))
    assert isinstance(error, Refused)
    assert native in error.what


def test_running_out_of_tokens_says_what_to_raise() -> None:
    error = failure(chat_answer(message={"images": []}, finish_reason="length"))
    assert "max_tokens" in (error.hint or "")


def test_a_failure_keeps_its_bill_and_its_id() -> None:
    error = failure(chat_answer(message={"images": []}))
    assert error.cost_usd == Decimal("0.0387")
    assert error.generation_id == "gen-1"
    assert error.may_be_billed


def test_an_error_inside_a_200_keeps_its_bill_and_its_id() -> None:
    usage = {"cost": 0.001}
    error = failure({"id": "gen-2", "error": {"code": 502, "message": "x"}, "usage": usage})
    assert error.cost_usd == Decimal("0.001")
    assert error.generation_id == "gen-2"


def test_an_unreadable_answer_keeps_the_id_of_its_headers() -> None:
    assert failure(b"{", headers={"x-generation-id": "gen-3"}).generation_id == "gen-3"


def test_foreign_words_are_one_short_line_without_control_characters_or_keys() -> None:
    words = "\x1b[31mred\x07\u202e\n\n key sk-or-v1-0123456789abcdef \ud800 " + "long " * 1000
    error = failure(chat_answer(message={"images": [], "content": words}))
    assert error.what.isprintable()
    assert "0123456789abcdef" not in error.what
    assert len(error.what) < 600
    assert error.what.endswith("…")
