"""What was made from images: the files of one product, and what is known besides, as values.

A bundle is stored as a document of its own, found by its key in the action cache like an image by
its fingerprint. It names files by their roles and not by their paths, so that moving a product to
other paths makes nothing again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetgen.core.canonical import canonical
from assetgen.core.digest import Digest, parse_digest
from assetgen.core.result import ImageInfo
from assetgen.core.sheet import Frame, Rectangle
from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.finished import Look
    from assetgen.core.model import Json

FORMAT = "bundle"
"""What the action cache says the document is."""


class BundleFile(Value):
    """One picture of a bundle."""

    role: str
    """`480.webp` of variants, the number of a frame or page."""
    digest: Digest
    info: ImageInfo


class Bundle(Value):
    """The pictures of a product, and what is told of them."""

    files: tuple[BundleFile, ...] = ()
    colour: str | None = None
    thumbhash: str | None = None
    has_alpha: bool = False
    frames: tuple[Frame, ...] = field(default=())
    """Where an atlas has its frames."""


def looked(files: tuple[BundleFile, ...], look: Look) -> Bundle:
    """The bundle of variants, with what a page may show before they have loaded."""
    return Bundle(
        files=files, colour=look.colour, thumbhash=look.thumbhash, has_alpha=look.has_alpha
    )


def dump_bundle(bundle: Bundle) -> bytes:
    """The document of a bundle."""
    return canonical(bundle_document(bundle))


def bundle_document(bundle: Bundle) -> dict[str, Json]:
    """A bundle as JSON: also part of a line of the lockfile."""
    document: dict[str, Json] = {
        "files": [
            {
                "role": file.role,
                "digest": file.digest,
                "format": file.info.format,
                "width_px": file.info.width_px,
                "height_px": file.info.height_px,
            }
            for file in bundle.files
        ]
    }
    if bundle.colour is not None:
        document |= {"colour": bundle.colour, "thumbhash": bundle.thumbhash}
        document["has_alpha"] = bundle.has_alpha
    if bundle.frames:
        document["frames"] = [
            [
                f.name,
                f.page,
                [f.place.x, f.place.y, f.place.width, f.place.height],
                [f.source_x, f.source_y, f.source_width, f.source_height],
            ]
            for f in bundle.frames
        ]
    return document


def parse_bundle(data: bytes) -> Bundle | None:
    """The bundle in a document; None when it is none."""
    try:
        return bundle_of(json.loads(data))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def bundle_of(fields: Mapping[str, Any]) -> Bundle:
    """The bundle in parsed JSON.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    return Bundle(
        files=tuple(_file(one) for one in fields["files"]),
        colour=_text_or_none(fields.get("colour")),
        thumbhash=_text_or_none(fields.get("thumbhash")),
        has_alpha=fields.get("has_alpha") is True,
        frames=tuple(_frame(*one) for one in fields.get("frames", ())),
    )


def _file(fields: Mapping[str, Any]) -> BundleFile:
    digest = parse_digest(fields["digest"])
    if digest is None:
        raise ValueError
    info = ImageInfo(
        _text(fields["format"]), _number(fields["width_px"]), _number(fields["height_px"])
    )
    return BundleFile(_text(fields["role"]), digest, info)


def _frame(name: object, page: object, place: Any, source: Any) -> Frame:
    x, y, width, height = map(_number, place)
    source_x, source_y, source_width, source_height = map(_number, source)
    return Frame(
        name=_text(name),
        page=_number(page),
        place=Rectangle(x, y, width, height),
        source_width=source_width,
        source_height=source_height,
        source_x=source_x,
        source_y=source_y,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
