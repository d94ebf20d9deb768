"""Images in and out: decode and prove, convert, shrink, paint. The only way in for foreign bytes.

Formats are decided by bytes alone. Only the five readers named in `_READERS` ever see foreign
bytes; they are called directly and not through `Image.open`, so that no other parser is loaded
and the size limits here hold without touching Pillow's process-wide settings.

A picture is what a viewer shows first: upright, the first frame of an animation, without what else
a file may hold (metadata, a tail after its end). Only conversions drop these; where the format of
the output fits, the bytes stay as they came.

Everything here is safe to call from several threads and keeps no state beyond pictures that are
handed on (`handed.py`), which change no answer. Pillow raises whatever its
parsers happen to hit (OSError, SyntaxError, struct.error, zlib.error, ValueError, MemoryError and
more); all of it leaves this module as `ImageError`.
"""

from __future__ import annotations

import codecs
import functools
import math
import struct
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, assert_never

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFont
from PIL.AvifImagePlugin import AvifImageFile
from PIL.ExifTags import Base as ExifTag
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from assetgen.core.digest import digest_of
from assetgen.core.drawing import Rectangle, Text
from assetgen.core.result import ImageInfo
from assetgen.errors import ImageError
from assetgen.steps.handed import Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from PIL.ImageFile import ImageFile

    from assetgen.core.drawing import Drawing
    from assetgen.core.model import ImageFormat

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
_LOSSLESS = frozenset({"png", "gif"})
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
_OPAQUE = 255
_BOX_BRANDS_AVIF = frozenset({b"avif", b"avis"})

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright, by EXIF orientation (Exif 2.32, tag 0x0112)."""

_SWAPS_SIDES = frozenset(
    {
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_90,
    }
)

_PROFILE_SPACE = {"L": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}
"""The colour space an ICC profile must declare (ICC.1:2022, bytes 16 to 19) to fit a mode."""


_HANDED: Handed[tuple[str, ImageFile]] = Handed(64 * 1024 * 1024)
"""Twenty pictures of a megapixel; one that is larger than all of it is decoded again."""
_PIXEL_BYTES = 4
"""The most that Pillow takes for one."""


class PillowImages:
    """`core.ports.Images` with Pillow."""

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:
        """Decode every pixel of the first frame and say what `data` is.

        Width and height are those a viewer shows, with the EXIF orientation applied.

        Raises:
            ImageError: `data` is no image, is damaged or cut short, or has a size not accepted.
        """
        format_name, image = _decode(data)
        width_px, height_px = image.size
        if _UPRIGHT.get(_orientation(image)) in _SWAPS_SIDES:
            width_px, height_px = height_px, width_px
        if is_read_next:
            size = width_px * height_px * _PIXEL_BYTES
            _HANDED.give(digest_of(data), size, (format_name, image))
        return ImageInfo(format=format_name, width_px=width_px, height_px=height_px)

    def convert(self, data: bytes, target: ImageFormat) -> bytes:
        """The first frame of `data` as a `target` file, upright, without metadata.

        One version of Pillow gives the same bytes every time; see `CONVERT_VERSION` in core.

        Raises:
            ImageError: `data` cannot be decoded, or `target` cannot hold the picture.
        """
        format_name, image = _decode(data)
        with our_errors(f"the {format_name} image cannot be converted to {target}"):
            plain, profile = _plain(image)
            return _encode(plain, target, lossless=format_name in _LOSSLESS, profile=profile)

    def shrink(self, data: bytes, max_bytes: int) -> bytes:
        """`data` itself when it fits, else a smaller picture: PNG with alpha, JPEG without.

        Raises:
            ImageError: `data` cannot be decoded, or no size of 2 pixels or more fits.
        """
        if len(data) <= max_bytes:
            return data
        format_name, image = _decode(data)
        with our_errors(f"the {format_name} image cannot be scaled down"):
            plain, profile = _plain(image)
            return _fit(opaque_if_possible(plain), profile, max_bytes)

    def paint(self, drawing: Drawing, target: ImageFormat) -> bytes:
        """The file of `drawing`. PNG and WebP hold its exact pixels.

        Raises:
            ImageError: `target` cannot hold a picture of that size.
            ValueError: a text holds something other than printable ASCII.
        """
        image = _painted(drawing)
        with our_errors(f"the drawing cannot be written as {target}"):
            return _encode(image, target, lossless=True, profile=None)


def font_cell_px() -> tuple[int, int]:
    """Width and height in pixels of every printable ASCII character at scale 1."""
    sizes = {_line(chr(code)).size for code in range(0x20, 0x7F)}
    (cell,) = sizes
    return cell


# Decoding


def read_plain(data: bytes) -> tuple[str, Image.Image, bytes | None]:
    """Format by bytes; the first frame, upright, as bare L, RGB or RGBA; its ICC profile.

    Raises:
        ImageError: `data` is no image, is damaged or cut short, or has a size not accepted.
    """
    format_name, image = _decode(data)
    with our_errors(f"the {format_name} image cannot be read"):
        plain, profile = _plain(image)
    return format_name, plain, profile


def _decode(data: bytes) -> tuple[str, ImageFile]:
    """Format by bytes, and the first frame with every pixel read."""
    handed = None if _HANDED.is_empty else _HANDED.fetch(digest_of(data))
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


@dataclass(frozen=True, slots=True)
class _StoredPng:
    """What a PNG says about its pixels, and its pixels as they are compressed."""

    header: bytes
    pixels: list[memoryview]

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
    header, pixels = b"", list[memoryview]()
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
            case b"IEND":
                stored = _StoredPng(header, pixels)
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
    width, height = image.size
    last_row = image.crop((0, height - 1, width, height))
    return stored.is_interlaced or last_row.getbbox(alpha_only=False) is None


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


# Pixels


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation as stored; 1 (upright) when there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTag.Orientation)
    except Exception:  # noqa: BLE001  broken metadata is no reason to refuse a picture
        return 1
    return value if isinstance(value, int) else 1


def _plain(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The upright picture as bare L, RGB or RGBA, and its ICC profile where that fits."""
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) else None
    plain = _in_plain_mode(image, profile)
    transpose = _UPRIGHT.get(_orientation(image))
    if transpose is not None:
        plain = plain.transpose(transpose)
    plain.info = {}
    if profile is not None and profile[16:20] != _PROFILE_SPACE[plain.mode]:
        profile = None
    return plain, profile


