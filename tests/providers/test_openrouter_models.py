"""The shipped table says what the sources say, and nothing where they say nothing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from assetgen.core.catalogue import ModelFacts
from assetgen.providers.openrouter.models import load_table, parse_table

TABLE = load_table()
RATIO = re.compile(r"\d+:\d+|auto")


@pytest.mark.parametrize(
    ("model", "size", "usd"),
    [
        ("black-forest-labs/flux.2-pro", "", "0.03"),
        ("black-forest-labs/flux.2-flex", "1K", "0.06"),
        ("black-forest-labs/flux.2-max", "", "0.07"),
        ("black-forest-labs/flux.2-klein-4b", "", "0.014"),
        ("google/gemini-2.5-flash-image", "", "0.0387"),
        ("google/gemini-3-pro-image-preview", "", "0.1344"),
        ("google/gemini-3-pro-image", "2K", "0.1344"),
        ("google/gemini-3-pro-image", "4K", "0.24"),
        ("google/gemini-3.1-flash-image", "0.5K", "0.04482"),
        ("google/gemini-3.1-flash-image", "4K", "0.1512"),
        ("google/gemini-3.1-flash-lite-image", "", "0.0336"),
        ("openai/gpt-5-image", "", "0.1664"),
        ("openai/gpt-5-image-mini", "", "0.036"),
        ("bytedance-seed/seedream-4.5", "4K", "0.04"),
        ("recraft/recraft-v4.1", "", "0.035"),
    ],
)
def test_list_prices_are_worked_out_per_image(model: str, size: str, usd: str) -> None:
    price = TABLE.facts(model).price
    assert price is not None
    assert price.per_image_usd[size] == Decimal(usd)
    assert price.basis


def test_references_cost_extra_where_they_do() -> None:
    flex = TABLE.facts("black-forest-labs/flux.2-flex").price
    pro = TABLE.facts("black-forest-labs/flux.2-pro").price
    assert flex is not None
    assert pro is not None
    assert flex.per_reference_usd == Decimal("0.06")
    assert pro.per_reference_usd == 0


def test_the_six_models_people_start_with_are_known_by_class() -> None:
    image_only = {"black-forest-labs/flux.2-pro", "black-forest-labs/flux.2-flex"}
    both = {
        "google/gemini-2.5-flash-image",
        "google/gemini-3-pro-image-preview",
        "openai/gpt-5-image",
        "openai/gpt-5-image-mini",
    }
    assert all(TABLE.facts(model).is_image_only is True for model in image_only)
    assert all(TABLE.facts(model).is_image_only is False for model in both)


def test_models_without_knobs_are_known_to_take_none() -> None:
    for model in ("openai/gpt-5-image", "openai/gpt-5-image-mini"):
        assert TABLE.facts(model).aspect_ratios == frozenset()
        assert TABLE.facts(model).image_sizes == frozenset()


def test_nothing_is_known_about_an_unknown_model() -> None:
    assert TABLE.facts("somebody/some-model") == ModelFacts(id="somebody/some-model")


def test_models_of_the_images_route_alone_are_marked() -> None:
    assert "openai/gpt-image-2" in TABLE.images_only
    assert "google/gemini-2.5-flash-image" not in TABLE.images_only
    assert set(TABLE.models) >= TABLE.images_only


@pytest.mark.parametrize("facts", TABLE.models.values(), ids=lambda facts: facts.id)
def test_every_row_is_sound(facts: ModelFacts) -> None:
    assert facts.is_image_only is not None
    assert all(RATIO.fullmatch(ratio) for ratio in facts.aspect_ratios or ())
    assert (facts.image_sizes or frozenset()) <= {"0.5K", "1K", "2K", "4K"}
    if facts.default_max_tokens is not None:
        assert not facts.is_image_only
        assert 4096 <= facts.default_max_tokens < 32_768
    if facts.price is not None:
        assert "" in facts.price.per_image_usd
        assert all(Decimal(0) < usd < 1 for usd in facts.price.per_image_usd.values())
        assert set(facts.price.per_image_usd) - {""} <= (facts.image_sizes or frozenset())


def test_the_table_is_dated_and_read_once() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", TABLE.date)
    assert load_table() is TABLE


def test_what_an_entry_leaves_out_is_unknown() -> None:
    table = parse_table('{"date": "2026-01-01", "sets": {}, "models": {"a/b": {}}}')
    assert table.facts("a/b") == ModelFacts(id="a/b")
