"""`palette`, `pixelate`, `tile`: other colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.step import Axes, Dither, Palette, Pixelate, Tile
from assetgen.errors import StepError
from assetgen.steps.finish import PillowFinisher
from tests.properties import LAWFUL
from tests.steps.pictures import drawn, flat, gradient, letters, noise, opened, png

if TYPE_CHECKING:
    from assetgen.core.step import Step

FINISHER = PillowFinisher()
DITHERS = get_args(Dither)
SEEDS = st.integers(0, 2**32)


def after(pixels: np.ndarray, step: Step) -> np.ndarray:
    return opened(FINISHER.apply(png(pixels), step))


def colours(pixels: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(p[:3]) for p in pixels.reshape(-1, 4).tolist() if p[3]}


@LAWFUL
@given(SEEDS, st.integers(2, 40), st.sampled_from(DITHERS), st.booleans())
def test_a_palette_never_has_more_colours_than_asked_for_and_keeps_alpha(
    seed: int, count: int, dither: Dither, alpha: bool
) -> None:
    picture = noise(17, 13, seed=seed, alpha=alpha)
    result = after(picture, Palette(count, dither=dither))
    assert len(colours(result)) <= count
    assert np.array_equal(result[..., 3], picture[..., 3])


@LAWFUL
@given(SEEDS, st.integers(1, 12), st.sampled_from(DITHERS))
def test_a_fixed_palette_brings_no_other_colour(seed: int, count: int, dither: Dither) -> None:
    fixed = noise(count, 1, seed=seed + 1)[0, :, :3].tolist()
    names = tuple("#" + bytes(colour).hex() for colour in fixed)
    result = after(noise(9, 9, seed=seed), Palette(fixed=names, dither=dither))
    assert colours(result) <= {tuple(colour) for colour in fixed}


@LAWFUL
@given(SEEDS, st.integers(1, 12), st.sampled_from(DITHERS))
def test_a_picture_in_the_colours_of_a_palette_stays_as_it_is(
    seed: int, count: int, dither: Dither
) -> None:
    fixed = noise(count, 1, seed=seed + 1)[0]
    picture = fixed[np.random.default_rng(seed).integers(0, count, (9, 9))]
    names = tuple("#" + bytes(colour[:3]).hex() for colour in fixed.tolist())
    assert np.array_equal(after(picture, Palette(fixed=names, dither=dither)), picture)


def test_few_colours_are_chosen_where_the_picture_has_them() -> None:
    picture = np.concatenate([flat(9, 20, (200, 20, 20)), flat(9, 20, (20, 20, 210))], axis=1)
    picture[0, 0] = (190, 30, 20, 255)
    found = colours(after(picture, Palette(2)))
    assert found == {(200, 20, 20), (20, 20, 210)}


def test_what_is_transparent_takes_no_part_in_the_choice() -> None:
    picture = drawn("rg..", "bw..")
    assert letters(after(picture, Palette(4))) == ["rg..", "bw.."]


@pytest.mark.parametrize("dither", ["floyd-steinberg", "ordered"])
def test_dithering_imitates_a_colour_between_two(dither: Dither) -> None:
    picture = flat(32, 32, (64, 64, 64))
    result = after(picture, Palette(fixed=("#000000", "#808080"), dither=dither))
    assert abs(float(result[..., 0].mean()) - 64) <= 2
    assert len(colours(result)) == 2


def test_errors_are_diffused_as_floyd_and_steinberg_say() -> None:
    """Against the plain loop over pixels."""
    picture = gradient(23, 17)
    picture[5:9, 5:9] = 0
    fixed = ((0, 0, 0), (255, 80, 0), (30, 160, 255), (255, 255, 255))
    names = tuple("#" + bytes(colour).hex() for colour in fixed)
    result = after(picture, Palette(fixed=names, dither="floyd-steinberg"))
    errors = np.zeros((18, 25, 3), int)
    for y in range(17):
        for x in range(23):
            if not picture[y, x, 3]:
                continue
            wanted = np.clip(picture[y, x, :3] + (errors[y, x + 1] + 8) // 16, 0, 255)
            distances = [((wanted - np.array(colour)) ** 2).sum() for colour in fixed]
            chosen = np.array(fixed[int(np.argmin(distances))])
            assert result[y, x, :3].tolist() == chosen.tolist(), (x, y)
            for dy, dx, part in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                errors[y + dy, x + 1 + dx] += part * (wanted - chosen)


def test_pixels_of_a_grid_have_the_colour_most_of_their_cell_has() -> None:
    picture = drawn("rg", "bw").repeat(8, axis=0).repeat(8, axis=1)
    picture[::4, ::4] = (0, 0, 0, 255)
    assert letters(after(picture, Pixelate(2))) == ["rg", "bw"]


def test_a_pixel_grid_can_be_written_larger() -> None:
    picture = drawn("rg", "bw").repeat(8, axis=0).repeat(8, axis=1)
    assert letters(after(picture, Pixelate(2, scale=2))) == ["rrgg", "rrgg", "bbww", "bbww"]


def test_a_pixel_grid_has_no_colour_that_the_picture_has_not() -> None:
    picture = noise(50, 40)
    assert colours(after(picture, Pixelate(7))) <= colours(picture)


@LAWFUL
@given(SEEDS, st.integers(2, 30), st.integers(2, 30), st.integers(1, 3))
def test_a_pixel_grid_is_exactly_as_large_as_asked_for_and_there_or_not(
    seed: int, width: int, height: int, scale: int
) -> None:
    result = after(noise(30, 30, seed=seed, alpha=True), Pixelate(width, height, scale=scale))
    assert result.shape[:2] == (height * scale, width * scale)
    assert set(np.unique(result[..., 3])) <= {0, 255}
    blocks = result.reshape(height, scale, width, scale, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_pixel_grid_may_have_a_palette_and_keeps_its_shape() -> None:
    result = after(gradient(60, 30), Pixelate(12, palette=Palette(5)))
    assert result.shape[:2] == (6, 12)
    assert len(colours(result)) <= 5


def test_a_grid_of_more_pixels_than_there_are_is_refused_with_both_sizes() -> None:
    with pytest.raises(StepError, match=r"picture of 16x16 px to 32x32 px"):
        after(noise(16, 16), Pixelate(32))


@LAWFUL
@given(SEEDS, st.integers(2, 40), st.integers(2, 40), st.integers(1, 50))
def test_the_edges_of_a_tile_are_neighbours_in_the_picture(
    seed: int, width: int, height: int, blend: int
) -> None:
    picture = noise(width, height, seed=seed)
    across = after(picture, Tile(axes="x", blend=blend))
    middle = width - width // 2
    assert np.array_equal(across[:, 0], picture[:, middle % width])
    assert np.array_equal(across[:, -1], picture[:, middle - 1])
    down = after(picture, Tile(axes="y", blend=blend))
    middle = height - height // 2
    assert np.array_equal(down[0], picture[middle % height])
    assert np.array_equal(down[-1], picture[middle - 1])


@pytest.mark.parametrize("axes", get_args(Axes))
def test_a_tile_keeps_its_size_and_its_middle(axes: Axes) -> None:
    picture = gradient(64, 48)
    result = after(picture, Tile(axes=axes))
    assert result.shape == picture.shape
    assert np.array_equal(result[20:28, 24:40], picture[20:28, 24:40])


def test_a_tile_of_one_colour_stays_as_it_is() -> None:
    picture = flat(31, 18, (123, 45, 67))
    assert np.array_equal(after(picture, Tile()), picture)


def test_transparent_parts_of_a_tile_leave_no_dark_fringe() -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[:, :14] = (250, 200, 100, 255)
    result = after(picture, Tile())
    shown = result[result[..., 3] > 8]
    assert np.abs(shown[:, :3].astype(int) - (250, 200, 100)).max() <= 16
    assert not result[result[..., 3] == 0].any()
