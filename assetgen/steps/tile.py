"""`tile`: edges that meet.

Near each edge the picture fades into a copy of itself moved by half a side. That copy has the
picture's middle at its edges, where it goes on without a break, and the picture hides the copy's
own seam, which is in the middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.steps.picture import OPAQUE, blank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.core.step import Tile
    from assetgen.steps.picture import Pixels

_WHOLE = 1 << 10
"""Weights are in parts of this; small enough for 32 bits with premultiplied colours."""


def tile(pixels: Pixels, step: Tile) -> Pixels:
    """See `core.step.Tile`."""
    weighted = _premultiplied(pixels)
    if step.axes in {"both", "x"}:
        weighted = _blended(weighted, 1, step.blend)
    if step.axes in {"both", "y"}:
        weighted = _blended(weighted, 0, step.blend)
    return _straight(weighted)


def _blended(values: NDArray[np.int32], axis: int, percent: int) -> NDArray[np.int32]:
    side = values.shape[axis]
    band = max(1, side * percent // 100)
    weights = _weights(side, band)
    weights = weights[None, :, None] if axis == 1 else weights[:, None, None]
    moved = np.roll(values, side // 2, axis=axis)
    # Only the difference is scaled: equal values stay exactly what they are.
    result: NDArray[np.int32] = moved + _divided((values - moved) * weights, _WHOLE)
    return result


def _weights(side: int, band: int) -> NDArray[np.int32]:
    """How much of the picture itself there is, by distance from the edge: 0 there, rising."""
    place = np.arange(side, dtype=np.int64)
    depth = np.minimum(np.minimum(place, side - 1 - place), band)
    # Smoothstep, 3t² - 2t³: no line shows where the band begins.
    eased: NDArray[np.int64] = depth * depth * (3 * band - 2 * depth) * _WHOLE // band**3
    return eased.astype(np.int32)


def _premultiplied(pixels: Pixels) -> NDArray[np.int32]:
    values = pixels.astype(np.int32)
    values[..., :3] *= values[..., 3:]
    return values


def _straight(values: NDArray[np.int32]) -> Pixels:
    alpha = values[..., 3:]
    colours = (values[..., :3] + alpha // 2) // np.maximum(alpha, 1)
    pixels = np.concatenate([np.minimum(colours, OPAQUE), alpha], axis=2).astype(np.uint8)
    blank(pixels, pixels[..., 3] == 0)
    return pixels


def _divided(values: NDArray[np.int32], divisor: int) -> NDArray[np.int32]:
    result: NDArray[np.int32] = (values + divisor // 2) // divisor
    return result
