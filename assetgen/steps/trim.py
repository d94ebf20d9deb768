"""`trim`: the border cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.errors import StepError
from assetgen.steps.picture import Mask, Pixels, distance, has_transparency, text_of
from assetgen.steps.refusal import MIN_SIDE_PX

if TYPE_CHECKING:
    from assetgen.core.step import Trim

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside."""


def trim(pixels: Pixels, step: Trim) -> Pixels:
    """See `core.step.Trim`. Raises `StepError` when there is nothing but border."""
    if has_transparency(pixels):
        content, border = pixels[..., 3] > step.threshold, "transparent pixels"
    else:
        corner = pixels[0, 0]
        content, border = distance(pixels, corner) > step.threshold, f"`{text_of(corner)}`"
    box = box_of(content)
    if box is None:
        raise StepError(
            f"nothing is left to trim to: the whole picture is {border}",
            hint=f"lower `threshold` (now {step.threshold})" if step.threshold else None,
        )
    height, width = content.shape
    left, right = _grown(box[0], box[2], step.margin_px, width)
    top, bottom = _grown(box[1], box[3], step.margin_px, height)
    return pixels[top:bottom, left:right]


def box_of(content: Mask) -> Box | None:
    """The smallest rectangle around everything that is set."""
    rows = np.flatnonzero(content.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(content.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _grown(low: int, high: int, margin: int, side: int) -> tuple[int, int]:
    """With `margin` at both ends where the picture has it, and no thinner than a picture may be."""
    low, high = max(0, low - margin), min(side, high + margin)
    high = min(side, max(high, low + MIN_SIDE_PX))
    return min(low, high - MIN_SIDE_PX), high
