"""Frames: a sheet cut at its grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.errors import StepError
from assetgen.steps.encode import finished
from assetgen.steps.picture import check_size, image_of, read, size_text
from assetgen.steps.trim import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.finish import Frames
    from assetgen.core.finished import Finished
    from assetgen.steps.picture import Pixels
    from assetgen.steps.trim import Box


def frames_of(data: bytes, frames: Frames) -> list[Finished]:
    """See `core.ports.Finisher.frames`."""
    return [finished(image_of(cell), frames.format, None) for cell in slices(read(data), frames)]


def slices(sheet: Pixels, frames: Frames) -> list[Pixels]:
    """The frames in order, all of one size. Raises `StepError`."""
    cells = _cells(sheet, frames)
    boxes = [box_of(cell[..., 3] > 0) for cell in cells]
    if frames.anchor != "grid":
        cells = _anchored(cells, boxes, frames)
        boxes = [box_of(cell[..., 3] > 0) for cell in cells]
    if frames.trim:
        cells = _trimmed(cells, [box for box in boxes if box is not None])
    check_size(cells[0].shape[1], cells[0].shape[0])
    return cells


def _cells(sheet: Pixels, frames: Frames) -> list[Pixels]:
    height, width = sheet.shape[:2]
    if frames.count > frames.columns * frames.rows:
        raise StepError(
            f"a grid of {frames.columns} x {frames.rows} has no {frames.count} frames",
            hint="lower `frames`, or give more `rows`",
        )
    cell_width = _side(width, frames.columns, frames, "columns", size_text(width, height))
    cell_height = _side(height, frames.rows, frames, "rows", size_text(width, height))
    cells = []
    for number in range(frames.count):
        row, column = divmod(number, frames.columns)
        left = frames.margin_px + column * (cell_width + frames.spacing_px)
        top = frames.margin_px + row * (cell_height + frames.spacing_px)
        cells.append(sheet[top : top + cell_height, left : left + cell_width])
    return cells


def _side(side: int, count: int, frames: Frames, what: str, size: str) -> int:
    """The side of a cell, which must come out even."""
    between = 2 * frames.margin_px + (count - 1) * frames.spacing_px
    room = side - between
    if room < count:
        raise StepError(
            f"a picture of {size} has no room for {count} {what}",
            hint="lower `margin`, `spacing` or the number of cells" if between else None,
        )
    if room % count:
        less = f" less {between} px of margin and spacing" if between else ""
        raise StepError(
            f"a picture of {size} does not divide into {count} {what}: "
            f"{side} px{less} is {room // count} px each with {room % count} px left over",
            hint=f"resize or crop to {room // count * count + between} px first",
        )
    return room // count


def _anchored(cells: Sequence[Pixels], boxes: Sequence[Box | None], frames: Frames) -> list[Pixels]:
    """Each cell with its content moved to where that of all others is."""
    lowest = max((box[3] for box in boxes if box is not None), default=0)
    moved = []
    for cell, box in zip(cells, boxes, strict=True):
        canvas = np.zeros_like(cell)
        if box is not None:
            left, top, right, bottom = box
            height, width = bottom - top, right - left
            x = (cell.shape[1] - width) // 2
            y = lowest - height if frames.anchor == "bottom" else (cell.shape[0] - height) // 2
            canvas[y : y + height, x : x + width] = cell[top:bottom, left:right]
        moved.append(canvas)
    return moved


def _trimmed(cells: Sequence[Pixels], boxes: Sequence[Box]) -> list[Pixels]:
    """All cut to the one rectangle that holds what is in any of them."""
    if not boxes:
        raise StepError("nothing is left to trim to: every frame is transparent")
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    return [cell[top:bottom, left:right] for cell in cells]
