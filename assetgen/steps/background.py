"""`remove_background`: a ground of one colour made transparent.

What is near the ground's colour goes, as far as it hangs together with the edges of the picture.
Along the border between ground and subject pixels are mixtures of both; how much of each there is
follows from the subject's colour next to it, and gives alpha. The ground's part is taken out of the
colour as well, so that no pink line is left around what stood before magenta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assetgen.errors import StepError
from assetgen.steps.checkerboard import HINT, painted_checkerboard
from assetgen.steps.picture import HALF, OPAQUE, Mask, Pixels, blank, colour_of, distance, text_of
from assetgen.steps.regions import reached_from_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assetgen.core.step import RemoveBackground

_EDGE_PX = 2
"""Depth of the edges that are sampled."""
_LEAST_SHARE = 40
"""Percent of the edges that must have the ground's colour: the subject may reach some."""
_CUBE_LEVELS = 16
_MIXED_PX = 3
"""How far from the ground pixels may be mixtures: pictures from models are a little soft."""
_LEAST_KEY = 96
"""What a ground's strong channels must have beyond its weak ones to be a vivid colour."""
_LEAST_UNMIXED = 64
"""Alpha below which too little of the subject is left in a pixel to tell its colour."""


def remove_background(pixels: Pixels, step: RemoveBackground) -> Pixels:
    """See `core.step.RemoveBackground`.

    Raises:
        StepError: the edges have no common colour, or a checkerboard was painted on them.
    """
    if _is_transparent_already(pixels):
        return pixels
    board = painted_checkerboard(pixels)
    if board is not None:
        raise StepError(f"the ground is {board}, not transparency", hint=HINT)
    ground = _ground_of(pixels, step)
    is_ground = distance(pixels, ground) <= step.tolerance
    is_ground |= pixels[..., 3] == 0
    if step.holes == "keep":
        is_ground = reached_from_edges(is_ground)
    if is_ground.all():
        raise StepError(
            f"nothing is left: the whole picture is within {step.tolerance} of the ground "
            f"`{text_of(ground)}`",
            hint="lower `tolerance`, or give another `ground`",
        )
    return _cut_out(pixels, is_ground, ground, step.feather_px)


def _edges(pixels: Pixels) -> Pixels:
    """The pixels along the four edges, as one row."""
    deep = _EDGE_PX
    middle = pixels[deep:-deep]
    parts = (pixels[:deep], pixels[-deep:], middle[:, :deep], middle[:, -deep:])
    return np.concatenate([part.reshape(-1, 4) for part in parts])


def _is_transparent_already(pixels: Pixels) -> bool:
    edges = _edges(pixels)
    return int((edges[:, 3] == 0).sum()) * 2 > len(edges)


def _ground_of(pixels: Pixels, step: RemoveBackground) -> NDArray[np.int32]:
    """The ground's colour: as given, or what most of the edges have."""
    edges = _edges(pixels)
    if step.ground == "auto":
        ground = _commonest(edges)
        share = _share(edges, ground, step.tolerance)
        if share < _LEAST_SHARE:
            raise StepError(
                f"the edges of the picture have no common colour: the commonest, "
                f"`{text_of(ground)}`, is on {share} % of them",
                hint="ask the model for a plain ground of one colour, raise `tolerance` "
                f"(now {step.tolerance}), or use an installed remover",
            )
        return ground
    ground = np.array(colour_of(step.ground), np.int32)
    share = _share(edges, ground, step.tolerance)
    if share == 0:
        commonest = _commonest(edges)
        raise StepError(
            f"the ground `{step.ground}` is nowhere on the edges of the picture: "
            f"the commonest colour there is `{text_of(commonest)}`, "
            f"on {_share(edges, commonest, step.tolerance)} % of them",
            hint="leave `ground` out to take the colour of the edges",
        )
    # What was painted is never quite the colour asked for; un-mixing needs the one that is there.
    near = edges[distance(edges, ground) <= step.tolerance]
    return _middle(near)


def _commonest(edges: Pixels) -> NDArray[np.int32]:
    """The middle of the colours in the fullest cube of 16 levels a side, and its surroundings."""
    coarse = (edges[:, :3] >> 4).astype(np.int32)
    keys = (coarse[:, 0] << 8) + (coarse[:, 1] << 4) + coarse[:, 2]
    fullest = int(np.bincount(keys, minlength=1 << 12).argmax())
    middle = np.array([fullest >> 8, fullest >> 4 & 15, fullest & 15], np.int32) * 16 + 8
    for _ in range(2):
        near = edges[distance(edges, middle) <= _CUBE_LEVELS]
        middle = _middle(near)
    return middle


