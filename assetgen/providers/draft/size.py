"""The size of a draft in pixels, from what the manifest says."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from assetgen.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.model import Parameters

SIZES_1K: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
"""What image models answer at 1K (OpenRouter, image generation guide: `image_config`)."""

_FACTORS: Mapping[str, Fraction] = {
    "0.5K": Fraction(1, 2),
    "1K": Fraction(1),
    "2K": Fraction(2),
    "4K": Fraction(4),
}
_AREA_1K_PX = 1024 * 1024
_STEP_PX = 16
_MAX_SIDE_PX = 16_000
_RATIO = re.compile(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})")


def size_px(parameters: Parameters) -> tuple[int, int]:
    """Width and height in pixels; 1024x1024 unless the manifest says otherwise.

    Raises:
        Refused: the aspect ratio or the image size is not one that can be drawn.
    """
    width_px, height_px = _size_1k(parameters.aspect_ratio or "auto")
    factor = _FACTORS.get(parameters.image_size or "1K")
    if factor is None:
        raise Refused(
            f"the draft provider has no image size `{parameters.image_size}`",
            hint=f"use one of {', '.join(f'`{name}`' for name in _FACTORS)}",
        )
    width_px, height_px = int(width_px * factor), int(height_px * factor)
    if max(width_px, height_px) > _MAX_SIDE_PX:
        raise Refused(
            f"a draft of {width_px}x{height_px} px is too large",
            hint=f"at most {_MAX_SIDE_PX} px a side; use a smaller `image_size`",
        )
    return width_px, height_px


def _size_1k(ratio: str) -> tuple[int, int]:
    """The size at 1K: known for the usual ratios, else about a megapixel in multiples of 16."""
    if ratio == "auto":
        return SIZES_1K["1:1"]
    if ratio in SIZES_1K:
        return SIZES_1K[ratio]
    match = _RATIO.fullmatch(ratio)
    if match is None:
        raise Refused(
            f"the draft provider cannot draw aspect ratio `{ratio}`", hint="write it like `16:9`"
        )
    width, height = int(match[1]), int(match[2])
    # The short side first: rounding the long one then changes the ratio least.
    short, long = min(width, height), max(width, height)
    short_px = _multiple(Fraction(math.isqrt(_AREA_1K_PX * short // long)))
    long_px = _multiple(Fraction(short_px * long, short))
    return (long_px, short_px) if width >= height else (short_px, long_px)


def _multiple(length: Fraction) -> int:
    """`length` in pixels as the nearest multiple of 16, at least one."""
    return max(1, round(length / _STEP_PX)) * _STEP_PX
