"""The dated table of models that is shipped with the package: `models.json`.

The file gives prices as they are charged (per image, megapixel or token) and the table holds them
worked out per image. Sources and their dates are in each entry's `basis`. What no source says is
left out, and reads as None: nothing is known, which is never a reason to refuse.

`max_tokens` defaults: without a cap OpenRouter checks the balance against the model's full output
limit and answers 402 although credits exist (can1357/oh-my-pi#9569), and a cap above an endpoint's
own limit drops that endpoint (its provider routing page). So each default lies well above what an
image costs in tokens (1290 for Gemini 2.5, up to 2520 for Gemini 3, 4160 for OpenAI's) and well
below 32,768; models that think before they draw get room for that.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from assetgen.core.catalogue import ModelFacts, ModelTable, Price

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = os.path.join(os.path.dirname(__file__), "models.json")


class OpenRouterTable(ModelTable):
    """The table, and which models are served by the images route alone."""

    images_only: frozenset[str] = frozenset()


@cache
def load_table() -> OpenRouterTable:
    """The shipped table; read once."""
    with open(_FILE, encoding="utf-8") as file:
        return parse_table(file.read())


def parse_table(text: str) -> OpenRouterTable:
    """The table that the JSON in `text` describes; for our own file, so a fault in it raises."""
    data = json.loads(text, parse_float=Decimal)
    sets: Mapping[str, list[str]] = data["sets"]
    entries: Mapping[str, Mapping[str, Any]] = data["models"]
    return OpenRouterTable(
        date=data["date"],
        models=MappingProxyType(
            {name: _facts(name, entry, sets) for name, entry in entries.items()}
        ),
        images_only=frozenset(name for name, entry in entries.items() if "images_only" in entry),
    )


def _facts(model: str, entry: Mapping[str, Any], sets: Mapping[str, list[str]]) -> ModelFacts:
    def allowed(name: str) -> frozenset[str] | None:
        value = entry.get(name)
        if value is None:
            return None
        return frozenset(sets[value] if isinstance(value, str) else value)

    return ModelFacts(
        id=model,
        is_image_only=entry.get("image_only"),
        max_references=entry.get("max_references"),
        aspect_ratios=allowed("aspect_ratios"),
        image_sizes=allowed("image_sizes"),
        default_max_tokens=entry.get("max_tokens"),
        price=_price(entry["price"]) if "price" in entry else None,
    )


def _price(entry: Mapping[str, Any]) -> Price:
    """`usd` for each unit, times how many `units` an image of each size takes."""
    usd = Decimal(entry["usd"])
    return Price(
        per_image_usd=MappingProxyType({s: usd * n for s, n in entry["units"].items()}),
        per_reference_usd=Decimal(entry.get("usd_per_reference", 0)),
        basis=entry["basis"],
    )
