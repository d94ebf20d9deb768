"""Where a rectangle goes in a larger one, by gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.step import Gravity


def place(gravity: Gravity, spare_x: int, spare_y: int) -> tuple[int, int]:
    """Left and top of it, when there is so much room besides it; odd pixels go right and below."""
    x = 0 if "west" in gravity else spare_x if "east" in gravity else spare_x // 2
    y = 0 if "north" in gravity else spare_y if "south" in gravity else spare_y // 2
    return x, y
