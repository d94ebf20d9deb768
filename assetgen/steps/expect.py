"""What a finished picture must be, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.steps.checkerboard import painted_checkerboard
from assetgen.steps.palette import distinct
from assetgen.steps.picture import OPAQUE, Pixels, read, size_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.core.finish import Expect

_SLACK = 100
"""Hundredths of a level that a seam may differ more than the picture does inside."""


def unmet(data: bytes, expect: Expect) -> list[str]:
    """See `core.ports.Finisher.unmet`."""
    pixels = read(data)
    found = [_size(pixels, expect), _bytes(data, expect), _alpha(pixels, expect)]
    found += [_seams(pixels, expect), _colours(pixels, expect)]
    return [message for message in found if message]


def _size(pixels: Pixels, expect: Expect) -> str:
    height, width = pixels.shape[:2]
    wanted_width, wanted_height = expect.width_px or width, expect.height_px or height
    if (wanted_width, wanted_height) == (width, height):
        return ""
    got = f"got {size_text(width, height)}"
    if expect.height_px is None:
        return f"expected {wanted_width} px in width, {got}"
    if expect.width_px is None:
        return f"expected {wanted_height} px in height, {got}"
    return f"expected {size_text(wanted_width, wanted_height)}, {got}"


def _bytes(data: bytes, expect: Expect) -> str:
    if expect.max_bytes is None or len(data) <= expect.max_bytes:
        return ""
    return f"expected at most {expect.max_bytes:,} bytes, got {len(data):,}"


def _alpha(pixels: Pixels, expect: Expect) -> str:
    if expect.alpha is None:
        return ""
    count = int((pixels[..., 3] < OPAQUE).sum())
    if expect.alpha and not count:
        board = painted_checkerboard(pixels)
        what = "an opaque picture" if board is None else f"an opaque picture with {board}"
        return f"expected transparency, got {what}"
    if not expect.alpha and count:
        share = _percent(count, pixels.shape[0] * pixels.shape[1])
        return f"expected no transparency, got {count:,} transparent pixels ({share})"
    return ""


def _percent(part: int, whole: int) -> str:
    percent = part * 100 // whole
    return f"{percent} %" if percent else "less than 1 %"


def _seams(pixels: Pixels, expect: Expect) -> str:
    if expect.seamless is None:
        return ""
    seams = [
        (name, *_seam(pixels, axis))
        for axis, name in ((1, "left and right"), (0, "top and bottom"))
    ]
    shown = [
        f"{name} edges differ by {_levels(wrapped)}, where neighbours inside differ by "
        f"{_levels(usual)} and hardly more than {_levels(limit)}"
        for name, wrapped, usual, limit in seams
        if wrapped > limit + _SLACK
    ]
    if expect.seamless and shown:
        return f"expected no seams, but {' and '.join(shown)} (of 255)"
    if not expect.seamless and not shown:
        return "expected seams, but the edges meet"
    return ""


def _seam(pixels: Pixels, axis: int) -> tuple[int, int, int]:
    """Mean differences in hundredths of a level.

    Across the opposite edges; between neighbours inside, in the middle of all; and what 19 in 20
    of these do not exceed.
    """
    weighted = pixels.astype(np.uint16)
    weighted[..., :3] = weighted[..., :3] * weighted[..., 3:] // OPAQUE
    values = weighted.astype(np.int16)
    lines = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    wrapped = _difference(lines[:1], lines[-1:])[0]
    inside = np.sort(_difference(lines[1:], lines[:-1]))
    return int(wrapped), int(inside[len(inside) // 2]), int(inside[len(inside) * 19 // 20])


def _difference(first: NDArray[np.int16], second: NDArray[np.int16]) -> NDArray[np.int64]:
    total = np.abs(first - second).sum(axis=1, dtype=np.int64)
    # Four channels to a pixel, of which alpha hardly ever differs: three share the sum.
    result: NDArray[np.int64] = total * 400 // (3 * first.shape[1])
    return result


def _levels(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100 // 10}"


def _colours(pixels: Pixels, expect: Expect) -> str:
    if expect.colours is None:
        return ""
    count = len(distinct(pixels[pixels[..., 3] > 0][:, :3]))
    if count <= expect.colours:
        return ""
    return f"expected at most {expect.colours:,} colours, got {count:,}"
