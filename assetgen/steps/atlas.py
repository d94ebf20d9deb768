"""Atlases: many pictures on few pages. The only home of rectpack.

The packing is that of a guillotine by the best short side: within a few percent of the tightest
that rectpack knows, and ten times as fast with hundreds of pictures.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from assetgen.core.finished import Packed
from assetgen.core.sheet import Frame, Rectangle
from assetgen.core.value import Value
from assetgen.errors import StepError
from assetgen.steps.encode import finished
from assetgen.steps.picture import Pixels, image_of, read, size_text
from assetgen.steps.refusal import MIN_SIDE_PX
from assetgen.steps.trim import box_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assetgen.core.finish import Atlas

_GROWTH = 40
"""A page that is too small is tried again larger by this part of its side."""


class _Sprite(Value):
    """One picture, cut to what must be on a page."""

    name: str
    pixels: Pixels
    source_width: int
    source_height: int
    x: int
    y: int

    @property
    def look(self) -> tuple[tuple[int, ...], bytes]:
        """The same for two pictures that look the same."""
        return self.pixels.shape, self.pixels.tobytes()


class _Page(Value):
    """Size, and the left and top of what is on it, by number."""

    width: int
    height: int
    places: dict[int, tuple[int, int]]


def pack(pictures: Sequence[tuple[str, bytes]], atlas: Atlas) -> Packed:
    """See `core.ports.Finisher.pack`. Pictures that look the same share a place."""
    sprites = sorted(
        (_sprite(name, read(data), trim=atlas.trim) for name, data in pictures),
        key=lambda sprite: by_number(sprite.name),
    )
    places: dict[tuple[tuple[int, ...], bytes], int] = {}
    number = [places.setdefault(sprite.look, len(places)) for sprite in sprites]
    first = {n: sprites[i] for i, n in reversed(list(enumerate(number)))}
    unique = [first[n].pixels for n in range(len(places))]
    pages = _pages(unique, [first[n].name for n in range(len(places))], atlas)
    where = {n: (i, place) for i, page in enumerate(pages) for n, place in page.places.items()}
    return Packed(
        pages=tuple(
            finished(image_of(_drawn(page, unique, atlas)), atlas.format, None) for page in pages
        ),
        frames=tuple(_frame(sprite, *where[n]) for sprite, n in zip(sprites, number, strict=True)),
    )


def by_number(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key: numbers in names by value, the rest as text."""
    parts = re.split(r"([0-9]+)", name)
    values = [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]
    return tuple(values)


def _sprite(name: str, pixels: Pixels, *, trim: bool) -> _Sprite:
    height, width = pixels.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if trim:
        # Of a picture with nothing to see one pixel stays: engines refuse empty frames.
        left, top, right, bottom = box_of(pixels[..., 3] > 0) or (0, 0, 1, 1)
    return _Sprite(name, pixels[top:bottom, left:right], width, height, left, top)


def _frame(sprite: _Sprite, page: int, place: tuple[int, int]) -> Frame:
    height, width = sprite.pixels.shape[:2]
    return Frame(
        name=sprite.name,
        page=page,
        place=Rectangle(*place, width, height),
        source_width=sprite.source_width,
        source_height=sprite.source_height,
        source_x=sprite.x,
        source_y=sprite.y,
    )


# Where everything goes


def _pages(pictures: Sequence[Pixels], names: Sequence[str], atlas: Atlas) -> list[_Page]:
    around = 2 * atlas.extrude_px
    sizes = {
        n: (pixels.shape[1] + around, pixels.shape[0] + around) for n, pixels in enumerate(pictures)
    }
    limit = _limit(atlas)
    for n, (width, height) in sizes.items():
        if max(width, height) > limit:
            raise StepError(
                f"frame `{names[n]}` does not fit on a page of atlas `{atlas.name}`: it is "
                f"{size_text(width, height)} with what is extruded, a page at most "
                f"{size_text(limit, limit)}",
                hint="raise `max_size`, or resize the asset",
            )
    order = sorted(sizes, key=lambda n: (-max(sizes[n]), -min(sizes[n]), by_number(names[n]), n))
    pages: list[_Page] = []
    rest = order
    while rest:
        if len(pages) == atlas.max_pages:
            raise _too_many(len(order) - len(rest), len(order), limit, atlas)
        page = _smallest_for(rest, sizes, limit, atlas)
        if page is None:
            page = _filled(rest, sizes, limit, limit, atlas)
        pages.append(page)
        rest = [n for n in rest if n not in page.places]
    return pages


