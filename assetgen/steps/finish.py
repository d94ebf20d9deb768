"""`core.ports.Finisher`: one module for each thing that is done to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from assetgen.core.step import (
    Crop,
    Pad,
    Palette,
    Pixelate,
    RemoveBackground,
    Resize,
    Tile,
    Trim,
)
from assetgen.errors import ImageError, StepError
from assetgen.steps.atlas import pack
from assetgen.steps.background import remove_background
from assetgen.steps.crop import crop
from assetgen.steps.expect import unmet
from assetgen.steps.frames import frames_of
from assetgen.steps.look import look
from assetgen.steps.pad import pad
from assetgen.steps.palette import palette
from assetgen.steps.picture import read, read_srgb, size_text, write
from assetgen.steps.pixelate import pixelate
from assetgen.steps.removers import InstalledRemovers
from assetgen.steps.renditions import renditions
from assetgen.steps.resize import resize
from assetgen.steps.tile import tile
from assetgen.steps.trim import trim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.finish import Atlas, Expect, Frames, Rendition
    from assetgen.core.finished import Finished, Look, Packed
    from assetgen.core.step import Step
    from assetgen.steps.picture import Pixels


class PillowFinisher:
    """`core.ports.Finisher` with Pillow and numpy.

    Importing this loads both, so do it when something must be made and not before.
    """

    def __init__(self, removers: InstalledRemovers | None = None) -> None:
        self._removers = removers or InstalledRemovers()

    def apply(self, data: bytes, step: Step) -> bytes:
        """See the port."""
        return write(self._applied(read(data), step))

    def unmet(self, data: bytes, expect: Expect) -> list[str]:
        """See the port."""
        return unmet(data, expect)

    def variants(self, data: bytes, wanted: Sequence[Rendition]) -> tuple[list[Finished], Look]:
        """See the port."""
        image = read_srgb(data)
        return renditions(image, wanted), look(image)

    def frames(self, data: bytes, frames: Frames) -> list[Finished]:
        """See the port."""
        return frames_of(data, frames)

    def pack(self, pictures: Sequence[tuple[str, bytes]], atlas: Atlas) -> Packed:
        """See the port."""
        return pack(pictures, atlas)

    def _applied(self, pixels: Pixels, step: Step) -> Pixels:
        match step:
            case RemoveBackground():
                if step.remover:
                    return self._removed(pixels, step.remover)
                return remove_background(pixels, step)
            case Trim():
                return trim(pixels, step)
            case Crop():
                return crop(pixels, step)
            case Resize():
                return resize(pixels, step)
            case Pad():
                return pad(pixels, step)
            case Palette():
                return palette(pixels, step)
            case Pixelate():
                return pixelate(pixels, step)
            case Tile():
                return tile(pixels, step)
        assert_never(step)

    def _removed(self, pixels: Pixels, remover: str) -> Pixels:
        """What an installed remover makes of it."""
        try:
            answer = read(self._removers.remove(remover, write(pixels)))
        except ImageError as error:
            raise StepError(
                f"remover `{remover}` answered with what is no image: {error.what}",
                hint="report it to its authors",
            ) from error
        if answer.shape != pixels.shape:
            wanted, got = (size_text(p.shape[1], p.shape[0]) for p in (pixels, answer))
            raise StepError(
                f"remover `{remover}` answered with a picture of {got}, not {wanted}",
                hint="report it to its authors",
            )
        return answer