def _in_plain_mode(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` as L, RGB or RGBA, whatever mode it was decoded to."""
    if image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode == "CMYK":
        return _from_cmyk(image, profile)
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    """16-bit grey as 8 bits by its high byte (Pillow would clip), with a colour key as alpha."""
    raw = image.tobytes("raw", "I;16")
    high = Image.frombytes("L", image.size, raw[1::2])
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return high
    low = Image.frombytes("L", image.size, raw[0::2])
    differs = ImageChops.lighter(
        high.point([0 if v == key >> 8 else 255 for v in range(256)]),
        low.point([0 if v == key & 0xFF else 255 for v in range(256)]),
    )
    return Image.merge("RGBA", (high, high, high, differs))


def _from_cmyk(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK as sRGB, by its own profile where that can be used."""
    if profile is not None:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError):
            # A profile that Little CMS cannot use is the same as none.
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def opaque_if_possible(image: Image.Image) -> Image.Image:
    """Without its alpha channel when every pixel is opaque anyway."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE):
        return image.convert("RGB")
    return image


def _fit(image: Image.Image, profile: bytes | None, max_bytes: int) -> bytes:
    """The largest of a falling series of sizes whose file has at most `max_bytes`."""
    scaled = image
    while True:
        encoded = (
            save(scaled, "PNG", profile, compress_level=6)
            if image.mode == "RGBA"
            else save(scaled, "JPEG", profile, quality=90, subsampling=0)
        )
        if len(encoded) <= max_bytes:
            return encoded
        # Bytes fall about with the area; at least a tenth less a side, so that this ends.
        factor = min(0.9, math.sqrt(max_bytes / len(encoded)))
        size = (int(scaled.width * factor), int(scaled.height * factor))
        if min(size) < MIN_SIDE_PX:
            raise ImageError(
                f"the {image.width}x{image.height} px image cannot be scaled down "
                f"to {max_bytes} bytes"
            )
        scaled = image.resize(size, Image.Resampling.LANCZOS)


def _encode(
    image: Image.Image, target: ImageFormat, *, lossless: bool, profile: bytes | None
) -> bytes:
    """The file of a plain image. Every option that could change bytes is stated here."""
    match target:
        case "png":
            return save(image, "PNG", profile, compress_level=6)
        case "webp":
            if lossless:
                # `exact` keeps colours under transparent pixels; sprite filtering needs them.
                return save(image, "WEBP", profile, lossless=True, exact=True, method=4)
            return save(image, "WEBP", profile, quality=90, method=4)
        case "jpeg":
            return save(on_white(image), "JPEG", profile, quality=92, subsampling=0)
        case "avif":
            # The bytes depend on the number of threads (measured), so there is one.
            return save(image, "AVIF", profile, quality=80, speed=6, max_threads=1)
    assert_never(target)


def save(image: Image.Image, pillow_format: str, profile: bytes | None, **options: object) -> bytes:
    """Encode with `options`; a profile is written only when there is one."""
    if profile is not None:
        options["icc_profile"] = profile
    file = BytesIO()
    image.save(file, pillow_format, **options)
    return file.getvalue()


def on_white(image: Image.Image) -> Image.Image:
    """Without alpha, for formats that have none."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


# Painting


def _painted(drawing: Drawing) -> Image.Image:
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
