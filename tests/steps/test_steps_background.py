from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.step import RemoveBackground
from assetgen.errors import StepError
from assetgen.steps.finish import PillowFinisher
from assetgen.steps.regions import reached_from_edges
from tests.properties import LAWFUL
from tests.steps.pictures import (
    checkerboard,
    cover,
    disc,
    drawn,
    flat,
    gradient,
    letters,
    mixed,
    noise,
    opened,
    png,
)

FINISHER = PillowFinisher()
MAGENTA, WHITE, GREEN = (255, 0, 255), (255, 255, 255), (0, 255, 0)


def removed(pixels: np.ndarray, step: RemoveBackground | None = None) -> np.ndarray:
    return opened(FINISHER.apply(png(pixels), step or RemoveBackground()))


def test_a_flat_ground_becomes_transparent_and_the_subject_stays() -> None:
    picture = np.tile(drawn("m"), (16, 16, 1))
    picture[4:12, 4:12] = drawn("g")[0, 0]
    result = removed(picture)
    assert letters(result)[3] == "." * 16
    assert letters(result)[7] == "....gggggggg...."


@pytest.mark.parametrize("ground", [MAGENTA, WHITE, GREEN])
def test_soft_edges_get_the_alpha_they_were_painted_with_and_no_colour_of_the_ground(
    ground: tuple[int, int, int],
) -> None:
    subject = (40, 60, 200)
    result = removed(disc(64, ground, subject, 20))
    wanted = cover(64, 20) * 255
    shown = result[..., 3] > 40
    # What was up to the tolerance away from the ground is ground.
    assert np.abs(result[..., 3] - wanted).max() <= 255 * 32 / 195 + 2
    assert np.abs(result[shown][:, :3].astype(int) - subject).max() <= 8


def test_a_given_ground_is_removed_where_the_edges_have_another_colour_as_well() -> None:
    picture = flat(32, 32, MAGENTA)
    picture[:, 12:] = (90, 90, 90, 255)
    result = removed(picture, RemoveBackground(ground="#ff00ff"))
    assert not result[:, :12, 3].any()
    assert (result[:, 16:] == (90, 90, 90, 255)).all()


def test_ground_that_the_subject_encloses_stays_unless_it_is_to_be_cleared() -> None:
    picture = flat(48, 48, WHITE)
    picture[8:40, 8:40] = (0, 0, 200, 255)
    picture[18:30, 18:30] = (255, 255, 255, 255)
    assert (removed(picture)[24, 24] == 255).all()
    cleared = removed(picture, RemoveBackground(holes="clear"))
    assert cleared[24, 24, 3] == 0
    assert (cleared[12, 12] == (0, 0, 200, 255)).all()


def test_without_a_feather_pixels_are_there_or_not() -> None:
    result = removed(disc(64, MAGENTA, (40, 200, 60), 20), RemoveBackground(feather_px=0))
    assert set(np.unique(result[..., 3])) == {0, 255}


def test_a_wider_feather_makes_the_edge_softer_and_nothing_larger() -> None:
    picture = disc(64, MAGENTA, (40, 200, 60), 20)
    hard, soft = removed(picture), removed(picture, RemoveBackground(feather_px=5))
    assert (soft[..., 3] <= hard[..., 3]).all()
    assert ((soft[..., 3] > 0) & (soft[..., 3] < 255)).sum() > 3 * (
        (hard[..., 3] > 0) & (hard[..., 3] < 255)
    ).sum()


def test_thin_lines_on_a_vivid_ground_keep_none_of_it() -> None:
    share = np.zeros((48, 48))
    share[20, 4:44], share[21, 4:44] = 0.7, 0.4
    result = removed(mixed(flat(48, 48, MAGENTA), (20, 20, 120), share))
    line = result[20, 8:40]
    assert (np.abs(line[:, :3].astype(int) - (20, 20, 120)) <= 8).all()
    assert (np.abs(line[:, 3].astype(int) - 178) <= 8).all()


def test_a_grey_line_on_a_vivid_ground_stays_opaque() -> None:
    share = np.zeros((48, 48))
    share[20:22, 4:44] = 1.0
    result = removed(mixed(flat(48, 48, GREEN), (128, 128, 128), share))
    assert (result[20:22, 8:40] == (128, 128, 128, 255)).all()


