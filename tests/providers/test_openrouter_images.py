"""What is sent to, and understood from, the images route."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from assetgen.core.call import Generated
from assetgen.core.model import Parameters
from assetgen.errors import BadResponse, Refused, Retry
from assetgen.providers.openrouter import images
from assetgen.providers.openrouter.references import data_uri
from tests.providers.openrouter_samples import (
    GEMINI,
    JPEG,
    OTHER_PNG,
    PNG,
    a_request,
    images_answer,
    text_of,
)

GOLDEN = Path(__file__).parent / "golden"
SEEDREAM = "bytedance-seed/seedream-5-0-pro"
HEADERS = {"x-generation-id": "gen-img-1", "x-provider-name": "BytePlus"}
REQUESTS = {
    "plain": a_request(SEEDREAM),
    "knobs": a_request(
        SEEDREAM,
        parameters=Parameters(
            aspect_ratio="16:9",
            image_size="2K",
            quality="high",
            background="opaque",
            seed=7,
            extra={"steps": 30, "guidance": 2.5},
        ),
        max_tokens=512,
    ),
    "references": a_request(SEEDREAM, references=(PNG, JPEG)),
}


def parsed(answer: object, headers: dict[str, str] | None = None) -> Generated:
    body = answer if isinstance(answer, bytes) else text_of(answer)
    return images.parse(200, headers or {}, body, now=0.0)


@pytest.mark.parametrize("variant", REQUESTS)
def test_the_request_is_the_golden_one(variant: str) -> None:
    request = REQUESTS[variant]
    uris = [data_uri(reference.data) for reference in request.references]
    body = images.request_body(request, references=uris) + b"\n"
    path = GOLDEN / f"images.{SEEDREAM.replace('/', '.')}.{variant}.json"
    if os.environ.get("ASSETGEN_REWRITE_GOLDEN"):
        path.write_bytes(body)
    assert body == path.read_bytes()


@pytest.mark.parametrize(("size", "resolution"), [("0.5K", "512"), ("1K", "1K"), ("4K", "4K")])
def test_a_size_goes_by_the_name_this_route_has_for_it(size: str, resolution: str) -> None:
    body = images.request_body(a_request(GEMINI, parameters=Parameters(image_size=size)))
    assert json.loads(body)["resolution"] == resolution


@pytest.mark.parametrize(
    ("model", "slugs"),
    [
        ("black-forest-labs/flux.2-pro", ["black-forest-labs"]),
        (GEMINI, ["google-ai-studio", "google-vertex"]),
        ("x-ai/grok-imagine-image-quality", ["xai"]),
    ],
)
def test_params_go_to_the_provider_by_its_own_slug(model: str, slugs: list[str]) -> None:
    request = a_request(model, parameters=Parameters(extra={"steps": 30}))
    options = json.loads(images.request_body(request))["provider"]["options"]
    assert options == {slug: {"steps": 30} for slug in slugs}


@pytest.mark.parametrize(("count", "fits"), [(16, True), (17, False)])
def test_more_references_than_the_route_takes_are_refused_before_anything_is_sent(
    count: int, fits: bool
) -> None:
    request = a_request(GEMINI)
    uris = [data_uri(PNG)] * count
    if fits:
        sent = json.loads(images.request_body(request, references=uris))
        assert len(sent["input_references"]) == count
        return
    with pytest.raises(Refused, match="at most 16 references, and there are 17") as caught:
        images.request_body(request, references=uris)
    assert not caught.value.may_be_billed
    assert "api: chat" in (caught.value.hint or "")


def test_a_field_of_the_route_in_params_yields_to_the_one_of_the_manifest() -> None:
    parameters = Parameters(image_size="2K", extra={"resolution": "1.5K", "size": "1536x1024"})
    sent = json.loads(images.request_body(a_request(GEMINI, parameters=parameters)))
    assert sent["resolution"] == "2K"
    assert sent["size"] == "1536x1024"
    assert "provider" not in sent


def test_an_image_comes_with_its_bill_and_where_it_is_from() -> None:
    assert parsed(images_answer(PNG, OTHER_PNG), HEADERS) == Generated(
        images=(PNG, OTHER_PNG),
        cost_usd=Decimal("0.03"),
        provider="BytePlus",
        generation_id="gen-img-1",
    )


def test_an_unusable_image_beside_a_usable_one_is_mentioned() -> None:
    answer = images_answer(PNG)
    answer["data"].insert(0, {"b64_json": "??"})
    answer["error"] = {"code": 502, "message": "late fault"}
    generated = parsed(answer)
    assert generated.images == (PNG,)
    assert len(generated.warnings) == 2


BAD_ANSWERS: dict[str, tuple[object, str]] = {
    "truncated": (text_of(images_answer())[:-9], "not JSON"),
    "no data": ({"created": 0}, "no list of `data`"),
    "null data": ({"data": None}, "no list of `data`"),
    "empty data": ({"data": []}, "`data` is empty"),
    "no base64": ({"data": [{}]}, "no `b64_json`"),
    "odd item": ({"data": [7]}, "no `b64_json`"),
}
"""What only this route can get wrong; the rest is in the contract of both."""


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_an_answer_without_an_image_says_why(case: str) -> None:
    answer, words = BAD_ANSWERS[case]
    with pytest.raises(BadResponse) as caught:
        parsed(answer, HEADERS)
    assert caught.value.retry is Retry.UNUSABLE
    assert words in caught.value.what
    assert caught.value.generation_id == "gen-img-1"
