"""Reference images as base64 data URIs, within what the service takes.

Bytes decide the declared type. PNG, JPEG, WebP and GIF go as they are (image understanding page of
OpenRouter's docs); what else can be decoded goes as PNG. No limit is documented; 30 MB of image
content in all was refused when seen (artokun/comfyui-mcp#2221), so far less is sent.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NewType

from assetgen.core.value import Value
from assetgen.errors import ImageError, Refused
from assetgen.providers.openrouter.answer import is_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.call import ReferenceImage
    from assetgen.core.ports import Images

DataUri = NewType("DataUri", str)
"""`data:image/png;base64,…`"""

MAX_REFERENCE_BYTES = 8 * 1024 * 1024
"""Of one reference, before base64."""
MAX_TOTAL_BYTES = 18 * 1024 * 1024
"""Of all references of one request, before base64, which adds a third."""


class Prepared(Value):
    """References ready to be sent, in the order given, and what was changed on the way."""

    uris: tuple[DataUri, ...] = ()
    warnings: tuple[str, ...] = ()


def prepare(references: Sequence[ReferenceImage], images: Images) -> Prepared:
    """References as data URIs, converted and scaled down only where they have to be.

    Blocks: decoding and encoding take processor time.

    Raises:
        Refused: a reference is no image, is SVG, or cannot be made small enough; nothing was sent.
    """
    sendable = [_sendable(reference, images) for reference in references]
    caps = fair_caps([len(data) for data in sendable], MAX_REFERENCE_BYTES, MAX_TOTAL_BYTES)
    uris: list[DataUri] = []
    warnings: list[str] = []
    for reference, data, cap in zip(references, sendable, caps, strict=True):
        small = data
        if len(data) > cap:
            small = _shrunk(reference, data, cap, images)
            warnings.append(
                f"reference `{reference.label}` was scaled down from {_mebibytes(data)} to"
                f" {_mebibytes(small)} to be sent"
            )
        uris.append(data_uri(small))
    return Prepared(tuple(uris), tuple(warnings))


def data_uri(data: bytes) -> DataUri:
    """The data URI of an image that can be sent as it is."""
    return DataUri(f"data:{media_type(data)};base64,{base64.b64encode(data).decode('ascii')}")


def media_type(data: bytes) -> str | None:
    """The MIME type of an image that the service takes, by its first bytes; else None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return None


def fair_caps(sizes: Sequence[int], each: int, total: int) -> list[int]:
    """How many bytes each reference may have: small ones keep theirs, large ones share the rest."""
    caps = [min(size, each) for size in sizes]
    left = total
    by_size = sorted(range(len(caps)), key=caps.__getitem__)
    for position, index in enumerate(by_size):
        share = left // (len(by_size) - position)
        caps[index] = min(caps[index], share)
        left -= caps[index]
    return caps


def _sendable(reference: ReferenceImage, images: Images) -> bytes:
    """The bytes of `reference` in a format that the service takes."""
    if media_type(reference.data) is not None:
        return reference.data
    if is_svg(reference.data):
        raise Refused(
            f"reference `{reference.label}` is an SVG drawing, and models take pixels only",
            hint="export it as PNG and refer to that file",
        )
    try:
        return images.convert(reference.data, "png")
    except ImageError as error:
        raise Refused(
            f"reference `{reference.label}` is no image that can be sent: {error.what}",
            hint=error.hint or "use PNG, JPEG, WebP, GIF or AVIF",
        ) from error


def _shrunk(reference: ReferenceImage, data: bytes, cap: int, images: Images) -> bytes:
    try:
        return images.shrink(data, cap)
    except ImageError as error:
        raise Refused(
            f"reference `{reference.label}` cannot be scaled down to {cap / 2**20:.1f} MiB:"
            f" {error.what}",
            hint=error.hint or "make the file smaller",
        ) from error


def _mebibytes(data: bytes) -> str:
    return f"{len(data) / 2**20:.1f} MiB"
