"""`pad`: a larger canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.steps.picture import OPAQUE, check_size, colour_of
from assetgen.steps.place import place

if TYPE_CHECKING:
    from assetgen.core.step import Pad
    from assetgen.steps.picture import Pixels


def pad(pixels: Pixels, step: Pad) -> Pixels:
    """See `core.step.Pad`. Only what is new gets the colour; the picture stays as it is."""
    height, width = pixels.shape[:2]
    full_width = max(step.width_px or 0, width + 2 * step.margin_px)
    full_height = max(step.height_px or 0, height + 2 * step.margin_px)
    check_size(full_width, full_height)
    ground = (0, 0, 0, 0)
    if step.colour != "transparent":
        ground = (*colour_of(step.colour), OPAQUE)
    canvas = np.full((full_height, full_width, 4), ground, np.uint8)
    margins = 2 * step.margin_px
    x, y = place(step.gravity, full_width - margins - width, full_height - margins - height)
    left, top = x + step.margin_px, y + step.margin_px
    canvas[top : top + height, left : left + width] = pixels
    return canvas