def _limit(atlas: Atlas) -> int:
    """The most pixels a side may have: with powers of two, the last one that is not more."""
    return 1 << (atlas.max_px.bit_length() - 1) if atlas.power_of_two else atlas.max_px


def _too_many(placed: int, count: int, limit: int, atlas: Atlas) -> StepError:
    pages = "1 page" if atlas.max_pages == 1 else f"{atlas.max_pages} pages"
    return StepError(
        f"{placed} of the {count} pictures of atlas `{atlas.name}` fit on {pages} of "
        f"{size_text(limit, limit)}",
        hint="raise `max_pages` or `max_size`, resize the pictures, or make two atlases",
    )


def _smallest_for(
    order: Sequence[int], sizes: dict[int, tuple[int, int]], limit: int, atlas: Atlas
) -> _Page | None:
    """The smallest page tried that takes all of them."""
    padded = [(sizes[n][0] + atlas.padding_px, sizes[n][1] + atlas.padding_px) for n in order]
    area = sum(width * height for width, height in padded)
    least_width = max(sizes[n][0] for n in order)
    least_height = max(sizes[n][1] for n in order)
    for width, height in _candidates(area, limit, power_of_two=atlas.power_of_two):
        if width < least_width or height < least_height:
            continue
        if (width + atlas.padding_px) * (height + atlas.padding_px) < area:
            continue
        page = _filled(order, sizes, width, height, atlas, stop_early=True)
        if len(page.places) == len(order):
            return page
    return None


def _candidates(area: int, limit: int, *, power_of_two: bool) -> Iterator[tuple[int, int]]:
    """Sizes of pages to be tried, rising."""
    if power_of_two:
        side = 1
        while side <= limit:
            yield side, side
            if 2 * side <= limit:
                yield 2 * side, side
                yield side, 2 * side
            side *= 2
        return
    side = max(1, math.isqrt(area))
    while side < limit:
        yield side, side
        side += 1 + side // _GROWTH
    yield limit, limit


def _filled(
    order: Sequence[int],
    sizes: dict[int, tuple[int, int]],
    width: int,
    height: int,
    atlas: Atlas,
    *,
    stop_early: bool = False,
) -> _Page:
    """A page with as many of them as fit, or up to the first that does not."""
    import rectpack  # noqa: PLC0415 - only who packs needs it

    padding = atlas.padding_px
    # Padding is between pictures: what would follow the last one hangs over the edge.
    algorithm = rectpack.GuillotineBssfSas(width + padding, height + padding, rot=False)
    places: dict[int, tuple[int, int]] = {}
    for n in order:
        rectangle = algorithm.add_rect(sizes[n][0] + padding, sizes[n][1] + padding)
        if rectangle is not None:
            places[n] = (rectangle.x + atlas.extrude_px, rectangle.y + atlas.extrude_px)
        elif stop_early:
            break
    if atlas.power_of_two:
        return _Page(max(width, MIN_SIDE_PX), max(height, MIN_SIDE_PX), places)
    # Without that wish a page is no larger than what is on it.
    edge = atlas.extrude_px
    right = max(places[n][0] - edge + sizes[n][0] for n in places)
    bottom = max(places[n][1] - edge + sizes[n][1] for n in places)
    return _Page(max(right, MIN_SIDE_PX), max(bottom, MIN_SIDE_PX), places)


def _drawn(page: _Page, pictures: Sequence[Pixels], atlas: Atlas) -> Pixels:
    """The pixels of a page."""
    canvas = np.zeros((page.height, page.width, 4), np.uint8)
    edge = atlas.extrude_px
    for n, (x, y) in page.places.items():
        pixels = pictures[n]
        if edge:
            pixels = np.pad(pixels, ((edge, edge), (edge, edge), (0, 0)), mode="edge")
        height, width = pixels.shape[:2]
        canvas[y - edge : y - edge + height, x - edge : x - edge + width] = pixels
    return canvas
