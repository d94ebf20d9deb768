"""A request to a drawing: what a draft shows, and where.

A draft looks like a colour chip: the emblem of the asset's name on its colour, and a light caption
with the words. Everything that is shown is first gathered in one value, `_Shown`; the drawing and
its key see nothing else, so a key cannot forget anything that a person would see.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING

from assetgen.core.digest import digest_of, hex_of
from assetgen.core.drawing import Drawing, Rectangle
from assetgen.core.fingerprint import DRAFT_RENDERER_VERSION
from assetgen.core.value import Value, asdict
from assetgen.providers.draft.colour import HUES, mixed, scheme_of, tones
from assetgen.providers.draft.dice import Dice
from assetgen.providers.draft.emblem import BLOCKS, TILES, emblem
from assetgen.providers.draft.lettering import (
    CAP_PX,
    LINE_PX,
    ascii_text,
    columns_in,
    cut,
    cut_label,
    fitted,
    line_of_text,
    wrapped,
    wrapped_name,
)
from assetgen.providers.draft.size import size_px

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assetgen.core.call import Request
    from assetgen.core.digest import Digest
    from assetgen.core.drawing import Colour, Text
    from assetgen.providers.draft.colour import Scheme

_BANDS = 24
"""Steps of the gradient behind the emblem."""
_NAME_LINES = 2
_FLAG_STRIPES = 4


class _Shown(Value):
    asset: str
    prompt: str
    model: str
    ratio: str
    width_px: int
    height_px: int
    references: tuple[tuple[str, Digest], ...]
    """(label, digest)."""
    take: int


class _Box(Value):
    x: int
    y: int
    width: int
    height: int

    @property
    def bottom(self) -> int:
        return self.y + self.height


def drawing_of(request: Request) -> Drawing:
    """The draft for `request`.

    Raises:
        Refused: the aspect ratio or image size cannot be drawn.
    """
    shown = _shown(request)
    dice = Dice(shown.asset)
    scheme = scheme_of(dice)
    picture, caption = _regions(shown.width_px, shown.height_px)
    small = _small_scale(shown.width_px, shown.height_px)
    return Drawing(
        width_px=shown.width_px,
        height_px=shown.height_px,
        background=scheme.main.pale,
        shapes=(
            *_picture(dice, scheme, picture, small),
            *_caption(shown, scheme, caption, small),
        ),
    )


def placeholder_key(request: Request) -> str:
    """64 hexadecimal digits over all that the draft shows, its format and the renderer's version.

    Raises:
        Refused: the aspect ratio or image size cannot be drawn.
    """
    content = {
        "renderer": DRAFT_RENDERER_VERSION,
        "format": request.format,
        "shown": asdict(_shown(request)),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _shown(request: Request) -> _Shown:
    generate = request.generate
    width_px, height_px = size_px(generate.parameters)
    return _Shown(
        asset=request.asset,
        prompt=generate.prompt,
        model=generate.model,
        ratio=generate.parameters.aspect_ratio or "",
        width_px=width_px,
        height_px=height_px,
        references=tuple((reference.label, reference.digest) for reference in request.references),
        take=generate.take,
    )


def _regions(width: int, height: int) -> tuple[_Box, _Box]:
    """Where the picture and the caption go: side by side in wide drafts, else stacked."""
    if width * 10 >= height * 14:
        side = min(height, width * 56 // 100)
        return _Box(0, 0, side, height), _Box(side, 0, width - side, height)
    side = min(width, height * 62 // 100)
    return _Box(0, 0, width, side), _Box(0, side, width, height - side)


def _small_scale(width: int, height: int) -> int:
    """The scale of the smallest words: read with ease at full size, and low enough for a strip."""
    by_area = (math.isqrt(width * height) + 256) // 512
    return max(1, min(by_area, min(width, height) // 120))


def _picture(dice: Dice, scheme: Scheme, box: _Box, small: int) -> Iterator[Rectangle | Text]:
    """The emblem on a stepped gradient, and the word that says what this is."""
    for band in range(_BANDS):
        top, bottom = (box.y + box.height * i // _BANDS for i in (band, band + 1))
        colour = mixed(scheme.main.ink, scheme.main.deep, band, _BANDS - 1)
        yield Rectangle(box.x, top, box.width, bottom - top, colour)
    block_px = max(1, min(box.width, box.height) * 86 // 100 // (TILES * BLOCKS))
    side = TILES * BLOCKS * block_px
    x, y = box.x + (box.width - side) // 2, box.y + (box.height - side) // 2
    yield from emblem(dice, scheme, x, y, block_px)
    inset = max(2, (y - box.y - CAP_PX * small) // 2)
    colour = mixed(scheme.main.deep, scheme.main.bright, 1, 2)
    yield from line_of_text("DRAFT", box.x + inset, box.y + inset, small, colour)


def _caption(shown: _Shown, scheme: Scheme, box: _Box, small: int) -> Iterator[Rectangle | Text]:
    """Name, prompt, references and facts; the prompt takes the space that the others leave."""
    yield Rectangle(box.x, box.y, box.width, box.height, scheme.main.pale)
    margin = max(2, min(box.width, box.height) // 11)
    inner = _Box(box.x + margin, box.y + margin, box.width - 2 * margin, box.height - 2 * margin)
    muted = mixed(scheme.main.deep, scheme.main.mid, 1, 3)

    scale, names = _name(shown.asset, inner, small)
    yield from _lines(names, inner.x, inner.y, scale, scheme.main.ink)
    y = inner.y + len(names) * LINE_PX * scale
    yield Rectangle(inner.x, y, min(inner.width, 24 * small), 2 * small, scheme.accent.mid)
    y += 9 * small

    facts = _facts(shown, columns_in(inner.width, small))
    bottom = inner.bottom - len(facts) * LINE_PX * small
    yield from _lines(facts, inner.x, bottom, small, muted)

    rows = max(1, inner.height // 4 // (LINE_PX * small))
    references = _reference_rows(shown.references, rows)
    bottom -= len(references) * LINE_PX * small + (4 * small if references else 0)
    for index, (label, digest) in enumerate(references):
        row = _Box(inner.x, bottom + index * LINE_PX * small, inner.width, LINE_PX * small)
        yield from _reference(label, digest, row, small, muted)

    largest = max(small, min(2 * small, (2 * scale + 2) // 3))
    space = _Box(inner.x, y, inner.width, bottom - 3 * small - y)
    yield from _prompt(ascii_text(shown.prompt), space, largest, small, scheme.main.deep)


def _name(name: str, box: _Box, small: int) -> tuple[int, list[str]]:
    """The largest scale for the name, and its lines: all of it is always shown."""
    for scale in range(4 * small, small - 1, -1):
        lines = wrapped_name(name, columns_in(box.width, scale))
        if lines is None or len(lines) > _NAME_LINES:
            continue
        if len(lines) * LINE_PX * scale <= box.height // 4:
            return scale, lines
    scale = small
    lines = wrapped(name, columns_in(box.width, scale))
    while scale > 1 and len(lines) * LINE_PX * scale > box.height // 2:
        scale -= 1
        lines = wrapped(name, columns_in(box.width, scale))
    return scale, lines


def _facts(shown: _Shown, columns: int) -> list[str]:
    """Model on its own line; then ratio, size and take."""
    size = f"{shown.width_px} x {shown.height_px} px"
    take = f"take {shown.take}" if shown.take > 1 else ""
    shape = ", ".join(part for part in (shown.ratio, size, take) if part)
    return [line for text in (shown.model, shape) for line in wrapped(ascii_text(text), columns)]


def _reference_rows(
    references: Sequence[tuple[str, Digest]], rows: int
) -> list[tuple[str, Digest]]:
    """What is said about references in at most `rows` lines; the last stands for all the rest."""
    if len(references) <= rows:
        return [(f"from {label}", digest) for label, digest in references]
    shown, rest = references[: rows - 1], references[rows - 1 :]
    together = digest_of("".join(digest for _, digest in rest).encode("ascii"))
    more = "more references" if shown else "references"
    return [
        *((f"from {label}", digest) for label, digest in shown),
        (f"from {len(rest)} {more}", together),
    ]


def _reference(
    label: str, digest: Digest, row: _Box, scale: int, colour: Colour
) -> Iterator[Rectangle | Text]:
    """The label, and a flag in the colours of the digest: another image is another draft."""
    stripe = 4 * scale
    for index, value in enumerate(bytes.fromhex(hex_of(digest))[:_FLAG_STRIPES]):
        tone = tones(value % HUES)
        yield Rectangle(
            row.x + index * stripe,
            row.y + 2 * scale,
            stripe,
            7 * scale,
            (tone.mid, tone.bright, tone.deep)[value // HUES % 3],
        )
    indent = (_FLAG_STRIPES + 2) * stripe
    label = cut_label(ascii_text(label), columns_in(row.width - indent, scale))
    yield from line_of_text(label, row.x + indent, row.y, scale, colour)


def _prompt(text: str, box: _Box, largest: int, small: int, colour: Colour) -> Iterator[Text]:
    """The whole prompt at the largest scale that fits, else its beginning and what is missing."""
    smallest = max(1, small // 2)
    for scale in range(largest, smallest - 1, -1):
        lines = fitted(text, columns_in(box.width, scale), box.height // (LINE_PX * scale))
        if lines is not None:
            yield from _lines(lines, box.x, box.y, scale, colour)
            return
    lines = cut(text, columns_in(box.width, smallest), box.height // (LINE_PX * smallest))
    yield from _lines(lines, box.x, box.y, smallest, colour)


def _lines(lines: Sequence[str], x: int, y: int, scale: int, colour: Colour) -> Iterator[Text]:
    for index, line in enumerate(lines):
        yield from line_of_text(line, x, y + index * LINE_PX * scale, scale, colour)