def test_a_noisy_ground_is_still_one_ground() -> None:
    picture = disc(96, (250, 5, 245), (30, 30, 30), 30).astype(int)
    picture[..., :3] += np.random.default_rng(4).integers(-9, 10, (96, 96, 3))
    result = removed(np.clip(picture, 0, 255).astype(np.uint8))
    assert not result[:12, :, 3].any()
    assert (result[44:52, 44:52, 3] == 255).all()


def test_the_subject_may_reach_an_edge() -> None:
    picture = flat(64, 64, MAGENTA)
    picture[20:, 16:48] = (10, 90, 10, 255)
    result = removed(picture)
    assert (result[63, 24:40] == (10, 90, 10, 255)).all()
    assert not result[:, :14, 3].any()


def test_a_picture_with_a_transparent_ground_stays_as_it_is() -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[8:24, 8:24] = (200, 10, 10, 255)
    assert np.array_equal(removed(picture), picture)


@pytest.mark.parametrize(
    ("cell", "dark", "light", "seed"),
    [(8, 204, 255, None), (16, 238, 255, None), (12, 102, 153, 1), (20, 204, 255, 2)],
)
def test_a_painted_checkerboard_is_named_and_not_removed(
    cell: int, dark: int, light: int, seed: int | None
) -> None:
    board = checkerboard(256, cell, dark, light, seed=seed)
    picture = mixed(board, (180, 40, 40), cover(256, 80))
    with pytest.raises(StepError) as error:
        removed(picture)
    assert "painted checkerboard" in error.value.what
    assert "not transparency" in error.value.what
    assert error.value.hint is not None
    assert "magenta" in error.value.hint


def stripes(name: str) -> np.ndarray:
    y, x = np.mgrid[:256, :256]
    grey = {
        "upright": np.where(x // 16 % 2, 255, 204),
        "lying": np.where(y // 16 % 2, 255, 204),
        "askew": np.where((x + y) // 16 % 2, 255, 204),
        "plaid": 120 + 40 * (x // 16 % 2) + 40 * (y // 16 % 2),
        "bricks": np.where((y % 32 < 4) | ((x + y // 32 % 2 * 32) % 64 < 4), 220, 120),
        "grid": np.where((x % 32 < 16) | (y % 32 < 16), 220, 120),
        "speckles": np.where(np.random.default_rng(1).random((256, 256)) < 0.5, 255, 204),
    }[name]
    pixels = flat(256, 256, (0, 0, 0))
    pixels[..., :3] = grey[..., None]
    return pixels


@pytest.mark.parametrize(
    "name", ["upright", "lying", "askew", "plaid", "bricks", "grid", "speckles"]
)
def test_other_patterns_are_no_checkerboards(name: str) -> None:
    try:
        removed(stripes(name), RemoveBackground(tolerance=8))
    except StepError as error:
        assert "checkerboard" not in error.what  # noqa: PT017 - some have no common colour


def test_edges_without_a_common_colour_are_reported_with_what_was_measured() -> None:
    with pytest.raises(StepError, match=r"no common colour: .*`#[0-9a-f]{6}`, is on \d+ % of"):
        removed(gradient(64, 64))


def test_a_given_ground_that_is_nowhere_is_reported_with_the_colour_that_is() -> None:
    with pytest.raises(StepError, match=r"`#00ff00` is nowhere .* `#ff00ff`, on 100 %"):
        removed(disc(64, MAGENTA, (0, 0, 0), 20), RemoveBackground(ground="#00ff00"))


def test_a_picture_that_is_all_ground_is_refused() -> None:
    with pytest.raises(StepError, match="nothing is left"):
        removed(flat(32, 32, WHITE))


def reached_slowly(mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    found = np.zeros_like(mask)
    waiting = [
        (y, x)
        for y in range(height)
        for x in range(width)
        if mask[y, x] and (y in {0, height - 1} or x in {0, width - 1})
    ]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < height and 0 <= x < width and mask[y, x] and not found[y, x]:
            found[y, x] = True
            waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return found


@LAWFUL
@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, 20), st.sampled_from([3, 5, 7]))
def test_regions_are_those_that_a_flood_from_the_edges_fills(
    seed: int, height: int, width: int, tenths: int
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < tenths / 10
    assert np.array_equal(reached_from_edges(mask), reached_slowly(mask))


@LAWFUL
@given(st.integers(0, 2**32))
def test_what_is_removed_has_no_colour_left(seed: int) -> None:
    picture = noise(24, 24, seed=seed, alpha=True)
    picture[:3] = picture[-3:] = picture[:, :3] = picture[:, -3:] = (255, 0, 255, 255)
    result = removed(picture)
    assert not result[result[..., 3] == 0].any()
