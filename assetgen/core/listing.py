"""What exports are written from: the files of assets and atlases, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from assetgen.core.model import ImageFormat
    from assetgen.core.sheet import Sheet


class ListedFile(Value):
    """One picture file."""

    path: str
    """POSIX, relative to the project folder."""
    format: ImageFormat
    width_px: int
    height_px: int


class ListedAsset(Value):
    """One asset: its output, and what was made from it."""

    name: str
    file: ListedFile
    description: str = ""
    tags: tuple[str, ...] = ()
    variants: tuple[ListedFile, ...] = ()
    """By format as the manifest orders them, each by rising width."""
    frames: tuple[ListedFile, ...] = ()
    colour: str | None = None
    """Dominant colour, `#rrggbb`; known where there are variants."""
    has_alpha: bool = False
    """Whether some of the picture is transparent: no colour is put behind it then."""
    thumbhash: str | None = None
    """ThumbHash in base64; known where there are variants."""

    def file_in(self, root: str) -> ListedFile:
        """The file to load where no variant can be chosen: the output, if it is in `root`.

        One that is not shipped stands behind its variants: then it is the largest of those in the
        format that most can read, which is the last.
        """
        is_inside = not root or self.file.path.startswith(f"{root}/")
        return self.file if is_inside or not self.variants else self.variants[-1]


class ListedAtlas(Value):
    """One atlas and its data files by format."""

    sheet: Sheet
    data: tuple[tuple[str, str], ...]
    """(`json-hash`, `css` or `json`; path)."""


class Listing(Value):
    """All that one export tells."""

    assets: tuple[ListedAsset, ...]
    atlases: tuple[ListedAtlas, ...] = ()
