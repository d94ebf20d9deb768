"""Sizes of pictures as far as they can be told from the steps alone: what cannot be is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.step import Crop, Pad, Pixelate, Resize, Trim

if TYPE_CHECKING:
    from assetgen.core.finish import Frames
    from assetgen.core.step import Step
    from assetgen.manifest.entry import Spot

Size = tuple[int, int]
"""Width and height in pixels."""
MOST_SIDE_PX = 16_384
MOST_PIXELS = 100_000_000
"""No larger picture is read or written (`steps/refusal.py`)."""


def size_after(step: Step, size: Size | None) -> Size | None:
    """The size that a picture of `size` has after a step; None when that is not known."""
    match step:
        case Trim():
            return None
        case Crop():
            return step.width_px, step.height_px
        case Resize(width_px=int(width), height_px=int(height)) if step.fit != "inside":
            return width, height
        case Resize():
            return None
        case Pixelate(height_px=int(height)):
            return step.width_px * step.scale, height * step.scale
        case Pixelate():
            return None
        case Pad() if size is not None:
            around = 2 * step.margin_px
            return max(step.width_px or 0, size[0] + around), max(
                step.height_px or 0, size[1] + around
            )
        case _:
            return size


def can_follow(spot: Spot, step: Step, size: Size | None) -> bool:
    """Whether a step can be done to a picture of `size`; notes that it cannot."""
    if size is None:
        return True
    if isinstance(step, Crop):
        right = (step.x or 0) + step.width_px
        bottom = (step.y or 0) + step.height_px
        if right > size[0] or bottom > size[1]:
            at = f" at {step.x}, {step.y}" if step.x is not None else ""
            spot.refuse(
                f"cuts {shown_size((step.width_px, step.height_px))}{at} out of a picture of "
                f"{shown_size(size)}",
                "cut out less, or enlarge the picture first",
                key=True,
            )
            return False
    if isinstance(step, Pad):
        after = size_after(step, size) or size
        return is_possible(spot, *after)
    return True


def can_be_cut(spot: Spot, frames: Frames, size: Size | None) -> bool:
    """Whether the grid of `frames` fits a picture of `size`; notes that it does not."""
    if size is None:
        return True
    for side, count, what in ((size[0], frames.columns, "columns"), (size[1], frames.rows, "rows")):
        between = 2 * frames.margin_px + (count - 1) * frames.spacing_px
        room = side - between
        if room < count or room % count:
            less = f", less {between} px of margin and spacing" if between else ""
            spot.refuse(
                f"cuts {side} px{less} into {count} {what}, which gives no whole pixels",
                f"resize to {max(1, room // count) * count + between} px first",
                key=True,
            )
            return False
    return True


def is_possible(spot: Spot, width_px: int | None, height_px: int | None) -> bool:
    """Whether a picture can have this size; notes that it cannot."""
    width, height = width_px or 1, height_px or 1
    if max(width, height) <= MOST_SIDE_PX and width * height <= MOST_PIXELS:
        return True
    sides = [str(side) for side in (width_px, height_px) if side is not None]
    spot.refuse(
        f"makes {' x '.join(sides)} px, which is too large",
        f"at most {MOST_SIDE_PX} px a side and {MOST_PIXELS // 1_000_000} megapixels",
        key=True,
    )
    return False


def shown_size(size: Size) -> str:
    """A size in a message."""
    return f"{size[0]} x {size[1]} px"
