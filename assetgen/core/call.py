"""One call to a provider, as plain values: what is asked and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from decimal import Decimal

    from assetgen.core.digest import Digest
    from assetgen.core.model import Generate, ImageFormat


class ReferenceImage(Value):
    """A reference with its bytes. `label` is the path or `asset:NAME` the manifest says."""

    label: str
    digest: Digest
    data: bytes


class Request(Value):
    """Everything a provider may look at to make one image."""

    asset: str
    fingerprint: str
    generate: Generate
    references: tuple[ReferenceImage, ...]
    """In the order of `generate.references`."""
    format: ImageFormat
    """The format of the output: a wish, never a promise."""
    timeout_s: float
    """Total for this call, from connecting to the last byte."""
    allow_cached: bool = True
    """Whether the provider may answer from its own response cache."""


class Generated(Value):
    """What one call gave. The first image is the result; further ones are kept and mentioned."""

    images: tuple[bytes, ...]
    """At least one. Bytes as they came, not yet decoded."""
    cost_usd: Decimal | None = None
    """The bill; None when the answer does not say."""
    provider: str | None = None
    model: str | None = None
    generation_id: str | None = None
    warnings: tuple[str, ...] = ()
