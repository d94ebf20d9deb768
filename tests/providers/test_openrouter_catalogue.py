"""OpenRouter's lists of models: what is understood, and what is better left unknown."""

from __future__ import annotations

import asyncio
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.errors import BadResponse, ProviderError, Unavailable, UsageError
from assetgen.providers.http import Http
from assetgen.providers.openrouter.catalogue import fetch, listing, models_in
from tests.properties import LAWFUL
from tests.standin import API_KEY, OpenRouterStandIn
from tests.standin.catalogue import (
    FLAT,
    IMAGE_MODELS,
    MODELS,
    TALKING,
    Listed,
    charge,
    enum,
    up_to,
)
from tests.standin.reply import Ending, Reply, json_reply

if TYPE_CHECKING:
    from assetgen.core.catalogue import Catalogue, ModelFacts

DATE = "2026-11-24"


def understood(model: Listed) -> ModelFacts:
    entry: dict[str, Any] = json.loads(json.dumps(model.in_models()))
    details = json.loads(json.dumps(model.endpoints()), parse_float=Decimal)
    return listing(model.id, entry, details).facts


def fetched(server: OpenRouterStandIn) -> tuple[Catalogue, list[str]]:
    async def run() -> tuple[Catalogue, list[str]]:
        http = Http()
        try:
            return await fetch(http, server.base_url, DATE)
        finally:
            await http.aclose()

    return asyncio.run(run())


def test_the_catalogue_is_fetched_without_a_key(openrouter: OpenRouterStandIn) -> None:
    catalogue, unread = fetched(openrouter)
    assert unread == []
    assert catalogue.date == DATE
    flat = catalogue.models[FLAT.id]
    assert (flat.name, flat.charges) == (FLAT.name, ("$0.05 per image",))
    assert flat.facts.is_image_only is True
    assert flat.facts.max_references == 2
    assert flat.facts.aspect_ratios == frozenset({"1:1", "16:9"})
    assert flat.facts.image_sizes == frozenset({"0.5K", "1K", "2K"})
    assert catalogue.models[TALKING.id].facts.is_image_only is False
    for request in openrouter.requests:
        assert "authorization" not in request.headers
        assert API_KEY not in str(request)


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        ([charge(0.05, "image")], {"": "0.05"}),
        ([charge("0.05", "request")], {"": "0.05"}),
        (
            [charge(0.1, "image", variant="1K"), charge(0.2, "image", variant="4K")],
            {"1K": "0.1", "4K": "0.2", "": "0.1"},
        ),
        (
            [charge(0.03, "megapixel")],
            {"": "0.03", "0.5K": "0.0075", "1K": "0.03", "2K": "0.12", "4K": "0.48"},
        ),
    ],
    ids=["image", "request", "by-size", "megapixel"],
)
def test_a_price_of_an_image_is_worked_out_from_what_is_charged(
    pricing: list[dict[str, Any]], expected: dict[str, str]
) -> None:
    price = understood(Listed("a/b", pricing=(pricing,))).price
    assert price is not None
    assert price.per_image_usd == {size: Decimal(usd) for size, usd in expected.items()}


@pytest.mark.parametrize(
    "pricing",
    [
        [],
        [charge(0.00003, "token")],
        [charge(0.05, "fortnight")],
        [charge(0.05, "image", variant="high"), charge(0.01, "image", variant="low")],
        [charge(0.05, "image"), charge(0.00001, "token", "input_image")],
        [charge("free", "image")],
        [charge(-1, "image")],
        [charge(0.03, "megapixel"), charge(0.05, "image")],
    ],
    ids=["none", "token", "unit", "quality", "tokens-in", "no-number", "negative", "mixed"],
)
def test_where_no_price_of_an_image_follows_none_is_claimed(pricing: list[dict[str, Any]]) -> None:
    assert understood(Listed("a/b", pricing=(pricing,))).price is None


def test_references_that_are_charged_are_in_the_price() -> None:
    pricing = [charge(0.06, "megapixel"), charge(0.06, "megapixel", "input_image")]
    price = understood(Listed("a/b", pricing=(pricing,))).price
    assert price is not None
    assert price.per_reference_usd == Decimal("0.06")


def test_of_several_endpoints_the_dearest_is_reckoned_with() -> None:
    model = Listed("a/b", pricing=([charge(0.05, "image")], [charge(0.07, "image")]))
    price = understood(model).price
    assert price is not None
    assert price.per_image_usd == {"": Decimal("0.07")}
    unclear = Listed("a/b", pricing=([charge(0.05, "image")], [charge(0.00003, "token")]))
    assert understood(unclear).price is None


