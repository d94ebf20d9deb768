"""Small pictures drawn by hand, and what is in pictures."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.steps.picture import Pixels

INK = {
    ".": (0, 0, 0, 0),
    "#": (0, 0, 0, 255),
    "w": (255, 255, 255, 255),
    "r": (255, 0, 0, 255),
    "g": (0, 255, 0, 255),
    "b": (0, 0, 255, 255),
    "m": (255, 0, 255, 255),
    "y": (255, 255, 0, 255),
}


def drawn(*rows: str) -> Pixels:
    """Pixels of a picture, one letter each."""
    return np.array([[INK[letter] for letter in row] for row in rows], np.uint8)


def letters(pixels: Pixels) -> list[str]:
    """The reverse of `drawn`; `?` for any other colour."""
    names = {colour: letter for letter, colour in INK.items()}
    return ["".join(names.get(tuple(p), "?") for p in row) for row in pixels.tolist()]


def png(pixels: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def opened(data: bytes) -> Pixels:
    """By Pillow alone, so that nothing of ours judges itself."""
    return np.array(Image.open(BytesIO(data)).convert("RGBA"))


def noise(width: int, height: int, *, seed: int = 1, alpha: bool = False) -> Pixels:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    if not alpha:
        values[..., 3] = 255
    values[values[..., 3] == 0] = 0
    return values


def gradient(width: int, height: int) -> Pixels:
    y, x = np.mgrid[:height, :width]
    channels = [x * 255 // width, y * 255 // height, 255 - x * 255 // width, np.full_like(x, 255)]
    return np.stack(channels, axis=2).astype(np.uint8)


def flat(width: int, height: int, colour: tuple[int, int, int]) -> Pixels:
    return np.full((height, width, 4), (*colour, 255), np.uint8)


def disc(
    side: int, ground: tuple[int, int, int], colour: tuple[int, int, int], radius: int
) -> Pixels:
    """A disc with a soft border on a ground."""
    return mixed(flat(side, side, ground), colour, cover(side, radius))


def cover(side: int, radius: int) -> NDArray[np.float64]:
    """How much of each pixel a disc in the middle covers, 0 to 1, about a pixel soft."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    share: NDArray[np.float64] = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return share


def mixed(pixels: Pixels, colour: tuple[int, int, int], share: NDArray[np.float64]) -> Pixels:
    result = pixels.copy()
    part = share[..., None]
    result[..., :3] = np.rint(pixels[..., :3] * (1 - part) + np.array(colour) * part)
    return result


def checkerboard(
    side: int, cell: int, dark: int = 204, light: int = 255, *, seed: int | None = None
) -> Pixels:
    """Squares of two greys, with `seed` of uneven sizes, a little noisy and soft."""
    places = np.arange(side) // cell
    if seed is not None:
        random = np.random.default_rng(seed)
        cuts = np.cumsum(random.integers(cell * 3 // 4, cell * 5 // 4 + 1, side // cell * 2))
        places = np.searchsorted(cuts, np.arange(side))
    grey = np.where((places[:, None] + places[None]) % 2, dark, light).astype(np.float64)
    if seed is not None:
        grey = (grey + np.roll(grey, 1, 0) + np.roll(grey, 1, 1)) / 3
        grey += np.random.default_rng(seed).integers(-2, 3, grey.shape)
    pixels = flat(side, side, (0, 0, 0))
    pixels[..., :3] = np.clip(grey, 0, 255).astype(np.uint8)[..., None]
    return pixels
