"""What should be on a canvas, and whether it is."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GROUND = (0x33, 0x66, 0x99)
WIDTH, HEIGHT = 400, 200
CELL = 80
COLUMNS = WIDTH // CELL


def places(count: int) -> list[tuple[int, int]]:
    """Where `count` pictures go: odd corners, so that nothing is right by rounding."""
    return [(CELL * (i % COLUMNS) + 3, CELL * (i // COLUMNS) + 7) for i in range(count)]


def expected(files: Sequence[Path], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """The pictures in `files` at their places on the ground."""
    canvas = Image.new("RGBA", size, (*GROUND, 255))
    for file, place in zip(files, places(len(files)), strict=True):
        with Image.open(file) as picture:
            canvas.alpha_composite(picture.convert("RGBA"), place)
    return canvas.convert("RGB")


def of_data_url(url: str) -> Image.Image:
    """The picture in what `canvas.toDataURL()` gives."""
    data = base64.b64decode(url.partition(",")[2])
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def assert_same(drawn: Image.Image, wanted: Image.Image) -> None:
    """Every pixel is as wanted."""
    assert drawn.size == wanted.size
    wrong = np.any(np.asarray(drawn) != np.asarray(wanted.convert("RGB")), axis=2)
    where = np.argwhere(wrong)
    assert len(where) == 0, f"{len(where)} pixels differ, the first (y, x) is {where[0]}"