def with_endpoints(*capabilities: dict[str, Any]) -> ModelFacts:
    details = {"endpoints": [{"supported_parameters": known} for known in capabilities]}
    return listing("a/b", FLAT.in_models(), details).facts


def test_a_model_takes_what_any_of_its_endpoints_takes() -> None:
    facts = with_endpoints(
        {"aspect_ratio": enum("1:1"), "input_references": up_to(4)},
        {"aspect_ratio": enum("16:9"), "input_references": up_to(1)},
    )
    assert facts.aspect_ratios == frozenset({"1:1", "16:9"})
    assert facts.max_references == 4


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"aspect_ratio": {"type": "boolean"}, "input_references": {"type": "boolean"}},
        {"aspect_ratio": {"type": "enum", "values": [1]}, "input_references": {"type": "range"}},
        {"aspect_ratio": {"type": "enum", "values": []}, "input_references": up_to(-1)},
        {"aspect_ratio": enum("portrait"), "input_references": {"type": "range", "max": "4"}},
    ],
)
def test_where_one_endpoint_does_not_say_what_it_takes_nothing_is_refused(
    other: dict[str, Any],
) -> None:
    facts = with_endpoints({"aspect_ratio": enum("1:1"), "input_references": up_to(4)}, other)
    assert facts.aspect_ratios is None
    assert facts.max_references is None


def test_a_model_whose_details_cannot_be_had_is_listed_all_the_same(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.catalogue.faults[f"{IMAGE_MODELS}/{FLAT.id}/endpoints"] = Reply(status=500)
    catalogue, unread = fetched(openrouter)
    assert unread == [FLAT.id]
    facts = catalogue.models[FLAT.id].facts
    assert (facts.is_image_only, facts.price, facts.max_references) == (True, None, None)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Reply(status=503, body=b"no"), BadResponse),
        (Reply(body=b"<html>"), BadResponse),
        (Reply(body=b"[" * 100_000), BadResponse),
        (json_reply({"data": {}}), BadResponse),
        (Reply(body=b'{"data": []}', ending=Ending.RESET, sent_bytes=4), Unavailable),
        (Reply(status=302, headers={"Location": "https://example.com/"}), BadResponse),
    ],
    ids=["status", "html", "nested", "shape", "cut", "redirect"],
)
def test_a_catalogue_that_cannot_be_had_is_an_error_and_never_billed(
    openrouter: OpenRouterStandIn, fault: Reply, expected: type[ProviderError]
) -> None:
    openrouter.catalogue.faults = {MODELS: fault, IMAGE_MODELS: fault}
    with pytest.raises(expected) as caught:
        fetched(openrouter)
    assert not caught.value.may_be_billed
    assert "billed" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(body=b"x" * 101),
        Reply(body=gzip.compress(b"x" * 101), headers={"Content-Encoding": "gzip"}),
        Reply(body=gzip.compress(b"{}")[:-4], headers={"Content-Encoding": "gzip"}),
    ],
    ids=["large", "bomb", "cut-inside"],
)
def test_reading_is_bounded_and_a_lost_answer_costs_nothing(
    openrouter: OpenRouterStandIn, answer: Reply
) -> None:
    openrouter.catalogue.faults = {MODELS: answer}

    async def run() -> None:
        http = Http()
        url = openrouter.base_url + MODELS.removeprefix("/api/v1")
        try:
            await http.get(url, headers={}, timeout_s=10, max_body_bytes=100)
        finally:
            await http.aclose()

    with pytest.raises(ProviderError) as caught:
        asyncio.run(run())
    assert not caught.value.may_be_billed
    assert "billed" not in str(caught.value)


def test_an_address_that_is_none_is_said_to_be() -> None:
    async def run() -> None:
        await fetch(Http(), "openrouter", DATE)

    with pytest.raises(UsageError, match="OPENROUTER_BASE_URL"):
        asyncio.run(run())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    *("data", "id", "architecture", "output_modalities", "endpoints", "pricing"),
                    *("supported_parameters", "aspect_ratio", "resolution", "input_references"),
                    *("type", "values", "max", "billable", "unit", "cost_usd", "variant", "name"),
                )
            ),
            inner
            | st.sampled_from(("image", "enum", "range", "output_image", "token", "a/b", "1K")),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@LAWFUL
@given(JSON, JSON, JSON)
def test_nothing_that_a_service_may_answer_breaks_the_reader(
    listed: object, entry: object, details: object
) -> None:
    for model, found in models_in(listed, {"data": [entry]}).items():
        listing(model, found, details)
    listing("a/b", entry if isinstance(entry, dict) else {}, details)
    listing("a/b", FLAT.in_models(), {"endpoints": [entry, details]})
