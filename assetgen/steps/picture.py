"""Pictures as numbers: what steps read and write.

Pixels are an array of rows, columns and RGBA, 8 bits each, in sRGB: colours in a manifest mean
sRGB, and game engines show numbers as they are. A pixel that is wholly transparent is 0, 0, 0, 0,
so that two pictures that look the same are the same; every step keeps to that.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from assetgen.errors import StepError
from assetgen.steps.image import read_plain
from assetgen.steps.refusal import MAX_PIXELS, MAX_SIDE_PX, MIN_SIDE_PX, our_errors

if TYPE_CHECKING:
    from assetgen.core.step import Colour

Pixels = NDArray[np.uint8]
"""Rows x columns x 4."""
Mask = NDArray[np.bool_]
"""Rows x columns."""

OPAQUE = 255
HALF = 128
"""Alpha from which on a pixel counts as there, where it must be there or not."""

_PNG_LEVEL = 1
"""Pictures between steps are written once and read once."""
_FILTER_UP = 2
"""PNG 3rd edition, section 9.2."""


def read(data: bytes) -> Pixels:
    """The pixels of an image file. Raises `ImageError`."""
    return pixels_of(read_srgb(data))


def read_srgb(data: bytes) -> Image.Image:
    """The picture of an image file as L, RGB or RGBA in sRGB. Raises `ImageError`."""
    format_name, image, profile = read_plain(data)
    if profile is None:
        return image
    with our_errors(f"the {format_name} image cannot be converted to sRGB"):
        return _in_srgb(image, profile)


def pixels_of(image: Image.Image) -> Pixels:
    """The pixels of an L, RGB or RGBA image."""
    pixels = np.array(image.convert("RGBA"))
    if image.mode == "RGBA":
        blank(pixels, pixels[..., 3] == 0)
    return pixels


def blank(pixels: Pixels, where: Mask) -> None:
    """Make pixels wholly transparent, in place. Rows of `pixels` must lie in memory as such."""
    # As one number each: five times as fast as four.
    np.putmask(pixels.view(np.uint32)[..., 0], where, np.uint32(0))


def distance(pixels: Pixels, colour: NDArray[np.generic]) -> NDArray[np.uint8]:
    """How far colours are from one: the most that one channel differs, 0 to 255."""
    shape = pixels.shape
    # Rows of plain bytes, for which numpy has fast loops; alpha is left out after.
    row = np.tile(np.append(colour[:3], 0).astype(np.uint8), shape[-2])
    flat = pixels.reshape(-1, shape[-2] * 4)
    far: Pixels = (np.maximum(flat, row) - np.minimum(flat, row)).reshape(shape)
    farthest: NDArray[np.uint8] = np.maximum(np.maximum(far[..., 0], far[..., 1]), far[..., 2])
    return farthest


def write(pixels: Pixels) -> bytes:
    """A PNG file of `pixels`, quickly compressed, without alpha where nothing is transparent.

    Raises:
        StepError: no image file may have that size.
    """
    height, width = pixels.shape[:2]
    check_size(width, height)
    is_opaque = not has_transparency(pixels)
    channels = 3 if is_opaque else 4
    rows = np.empty((height, 1 + width * channels), np.uint8)
    # Three times as fast as Pillow's choice of filters, at the same size.
    rows[:, 0] = _FILTER_UP
    flat = pixels[..., :channels].reshape(height, width * channels)
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if is_opaque else 6, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows.data, _PNG_LEVEL)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def image_of(pixels: Pixels) -> Image.Image:
    """`pixels` for Pillow: RGB where nothing is transparent, else RGBA."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image if has_transparency(pixels) else image.convert("RGB")


def has_transparency(pixels: Pixels) -> bool:
    """Whether any pixel is less than opaque."""
    return bool(pixels[..., 3].min() < OPAQUE)


def colour_of(text: Colour) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def text_of(colour: NDArray[np.generic] | tuple[int, ...]) -> Colour:
    """`#rrggbb` of a colour."""
    return "#" + "".join(f"{int(value):02x}" for value in colour[:3])


def size_text(width_px: int, height_px: int) -> str:
    """A size in a message."""
    return f"{width_px}x{height_px} px"


def check_size(width_px: int, height_px: int) -> None:
    """Refuse to make a picture that could not be read again. Raises `StepError`."""
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise StepError(
            f"the picture would be {size_text(width_px, height_px)}",
            hint=f"each side must be at least {MIN_SIDE_PX} px",
        )
    if max(width_px, height_px) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        raise StepError(
            f"the picture would be {size_text(width_px, height_px)}",
            hint=f"at most {MAX_SIDE_PX} px a side and {MAX_PIXELS // 1_000_000} megapixels",
        )


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """`image` in sRGB; as it is when its profile says so already, or cannot be used."""
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).lower():
            return image
        bare = image.convert("RGB") if image.mode == "RGBA" else image
        converted = ImageCms.profileToProfile(
            bare, given, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    if converted is None:
        return image
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted
