"""Bytes from anywhere to a picture that is proven whole: the only way in for foreign bytes.

Formats are decided by bytes alone. Only the five readers named in `_READERS` ever see foreign
bytes; they are called directly and not through `Image.open`, so that no other parser is loaded
and the size limits here hold without touching Pillow's process-wide settings.

Pillow raises whatever its parsers happen to hit (OSError, SyntaxError, struct.error, zlib.error,
ValueError, MemoryError and more); all of it leaves this module as `ImageError`.
"""

from __future__ import annotations

import codecs
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from assetgen.core.digest import digest_of
from assetgen.errors import ImageError
from assetgen.steps import png
from assetgen.steps.handed import Handed
from assetgen.steps.refusal import check_size, our_errors, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL.ImageFile import ImageFile

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
_DAMAGED = "the {} image is damaged or cut short"
_ACCEPTED = "images are read as PNG, JPEG, WebP, AVIF or GIF, whatever their names say"

_SIGNATURES = (
    (png.SIGNATURE, "png"),
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


def prove(data: bytes) -> tuple[str, ImageFile]:
    """Format by bytes, and the first frame, proven whole but with no pixel to be read from it.

    A plain PNG need not be decoded for that, which saves two thirds of the time. Whatever is not
    plain goes through the decoder, which has the last word.
    """
    if not data.startswith(png.SIGNATURE):
        return decode(data)
    chunks = png.read_chunks(data)
    if not png.is_plainly_whole(chunks):
        return "png", _decoded_png(data, chunks)
    return "png", _opened("png", data)


def decode(data: bytes) -> tuple[str, ImageFile]:
    """Format by bytes, and the first frame with every pixel read."""
    handed = None if HANDED.is_empty else HANDED.fetch(digest_of(data))
    if handed is not None:
        return handed
    format_name = _format_of(data)
    if format_name == "png":
        return format_name, _decoded_png(data, png.read_chunks(data))
    image = _opened(format_name, data)
    with our_errors(_DAMAGED.format(format_name)):
        image.load()
    return format_name, image


def _opened(format_name: str, data: bytes) -> ImageFile:
    with our_errors(_DAMAGED.format(format_name)):
        image = _READERS[format_name](BytesIO(data))
        check_size(format_name, image.size)
    return image


def _decoded_png(data: bytes, chunks: png.Chunks) -> ImageFile:
    """With all its rows: the last ones may be missing for Pillow, which shows them as zeros.

    So one other value in the last row proves that all were there: inflating is a third of what a
    photograph costs, and need not be done twice.
    """
    image = _opened("png", data)
    with our_errors(_DAMAGED.format("png")):
        try:
            image.load()
        except OSError:
            png.check_pixels(chunks)  # which can say what is missing
            raise
    width, height = image.size
    if (
        chunks.header.interlace
        or chunks.is_frame
        or image.crop((0, height - 1, width, height)).getbbox(alpha_only=False) is None
    ):
        png.check_pixels(chunks)
    return image


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
    brand = printable(box[8:12].decode("ascii", "replace"))
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
        return ImageError(f"the bytes are JSON, not an image: {printable(head)}", hint=_ACCEPTED)
    return ImageError(f"the bytes are text, not an image: {printable(head)}", hint=_ACCEPTED)
