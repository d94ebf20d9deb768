"""A picture described by plain values, so that what is drawn can be decided without a library.

Coordinates are integers in pixels from the top left corner; colours are 8-bit RGB. Only
operations whose pixels cannot differ between machines are here: filled rectangles and a fixed
bitmap font scaled by a whole number.
"""

from __future__ import annotations

from assetgen.core.value import Value

Colour = tuple[int, int, int]


class Rectangle(Value):
    """A filled rectangle; parts outside the picture are cut off."""

    x: int
    y: int
    width: int
    height: int
    colour: Colour


class Text(Value):
    """One line of text in the fixed bitmap font, each font pixel `scale` pixels wide and high."""

    x: int
    y: int
    scale: int
    colour: Colour
    text: str


class Drawing(Value):
    """A picture: shapes painted in order over one background colour."""

    width_px: int
    height_px: int
    background: Colour
    shapes: tuple[Rectangle | Text, ...]
