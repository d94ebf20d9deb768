"""Painted checkerboards: the grey squares that viewers show behind transparent pictures.

Models have seen many and paint them when they are asked for transparency. They are opaque, and no
single colour stands for them, so they must be told by their pattern: two flat tones along the
edges that alternate in both directions. Painted ones are not quite regular.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.core.value import Value
from assetgen.steps.picture import Pixels, has_transparency, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.core.step import Colour

_LEAST_CELL_PX = 4
_LEAST_CONTRAST = 6
"""Of 255: `#ffffff` and `#f8f8f8` are still two tones."""
_LEAST_SHARE = 12
"""Percent of the pixels of a strip that must have each of the tones."""
_LEAST_COVER = 40
"""Percent that both must have together: borders between small squares are neither."""
_LEAST_ALIKE = 75
"""Percent of a strip's length that must be in squares of about the same size."""
_LEAST_KNOWN = 70
"""Percent of a strip that must be one of the tones or between them."""
_LEAST_BALANCE = 38
"""Percent of these that the rarer tone must have: in a checkerboard it is half."""
_LEAST_ALTERNATION = 30
_LEAST_EVENNESS = 60
"""From -100, never, over 0, by chance, to 100, always."""
_STRIPS_NEEDED = 2
"""Of four: the subject may cover the others."""
_STRIP_SHARE = 8
"""A strip is this part of a side deep; cells may be as large."""


class Checkerboard(Value):
    """What was painted."""

    cell_px: int
    light: Colour
    dark: Colour

    def __str__(self) -> str:
        return f"a painted checkerboard of {self.cell_px} px squares, {self.light} and {self.dark}"


HINT = (
    "a model painted it instead of transparency: ask for a plain ground of one colour that the "
    "subject does not have, such as `on a flat magenta (#ff00ff) background`, and remove that"
)


def painted_checkerboard(pixels: Pixels) -> Checkerboard | None:
    """The checkerboard along the edges of the picture, if there is one."""
    height, width = pixels.shape[:2]
    deep_y, deep_x = (max(3 * _LEAST_CELL_PX, side // _STRIP_SHARE) for side in (height, width))
    strips = (
        pixels[:deep_y],
        pixels[-deep_y:],
        pixels[:, :deep_x].transpose(1, 0, 2),
        pixels[:, -deep_x:].transpose(1, 0, 2),
    )
    found = [board for strip in strips if (board := _board_in(strip)) is not None]
    return found[0] if len(found) >= _STRIPS_NEEDED else None


def _board_in(strip: Pixels) -> Checkerboard | None:
    """The checkerboard that a strip along an edge shows; the strip lies on its long side."""
    if min(strip.shape[:2]) < 2 * _LEAST_CELL_PX or has_transparency(strip):
        return None
    red, green, blue = (strip[..., channel].astype(np.int32) for channel in range(3))
    light = (red + green + blue) // 3
    tones = _two_tones(light)
    light = _smooth(light)
    if tones is None:
        return None
    dark_tone, light_tone = tones
    near = (light_tone - dark_tone) // 2
    sign = np.where(np.abs(light - dark_tone) < near, -1, 0) + np.where(
        np.abs(light - light_tone) <= near, 1, 0
    )
    cell = _cell(sign)
    if cell is None or not _alternates(sign, cell):
        return None
    colours = strip[..., :3]
    return Checkerboard(
        cell_px=cell,
        light=text_of(np.median(colours[sign > 0], axis=0)),
        dark=text_of(np.median(colours[sign < 0], axis=0)),
    )


def _smooth(light: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each value the mean of 3 x 3, without which noise would break squares apart."""
    for axis in (0, 1):
        padding = [(1, 1) if axis == i else (0, 0) for i in range(2)]
        padded = np.pad(light, padding, mode="edge")
        size = light.shape[axis]
        before, middle, after = (padded.take(range(i, i + size), axis=axis) for i in range(3))
        light = (before + middle + after) // 3
    return light


def _two_tones(light: NDArray[np.int32]) -> tuple[int, int] | None:
    """The two tones that most pixels have, dark and light, if there are two."""
    counts = np.bincount(light.ravel(), minlength=256)
    # Five neighbours together: a tone is never one number after a lossy format.
    hill = np.convolve(counts, np.ones(5, np.int64), mode="same")
    first = int(hill.argmax())
    others = hill.copy()
    others[max(0, first - _LEAST_CONTRAST + 1) : first + _LEAST_CONTRAST] = 0
    second = int(others.argmax())
    dark, bright = min(first, second), max(first, second)
    near = max(2, (bright - dark) // 4)
    shares = [int(counts[max(0, t - near) : t + near + 1].sum()) for t in (dark, bright)]
    total = light.size
    if min(shares) * 100 < _LEAST_SHARE * total or sum(shares) * 100 < _LEAST_COVER * total:
        return None
    return dark, bright


def _cell(sign: NDArray[np.int64]) -> int | None:
    """Length of the runs that most pixels are in, along the strip."""
    ends = np.diff(np.sign(sign), axis=1) != 0
    rows, columns = np.nonzero(ends)
    lengths = np.diff(columns)[np.diff(rows) == 0]
    lengths = lengths[lengths >= _LEAST_CELL_PX - 1]
    if len(lengths) < sign.shape[0]:
        return None
    lengths = np.sort(lengths)
    covered = np.cumsum(lengths)
    typical = int(lengths[np.searchsorted(covered, covered[-1] // 2)])
    is_alike = (10 * lengths >= 6 * typical) & (10 * lengths <= 16 * typical)
    if 100 * int(lengths[is_alike].sum()) < _LEAST_ALIKE * int(covered[-1]):
        return None
    cell = int(np.median(lengths[is_alike]))
    return cell if _LEAST_CELL_PX <= cell <= sign.shape[0] else None


def _alternates(sign: NDArray[np.int64], cell: int) -> bool:
    """Whether neighbours in both directions differ, and rows and columns decide independently."""
    dark, light = np.count_nonzero(sign < 0), np.count_nonzero(sign > 0)
    if 100 * (dark + light) < _LEAST_KNOWN * sign.size or cell >= sign.shape[0]:
        return False
    if 100 * min(dark, light) < _LEAST_BALANCE * (dark + light):
        return False
    along = -_agreement(sign[:, :-cell], sign[:, cell:])
    down = -_agreement(sign[:-cell], sign[cell:])
    # In any grid of two tones, however irregular, the corners of a rectangle have an even number of
    # either; stripes that lie askew, bricks and speckles break that.
    half = cell // 2
    upper = sign[:-half, :-half] * sign[:-half, half:]
    corners = _agreement(upper, sign[half:, :-half] * sign[half:, half:])
    return min(along, down) >= _LEAST_ALTERNATION and corners >= _LEAST_EVENNESS


def _agreement(first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    """From -100, always different, to 100, always alike."""
    product = first * second
    known = int(np.count_nonzero(product))
    return int(product.sum()) * 100 // known if known else 0
