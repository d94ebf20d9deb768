"""`resize`: another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from assetgen.core.step import Pad
from assetgen.errors import StepError
from assetgen.steps.pad import pad
from assetgen.steps.picture import check_size, image_of, pixels_of
from assetgen.steps.place import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.step import Filter, Resize
    from assetgen.steps.picture import Pixels

FILTERS: Mapping[Filter, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize(pixels: Pixels, step: Resize) -> Pixels:
    """See `core.step.Resize`."""
    height, width = pixels.shape[:2]
    wanted_width, wanted_height = _wanted(width, height, step)
    check_size(wanted_width, wanted_height)
    if step.fit == "fill":
        return scaled(pixels, wanted_width, wanted_height, step.filter)
    new_width, new_height = _fitted(width, height, wanted_width, wanted_height, step)
    if step.fit == "inside":
        check_size(new_width, new_height)
    elif step.fit == "cover":
        check_size(max(new_width, wanted_width), max(new_height, wanted_height))
    small = scaled(pixels, new_width, new_height, step.filter)
    if step.fit == "cover":
        x, y = place(step.gravity, new_width - wanted_width, new_height - wanted_height)
        return small[y : y + wanted_height, x : x + wanted_width]
    if step.fit == "inside":
        return small
    return pad(small, Pad(width_px=wanted_width, height_px=wanted_height, gravity=step.gravity))


def scaled(pixels: Pixels, width_px: int, height_px: int, name: Filter) -> Pixels:
    """All of the picture in exactly this size.

    Pillow weighs colours by alpha, so that no colour of transparent pixels bleeds in.
    """
    if pixels.shape[:2] == (height_px, width_px):
        return pixels
    return pixels_of(image_of(pixels).resize((width_px, height_px), FILTERS[name]))


def _wanted(width: int, height: int, step: Resize) -> tuple[int, int]:
    """The size asked for, a missing side by the shape of the picture."""
    if step.width_px is not None:
        return step.width_px, step.height_px or rounded(height * step.width_px, width)
    if step.height_px is not None:
        return rounded(width * step.height_px, height), step.height_px
    raise StepError("no size is given to resize to", hint="give `width`, `height` or both")


def _fitted(
    width: int, height: int, wanted_width: int, wanted_height: int, step: Resize
) -> tuple[int, int]:
    """The size in the picture's own shape that touches the one that is wanted."""
    if step.fit == "inside" and width <= wanted_width and height <= wanted_height:
        return width, height
    is_wider = width * wanted_height >= wanted_width * height
    by_width = is_wider != (step.fit == "cover")
    if by_width:
        side = rounded(height * wanted_width, width)
        return wanted_width, max(side, wanted_height) if step.fit == "cover" else side
    side = rounded(width * wanted_height, height)
    return max(side, wanted_width) if step.fit == "cover" else side, wanted_height


def rounded(dividend: int, divisor: int) -> int:
    """The quotient to the nearest whole number, at least 1; halves go up."""
    return max(1, (2 * dividend + divisor) // (2 * divisor))
