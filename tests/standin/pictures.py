"""Pictures that the stand-in answers with: small, real, different, and the same in every run."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import struct
import zlib
from typing import TYPE_CHECKING, Literal

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

Size = tuple[int, int]
"""Width and height in pixels."""
PictureFormat = Literal["png", "jpeg", "webp", "avif", "gif"]
Breakage = Literal["truncated", "svg", "html", "bomb", "empty"]

SIZES_1K: Mapping[str, Size] = {
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
"""Pixels of the shared ratios at 1K (OpenRouter, image generation guide before June 2026)."""

SCALES: Mapping[str, float] = {"0.5K": 0.5, "512": 0.5, "1K": 1, "2K": 2, "4K": 4}
"""Sides relative to 1K; `0.5K` on chat is `512` on the images route (same guide, both versions)."""

REDUCTION = 8
"""Every size of the table divides by it, so that small pictures keep the exact ratio."""

_CELLS = 8


def size_for(
    aspect_ratio: str | None = None, image_size: str | None = None, *, full_size: bool = False
) -> Size:
    """Pixels of an image with these knobs, an eighth of the real sides unless `full_size`.

    Raises:
        ValueError: a knob has a value that no model takes.
    """
    scale = SCALES.get(image_size or "1K")
    if scale is None:
        raise ValueError(f"Invalid image_size: {image_size}")
    width, height = _size_1k(aspect_ratio or "auto")
    factor = scale if full_size else scale / REDUCTION
    return max(1, round(width * factor)), max(1, round(height * factor))


def _size_1k(aspect_ratio: str) -> Size:
    """Pixels at 1K: the table's, else a megapixel in that shape with sides that divide by eight."""
    if aspect_ratio == "auto":
        return SIZES_1K["1:1"]
    if aspect_ratio in SIZES_1K:
        return SIZES_1K[aspect_ratio]
    try:
        width, height = (float(side) for side in aspect_ratio.split(":"))
        shape = math.sqrt(width / height)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"Invalid aspect_ratio: {aspect_ratio}") from error
    return round(128 * shape) * REDUCTION, round(128 / shape) * REDUCTION


@functools.lru_cache(maxsize=64)
def picture(seed: str, size: Size = (16, 16), file_format: PictureFormat = "png") -> bytes:
    """The file of a picture of coloured cells; another seed gives other bytes and other pixels."""
    cells = hashlib.shake_256(seed.encode()).digest(_CELLS * _CELLS * 3)
    image = Image.frombytes("RGB", (_CELLS, _CELLS), cells).resize(size, Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, format=file_format)
    return file.getvalue()


@functools.cache
def broken(kind: Breakage) -> tuple[bytes, str]:
    """Bytes that are no picture, and the media type that they are declared as."""
    match kind:
        case "truncated":
            whole = picture("truncated", (64, 64))
            return whole[: len(whole) // 2], "image/png"
        case "svg":
            return _SVG, "image/svg+xml"
        case "html":
            return b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "image/png"
        case "bomb":
            return _bomb(), "image/png"
        case "empty":
            return b"", "image/png"


_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    b'<rect width="16" height="16" fill="teal"/></svg>'
)


def _bomb() -> bytes:
    """A complete PNG of 400 megapixels in some 50 kilobytes: one bit a pixel, all black."""
    side = 20_000
    row = bytes(1 + side // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in chunks)


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
