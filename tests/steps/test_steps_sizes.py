"""`trim`, `crop`, `resize`, `pad`: other sizes."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from io import BytesIO
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from assetgen.core.step import Crop, Filter, Fit, Gravity, Pad, Resize, Trim
from assetgen.errors import StepError
from assetgen.steps.finish import PillowFinisher
from tests.properties import LAWFUL
from tests.steps.pictures import drawn, flat, gradient, letters, noise, opened, png

if TYPE_CHECKING:
    from assetgen.core.step import Step

FINISHER = PillowFinisher()
SIDES = st.integers(2, 60)


def after(pixels: np.ndarray, *steps: Step) -> np.ndarray:
    data = png(pixels)
    for step in steps:
        data = FINISHER.apply(data, step)
    return opened(data)


SPRITE = drawn(
    "......",
    "..r...",
    "..gb..",
    "......",
)


def test_trim_cuts_transparent_borders_off() -> None:
    assert letters(after(SPRITE, Trim())) == ["r.", "gb"]


def test_trim_leaves_a_margin_where_there_is_one() -> None:
    assert letters(after(SPRITE, Trim(margin_px=1))) == ["....", ".r..", ".gb.", "...."]
    assert letters(after(SPRITE, Trim(margin_px=9))) == letters(SPRITE)


def test_trim_cuts_a_border_of_one_colour_off_an_opaque_picture() -> None:
    assert letters(after(drawn("wwww", "wrbw", "wgrw", "wwww"), Trim())) == ["rb", "gr"]


def test_trim_takes_what_is_nearly_transparent_for_border_when_told_so() -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[1:7, 1:7] = (9, 9, 9, 8)
    picture[3:5, 3:5] = (9, 9, 9, 255)
    assert after(picture, Trim(threshold=8)).shape[:2] == (2, 2)
    assert after(picture, Trim(threshold=7)).shape[:2] == (6, 6)


def test_trim_never_leaves_less_than_a_picture_may_have() -> None:
    assert letters(after(drawn("....", ".r..", "...."), Trim())) == ["r.", ".."]


@pytest.mark.parametrize("pixels", [np.zeros((4, 4, 4), np.uint8), flat(4, 4, (9, 8, 7))])
def test_trim_refuses_a_picture_that_is_all_border(pixels: np.ndarray) -> None:
    with pytest.raises(StepError, match="nothing is left to trim to"):
        after(pixels, Trim())


@LAWFUL
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 9), st.integers(0, 2**20))
def test_trim_gives_back_what_was_padded(width: int, height: int, margin: int, seed: int) -> None:
    picture = noise(width + 1, height + 1, seed=seed)
    assert np.array_equal(after(picture, Pad(margin_px=margin or 1), Trim()), picture)


GRID = drawn("rgb", "w#y", "mrg")


def test_crop_cuts_at_a_place() -> None:
    assert letters(after(GRID, Crop(2, 2, x=1, y=0))) == ["gb", "#y"]


@pytest.mark.parametrize(
    ("gravity", "rows"),
    [
        ("north-west", ["rg", "w#"]),
        ("north", ["rg", "w#"]),
        ("east", ["gb", "#y"]),
        ("south-east", ["#y", "rg"]),
        ("south", ["w#", "mr"]),
    ],
)
def test_crop_cuts_where_gravity_says(gravity: Gravity, rows: list[str]) -> None:
    assert letters(after(GRID, Crop(2, 2, gravity=gravity))) == rows


def test_crop_beyond_the_picture_says_both_sizes() -> None:
    with pytest.raises(StepError) as error:
        after(GRID, Crop(4, 2))
    assert error.value.what == "cannot crop 4x2 px out of a picture of 3x3 px"
    assert error.value.hint == "crop less, or `resize` or `pad` the picture first"
    with pytest.raises(StepError, match=r"cannot crop 2x2 px at 2, 0 out of a picture of 3x3 px"):
        after(GRID, Crop(2, 2, x=2, y=0))


RESIZES = st.builds(
    Resize,
    SIDES,
    SIDES,
    st.sampled_from(get_args(Fit)),
    st.sampled_from(get_args(Filter)),
    st.sampled_from(get_args(Gravity)),
)


@LAWFUL
@given(SIDES, SIDES, RESIZES)
def test_resize_gives_exactly_the_size_asked_for(width: int, height: int, step: Resize) -> None:
    # The picture's own shape may be too thin to be one in that size.
    with suppress(StepError) if step.fit == "inside" else nullcontext():
        found = after(noise(width, height, alpha=True), step).shape[1::-1]
        if step.fit == "inside":
            assert found[0] <= min(step.width_px or 0, width)
            assert found[1] <= min(step.height_px or 0, height)
        else:
            assert found == (step.width_px, step.height_px)


def test_resize_by_one_side_keeps_the_shape() -> None:
    assert after(noise(40, 30), Resize(20, None)).shape[:2] == (15, 20)
    assert after(noise(40, 30), Resize(None, 60)).shape[:2] == (60, 80)


def test_contain_puts_transparent_bars_where_gravity_leaves_room() -> None:
    picture = flat(4, 2, (255, 0, 0))
    assert letters(after(picture, Resize(4, 4))) == ["....", "rrrr", "rrrr", "...."]
    low = after(picture, Resize(4, 4, gravity="south"))
    assert letters(low) == ["....", "....", "rrrr", "rrrr"]


def test_cover_keeps_the_side_that_gravity_names() -> None:
    picture = np.concatenate([flat(4, 4, (255, 0, 0)), flat(4, 4, (0, 0, 255))], axis=1)
    left = after(picture, Resize(4, 4, fit="cover", gravity="west"))
    assert letters(left) == ["rrrr"] * 4
    right = after(picture, Resize(4, 4, fit="cover", gravity="east"))
    assert letters(right) == ["bbbb"] * 4


def test_nearest_makes_pixel_art_larger_without_a_new_colour() -> None:
    assert letters(after(drawn("rg", "b#"), Resize(4, 4, filter="nearest"))) == [
        "rrgg", "rrgg", "bb##", "bb##",
    ]  # fmt: skip


@pytest.mark.parametrize("name", get_args(Filter))
def test_what_is_transparent_leaves_no_dark_fringe(name: Filter) -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[8:24, 8:24] = (250, 200, 100, 255)
    small = after(picture, Resize(13, 13, filter=name))
    clear = small[small[..., 3] > 60]
    # Sharp filters overshoot, to the bright side, never to the dark one.
    assert ((250, 200, 100) - clear[:, :3].astype(int)).max() <= 3


def test_a_picture_of_the_size_asked_for_keeps_every_pixel() -> None:
    picture = noise(20, 10, alpha=True)
    assert np.array_equal(after(picture, Resize(20, 10)), picture)


def test_sizes_that_no_image_may_have_are_refused() -> None:
    with pytest.raises(StepError, match="the picture would be 20000x20000 px"):
        after(noise(4, 4), Resize(20_000, None))
    with pytest.raises(StepError, match="the picture would be 1x1 px"):
        after(noise(4, 4), Resize(1, 1))
    with pytest.raises(StepError, match="the picture would be 40004x40004 px"):
        after(noise(4, 4), Pad(margin_px=20_000))


def test_pad_makes_a_canvas_around_the_picture() -> None:
    assert letters(after(drawn("rg", "gr"), Pad(4, 3, gravity="north-east"))) == [
        "..rg", "..gr", "....",
    ]  # fmt: skip


def test_pad_fills_with_a_colour_only_what_is_new() -> None:
    assert letters(after(drawn("r.", ".r"), Pad(margin_px=1, colour="#0000ff"))) == [
        "bbbb", "br.b", "b.rb", "bbbb",
    ]  # fmt: skip


def test_pad_never_cuts_off() -> None:
    assert after(GRID, Pad(2, 2)).shape[:2] == (3, 3)


def test_pictures_between_steps_are_the_same_bytes_every_time() -> None:
    data = png(gradient(40, 30))
    first = FINISHER.apply(data, Resize(17, 11))
    assert first == FINISHER.apply(data, Resize(17, 11))
    assert Image.open(BytesIO(first)).format == "PNG"


@LAWFUL
@given(st.integers(2, 20), st.integers(2, 20), st.integers(0, 2**20), st.booleans())
def test_a_step_that_changes_nothing_keeps_every_pixel(
    width: int, height: int, seed: int, alpha: bool
) -> None:
    picture = noise(width, height, seed=seed, alpha=alpha)
    assert np.array_equal(after(picture, Pad()), picture)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_profile(profile: bytes, mode: str = "RGB") -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4), (200, 30, 30)).convert(mode).save(file, "PNG", icc_profile=profile)
    return file.getvalue()


def test_a_colour_profile_of_srgb_changes_no_pixel_and_is_dropped() -> None:
    result = FINISHER.apply(with_profile(SRGB), Pad())
    assert opened(result)[0, 0].tolist() == [200, 30, 30, 255]
    assert "icc_profile" not in Image.open(BytesIO(result)).info


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_of_another_colour_space_becomes_srgb(mode: str) -> None:
    # The same space with red and green the other way round, under another name.
    swapped = SRGB.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "GRBs".encode("utf-16-be"))
    red, green, *_ = opened(FINISHER.apply(with_profile(swapped, mode), Pad()))[0, 0].tolist()
    assert (red, green) < (60, 200) < (green, 256)


def test_a_broken_colour_profile_is_ignored() -> None:
    broken = SRGB[:40] + b"xxxx" + SRGB[44:200]
    result = opened(FINISHER.apply(with_profile(broken), Pad()))
    assert result[0, 0].tolist() == [200, 30, 30, 255]
