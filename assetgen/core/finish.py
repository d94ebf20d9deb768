"""What a manifest asks to be made from images: checks, frames, variants, atlases, exports.

Values only; all of it is free to make.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.model import ImageFormat
    from assetgen.errors import Location

Anchor = Literal["grid", "centre", "bottom"]
ExportFormat = Literal["json", "typescript", "python", "html"]
SheetFormat = Literal["json-hash", "css", "json"]

VARIANT_VERSION = 1
"""Raise it when variants get other pixels: they are made again, free."""
FRAMES_VERSION = 1
ATLAS_VERSION = 1


class Expect(Value):
    """What a finished picture must be, or its asset fails. None asks nothing."""

    alpha: bool | None = None
    """True: some pixels are transparent. False: none is."""
    width_px: int | None = None
    height_px: int | None = None
    max_bytes: int | None = None
    """Of the output file."""
    seamless: bool | None = None
    """Whether copies beside each other, and one above the other, show no seam."""
    colours: int | None = None
    """At most so many colours."""


class Frames(Value):
    """The finished picture of an asset, cut at a grid into a file a frame."""

    columns: int
    rows: int
    output: str
    """Path pattern with `${frame}`: 0, 1, 2 … by rows; always PNG or another lossless file."""
    format: ImageFormat
    count: int
    """The first so many cells; the rest of the grid is empty."""
    anchor: Anchor = "grid"
    """`grid`: cells as they are. `centre`, `bottom`: each frame's content is moved so that its
    centre, or the middle of its lower edge, is at the same place in all frames."""
    trim: bool = False
    """Cut all frames to the smallest size that holds the content of each."""
    margin_px: int = 0
    """Between the edge of the sheet and the grid."""
    spacing_px: int = 0
    """Between cells."""


class Variants(Value):
    """Files for the web: the finished picture in several widths and formats."""

    widths: tuple[int, ...]
    """In pixels, rising. Wider than the picture: made in its own width instead, once."""
    formats: tuple[ImageFormat, ...]
    """The best first, as a page offers them."""
    output: str
    """Path pattern with `${width}`, `${format}` and `${hash}`."""
    quality: Mapping[ImageFormat, int] = field(default_factory=dict)
    """1 to 100, for every format that has one; PNG has none."""


class Rendition(Value):
    """One variant to be made: in the picture's own width when that is less."""

    width_px: int
    format: ImageFormat
    quality: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Atlas:
    """Many finished pictures on few pages, and where each of them is."""

    name: str
    members: tuple[str, ...]
    """Names of assets, in manifest order; one with `frames` brings these instead of itself."""
    output: str
    """Path of the page, or a pattern with `${page}`: 0, 1, 2 …"""
    format: ImageFormat
    data: Mapping[SheetFormat, str]
    """Paths of the data files; of `json-hash`, which has a file a page, maybe with `${page}`."""
    trim: bool = True
    padding_px: int = 2
    extrude_px: int = 0
    power_of_two: bool = False
    max_px: int = 2048
    """Most pixels a side of a page may have."""
    max_pages: int = 1
    animations: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Names of assets by animation, in the order they are shown and as often; an asset with
    `frames` stands for its frames in order. Each asset with `frames` is an animation of its own
    name besides."""
    where: Location | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Export:
    """A text file that code imports."""

    name: str
    format: ExportFormat
    output: str
    members: tuple[str, ...]
    """Names of assets, in manifest order."""
    atlases: tuple[str, ...]
    """Names of atlases, in manifest order."""
    base: str = ""
    """Put in front of paths in the text: `/`, `https://cdn.example/`."""
    root: str = ""
    """Folder that paths in the text are relative to; empty is the project's."""
    sizes: str = ""
    """The `sizes` attribute (HTML only)."""
    where: Location | None = dataclasses.field(default=None, compare=False)
