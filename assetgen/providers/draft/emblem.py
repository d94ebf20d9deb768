"""A mirror-symmetric emblem of bold tiles, drawn from a name.

Four by four tiles, the right half mirroring the left: few and large enough that two emblems stay
different when an icon is shown at 32 pixels. Shapes are tested at the centres of square blocks in
whole numbers, so that no rounding differs between machines.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from assetgen.core.drawing import Rectangle
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assetgen.core.drawing import Colour
    from assetgen.providers.draft.colour import Scheme
    from assetgen.providers.draft.dice import Dice

TILES = 4
BLOCKS = 32
"""Blocks along the side of a tile."""

_SIDE = 2 * BLOCKS
"""The side of a tile in half blocks, so that the centre of a block has whole coordinates."""


class _Tile(Value):
    shape: Callable[[int, int], bool]
    quarter_turns: int
    ground: Colour
    figure: Colour


def emblem(dice: Dice, scheme: Scheme, x: int, y: int, block_px: int) -> Iterator[Rectangle]:
    """The emblem at (x, y), its top left corner; a side has `TILES * BLOCKS * block_px` pixels."""
    tile_px = BLOCKS * block_px
    for row in range(TILES):
        for column in range(TILES // 2):
            tile = _roll_tile(dice, scheme)
            for place, is_mirrored in ((column, False), (TILES - 1 - column, True)):
                yield from _painted(
                    tile, x + place * tile_px, y + row * tile_px, block_px, is_mirrored=is_mirrored
                )


def _roll_tile(dice: Dice, scheme: Scheme) -> _Tile:
    ground, *figures = dice.choose(
        (
            (scheme.main.deep, scheme.main.bright, scheme.accent.bright, scheme.main.pale),
            (scheme.main.mid, scheme.main.pale, scheme.main.ink, scheme.accent.bright),
            (scheme.neighbour.mid, scheme.main.pale, scheme.main.deep),
            (scheme.main.ink, scheme.main.mid, scheme.accent.mid, scheme.neighbour.bright),
            (scheme.main.bright, scheme.main.deep, scheme.accent.deep, scheme.main.pale),
        )
    )
    return _Tile(
        shape=dice.choose(_SHAPES),
        quarter_turns=dice.roll(4),
        ground=ground,
        figure=dice.choose(figures),
    )


def _painted(
    tile: _Tile, x: int, y: int, block_px: int, *, is_mirrored: bool
) -> Iterator[Rectangle]:
    side_px = BLOCKS * block_px
    yield Rectangle(x=x, y=y, width=side_px, height=side_px, colour=tile.ground)
    for left, top, width, height in _boxes(tile.shape, tile.quarter_turns):
        start = BLOCKS - left - width if is_mirrored else left
        yield Rectangle(
            x=x + start * block_px,
            y=y + top * block_px,
            width=width * block_px,
            height=height * block_px,
            colour=tile.figure,
        )


@functools.cache
def _boxes(
    shape: Callable[[int, int], bool], quarter_turns: int
) -> tuple[tuple[int, int, int, int], ...]:
    """`shape`, turned, as few boxes of (left, top, width, height) in blocks."""
    boxes: list[tuple[int, int, int, int]] = []
    tops: dict[tuple[int, int], int] = {}
    for row in range(BLOCKS + 1):
        # The row below the last one is empty, so it closes every box.
        cells = [row < BLOCKS and _holds(shape, quarter_turns, x, row) for x in range(BLOCKS)]
        runs = list(_runs(cells))
        for left, width in [run for run in tops if run not in runs]:
            top = tops.pop((left, width))
            boxes.append((left, top, width, row - top))
        for run in runs:
            tops.setdefault(run, row)
    return tuple(boxes)


def _holds(shape: Callable[[int, int], bool], quarter_turns: int, column: int, row: int) -> bool:
    x, y = 2 * column + 1, 2 * row + 1
    for _ in range(quarter_turns):
        x, y = y, _SIDE - x
    return shape(x, y)


def _runs(cells: list[bool]) -> Iterator[tuple[int, int]]:
    """(start, length) of each stretch of true cells."""
    start = None
    for index, cell in enumerate([*cells, False]):
        if cell and start is None:
            start = index
        elif not cell and start is not None:
            yield start, index - start
            start = None


# Shapes: whether the point (x, y), in half blocks from a corner of the tile, is inside.


def _square_of_distance_from_centre(x: int, y: int) -> int:
    return (2 * x - _SIDE) ** 2 + (2 * y - _SIDE) ** 2


def _quarter(x: int, y: int) -> bool:
    return x * x + y * y <= _SIDE * _SIDE


def _arch(x: int, y: int) -> bool:
    return (_SIDE // 2) ** 2 < x * x + y * y <= _SIDE * _SIDE


def _triangle(x: int, y: int) -> bool:
    return x + y <= _SIDE


def _leaf(x: int, y: int) -> bool:
    return _quarter(x, _SIDE - y) and _quarter(_SIDE - x, y)


def _disc(x: int, y: int) -> bool:
    return _square_of_distance_from_centre(x, y) <= (_SIDE * 13 // 16) ** 2


def _ring(x: int, y: int) -> bool:
    return _disc(x, y) and _square_of_distance_from_centre(x, y) > (_SIDE * 6 // 16) ** 2


def _diamond(x: int, y: int) -> bool:
    return abs(2 * x - _SIDE) + abs(2 * y - _SIDE) <= _SIDE


def _half(_: int, y: int) -> bool:
    return y <= _SIDE // 2


_SHAPES = (
    _quarter, _quarter, _quarter, _arch, _arch, _triangle, _triangle,
    _leaf, _leaf, _disc, _ring, _diamond, _half,
)  # fmt: skip
