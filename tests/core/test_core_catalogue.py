"""Whose word counts about a model, and that it says whose it is."""

from __future__ import annotations

from decimal import Decimal

from assetgen.core.catalogue import (
    Catalogue,
    Listing,
    ModelFacts,
    ModelTable,
    Price,
    sheets,
    with_catalogue,
)
from assetgen.core.model import Generate
from assetgen.core.price import estimate

SHIPPED = Price(per_image_usd={"": Decimal("0.03")}, basis="$0.03 per image, 2026-09-30")
LISTED = Price(per_image_usd={"": Decimal("0.05")}, basis="$0.05 per image")
TABLE = ModelTable(
    date="2026-09-30",
    models={
        "a/full": ModelFacts("a/full", is_image_only=True, max_references=8, price=SHIPPED),
        "a/gap": ModelFacts("a/gap", is_image_only=False),
    },
)
CATALOGUE = Catalogue(
    date="2026-11-24",
    models={
        model: Listing(
            ModelFacts(model, is_image_only=True, max_references=2, price=LISTED), name="A model"
        )
        for model in ("a/full", "a/gap", "a/new")
    },
)


def test_the_catalogue_fills_what_the_table_leaves_open_and_contradicts_nothing() -> None:
    merged = with_catalogue(TABLE, CATALOGUE)
    assert merged.facts("a/full") == TABLE.facts("a/full")
    gap = merged.facts("a/gap")
    assert (gap.is_image_only, gap.max_references, gap.price) == (False, 2, LISTED)
    assert merged.facts("a/new").is_image_only is True


def test_each_fact_says_where_it_is_from() -> None:
    merged = with_catalogue(TABLE, CATALOGUE)
    assert merged.source("a/gap", "is_image_only") == "model table of 2026-09-30"
    assert merged.source("a/gap", "max_references") == "catalogue of 2026-11-24"


def test_without_a_catalogue_the_table_is_all_there_is() -> None:
    assert with_catalogue(TABLE, None) is TABLE


def test_an_estimate_says_that_its_price_is_from_the_catalogue() -> None:
    table = with_catalogue(TABLE, CATALOGUE)
    found = estimate(Generate(model="a/new", prompt="x"), table, {})
    assert (found.usd, found.basis) == (
        Decimal("0.05"),
        "list price: $0.05 per image (catalogue of 2026-11-24)",
    )
    shipped = estimate(Generate(model="a/full", prompt="x"), table, {})
    assert shipped.basis == "list price: $0.03 per image, 2026-09-30"


def test_what_a_call_has_taught_counts_more_than_table_and_catalogue() -> None:
    lessons: dict[str, dict[str, bool | str]] = {
        "a/full": {"image_only": False, "route": "images"},
        "a/unheard": {"route": "chat"},
    }
    found = sheets(TABLE, CATALOGUE, lessons, frozenset({"a/gap"}))
    assert list(found) == ["a/full", "a/gap", "a/new", "a/unheard"]
    full = found["a/full"]
    assert (full.facts.is_image_only, full.route) == (False, "images")
    assert full.origins["is_image_only"] == full.origins["route"] == "learnt"
    assert full.origins["price"] == "table"
    assert (found["a/gap"].route, found["a/gap"].origins["route"]) == ("images", "table")
    assert found["a/unheard"].origins == {"route": "learnt"}
