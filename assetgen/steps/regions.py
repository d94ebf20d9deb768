"""Connected regions of a mask, by runs of pixels in a row: no loop for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.steps.picture import Mask


def reached_from_edges(mask: Mask) -> Mask:
    """What of `mask` hangs together with a part of it on the edges of the picture.

    Pixels hang together by their sides, not by their corners.
    """
    height, width = mask.shape
    row, start, end = _runs(mask)
    if not len(row):
        return mask.copy()
    upper, lower = _touching(row, start, end, width)
    region = _joined(len(row), upper, lower)
    on_edge = (row == 0) | (row == height - 1) | (start == 0) | (end == width)
    is_reached = np.zeros(len(row), np.bool_)
    is_reached[region[on_edge]] = True
    return _painted(is_reached[region], row, start, end, mask.shape)


def _runs(
    mask: Mask,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, first column and column after the last of each run, in reading order."""
    height, width = mask.shape
    framed = np.zeros((height, width + 1), np.int8)
    framed[:, :width] = mask
    flat = framed.ravel()
    change = np.diff(flat, prepend=np.int8(0))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    row = starts // (width + 1)
    return row, starts - row * (width + 1), ends - row * (width + 1)


def _touching(
    row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of runs in neighbouring rows that share a column."""
    stride = width + 1
    # Seen from a run, those of the next row that end after its start and start before its end.
    below = (row + 1) * stride
    first = np.searchsorted(row * stride + end, below + start, side="right")
    after = np.searchsorted(row * stride + start, below + end, side="left")
    counts = np.maximum(after - first, 0)
    upper = np.repeat(np.arange(len(row)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + offsets


def _joined(count: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of `count` things the least of all that pairs join it with."""
    label = np.arange(count)
    while True:
        low = np.minimum(label[left], label[right])
        joined = label.copy()
        # The representatives take the lower number, then everything follows its representative.
        np.minimum.at(joined, label[left], low)
        np.minimum.at(joined, label[right], low)
        while not np.array_equal(shorter := joined[joined], joined):
            joined = shorter
        if np.array_equal(joined, label):
            return label
        label = joined


def _painted(
    chosen: NDArray[np.bool_],
    row: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    shape: tuple[int, ...],
) -> Mask:
    """The mask of the chosen runs."""
    height, width = shape
    marks = np.zeros(height * (width + 1), np.int8)
    base = row[chosen] * (width + 1)
    marks[base + start[chosen]] = 1
    marks[base + end[chosen]] = -1
    filled: Mask = np.cumsum(marks, dtype=np.int8).astype(np.bool_)
    return filled.reshape(height, width + 1)[:, :width]
