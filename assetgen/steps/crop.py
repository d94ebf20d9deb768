"""`crop`: a rectangle cut out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.errors import StepError
from assetgen.steps.picture import size_text
from assetgen.steps.place import place

if TYPE_CHECKING:
    from assetgen.core.step import Crop
    from assetgen.steps.picture import Pixels


def crop(pixels: Pixels, step: Crop) -> Pixels:
    """See `core.step.Crop`. Raises `StepError` when the rectangle is not all in the picture."""
    height, width = pixels.shape[:2]
    placed = place(step.gravity, width - step.width_px, height - step.height_px)
    x = placed[0] if step.x is None else step.x
    y = placed[1] if step.y is None else step.y
    if min(x, y) < 0 or x + step.width_px > width or y + step.height_px > height:
        wanted = size_text(step.width_px, step.height_px)
        given = f" at {x}, {y}" if (step.x, step.y) != (None, None) else ""
        raise StepError(
            f"cannot crop {wanted}{given} out of a picture of {size_text(width, height)}",
            hint="crop less, or `resize` or `pad` the picture first",
        )
    return pixels[y : y + step.height_px, x : x + step.width_px]
