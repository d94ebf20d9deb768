"""What the finisher gives: files with what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from assetgen.core.result import ImageInfo
    from assetgen.core.sheet import Frame


class Finished(Value):
    """One finished file."""

    data: bytes
    info: ImageInfo


class Packed(Value):
    """The pages of an atlas, and the frames on them sorted by name, numbers by value."""

    pages: tuple[Finished, ...]
    frames: tuple[Frame, ...]


class Look(Value):
    """What a page may show before a picture has loaded."""

    colour: str
    """Dominant colour, `#rrggbb`."""
    thumbhash: str
    """ThumbHash (https://evanw.github.io/thumbhash/) in base64, 25 bytes or so."""
    has_alpha: bool = False
    """Whether some of the picture is transparent."""
