"""Bytes from anywhere to a picture that is proven whole: the only way in for foreign bytes.

Formats are decided by bytes alone. Only the five readers named in `_READERS` ever see foreign
bytes; they are called directly and not through `Image.open`, so that no other parser is loaded
and the size limits here hold without touching Pillow's process-wide settings.

Pillow raises whatever its parsers happen to hit (OSError, SyntaxError, struct.error, zlib.error,
ValueError, MemoryError and more); all of it leaves this module as `ImageError`.
"""

from __future__ import annotations

import codecs
import struct
import warnings
import zlib
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from assetgen.core.digest import digest_of
from assetgen.core.value import Value
from assetgen.errors import ImageError
from assetgen.steps.handed import Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from PIL.ImageFile import ImageFile

MAX_PIXELS = 100_000_000
MAX_SIDE_PX = 16_384
MIN_SIDE_PX = 2
"""Services answer failures with a single transparent pixel; that is no picture."""

# Remarks on broken metadata would garble the progress display. Set once, because changing filters
# around each call is not safe with threads.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_READERS: Mapping[str, Callable[[BytesIO], ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
    "avif": AvifImageFile,
    "gif": GifImageFile,
}
_ACCEPTED = "images are read as PNG, JPEG, WebP, AVIF or GIF, whatever their names say"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type (PNG 3rd edition, section 11.2.1)."""
_PNG_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
"""Adam7: left, top, step across, step down of each pass (section 8.1)."""
_INFLATE_BYTES = 1 << 20

_SIGNATURES = (
    (_PNG_SIGNATURE, "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_FOREIGN_SIGNATURES = (
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"8BPS", "a Photoshop document"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"version https://git-lfs.github.com/", "a Git LFS pointer"),
)
_TEXT_SAMPLE_BYTES = 1024
_BOX_BRANDS_AVIF = frozenset({b"avif", b"avis"})

HANDED: Handed[tuple[str, ImageFile]] = Handed(64 * 1024 * 1024)
"""Twenty pictures of a megapixel; one that is larger than all of it is decoded again."""


def decode(data: bytes) -> tuple[str, ImageFile]:
    """Format by bytes, and the first frame with every pixel read."""
    handed = None if HANDED.is_empty else HANDED.fetch(digest_of(data))
    if handed is not None:
        return handed
    format_name = _format_of(data)
    stored = _check_png(data) if format_name == "png" else None
    with our_errors(f"the {format_name} image is damaged or cut short"):
        image = _READERS[format_name](BytesIO(data))
        _check_size(format_name, image.size)
        try:
            image.load()
        except OSError:
            if stored is not None:
                _check_png_pixels(stored)  # which can say what is missing
            raise
    if stored is not None and _may_lack_rows(image, stored):
        _check_png_pixels(stored)
    return format_name, image


@contextmanager
def our_errors(what: str) -> Iterator[None]:
    """Turn whatever a parser or encoder raises into an `ImageError` that begins with `what`."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        detail = _printable(str(error)) or type(error).__name__
        raise ImageError(f"{what}: {detail}") from error


