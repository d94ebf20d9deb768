"""`pixelate`: a true pixel grid.

A cell gets a colour that the picture really has, the one nearest to the middle of all in the cell:
an average would be a blur, with colours that nobody painted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.errors import StepError
from assetgen.steps.palette import palette
from assetgen.steps.picture import HALF, OPAQUE, check_size, size_text
from assetgen.steps.resize import rounded

if TYPE_CHECKING:
    from assetgen.core.step import Pixelate
    from assetgen.steps.picture import Pixels

_SAMPLES = 16
"""Pixels looked at along the side of a cell, at most."""


def pixelate(pixels: Pixels, step: Pixelate) -> Pixels:
    """See `core.step.Pixelate`. Raises `StepError` when the picture has fewer pixels than cells."""
    height, width = pixels.shape[:2]
    columns = step.width_px
    lines = step.height_px or rounded(height * columns, width)
    if columns > width or lines > height:
        raise StepError(
            f"cannot pixelate a picture of {size_text(width, height)} "
            f"to {size_text(columns, lines)}: that is more pixels than it has",
            hint="ask for fewer pixels, or `resize` the picture first",
        )
    check_size(columns * step.scale, lines * step.scale)
    grid = _cells(pixels, columns, lines)
    if step.palette is not None:
        grid = palette(grid, step.palette)
    return grid.repeat(step.scale, axis=0).repeat(step.scale, axis=1)


def _cells(pixels: Pixels, columns: int, lines: int) -> Pixels:
    """One pixel for each cell."""
    across = _places(pixels.shape[1], columns)
    grid = np.empty((lines, columns, 4), np.uint8)
    for line, down in enumerate(_places(pixels.shape[0], lines)):
        # Columns x samples x RGBA: memory stays small, and each line is one batch.
        strip = pixels[down[:, None, None], across[None]].transpose(1, 0, 2, 3)
        grid[line] = _typical(strip.reshape(columns, -1, 4))
    return grid


def _places(side: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """Which pixels along a side are looked at, by cell; spread evenly where cells are large."""
    samples = min(_SAMPLES, -(-side // count))
    place = np.arange(count * samples, dtype=np.int64)
    spread = (2 * place + 1) * side // (2 * count * samples)
    return spread.astype(np.intp).reshape(count, samples)


def _typical(cells: Pixels) -> Pixels:
    """The colour of each cell; transparent when most of it is."""
    count = cells.shape[1]
    alpha = cells[..., 3].astype(np.int32)
    is_there = alpha.sum(axis=1) >= HALF * count
    shown = alpha >= HALF
    shown |= ~shown.any(axis=1, keepdims=True)
    colours = cells[..., :3].astype(np.int16)
    # What is transparent is sorted to the end, so that the middle is that of the rest.
    ranked = np.sort(np.where(shown[..., None], colours, np.int16(256)), axis=1)
    middle = (shown.sum(axis=1) - 1) // 2
    each = np.arange(len(cells))
    median = ranked[each, middle]
    far = np.abs(colours - median[:, None]).sum(axis=2)
    chosen = np.where(shown, far, np.int16(1024)).argmin(axis=1)
    result: Pixels = cells[each, chosen]
    result[:, 3] = np.where(is_there, OPAQUE, 0)
    result[~is_there] = 0
    return result
