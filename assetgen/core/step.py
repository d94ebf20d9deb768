"""Steps: what is done to an image after it has come, as values.

A step is pure: the same picture and the same values give the same pixels everywhere. `version`
belongs to the code that carries it out (`steps/`): raise it when that draws other pixels, and what
was made with it is made again, free. Fields are in normal form, every default filled in, so that a
default written out changes no key. `is_slow` says that its picture is worth keeping: making it
again takes longer than storing it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar, Literal

from assetgen.core.canonical import canonical
from assetgen.core.value import Value, field_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.model import Json

Colour = str
"""`#rrggbb`, in lower case."""
Fit = Literal["contain", "cover", "fill", "inside"]
Filter = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Gravity = Literal[
    "centre", "north", "north-east", "east", "south-east", "south", "south-west", "west",
    "north-west",
]  # fmt: skip
"""Which part stays, or where the picture goes."""
Dither = Literal["none", "floyd-steinberg", "ordered"]
Axes = Literal["both", "x", "y"]


class RemoveBackground(Value):
    """Make the ground transparent."""

    name: ClassVar[str] = "remove_background"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = True

    ground: Colour | Literal["auto"] = "auto"
    """`auto` samples the edges of the picture."""
    tolerance: int = 32
    """How far a colour may be from the ground and still be ground, 0 to 255."""
    feather_px: int = 1
    """Width of the soft edge."""
    holes: Literal["keep", "clear"] = "keep"
    """Whether ground that the subject encloses stays."""
    remover: str = ""
    """An installed remover that does the work instead; empty for the built-in one."""
    remover_version: str = ""


class Trim(Value):
    """Cut off the transparent border, or one of a single colour where nothing is transparent."""

    name: ClassVar[str] = "trim"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = False

    margin_px: int = 0
    """What is left around the picture."""
    threshold: int = 0
    """Alpha, or distance from the border's colour, up to which a pixel counts as border."""


class Crop(Value):
    """Cut a rectangle out: at `x`, `y`, or where `gravity` puts it when these are None."""

    name: ClassVar[str] = "crop"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = False

    width_px: int
    height_px: int
    x: int | None = None
    y: int | None = None
    gravity: Gravity = "centre"


class Resize(Value):
    """Another size. With one side None the other decides, and the shape stays."""

    name: ClassVar[str] = "resize"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = False

    width_px: int | None
    height_px: int | None
    fit: Fit = "contain"
    """`contain` gives the exact size with transparent bars, `cover` cuts off what does not fit,
    `fill` distorts, `inside` gives at most the size, without bars and never larger."""
    filter: Filter = "lanczos"
    gravity: Gravity = "centre"


class Pad(Value):
    """A larger canvas: at least `width_px` x `height_px`, and `margin_px` on each side."""

    name: ClassVar[str] = "pad"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = False

    width_px: int | None = None
    height_px: int | None = None
    margin_px: int = 0
    colour: Colour | Literal["transparent"] = "transparent"
    gravity: Gravity = "centre"


class Palette(Value):
    """Few colours: the best `colours`, or exactly those of a palette file."""

    name: ClassVar[str] = "palette"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = True

    colours: int | None = None
    """2 to 256; None where `fixed` says which."""
    fixed: tuple[Colour, ...] = ()
    dither: Dither = "none"


class Pixelate(Value):
    """A true pixel grid: `width_px` x `height_px` pixels, each `scale` wide and high."""

    name: ClassVar[str] = "pixelate"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = True

    width_px: int
    height_px: int | None = None
    """None keeps the shape."""
    scale: int = 1
    palette: Palette | None = None


class Tile(Value):
    """Make the edges meet, so that copies beside each other show no seam."""

    name: ClassVar[str] = "tile"
    version: ClassVar[int] = 1
    is_slow: ClassVar[bool] = True

    axes: Axes = "both"
    blend: int = 25
    """Width of the blended band, in percent of the side, 1 to 50."""


Step = RemoveBackground | Trim | Crop | Resize | Pad | Palette | Pixelate | Tile


def step_document(step: Step) -> Json:
    """The normal form of a step: `["resize", 1, {"width_px": 64, …}]`."""
    return [step.name, step.version, _values(step)]


def _values(step: Step) -> dict[str, Json]:
    values: dict[str, Json] = {}
    for name in field_names(step):
        value = getattr(step, name)
        if isinstance(value, tuple):
            values[name] = list(value)
        elif isinstance(value, Palette):
            values[name] = step_document(value)
        else:
            values[name] = value
    return values


def step_key(image: str, steps: Sequence[Step]) -> str:
    """Key of the picture that `steps` make of the image with this digest."""
    document: Json = ["steps", image, [step_document(step) for step in steps]]
    return hashlib.sha256(canonical(document)).hexdigest()
