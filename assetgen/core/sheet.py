"""Atlases as data: where each frame is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rectangle(Value):
    """In pixels, from the upper left corner."""

    x: int
    y: int
    width: int
    height: int


class Frame(Value):
    """One picture of an atlas."""

    name: str
    page: int
    place: Rectangle
    """Where its pixels are on the page, without what was extruded."""
    source_width: int
    source_height: int
    """The picture before it was trimmed."""
    source_x: int = 0
    source_y: int = 0
    """Where the trimmed pixels begin in it."""

    @property
    def is_trimmed(self) -> bool:
        """Whether anything was cut off."""
        place = self.place
        return (place.width, place.height) != (self.source_width, self.source_height)


class Page(Value):
    """One picture that frames are on."""

    path: str
    """Relative to the project folder."""
    width_px: int
    height_px: int


class Sheet(Value):
    """A whole atlas."""

    name: str
    pages: tuple[Page, ...]
    frames: tuple[Frame, ...]
    """Sorted by name, numbers in names by value."""
    animations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of frames in order."""
