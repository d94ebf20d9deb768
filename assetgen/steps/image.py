"""Images in and out: prove, convert, shrink, paint.

A picture is what a viewer shows first: upright, the first frame of an animation, without what else
a file may hold (metadata, a tail after its end). Only conversions drop these; where the format of
the output fits, the bytes stay as they came. How bytes are proven to be a picture is in `proof`.

Everything here is safe to call from several threads and keeps no state beyond pictures that are
handed on (`handed.py`), which change no answer. What Pillow raises leaves as `ImageError`.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, assert_never

from PIL import Image, ImageChops, ImageCms
from PIL.ExifTags import Base as ExifTag

from assetgen.core.digest import digest_of
from assetgen.core.result import ImageInfo
from assetgen.errors import ImageError
from assetgen.steps.paint import painted
from assetgen.steps.proof import HANDED, decode, prove
from assetgen.steps.refusal import MIN_SIDE_PX, our_errors

if TYPE_CHECKING:
    from assetgen.core.drawing import Drawing
    from assetgen.core.model import ImageFormat

_LOSSLESS = frozenset({"png", "gif"})
_OPAQUE = 255
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


_PIXEL_BYTES = 4
"""The most that Pillow takes for one."""


class PillowImages:
    """`core.ports.Images` with Pillow."""

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:
        """Prove every pixel of the first frame and say what `data` is.

        Width and height are those a viewer shows, with the EXIF orientation applied.

        Raises:
            ImageError: `data` is no image, is damaged or cut short, or has a size not accepted.
        """
        format_name, image = decode(data) if is_read_next else prove(data)
        width_px, height_px = image.size
        if _UPRIGHT.get(_orientation(image)) in _SWAPS_SIDES:
            width_px, height_px = height_px, width_px
        if is_read_next:
            size = width_px * height_px * _PIXEL_BYTES
            HANDED.give(digest_of(data), size, (format_name, image))
        return ImageInfo(format=format_name, width_px=width_px, height_px=height_px)

    def convert(self, data: bytes, target: ImageFormat) -> bytes:
        """The first frame of `data` as a `target` file, upright, without metadata.

        One version of Pillow gives the same bytes every time; see `CONVERT_VERSION` in core.

        Raises:
            ImageError: `data` cannot be decoded, or `target` cannot hold the picture.
        """
        format_name, image = decode(data)
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
        format_name, image = decode(data)
        with our_errors(f"the {format_name} image cannot be scaled down"):
            plain, profile = _plain(image)
            return _fit(opaque_if_possible(plain), profile, max_bytes)

    def paint(self, drawing: Drawing, target: ImageFormat) -> bytes:
        """The file of `drawing`. PNG and WebP hold its exact pixels.

        Raises:
            ImageError: `target` cannot hold a picture of that size.
            ValueError: a text holds something other than printable ASCII.
        """
        image = painted(drawing)
        with our_errors(f"the drawing cannot be written as {target}"):
            return _encode(image, target, lossless=True, profile=None)


def read_plain(data: bytes) -> tuple[str, Image.Image, bytes | None]:
    """Format by bytes; the first frame, upright, as bare L, RGB or RGBA; its ICC profile.

    Raises:
        ImageError: `data` is no image, is damaged or cut short, or has a size not accepted.
    """
    format_name, image = decode(data)
    with our_errors(f"the {format_name} image cannot be read"):
        plain, profile = _plain(image)
    return format_name, plain, profile


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation as stored; 1 (upright) when there is none or it cannot be read."""
    try:
        # Not the method of PNG files, which decodes them to find what may follow the pixels.
        value = Image.Image.getexif(image).get(ExifTag.Orientation)
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
