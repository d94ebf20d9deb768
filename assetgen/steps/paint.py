"""Drawings to pixels, the same everywhere."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, assert_never

from PIL import Image, ImageDraw, ImageFont

from assetgen.core.drawing import Rectangle, Text

if TYPE_CHECKING:
    from assetgen.core.drawing import Drawing

_OPAQUE = 255


def font_cell_px() -> tuple[int, int]:
    """Width and height in pixels of every printable ASCII character at scale 1."""
    sizes = {_line(chr(code)).size for code in range(0x20, 0x7F)}
    (cell,) = sizes
    return cell


def painted(drawing: Drawing) -> Image.Image:
    """The pixels of `drawing`, mode RGB."""
    image = Image.new("RGB", (drawing.width_px, drawing.height_px), drawing.background)
    glyphs: dict[tuple[str, int], Image.Image] = {}
    for shape in drawing.shapes:
        match shape:
            case Rectangle():
                left, top = max(0, shape.x), max(0, shape.y)
                right = min(drawing.width_px, shape.x + shape.width)
                bottom = min(drawing.height_px, shape.y + shape.height)
                if left < right and top < bottom:
                    image.paste(shape.colour, (left, top, right, bottom))
            case Text():
                mask = glyphs.get((shape.text, shape.scale))
                if mask is None:
                    mask = glyphs[shape.text, shape.scale] = _scaled_text(shape.text, shape.scale)
                image.paste(shape.colour, (shape.x, shape.y), mask)
            case _:
                assert_never(shape)
    return image


def _scaled_text(text: str, scale: int) -> Image.Image:
    """The mask (mode L) of one line, each font pixel `scale` pixels wide and high."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"text to paint must be printable ASCII: {text!r}")
    mask = _line(text)
    return mask.resize((mask.width * scale, mask.height * scale), Image.Resampling.NEAREST)


@functools.cache
def _font() -> ImageFont.ImageFont:
    """Pillow's built-in bitmap font (Courier Bold 8).

    The FreeType default font would give other pixels with other versions of FreeType.
    """
    return ImageFont.load_default_imagefont()


def _line(text: str) -> Image.Image:
    """One line of text at scale 1, mode L, 0 or 255."""
    left, top, right, bottom = _font().getbbox(text)
    mask = Image.new("L", (int(right - left), int(bottom - top)), 0)
    ImageDraw.Draw(mask).text((0, 0), text, fill=_OPAQUE, font=_font())
    return mask
