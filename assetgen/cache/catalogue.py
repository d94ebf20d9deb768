"""The provider's catalogue as it was last fetched: `catalogue-v1.json` in the cache folder.

Only a copy of what anybody may read: what cannot be understood counts as never fetched. The number
is the version of the format; a new one is a new place.
"""

from __future__ import annotations

import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from assetgen.cache.durable import cache_errors, make_folder, read_only_error, write_synced
from assetgen.core.catalogue import Catalogue, Listing, ModelFacts, Price
from assetgen.core.money import parse_usd

if TYPE_CHECKING:
    from decimal import Decimal

FILE = "catalogue-v1.json"


class FileCatalogue:
    """Keeps one catalogue for all projects of the user."""

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._path = os.path.join(root, FILE)

    def read(self) -> Catalogue | None:
        """The catalogue; None when there is none that can be understood."""
        try:
            with open(self._path, "rb") as file:
                return _decode(json.load(file))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, catalogue: Catalogue) -> None:
        """Replace what is there.

        Raises:
            CacheError: the file cannot be written.
        """
        if not self._create:
            raise read_only_error(self._root)
        text = json.dumps(_encode(catalogue), indent=1, sort_keys=True) + "\n"
        incoming = os.path.join(self._root, "incoming")  # what a crash leaves there is swept
        with cache_errors("write", self._path):
            make_folder(incoming)
            write_synced(self._path, text.encode(), mode=0o600, through=incoming)


def _encode(catalogue: Catalogue) -> dict[str, object]:
    models = {model: _listing_fields(listing) for model, listing in catalogue.models.items()}
    return {"date": catalogue.date, "models": models}


def _listing_fields(listing: Listing) -> dict[str, object]:
    facts, price = listing.facts, listing.facts.price
    fields: dict[str, object] = {
        "name": listing.name,
        "charges": listing.charges,
        "image_only": facts.is_image_only,
        "max_references": facts.max_references,
        "aspect_ratios": _sorted(facts.aspect_ratios),
        "image_sizes": _sorted(facts.image_sizes),
    }
    if price is not None:
        fields["price"] = {
            "per_image_usd": {size: str(usd) for size, usd in price.per_image_usd.items()},
            "per_reference_usd": str(price.per_reference_usd),
            "basis": price.basis,
        }
    return fields


def _sorted(values: frozenset[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _decode(document: Any) -> Catalogue:
    """The catalogue that `_encode` described; anything else raises something or other."""
    models = {_text(model): _listing(model, fields) for model, fields in document["models"].items()}
    return Catalogue(date=_text(document["date"]), models=MappingProxyType(models))


def _listing(model: str, fields: Any) -> Listing:
    price = fields.get("price")
    facts = ModelFacts(
        id=model,
        is_image_only=_optional(fields["image_only"], bool),
        max_references=_optional(fields["max_references"], int),
        aspect_ratios=_texts(fields["aspect_ratios"]),
        image_sizes=_texts(fields["image_sizes"]),
        price=None if price is None else _price(price),
    )
    charges = tuple(_text(line) for line in fields["charges"])
    return Listing(facts=facts, name=_text(fields["name"]), charges=charges)


def _price(fields: Any) -> Price:
    sizes = {_text(size): _usd(usd) for size, usd in fields["per_image_usd"].items()}
    return Price(
        per_image_usd=MappingProxyType(sizes),
        per_reference_usd=_usd(fields["per_reference_usd"]),
        basis=_text(fields["basis"]),
    )


def _usd(value: object) -> Decimal:
    usd = parse_usd(value)
    if usd is None:
        raise ValueError
    return usd


def _texts(values: Any) -> frozenset[str] | None:
    return None if values is None else frozenset(_text(value) for value in values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: Any, kind: type) -> Any:
    if value is not None and type(value) is not kind:
        raise TypeError
    return value
