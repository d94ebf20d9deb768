"""Paths of files whose names are known only when they are made, and names of frames.

A pattern is a path with some of `${frame}`, `${width}`, `${format}`, `${hash}` and `${page}` in it;
the manifest has filled everything else, and has refused a pattern that gives two files one path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetgen.core.digest import hex_of

if TYPE_CHECKING:
    from assetgen.core.digest import Digest
    from assetgen.core.finish import Atlas, Frames, Variants
    from assetgen.core.model import ImageFormat

HASH_DIGITS = 8
"""Hexadecimal digits that `${hash}` stands for: the first ones of the file's SHA-256."""

_SEQUENCE = re.compile(r"\$\{(frame|width|format|hash|page)\}")


def expand(pattern: str, **values: str | int) -> str:
    """`pattern` with the sequences that `values` names filled, and the others as they are."""
    return _SEQUENCE.sub(lambda found: str(values.get(found[1], found[0])), pattern)


def frame_path(frames: Frames, frame: int) -> str:
    """Path of the frame with this number, from 0."""
    return expand(frames.output, frame=frame)


def frame_name(asset: str, frame: int) -> str:
    """What an atlas calls the frame with this number, from 0."""
    return f"{asset}-{frame}"


def variant_path(variants: Variants, width_px: int, image_format: ImageFormat, data: Digest) -> str:
    """Path of the variant that is really `width_px` wide and whose file has this digest."""
    digits = hex_of(data)[:HASH_DIGITS]
    return expand(variants.output, width=width_px, format=image_format, hash=digits)


def page_path(atlas: Atlas, page: int) -> str:
    """Path of the page with this number, from 0."""
    return expand(atlas.output, page=page)


def data_path(pattern: str, page: int) -> str:
    """Path of the data file of the page with this number, from 0."""
    return expand(pattern, page=page)