def _printable(text: str, limit: int = 80) -> str:
    """`text` on one line, safe for a terminal, at most `limit` characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _check_size(format_name: str, size: tuple[int, int]) -> None:
    """Refuse sizes before memory is spent on them."""
    width_px, height_px = size
    if min(size) < MIN_SIDE_PX:
        raise ImageError(
            f"the {format_name} image holds no picture: it is {width_px}x{height_px} px",
            hint=f"each side must be at least {MIN_SIDE_PX} px",
        )
    if max(size) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        raise ImageError(
            f"the {format_name} image is too large: {width_px}x{height_px} px",
            hint=f"at most {MAX_SIDE_PX} px a side and {MAX_PIXELS // 1_000_000} megapixels",
        )


class _StoredPng(Value):
    """What a PNG says about its pixels, and its pixels as they are compressed."""

    header: bytes
    pixels: list[memoryview]
    is_frame: bool
    """Whether they are a frame of an animation, which may be smaller than the picture."""

    @property
    def is_interlaced(self) -> bool:
        return self.header[-1] != 0


def _check_png(data: bytes) -> _StoredPng:
    """Refuse a PNG that lacks its end or has a damaged critical chunk.

    Pillow accepts both; they mean that bytes were lost on the way (PNG 3rd edition, sections 5.3
    and 13.1).
    """
    view = memoryview(data)
    position = len(_PNG_SIGNATURE)
    header, pixels, is_frame = b"", list[memoryview](), False
    while position + 12 <= len(data):
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            break
        kind, body = bytes(view[position + 4 : position + 8]), view[position + 8 : end - 4]
        is_critical = not kind[0] & 0x20
        checksum = int.from_bytes(view[end - 4 : end], "big")
        if is_critical and zlib.crc32(view[position + 4 : end - 4]) != checksum:
            name = _printable(kind.decode("latin-1"))
            raise ImageError(f"the png image is damaged: the checksum of `{name}` does not match")
        match kind:
            case b"IHDR":
                header = bytes(body)
            case b"IDAT":
                pixels.append(body)
            case b"fcTL":
                is_frame = is_frame or not pixels
            case b"IEND":
                stored = _StoredPng(header, pixels, is_frame)
                with our_errors("the png image is damaged"):
                    _check_size("png", _png_header(stored)[:2])
                return stored
            case _:
                pass
        position = end
    raise ImageError("the png image is cut short: its end is missing")


def _png_header(stored: _StoredPng) -> tuple[int, int, int, int, int, int, int]:
    """Width, height, depth, colour type, and the methods of compression, filter and interlace."""
    fields: tuple[int, int, int, int, int, int, int] = struct.unpack(">IIBBBBB", stored.header)
    return fields


def _may_lack_rows(image: ImageFile, stored: _StoredPng) -> bool:
    """Whether Pillow may have met fewer rows than the picture has, which it accepts.

    It leaves rows that are missing as zeros, so one other value in the last row proves that all
    were there: inflating is a third of what a photograph costs, and need not be done twice.
    """
    if stored.is_interlaced or stored.is_frame:
        return True
    width, height = image.size
    return image.crop((0, height - 1, width, height)).getbbox(alpha_only=False) is None


def _check_png_pixels(stored: _StoredPng) -> None:
    """Refuse compressed pixels that end before the last row, which Pillow shows as black.

    Memory stays bounded.
    """
    with our_errors("the png image is damaged"):
        width, height, depth, colour_type, _, _, interlace = _png_header(stored)
        bits = depth * _PNG_CHANNELS[colour_type]
        passes = _PNG_PASSES if interlace else ((0, 0, 1, 1),)
        missing = sum(
            rows * (1 + (columns * bits + 7) // 8)
            for left, top, step_x, step_y in passes
            if (columns := len(range(left, width, step_x)))
            and (rows := len(range(top, height, step_y)))
        )
        inflate = zlib.decompressobj()
        for chunk in stored.pixels:
            rest: bytes | memoryview = chunk
            while rest and missing > 0:
                missing -= len(inflate.decompress(rest, _INFLATE_BYTES))
                rest = inflate.unconsumed_tail
    if missing > 0:
        raise ImageError("the png image is cut short: its last rows are missing")


def _format_of(data: bytes) -> str:
    """`png`, `jpeg`, `webp`, `avif` or `gif`, by the first bytes; the rest is refused by name."""
    if not data:
        raise ImageError("the image is empty: 0 bytes")
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _format_of_boxes(data)
    for signature, what in _FOREIGN_SIGNATURES:
        if data.startswith(signature):
            hint = "run `git lfs pull` to get the image" if "LFS" in what else _ACCEPTED
            raise ImageError(f"the bytes are {what}", hint=hint)
    raise _refusal_of_text(data) or ImageError(
        f"the bytes are no known image: they begin with {data[:8].hex(' ')}", hint=_ACCEPTED
    )


def _format_of_boxes(data: bytes) -> str:
    """`avif` when the `ftyp` box lists an AVIF brand (AV1 Image File Format 1.1, section 6)."""
    box = data[: min(int.from_bytes(data[:4], "big"), 256)]
    brands = {box[8:12], *(box[i : i + 4] for i in range(16, len(box), 4))}
    if brands & _BOX_BRANDS_AVIF:
        return "avif"
    brand = _printable(box[8:12].decode("ascii", "replace"))
    raise ImageError(f"the bytes are a media file of brand `{brand}`", hint=_ACCEPTED)


def _refusal_of_text(data: bytes) -> ImageError | None:
    """Why text is refused, by the kind of text; None when `data` is not text."""
    try:
        # Incremental, because the limit may cut a character in half.
        head = codecs.getincrementaldecoder("utf-8-sig")().decode(data[:_TEXT_SAMPLE_BYTES])
    except UnicodeDecodeError:
        return None
    if not all(c.isprintable() or c.isspace() for c in head):
        return None
    start = head.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return ImageError("the bytes are an HTML page, not an image", hint=_ACCEPTED)
    if start.startswith("<") and "<svg" in start:
        return ImageError(
            "the bytes are an SVG drawing; SVG answers are not supported in version 1",
            hint="choose a model that answers with pixels; `vector` in a name means SVG",
        )
    if start.startswith("<"):
        return ImageError("the bytes are XML or HTML, not an image", hint=_ACCEPTED)
    if start.startswith(("{", "[")):
        return ImageError(f"the bytes are JSON, not an image: {_printable(head)}", hint=_ACCEPTED)
    return ImageError(f"the bytes are text, not an image: {_printable(head)}", hint=_ACCEPTED)
