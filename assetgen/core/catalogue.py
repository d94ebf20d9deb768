"""What is known about models, as plain values, and from where.

Three sources speak: the table that is shipped with the package, what calls have taught, and the
provider's catalogue when it was fetched. `with_catalogue` and `sheets` alone say which one counts.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from assetgen.core.money import json_usd
from assetgen.core.value import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.model import Json

MODELS_VERSION = 1


class Price(Value):
    """List price of one image, in US dollars.

    `per_image_usd` maps an image size (`1K`, `2K`, …; empty for a size that is not stated) to the
    price of one image of that size; token and megapixel prices are worked out into it when the
    table is read, so that an estimate is a look-up.
    """

    per_image_usd: Mapping[str, Decimal]
    per_reference_usd: Decimal = Decimal(0)
    basis: str = ""
    """How the figure came about, for people: `$0.03 per megapixel, 2026-09-30`."""


class ModelFacts(Value):
    """One model. None says that nothing is known, which is never a reason to refuse."""

    id: str
    is_image_only: bool | None = None
    max_references: int | None = None
    aspect_ratios: frozenset[str] | None = None
    """Empty when the model is known to take none."""
    image_sizes: frozenset[str] | None = None
    """Likewise."""
    default_max_tokens: int | None = None
    """Sent when the manifest states none; None sends nothing."""
    price: Price | None = None


class ModelTable(Value):
    """The shipped table and the day (`YYYY-MM-DD`) its figures were read."""

    date: str
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    catalogue_date: str = ""
    """The day of the catalogue that filled its gaps; empty for none."""
    filled: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By model, the fields of `ModelFacts` that the catalogue filled."""

    def facts(self, model: str) -> ModelFacts:
        """What is known about `model`; nothing at all for an unknown one."""
        return self.models.get(model) or ModelFacts(id=model)

    def source(self, model: str, fact: str) -> str:
        """Who says so, for people; `fact` is a field of `ModelFacts`."""
        if fact in self.filled.get(model, frozenset()):
            return f"catalogue of {self.catalogue_date}"
        return f"model table of {self.date}"


class Listing(Value):
    """One model as the provider's catalogue lists it."""

    facts: ModelFacts
    name: str = ""
    """For people."""
    charges: tuple[str, ...] = ()
    """What is charged, for people; also where no price of an image follows from it."""


class Catalogue(Value):
    """The provider's own list of image models, and the day (`YYYY-MM-DD`) it was fetched."""

    date: str
    models: Mapping[str, Listing] = field(default_factory=dict)


_Table = TypeVar("_Table", bound=ModelTable)


def with_catalogue(table: _Table, catalogue: Catalogue | None) -> _Table:
    """`table` with its gaps filled; where the table speaks, it is believed.

    So a manifest that `check` accepts without a cache means the same to a build, except that a
    build may know more.
    """
    if catalogue is None:
        return table
    models = dict(table.models)
    filled: dict[str, frozenset[str]] = {}
    for model, listing in catalogue.models.items():
        shipped = table.facts(model)
        news = {
            name: value
            for name in _FACTS
            if getattr(shipped, name) is None
            and (value := getattr(listing.facts, name)) is not None
        }
        models[model] = replace(shipped, **news)
        filled[model] = frozenset(news)
    return replace(
        table,
        models=MappingProxyType(models),
        catalogue_date=catalogue.date,
        filled=MappingProxyType(filled),
    )


_FACTS = (
    "is_image_only",
    "max_references",
    "aspect_ratios",
    "image_sizes",
    "default_max_tokens",
    "price",
)


Origin = Literal["table", "learnt", "catalogue", "default"]


class Sheet(Value):
    """All that is known about one model, and who says each part of it."""

    facts: ModelFacts
    route: Literal["chat", "images"]
    origins: Mapping[str, Origin]
    """By field of `ModelFacts`, and `route`; what nobody knows is absent."""
    name: str = ""
    charges: tuple[str, ...] = ()
    """As the catalogue states them; empty when it was not fetched."""


def sheets(
    table: ModelTable,
    catalogue: Catalogue | None,
    learnt: Mapping[str, Mapping[str, bool | str]],
    images_only: frozenset[str],
) -> dict[str, Sheet]:
    """Every model that any source knows, sorted by id.

    `table` is the shipped one; `images_only` are the models that it sends to the images route.
    """
    known = with_catalogue(table, catalogue)
    listed = catalogue.models if catalogue is not None else {}
    return {
        model: _sheet(known, model, learnt.get(model, {}), listed.get(model), images_only)
        for model in sorted({*known.models, *learnt})
    }


def _sheet(
    table: ModelTable,
    model: str,
    lessons: Mapping[str, bool | str],
    listing: Listing | None,
    images_only: frozenset[str],
) -> Sheet:
    facts = table.facts(model)
    filled = table.filled.get(model, frozenset())
    origins: dict[str, Origin] = {
        name: "catalogue" if name in filled else "table"
        for name in _FACTS
        if getattr(facts, name) is not None
    }
    image_only = lessons.get("image_only")
    if isinstance(image_only, bool):
        facts = replace(facts, is_image_only=image_only)
        origins["is_image_only"] = "learnt"
    route: Literal["chat", "images"] = "images" if model in images_only else "chat"
    origins["route"] = "table" if model in images_only else "default"
    if lessons.get("route") in {"chat", "images"}:
        route = "images" if lessons["route"] == "images" else "chat"
        origins["route"] = "learnt"
    return Sheet(
        facts=facts,
        route=route,
        origins=origins,
        name=listing.name if listing is not None else "",
        charges=listing.charges if listing is not None else (),
    )


def models_json(
    known: Mapping[str, Sheet], table_date: str, catalogue_date: str | None
) -> dict[str, Json]:
    """`models --json`."""
    dates: dict[str, str | None] = {"table": table_date, "catalogue": catalogue_date}
    return {
        "version": MODELS_VERSION,
        "table_date": table_date,
        "catalogue_date": catalogue_date,
        "models": [_sheet_json(sheet, dates) for sheet in known.values()],
    }


def _sheet_json(sheet: Sheet, dates: Mapping[str, str | None]) -> dict[str, Json]:
    facts, price = sheet.facts, sheet.facts.price

    def sourced(name: str, value: Json) -> Json:
        origin = sheet.origins.get(name)
        date = dates.get(origin) if origin is not None else None
        return {"value": value, "from": origin, "date": date}

    return {
        "id": facts.id,
        "name": sheet.name or None,
        "image_only": sourced("is_image_only", facts.is_image_only),
        "max_references": sourced("max_references", facts.max_references),
        "aspect_ratios": sourced("aspect_ratios", _list(facts.aspect_ratios)),
        "image_sizes": sourced("image_sizes", _list(facts.image_sizes)),
        "max_tokens": sourced("default_max_tokens", facts.default_max_tokens),
        "route": sourced("route", sheet.route),
        "price": sourced("price", _price_json(price) if price is not None else None),
        "charges": list(sheet.charges),
    }


def _price_json(price: Price) -> Json:
    return {
        "per_image_usd": {size: json_usd(usd) for size, usd in price.per_image_usd.items()},
        "per_reference_usd": json_usd(price.per_reference_usd),
        "basis": price.basis,
    }


def _list(values: frozenset[str] | None) -> Json:
    return None if values is None else [*sorted(values)]