def _middle(pixels: Pixels) -> NDArray[np.int32]:
    """The median of each channel."""
    middle: NDArray[np.uint8] = np.sort(pixels[:, :3], axis=0)[len(pixels) // 2]
    return middle.astype(np.int32)


def _share(edges: Pixels, ground: NDArray[np.int32], tolerance: int) -> int:
    """On how many percent of the edges the ground's colour is."""
    return int((distance(edges, ground) <= tolerance).sum()) * 100 // len(edges)


def _cut_out(pixels: Pixels, is_ground: Mask, ground: NDArray[np.int32], feather_px: int) -> Pixels:
    """The picture without its ground."""
    near = _widened(is_ground, _MIXED_PX) & ~is_ground
    rows, columns = np.nonzero(near)
    here = pixels[rows, columns, :3].astype(np.int32)
    subject, is_known = _subject_at(pixels, ~is_ground & ~near, rows, columns, ground)
    alpha = _part_of_subject(here, subject, ground)
    key = _key(ground[None], ground)[0]
    if key >= _LEAST_KEY:
        # In thin lines no pixel may be free of the ground; a vivid one can be told apart in them.
        keyed = OPAQUE - np.minimum(_key(here, ground), key) * OPAQUE // key
        alpha = np.where(is_known, alpha, keyed)
        subject = np.where(is_known[:, None], subject, _without_ground(here, alpha, ground))
    colours = np.where(
        (alpha >= _LEAST_UNMIXED)[:, None], _without_ground(here, alpha, ground), subject
    )
    if feather_px == 0:
        alpha = np.where(alpha >= HALF, OPAQUE, 0)
    result = pixels.copy()
    blank(result, is_ground)
    result[rows, columns, :3] = colours
    result[rows, columns, 3] = alpha * pixels[rows, columns, 3] // OPAQUE
    if feather_px > 1:
        soft = _blurred(result[..., 3], feather_px - 1)
        result[..., 3] = np.minimum(result[..., 3], soft)
    blank(result, result[..., 3] == 0)
    return result


def _part_of_subject(
    here: NDArray[np.int32], subject: NDArray[np.int32], ground: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Alpha: where between ground and subject a colour is, 0 to 255."""
    whole = subject - ground
    length = np.maximum((whole * whole).sum(axis=1), 1)
    part = ((here - ground) * whole).sum(axis=1)
    alpha: NDArray[np.int32] = (np.clip(part, 0, length) * OPAQUE + length // 2) // length
    return alpha.astype(np.int32)


def _key(colours: NDArray[np.int32], ground: NDArray[np.int32]) -> NDArray[np.int32]:
    """How much of a vivid ground is in colours: what its strong channels have beyond its weak ones.

    None is in greys, whatever the ground. (P. Vlahos, US patent 3,158,477, for blue.)
    """
    is_strong = 2 * ground > ground.max() + ground.min()
    strong, weak = colours[:, is_strong], colours[:, ~is_strong]
    if not is_strong.any():
        return np.zeros(len(colours), np.int32)
    beyond: NDArray[np.int32] = strong.min(axis=1) - weak.max(axis=1)
    return np.maximum(beyond, 0)


def _without_ground(
    here: NDArray[np.int32], alpha: NDArray[np.int32], ground: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The colour that gives `here` when it covers the ground with `alpha`."""
    divisor = np.maximum(alpha, 1)[:, None]
    colours: NDArray[np.int32] = ground + ((here - ground) * OPAQUE + divisor // 2) // divisor
    return np.clip(colours, 0, 255)


def _subject_at(
    pixels: Pixels,
    is_sure: Mask,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    ground: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The subject's own colour near each of these pixels, and whether it is known from sure ones.

    It spreads from pixels that are surely the subject's; where those are too far, in lines thinner
    than two soft borders, it is the colour around that is farthest from the ground.
    """
    # With a frame of one pixel, so that the neighbours of all are found by adding to their place.
    stride = is_sure.shape[1] + 2
    colours = np.pad(pixels[..., :3], ((1, 1), (1, 1), (0, 0))).reshape(-1, 3)
    known = np.pad(is_sure, 1).ravel()
    wanted = (rows + 1) * stride + columns + 1
    unknown = wanted
    for _ in range(_MIXED_PX + 1):
        total = np.zeros((len(unknown), 3), np.int32)
        count = np.zeros(len(unknown), np.int32)
        for dy, dx in _AROUND:
            there = unknown + (dy * stride + dx)
            is_known = known[there]
            count += is_known
            total += colours[there] * is_known[:, None]
        found = count > 0
        colours[unknown[found]] = total[found] // count[found][:, None]
        known[unknown[found]] = True
        unknown = unknown[~found]
    if len(unknown):
        places = unknown // stride - 1, unknown % stride - 1
        colours[unknown] = _purest_around(pixels, *places, ground)
    return colours[wanted].astype(np.int32), known[wanted]


_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def _purest_around(
    pixels: Pixels,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    ground: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The colour within two pixels that is farthest from the ground."""
    height, width = pixels.shape[:2]
    best = np.zeros((len(rows), 3), np.int32)
    farthest = np.full(len(rows), -1, np.int32)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            colour = pixels[y, x, :3].astype(np.int32)
            far = ((colour - ground) ** 2).sum(axis=1)
            is_farther = far > farthest
            best[is_farther] = colour[is_farther]
            farthest = np.maximum(far, farthest)
    return best


def _widened(mask: Mask, by_px: int) -> Mask:
    """`mask` and what is within so many pixels of it, corners counting as one."""
    wide = mask
    for _ in range(by_px):
        rows = wide.copy()
        rows[1:] |= wide[:-1]
        rows[:-1] |= wide[1:]
        wide = rows.copy()
        wide[:, 1:] |= rows[:, :-1]
        wide[:, :-1] |= rows[:, 1:]
    return wide


def _blurred(values: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """The mean of a square around each pixel; the picture's edge goes on beyond it."""
    result = values.astype(np.int64)
    size = 2 * radius + 1
    for axis in (0, 1):
        padding = [(radius + 1, radius) if axis == i else (0, 0) for i in range(2)]
        total = np.pad(result, padding, mode="edge").cumsum(axis=axis)
        count = result.shape[axis]
        high = total.take(range(size, size + count), axis=axis)
        result = high - total.take(range(count), axis=axis)
    return ((result + size * size // 2) // (size * size)).astype(np.uint8)
