"""Variants for the web: one picture in several widths and formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from assetgen.steps.encode import finished
from assetgen.steps.picture import check_size
from assetgen.steps.resize import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.finish import Rendition
    from assetgen.core.finished import Finished


def renditions(image: Image.Image, wanted: Sequence[Rendition]) -> list[Finished]:
    """See `core.ports.Finisher.variants`. Each width is scaled once, from the picture itself."""
    made: dict[int, Finished] = {}
    for width_px in sorted({min(rendition.width_px, image.width) for rendition in wanted}):
        scaled = _in_width(image, width_px)
        for place, rendition in enumerate(wanted):
            if min(rendition.width_px, image.width) == width_px:
                made[place] = finished(scaled, rendition.format, rendition.quality)
    return [made[place] for place in range(len(wanted))]


def _in_width(image: Image.Image, width_px: int) -> Image.Image:
    if width_px == image.width:
        return image
    height_px = rounded(image.height * width_px, image.width)
    check_size(width_px, height_px)
    return image.resize((width_px, height_px), Image.Resampling.LANCZOS)
