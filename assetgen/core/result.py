"""What came out of an action: the image as it came, and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from decimal import Decimal

    from assetgen.core.digest import Digest


class ImageInfo(Value):
    """What an image is that was proven whole: its format by its bytes, its size in pixels."""

    format: str
    """`png`, `jpeg`, `webp`, `avif` or `gif`."""
    width_px: int
    height_px: int


class ActionResult(Value):
    """The image that an action gave, as it came, and its provenance.

    `cost_usd` is None when it is unknown, which is not the same as nothing.
    """

    image: Digest
    info: ImageInfo
    model: str = ""
    provider: str | None = None
    """Who answered, as the answer names them."""
    generation_id: str | None = None
    cost_usd: Decimal | None = None
    date: str = ""
    """The day the image came, `YYYY-MM-DD` in UTC; empty for a file the user has."""
