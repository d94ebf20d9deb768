"""`variants` and `expect` of an asset to values."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, cast

from assetgen.core.finish import Expect, Variants
from assetgen.core.pattern import HASH_DIGITS, expand
from assetgen.errors import ManifestError
from assetgen.manifest.entry import NAME_OF_THE_ASSET
from assetgen.manifest.faults import shown
from assetgen.manifest.finish_fields import LOSSY
from assetgen.manifest.paths import normal_output
from assetgen.manifest.patterns import Pattern, filled_pattern, format_fault, require
from assetgen.manifest.sizes import MOST_SIDE_PX, shown_size

if TYPE_CHECKING:
    from assetgen.core.model import ImageFormat
    from assetgen.manifest.entry import Filling, Spot
    from assetgen.manifest.schema_finish import ExpectEntry, VariantsEntry
    from assetgen.manifest.sizes import Size

QUALITY: dict[ImageFormat, int] = {"avif": 60, "webp": 80, "jpeg": 82}
"""Where the manifest states none: about the same look, by the sizes pages usually have."""

_SIZE = re.compile(r"([0-9]{1,5})(?:\s*[xX]\s*([0-9]{1,5}))?")
_SEQUENCES = ("width", "format", "hash")


def resolve_expect(
    filling: Filling, output_format: ImageFormat, made: Size | None
) -> Expect | None:
    """What the asset's `expect` says; None when it says nothing, or after a fault.

    `made` is the size that the steps give the picture, where they decide it.
    """
    fields = cast("ExpectEntry | None", filling.entry.value("expect"))
    if fields is None:
        return None
    spot = filling.spot("expect")
    width = height = None
    if fields.size is not None:
        place = spot.below("size")
        filled = place.fill(fields.size, filling.variables)
        size = place.attempt(lambda: _size(filled)) if filled is not None else None
        width, height = size or (None, None)
        if size is not None and made is not None and size != made:
            place.refuse(
                f"is {shown_size(size)}, and the steps make {shown_size(made)}",
                "change one of them",
            )
    if fields.alpha and output_format == "jpeg":
        spot.below("alpha").refuse(
            "cannot be true, as the output is a JPEG, which has no transparency",
            "let `output` end in `.png` or `.webp`",
        )
    return Expect(
        alpha=fields.alpha,
        width_px=width,
        height_px=height,
        max_bytes=fields.max_bytes,
        seamless=fields.seamless,
        colours=fields.colors,
    )


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text.strip())
    sides = (int(match[1]), int(match[2] or match[1])) if match is not None else (0, 0)
    if match is None or not all(1 <= side <= MOST_SIDE_PX for side in sides):
        raise ManifestError(
            f"is {shown(text)}, which is no size",
            hint=f"write it like `256x256`, with at most {MOST_SIDE_PX} px a side",
        )
    return sides


def resolve_variants(filling: Filling, asset: str) -> Variants | None:
    """What the asset's `variants` say; None when they say nothing, or after a fault."""
    fields = cast("VariantsEntry | None", filling.entry.value("variants"))
    if fields is None:
        return None
    spot = filling.spot("variants")
    quality = _quality(spot, fields)
    place = spot.below("output")
    values = {NAME_OF_THE_ASSET: asset, **filling.variables}
    pattern = filled_pattern(place, fields.output, values, _SEQUENCES)
    if pattern is None or quality is None:
        return None
    several = [
        require(place, pattern, name, f"are {len(wanted)} {name}s")
        for name, wanted in (("width", fields.widths), ("format", fields.formats))
        if len(wanted) > 1
    ]
    if not all(several) or not all(_fits(place, pattern, fields, f) for f in fields.formats):
        return None
    return Variants(
        widths=fields.widths, formats=fields.formats, output=pattern.path, quality=quality
    )


def _fits(place: Spot, pattern: Pattern, fields: VariantsEntry, wanted: ImageFormat) -> bool:
    """Whether every file in one format gets a fitting and portable path."""
    for width in fields.widths:
        path = expand(pattern.path, width=width, format=wanted, hash="0" * HASH_DIGITS)
        found = place.attempt(partial(normal_output, path))
        if found is None:
            return False
        if found[1] != wanted:
            fault = format_fault(path, wanted, found[1])
            place.refuse(fault.what, fault.hint)
            return False
    return True


def _quality(spot: Spot, fields: VariantsEntry) -> dict[ImageFormat, int] | None:
    """The quality of each format that has one; None after a fault."""
    stated = fields.quality if isinstance(fields.quality, dict) else {}
    for name in stated:
        if name not in fields.formats:
            place = spot.below("quality").below(name)
            place.refuse("is for a format that is not made", "add it to `formats`, or remove it")
            return None
    common = fields.quality if isinstance(fields.quality, int) else None
    return {
        name: stated.get(name, QUALITY[name] if common is None else common)
        for name in fields.formats
        if name in LOSSY
    }
