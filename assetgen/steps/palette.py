"""`palette`: few colours.

Distances between colours are sums of squares of 8-bit numbers. Held in 32-bit floats they are
whole and below 2**24, hence exact, whatever order a processor adds them in; ties go to the colour
that comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.errors import StepError
from assetgen.steps.picture import Pixels, colour_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.core.step import Palette

    Colours = NDArray[np.uint8]
    Indices = NDArray[np.intp]

_BIN_BITS = 5
"""The best colours are sought among bins of this many bits a channel."""
_REFINEMENTS = 6
_CHUNK = 1 << 16
_FARTHEST = 64
"""The most that dithering adds to a channel."""
_BAYER_SIDE = 8
_BAYER = np.array(
    [
        [0, 32, 8, 40, 2, 34, 10, 42],
        [48, 16, 56, 24, 50, 18, 58, 26],
        [12, 44, 4, 36, 14, 46, 6, 38],
        [60, 28, 52, 20, 62, 30, 54, 22],
        [3, 35, 11, 43, 1, 33, 9, 41],
        [51, 19, 59, 27, 49, 17, 57, 25],
        [15, 47, 7, 39, 13, 45, 5, 37],
        [63, 31, 55, 23, 61, 29, 53, 21],
    ],
    dtype=np.int32,
)
"""Bayer's matrix, the order in which the pixels of an 8x8 square light up."""


def palette(pixels: Pixels, step: Palette) -> Pixels:
    """See `core.step.Palette`. Alpha stays, and transparent pixels count for nothing."""
    visible = pixels[..., 3] > 0
    colours = pixels[visible][:, :3]
    if not len(colours):
        return pixels
    if step.fixed:
        chosen = np.array([colour_of(colour) for colour in step.fixed], np.uint8)
    elif step.colours is None:
        raise StepError("the palette has no colours", hint="give `colors` or `file`")
    else:
        chosen = best_colours(colours, step.colours)
    result = pixels.copy()
    match step.dither:
        case "none":
            result[visible, :3] = chosen[nearest_by_value(colours, chosen)]
        case "ordered":
            result[visible, :3] = chosen[_ordered(colours, visible, chosen)]
        case "floyd-steinberg":
            _diffuse(result, visible, chosen)
    return result


def distinct(colours: Colours) -> Colours:
    """Every colour once, sorted."""
    return _unpacked(np.unique(_packed(colours))).astype(np.uint8)


def _packed(colours: NDArray[np.uint8] | NDArray[np.int32]) -> NDArray[np.int32]:
    """One number for each colour, in ten bits a channel: dithering goes beyond 0 and 255."""
    wide = colours.astype(np.int32) + _FARTHEST
    packed: NDArray[np.int32] = (wide[:, 0] << 20) + (wide[:, 1] << 10) + wide[:, 2]
    return packed


