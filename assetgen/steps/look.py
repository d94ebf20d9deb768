"""What a page may show before a picture has loaded.

ThumbHash (https://evanw.github.io/thumbhash/) is written here, after its author's description: the
compiled packages have no wheels for every Python this runs on, and the pure ones take 25 ms.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

import numpy as np

from assetgen.core.finished import Look
from assetgen.steps.image import opaque_if_possible
from assetgen.steps.picture import OPAQUE, Pixels, pixels_of, text_of
from assetgen.steps.resize import FILTERS, rounded, scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    Channel = NDArray[np.float64]

_OPAQUE = 255
_SIDE_PX = 100
"""The most that ThumbHash takes; also enough for a colour."""


def look(image: Image.Image) -> Look:
    """See `core.ports.Finisher.variants`; `image` is L, RGB or RGBA."""
    small = _small(image)
    return Look(
        colour=dominant_colour(small),
        thumbhash=base64.b64encode(thumbhash(small)).decode("ascii"),
        has_alpha=bool((small[..., 3] < _OPAQUE).any()),
    )


def _small(image: Image.Image) -> Pixels:
    longest = max(image.size)
    if longest <= _SIDE_PX:
        return pixels_of(image)
    width, height = (rounded(side * _SIDE_PX, longest) for side in image.size)
    image = opaque_if_possible(image)
    if image.mode == "RGBA":
        return scaled(pixels_of(image), width, height, "bilinear")
    # Without alpha nothing is weighed: the same pixels in a quarter of the time.
    return pixels_of(image.resize((width, height), FILTERS["bilinear"]))


def dominant_colour(pixels: Pixels) -> str:
    """The mean of the colours in the fullest cube of 16 levels a side; black for nothing at all."""
    weights = pixels[..., 3].ravel().astype(np.int64)
    if not weights.any():
        return "#000000"
    colours = pixels[..., :3].reshape(-1, 3).astype(np.int64)
    keys = (colours[:, 0] >> 4 << 8) + (colours[:, 1] >> 4 << 4) + (colours[:, 2] >> 4)
    inside = keys == np.bincount(keys, weights).argmax()
    total = weights[inside].sum()
    summed = (colours[inside] * weights[inside][:, None]).sum(axis=0)
    return text_of((summed + total // 2) // total)


def thumbhash(pixels: Pixels) -> bytes:
    """The ThumbHash of a picture of at most 100 px a side."""
    height, width = pixels.shape[:2]
    alpha = pixels[..., 3] / OPAQUE
    colours = pixels[..., :3] / OPAQUE
    total = alpha.sum()
    average = (colours * alpha[..., None]).sum(axis=(0, 1)) / max(total, 1 / OPAQUE)
    red, green, blue = np.moveaxis(average + (colours - average) * alpha[..., None], 2, 0)
    has_alpha = bool(pixels[..., 3].min() < OPAQUE)
    most, longest = (5 if has_alpha else 7), max(width, height)
    across, down = (max(1, _round(most * side / longest)) for side in (width, height))
    light = _waves((red + green + blue) / 3, max(3, across), max(3, down))
    yellow = _waves((red + green) / 2 - blue, 3, 3)
    redness = _waves(red - green, 3, 3)
    is_wide = width > height
    first = (
        _round(63 * light[0])
        | _round(31.5 + 31.5 * yellow[0]) << 6
        | _round(31.5 + 31.5 * redness[0]) << 12
        | _round(31 * light[1]) << 18
        | int(has_alpha) << 23
    )
    second = (
        (down if is_wide else across)
        | _round(63 * yellow[1]) << 3
        | _round(63 * redness[1]) << 9
        | int(is_wide) << 15
    )
    head: bytes = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    parts = [light, yellow, redness]
    if has_alpha:
        shape = _waves(alpha, 5, 5)
        head += bytes([_round(15 * shape[0]) | _round(15 * shape[1]) << 4])
        parts.append(shape)
    digits = [_round(15 * value) for part in parts for value in part[2]]
    digits += [0] * (len(digits) % 2)
    pairs = zip(digits[::2], digits[1::2], strict=True)
    return head + bytes(low | high << 4 for low, high in pairs)


def _waves(channel: Channel, across: int, down: int) -> tuple[float, float, list[float]]:
    """The mean of a channel, the largest of its cosine terms, and all of these from 0 to 1."""
    height, width = channel.shape
    rows = np.cos(np.pi / height * np.outer(np.arange(down), np.arange(height) + 0.5))
    columns = np.cos(np.pi / width * np.outer(np.arange(across), np.arange(width) + 0.5))
    # Rounded, so that the last bits of a processor's cosine decide nothing.
    terms = np.round(rows @ channel @ columns.T / (width * height), 9)
    values = [
        float(terms[y, x])
        for y in range(down)
        for x in range(across)
        if (x or y) and x * down < across * (down - y)
    ]
    scale = max(abs(value) for value in values)
    if scale:
        values = [0.5 + 0.5 / scale * value for value in values]
    return float(terms[0, 0]), scale, values


def _round(value: float) -> int:
    """To the nearest whole number; halves go up."""
    return math.floor(value + 0.5)
