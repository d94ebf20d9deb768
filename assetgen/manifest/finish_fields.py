"""What each kind of field of steps, variants, atlases and exports accepts; as in `fields`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, cast

from assetgen.core.model import FORMAT_OF_SUFFIX, ImageFormat
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.fields import UnfitError, below, choice, kind_of, text, texts, whole
from assetgen.manifest.scalars import Plain, is_null
from assetgen.manifest.sizes import MOST_SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.step import Gravity

MOST_BYTES = 1_000_000_000
GRAVITIES = (
    "centre", "center", "north", "north-east", "east", "south-east", "south", "south-west", "west",
    "north-west",
)  # fmt: skip
FORMATS = ("avif", "webp", "png", "jpeg", "jpg")
LOSSY: tuple[ImageFormat, ...] = ("avif", "webp", "jpeg")
"""Formats that have a quality."""

_UNITS = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}
_BYTES = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,3})?) ?([A-Za-z]{0,3})")

T = TypeVar("T")


def step(value: object) -> object:
    """One step as a mapping with one key: a bare name is a step without fields."""
    if isinstance(value, str) and not is_null(value):
        return {str(value): Plain("")}
    if not isinstance(value, dict) or not value:
        raise UnfitError(
            f"must be the name of a step, or a step with its fields, not {kind_of(value)}",
            hint="write `trim`, or `trim: {margin: 4}`",
        )
    if len(value) > 1:
        first, second, *_ = value
        raise UnfitError(
            f"must be one step, not {len(value)} fields",
            hint=f"indent what belongs to {shown(first)}, or write `- ` before each step",
            at=(second,),
            is_key=True,
        )
    return value


def several(value: object) -> object:
    """A list, for its items to be read."""
    if isinstance(value, list):
        return value
    raise UnfitError(f"must be a list, not {kind_of(value)}", hint="write each item after `- `")


def gravity(value: object) -> Gravity:
    """Where a picture goes; both spellings of the centre."""
    found = choice(*GRAVITIES)(value)
    return cast("Gravity", "centre" if found == "center" else found)


def anchor(value: object) -> str:
    """Which point of frames stays where it is."""
    found = choice("grid", "centre", "center", "bottom")(value)
    return "centre" if found == "center" else found


def byte_count(value: object) -> int:
    """A number of bytes, maybe with a unit."""
    match = _BYTES.fullmatch(value) if isinstance(value, str) else None
    factor = _UNITS.get(match[2]) if match is not None else None
    if match is None or factor is None:
        raise UnfitError(
            f"must be a number of bytes, not {kind_of(value)}",
            hint="write a whole number, or one with B, kB, KiB, MB or MiB, like `200kB`",
        )
    whole_part, _, fraction = match[1].partition(".")
    thousandths = int(whole_part) * 1000 + int(fraction.ljust(3, "0"))
    found = thousandths * factor // 1000
    if not 1 <= found <= MOST_BYTES:
        raise UnfitError(f"must be from 1 B to {MOST_BYTES // 1000**2} MB, not {kind_of(value)}")
    return found


def image_format(value: object) -> ImageFormat:
    """A format of pictures, by its name."""
    return FORMAT_OF_SUFFIX[f".{choice(*FORMATS)(value)}"]


def formats(value: object) -> tuple[ImageFormat, ...]:
    """Formats, the best first, each once."""
    return _each_once(value, image_format, "a format", "`[avif, webp]`")


def widths(value: object) -> tuple[int, ...]:
    """Widths in pixels, rising, each once."""
    return tuple(sorted(_each_once(value, whole(1, MOST_SIDE_PX), "a width", "`[480, 960]`")))


def quality(value: object) -> int | dict[ImageFormat, int]:
    """One quality for all formats, or one by format."""
    read = whole(1, 100)
    if not isinstance(value, dict):
        return read(value)
    found: dict[ImageFormat, int] = {}
    for key, item in value.items():
        if key not in (*LOSSY, "jpg"):
            raise UnfitError(
                f"has {shown(key)}, which is no format with a quality",
                hint=f"formats with a quality are {listed(LOSSY)}",
                at=(key,),
                is_key=True,
            )
        found[FORMAT_OF_SUFFIX[f".{key}"]] = below(key, read, item)
    return found


def animations(value: object) -> dict[str, tuple[str, ...]]:
    """Selectors by the name of an animation."""
    if not isinstance(value, dict):
        raise UnfitError(
            f"must be a mapping, not {kind_of(value)}", hint='write it like `{walk: ["walk-*"]}`'
        )
    return {key: below(key, selectors, item) for key, item in value.items()}


def selectors(value: object) -> tuple[str, ...]:
    """One selector, or a list of them."""
    return texts(value) if isinstance(value, list) else (text(value),)


def _each_once(
    value: object, read: Callable[[object], T], wanted: str, example: str
) -> tuple[T, ...]:
    if not isinstance(value, list) or not value:
        what = "nothing" if value == [] else kind_of(value)
        raise UnfitError(
            f"must be a list with {wanted} at least, not {what}", hint=f"write it like {example}"
        )
    found: list[T] = []
    for index, item in enumerate(value):
        one = below(index, read, item)
        if one in found:
            raise UnfitError(f"has {kind_of(item)} twice", hint="remove one of them", at=(index,))
        found.append(one)
    return tuple(found)
