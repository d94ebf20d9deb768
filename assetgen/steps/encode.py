"""Finished pictures as files: every option that could change bytes or pixels is stated here."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from assetgen.core.finished import Finished
from assetgen.core.result import ImageInfo
from assetgen.steps.image import on_white, opaque_if_possible, save
from assetgen.steps.optimise import optimised
from assetgen.steps.picture import pixels_of, write
from assetgen.steps.refusal import our_errors

if TYPE_CHECKING:
    from PIL import Image

    from assetgen.core.model import ImageFormat

_JPEG_QUALITY = 92
_AVIF_QUALITY = 80
_FULL_COLOUR_QUALITY = 90
"""From this on a JPEG keeps colour at full resolution."""


def finished(image: Image.Image, target: ImageFormat, quality: int | None) -> Finished:
    """The file of an L, RGB or RGBA image.

    Without a quality PNG and WebP are lossless, and the others as good as looks the same. PNG has
    none and ignores it.

    Raises:
        ImageError: `target` cannot hold a picture of that size.
    """
    width_px, height_px = image.size
    with our_errors(f"the picture cannot be written as {target}"):
        data = _encoded(opaque_if_possible(image), target, quality)
    return Finished(data=data, info=ImageInfo(target, width_px, height_px))


def _encoded(image: Image.Image, target: ImageFormat, quality: int | None) -> bytes:
    match target:
        case "png":
            return optimised(write(pixels_of(image)), image.width * image.height)
        case "webp":
            if quality is None:
                return save(image, "WEBP", None, lossless=True, exact=True, quality=80, method=4)
            return save(
                image, "WEBP", None,
                lossless=False, exact=False, quality=quality, alpha_quality=100, method=4,
            )  # fmt: skip
        case "jpeg":
            quality = _JPEG_QUALITY if quality is None else quality
            colour = "4:4:4" if quality >= _FULL_COLOUR_QUALITY else "4:2:0"
            return save(
                on_white(image), "JPEG", None,
                quality=quality, subsampling=colour, optimize=True, progressive=True,
            )  # fmt: skip
        case "avif":
            # The bytes depend on the number of threads (measured), so there is one.
            return save(
                image, "AVIF", None,
                quality=_AVIF_QUALITY if quality is None else quality,
                subsampling="4:2:0", range="full", speed=6, max_threads=1,
            )  # fmt: skip
    assert_never(target)
