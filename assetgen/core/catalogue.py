"""What is known about models, as plain values; the numbers are shipped by `providers/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Price:
    """List price of one image, in US dollars.

    `per_image_usd` maps an image size (`1K`, `2K`, …; empty for a size that is not stated) to the
    price of one image of that size; token and megapixel prices are worked out into it when the
    table is read, so that an estimate is a look-up.
    """

    per_image_usd: Mapping[str, Decimal]
    per_reference_usd: Decimal = Decimal(0)
    basis: str = ""
    """How the figure came about, for people: `$0.03 per megapixel, 2026-09-30`."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
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


@dataclass(frozen=True, slots=True)
class ModelTable:
    """The shipped table and the day (`YYYY-MM-DD`) its figures were read."""

    date: str
    models: Mapping[str, ModelFacts] = field(default_factory=dict)

    def facts(self, model: str) -> ModelFacts:
        """What is known about `model`; nothing at all for an unknown one."""
        return self.models.get(model) or ModelFacts(id=model)