def _unpacked(values: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.stack([values >> 20, values >> 10 & 1023, values & 1023], axis=1) - _FARTHEST


def nearest(colours: NDArray[np.generic], chosen: Colours) -> Indices:
    """Which of `chosen` is nearest to each colour."""
    points = chosen.astype(np.float32)
    lengths = (points * points).sum(axis=1)
    parts = []
    for start in range(0, len(colours), _CHUNK):
        # |c - p|² without |c|², which is the same for all p.
        part = colours[start : start + _CHUNK].astype(np.float32)
        parts.append((lengths - 2 * (part @ points.T)).argmin(axis=1))
    return np.concatenate(parts) if parts else np.empty(0, np.intp)


def nearest_by_value(colours: NDArray[np.uint8] | NDArray[np.int32], chosen: Colours) -> Indices:
    """The same, asking once for each different colour."""
    values, places = np.unique(_packed(colours), return_inverse=True)
    return nearest(_unpacked(values), chosen)[places]


def best_colours(colours: Colours, count: int) -> Colours:
    """At most `count` colours that stand for these: median cut, then a few rounds of k-means."""
    few = distinct(colours)
    if len(few) <= count:
        return few
    weights, sums = _bins(colours)
    means = (sums + weights[:, None] // 2) // weights[:, None]
    boxes = [np.arange(len(weights))]
    spreads = [_spread(means, weights, boxes[0])]
    while len(boxes) < count:
        widest = max(range(len(boxes)), key=lambda i: (spreads[i][0], -i))
        error, axis = spreads[widest]
        if error == 0:
            break
        for half in _halves(means, weights, boxes.pop(widest), axis):
            boxes.append(half)
            spreads.append(_spread(means, weights, half))
        spreads.pop(widest)
    chosen = np.array([_mean(sums, weights, box) for box in boxes], np.uint8)
    return distinct(_refined(chosen, means, sums, weights))


def _bins(colours: Colours) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many colours each bin that is not empty holds, and their sums."""
    coarse = (colours >> (8 - _BIN_BITS)).astype(np.int32)
    keys = (coarse[:, 0] << 2 * _BIN_BITS) + (coarse[:, 1] << _BIN_BITS) + coarse[:, 2]
    size = 1 << 3 * _BIN_BITS
    counts = np.bincount(keys, minlength=size)
    # Weighted counts are floats: sums of bytes, exact below 2**53.
    sums = [np.bincount(keys, colours[:, channel], size) for channel in range(3)]
    used = counts > 0
    return counts[used].astype(np.int64), np.stack(sums, axis=1)[used].astype(np.int64)


def _spread(means: NDArray[np.int64], weights: NDArray[np.int64], box: Indices) -> tuple[int, int]:
    """The squared error of a box along its worst channel, and that channel."""
    values, weight = means[box], weights[box][:, None]
    middle = (values * weight).sum(axis=0) // weight.sum()
    errors = ((values - middle) ** 2 * weight).sum(axis=0)
    axis = int(errors.argmax())
    return (int(errors[axis]) if len(box) > 1 else 0), axis


def _halves(
    means: NDArray[np.int64], weights: NDArray[np.int64], box: Indices, axis: int
) -> tuple[Indices, Indices]:
    """A box cut at the mean of a channel, with something on both sides."""
    values = means[box, axis]
    middle = int((values * weights[box]).sum() // weights[box].sum())
    cut = min(middle, int(values.max()) - 1)
    return box[values <= cut], box[values > cut]


def _mean(sums: NDArray[np.int64], weights: NDArray[np.int64], box: Indices) -> NDArray[np.int64]:
    total = int(weights[box].sum())
    mean: NDArray[np.int64] = (sums[box].sum(axis=0) + total // 2) // total
    return mean


def _refined(
    chosen: Colours,
    means: NDArray[np.int64],
    sums: NDArray[np.int64],
    weights: NDArray[np.int64],
) -> Colours:
    """Each colour moved to the middle of what is nearest to it, a few times."""
    for _ in range(_REFINEMENTS):
        owner = nearest(means, chosen)
        count = len(chosen)
        total = np.bincount(owner, weights, count).astype(np.int64)
        sides = [np.bincount(owner, sums[:, i], count).astype(np.int64) for i in range(3)]
        summed = np.stack(sides, axis=1)
        middle = (summed + total[:, None] // 2) // np.maximum(total, 1)[:, None]
        moved = np.where(total[:, None] > 0, middle, chosen).astype(np.uint8)
        if np.array_equal(moved, chosen):
            break
        chosen = moved
    return chosen


def _reaches(chosen: Colours) -> NDArray[np.int32]:
    """For each colour, how much may be added to all channels at once until another is as near."""
    points = chosen.astype(np.int32)
    apart = points[:, None] - points[None]
    along = np.abs(apart.sum(axis=2))
    reach: NDArray[np.int32] = (apart * apart).sum(axis=2) // np.maximum(2 * along, 1)
    reach[along == 0] = _FARTHEST
    least: NDArray[np.int32] = reach.min(axis=1) - 1
    return np.clip(least, 0, _FARTHEST)


def _ordered(colours: Colours, visible: NDArray[np.bool_], chosen: Colours) -> Indices:
    """Each colour moved by its place in the matrix, so little that those of the palette stay."""
    rows, columns = np.nonzero(visible)
    steps = 2 * _BAYER[rows % _BAYER_SIDE, columns % _BAYER_SIDE] - (_BAYER_SIDE**2 - 1)
    reach = _reaches(chosen)[nearest_by_value(colours, chosen)]
    moved = colours.astype(np.int32) + (steps * reach // _BAYER_SIDE**2)[:, None]
    return nearest_by_value(moved, chosen)


def _diffuse(pixels: Pixels, visible: NDArray[np.bool_], chosen: Colours) -> None:
    """Floyd and Steinberg's error diffusion, in place.

    Pixels with the same x + 2y do not depend on each other, so they are done together; the rows of
    `skewed` are these diagonals. Transparent pixels take no error and pass none on.
    """
    height, width = visible.shape
    rows = np.arange(height)
    count = width + 2 * (height - 1)
    # One column of room at each side for errors that fall off the picture; 16ths of a level.
    errors = np.zeros((4, height + 1, 3), np.int32)
    for diagonal in range(count):
        columns = diagonal - 2 * rows
        inside = (columns >= 0) & (columns < width)
        y, x = rows[inside], columns[inside]
        here = errors[diagonal % 4]
        shown = visible[y, x]
        y, x = y[shown], x[shown]
        if len(y):
            wanted = pixels[y, x, :3].astype(np.int32) + (here[y] + 8) // 16
            wanted = np.clip(wanted, 0, 255)
            found = chosen[nearest(wanted, chosen)]
            pixels[y, x, :3] = found
            error = wanted - found
            # To the right; below on the left, straight below, below on the right.
            errors[(diagonal + 1) % 4][y] += 7 * error
            errors[(diagonal + 1) % 4][y + 1] += 3 * error
            errors[(diagonal + 2) % 4][y + 1] += 5 * error
            errors[(diagonal + 3) % 4][y + 1] += error
        here[:] = 0
