"""OpenRouter's own lists of image models, fetched and understood.

Three kinds of document (its models page and OpenAPI file, read 2026-08-22), none of which needs a
key: `/models?output_modalities=image` knows names and classes; `/images/models` knows every model
of the images route; `/images/models/ID/endpoints` knows what each endpoint takes and charges. The
last one is definitive; the unions in the second are, in its own words, coarse.

Of the pricing in `/models` nothing is used: its units are not what its documents say
(`image_output` reads as a price per image and holds one per token).

Fields that are not known are passed over, and a model that cannot be read is left out. A model is
said not to take something only where each of its endpoints says what it takes.
"""

from __future__ import annotations

import asyncio
import json
import re
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from assetgen.core.catalogue import Catalogue, Listing, ModelFacts, Price
from assetgen.core.money import format_usd, parse_usd
from assetgen.errors import BadResponse, ProviderError, Retry
from assetgen.providers.openrouter.provider import checked_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.providers.http import Response

MODELS_PATH = "/models?output_modalities=image"
IMAGE_MODELS_PATH = "/images/models"

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The list of all models, text ones included, has about 1 MB."""
TIMEOUT_S = 30.0
"""For each of the documents."""
_AT_ONCE = 8
_MOST_MODELS = 5000
_MOST_TEXT = 200

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._:-]{0,149}")
_RATIO = re.compile(r"\d{1,5}(\.\d{1,5})?:\d{1,5}(\.\d{1,5})?|auto", re.ASCII)
_OK = 200

_SIZES = {"512": "0.5K", "0.5K": "0.5K", "1K": "1K", "2K": "2K", "4K": "4K"}
"""The manifest's word for a size, by the catalogue's."""
_MEGAPIXELS = {
    "": Decimal(1),
    "0.5K": Decimal("0.25"),
    "1K": Decimal(1),
    "2K": Decimal(4),
    "4K": Decimal(16),
}
"""About how many an image of each size has, whatever its shape."""


class Getter(Protocol):
    """What this module needs of `providers.http.Http`."""

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_s: float, max_body_bytes: int
    ) -> Response:
        """The whole answer, or a `ProviderError`."""
        ...


async def fetch(http: Getter, base_url: str, date: str) -> tuple[Catalogue, list[str]]:
    """The catalogue of today, and the models whose endpoints could not be read.

    Sends no key. `date` is today, `YYYY-MM-DD`.

    Raises:
        ProviderError: there is no catalogue to be had.
        UsageError: the address cannot be used.
    """
    address = checked_address(base_url)
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(path: str) -> Any:
        async with places:
            response = await http.get(
                address + path, headers={}, timeout_s=TIMEOUT_S, max_body_bytes=MAX_BODY_BYTES
            )
        return await asyncio.to_thread(_document, path, response)

    async def endpoints(model: str) -> Any:
        try:
            return await read(f"{IMAGE_MODELS_PATH}/{model}/endpoints")
        except ProviderError:
            return None  # the model is listed all the same, by what the other documents say

    listed, of_images = await asyncio.gather(read(MODELS_PATH), read(IMAGE_MODELS_PATH))
    models = models_in(listed, of_images)
    if not models:
        raise _unreadable("the catalogue holds no image model that can be read")
    details = dict(zip(models, await asyncio.gather(*map(endpoints, models)), strict=True))
    unread = [model for model, document in details.items() if document is None]
    listings = {model: listing(model, entry, details[model]) for model, entry in models.items()}
    return Catalogue(date=date, models=MappingProxyType(listings)), unread


def _document(path: str, response: Response) -> Any:
    if response.status != _OK:
        raise _unreadable(f"`{path}` answered with HTTP {response.status}, not with the catalogue")
    try:
        return json.loads(response.body, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise _unreadable(f"`{path}` answered with something that is no JSON") from None


def _unreadable(what: str) -> ProviderError:
    hint = "check `OPENROUTER_BASE_URL`, or try again later"
    return BadResponse(what, hint=hint, retry=Retry.NEVER)


def models_in(*lists: object) -> dict[str, Mapping[str, Any]]:
    """Each image model's entry by id, sorted; what an earlier list says counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for document in lists:
        for entry in _mappings(document.get("data") if isinstance(document, dict) else None):
            model = entry.get("id")
            if isinstance(model, str) and _ID.fullmatch(model) and "image" in _outputs(entry):
                found.setdefault(model, entry)
    return dict(sorted(found.items())[:_MOST_MODELS])


def listing(model: str, entry: Mapping[str, Any], details: object) -> Listing:
    """One model: `entry` is from a list, `details` the document of its endpoints, or None."""
    endpoints = _mappings(details.get("endpoints") if isinstance(details, dict) else None)
    capabilities = [_mapping(endpoint.get("supported_parameters")) for endpoint in endpoints]
    charges = [_mappings(endpoint.get("pricing")) for endpoint in endpoints]
    facts = ModelFacts(
        id=model,
        is_image_only="text" not in _outputs(entry),
        max_references=_most(capabilities, "input_references"),
        aspect_ratios=_aspect_ratios(capabilities),
        image_sizes=_image_sizes(capabilities),
        price=_price(charges),
    )
    lines = dict.fromkeys(_charge_text(charge) for lines in charges for charge in lines)
    return Listing(facts=facts, name=_text(entry.get("name")), charges=tuple(filter(None, lines)))


def _outputs(entry: Mapping[str, Any]) -> list[object]:
    outputs = _mapping(entry.get("architecture")).get("output_modalities")
    return outputs if isinstance(outputs, list) else []


# What the endpoints take


def _aspect_ratios(capabilities: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    values = _values(capabilities, "aspect_ratio")
    if values is None or not all(_RATIO.fullmatch(value) for value in values):
        return None
    return values


def _image_sizes(capabilities: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    values = _values(capabilities, "resolution")
    if values is None:
        return None
    sizes = {_SIZES[value.upper()] for value in values if value.upper() in _SIZES}
    return frozenset(sizes) or None


def _values(capabilities: Sequence[Mapping[str, Any]], name: str) -> frozenset[str] | None:
    """Everything that any endpoint takes; None unless each of them lists what it takes."""
    found: set[str] = set()
    for capability in capabilities:
        descriptor = _mapping(capability.get(name))
        values = descriptor.get("values")
        if descriptor.get("type") != "enum" or not isinstance(values, list):
            return None
        if not values or not all(isinstance(value, str) for value in values):
            return None
        found.update(values)
    return frozenset(found) or None


def _most(capabilities: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """The largest number that any endpoint takes; None unless each of them states one."""
    numbers = []
    for capability in capabilities:
        descriptor = _mapping(capability.get(name))
        most = descriptor.get("max")
        if descriptor.get("type") != "range" or type(most) is not int or most < 0:
            return None
        numbers.append(most)
    return max(numbers, default=None)


# What the endpoints charge


def _price(charges: Sequence[Sequence[Mapping[str, Any]]]) -> Price | None:
    """The price of an image where one follows from what is charged; the dearest endpoint's."""
    prices = [price for lines in charges if (price := _endpoint_price(lines)) is not None]
    if not prices or len(prices) < len(charges):
        return None
    return max(prices, key=lambda price: (max(price.per_image_usd.values()), price.basis))


def _endpoint_price(lines: Sequence[Mapping[str, Any]]) -> Price | None:
    outputs = [line for line in lines if line.get("billable") == "output_image"]
    per_image = _per_image(outputs)
    if per_image is None:
        return None
    per_reference = Decimal(0)
    for line in lines:
        if line.get("billable") in {"input_image", "input_reference"}:
            usd = parse_usd(line.get("cost_usd"))
            if line.get("unit") not in {"image", "megapixel"} or usd is None:
                return None  # by the token, of which nobody knows how many a reference has
            per_reference = max(per_reference, usd)
    stated = ", ".join(dict.fromkeys(_charge_text(line) for line in outputs))
    return Price(
        per_image_usd=MappingProxyType(per_image),
        per_reference_usd=per_reference,
        basis=stated,
    )


def _per_image(outputs: Sequence[Mapping[str, Any]]) -> dict[str, Decimal] | None:
    """US dollars by image size; None where they do not follow."""
    found: dict[str, Decimal] = {}
    for line in outputs:
        usd, unit, variant = parse_usd(line.get("cost_usd")), line.get("unit"), line.get("variant")
        if usd is None:
            return None
        if unit == "megapixel" and variant is None and len(outputs) == 1:
            return {size: usd * count for size, count in _MEGAPIXELS.items()}
        size = "" if variant is None else _SIZES.get(str(variant).upper())
        if unit not in {"image", "request"} or size is None or size in found:
            return None  # a variant by quality, say: which one will be charged is not known
        found[size] = usd
    if found:
        found.setdefault("", found.get("1K", max(found.values())))
    return found or None


def _charge_text(line: Mapping[str, Any]) -> str:
    """`$0.04 per image`, or empty when the line cannot be read."""
    usd, unit, billable = parse_usd(line.get("cost_usd")), line.get("unit"), line.get("billable")
    if usd is None or not isinstance(unit, str) or not isinstance(billable, str):
        return ""
    per = unit[:_MOST_TEXT]
    if unit == "token":
        usd, per = usd * 1_000_000, "million tokens"
    what = "" if billable == "output_image" else f" of {billable[:_MOST_TEXT].replace('_', ' ')}"
    variant = line.get("variant")
    which = f" ({variant[:_MOST_TEXT]})" if isinstance(variant, str) else ""
    return f"{format_usd(usd)} per {per}{what}{which}"


# Outside data


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(values: object) -> list[Mapping[str, Any]]:
    found: Iterable[object] = values if isinstance(values, list) else ()
    return [value for value in found if isinstance(value, dict)]


def _text(value: object) -> str:
    return value[:_MOST_TEXT] if isinstance(value, str) else ""
