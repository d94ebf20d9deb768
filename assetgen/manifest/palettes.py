"""Files that hold a palette: `.hex`, GIMP's `.gpl` and JASC's `.pal`, as colours.

Lospec and most editors of pixel art write all three. `.hex` is one `rrggbb` a line; the others are
described in GIMP's `app/core/gimppalette-load.c` and in the Paint Shop Pro file formats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetgen.errors import ManifestError
from assetgen.manifest.faults import listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_BYTES = 64 * 1024
"""256 colours with long names are a quarter of it."""
FEWEST_COLOURS = 2
MOST_COLOURS = 256

_HEX = re.compile(r"#?([0-9a-fA-F]{6})(?:[fF]{2})?")
_TRIPLE = re.compile(r"\s*([0-9]{1,3})\s+([0-9]{1,3})\s+([0-9]{1,3})(?:\s.*)?")
_PAL_HEADER = ["JASC-PAL", "0100"]


def suffix_of(path: str) -> str:
    """The extension that says what a palette file is.

    Raises:
        ManifestError: without a place: it is none of a palette.
    """
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    if suffix not in _READERS:
        raise ManifestError(
            f"names {shown(path)}, which has no extension of a palette",
            hint=f"write the colours into one of {listed(_READERS)}",
        )
    return suffix


def read_palette(data: bytes, path: str) -> tuple[str, ...]:
    """The colours of a palette file as `#rrggbb`, in order, each once.

    Raises:
        ManifestError: without a place: it is none, or has fewer than 2 colours or more than 256.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8") from error
    colours = tuple(dict.fromkeys(_READERS[suffix_of(path)](lines, path)))
    if not FEWEST_COLOURS <= len(colours) <= MOST_COLOURS:
        count = f"{len(colours):,} colour{'s' if len(colours) != 1 else ''}"
        raise ManifestError(
            f"names {shown(path)}, a palette with {count}",
            hint=f"a palette has from {FEWEST_COLOURS} to {MOST_COLOURS} colours",
        )
    return colours


def _read_hex(lines: list[str], path: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        match = _HEX.fullmatch(text)
        if match is None:
            raise _unreadable(path, f"line {number} is {shown(text)}, which is no colour")
        yield f"#{match[1].lower()}"


def _read_gpl(lines: list[str], path: str) -> Iterator[str]:
    if not lines or lines[0].strip() != "GIMP Palette":
        raise _unreadable(path, "its first line is not `GIMP Palette`")
    for number, line in enumerate(lines[1:], 2):
        text = line.strip()
        if text and not text.startswith(("#", "Name:", "Columns:")):
            yield _triple(text, path, number)


def _read_pal(lines: list[str], path: str) -> Iterator[str]:
    if [line.strip() for line in lines[:2]] != _PAL_HEADER:
        raise _unreadable(path, "its first lines are not `JASC-PAL` and `0100`")
    for number, line in enumerate(lines[3:], 4):
        if line.strip():
            yield _triple(line.strip(), path, number)


def _triple(text: str, path: str, number: int) -> str:
    match = _TRIPLE.fullmatch(text)
    values = [int(part) for part in match.groups()] if match is not None else [256]
    if max(values) > 255:  # noqa: PLR2004 - the largest byte
        raise _unreadable(path, f"line {number} is {shown(text)}, which is no colour")
    return "#" + "".join(f"{value:02x}" for value in values)


def _unreadable(path: str, why: str) -> ManifestError:
    return ManifestError(
        f"names {shown(path)}, which is no palette that can be read: {why}",
        hint="`.hex` is one colour a line like `ff00ff`; `.gpl` is GIMP's format, `.pal` JASC's",
    )


_READERS: dict[str, Callable[[list[str], str], Iterable[str]]] = {
    ".hex": _read_hex,
    ".gpl": _read_gpl,
    ".pal": _read_pal,
}
