"""Variants, frames, atlases, and what a page shows first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assetgen.core.finish import Atlas, Frames, Rendition
from assetgen.core.sheet import Rectangle
from assetgen.core.value import replace
from assetgen.errors import ImageError, StepError
from assetgen.steps.finish import PillowFinisher
from tests.properties import LAWFUL
from tests.steps.pictures import disc, drawn, flat, gradient, letters, noise, opened, png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.finished import Finished, Look

FINISHER = PillowFinisher()


def renditions(data: bytes, wanted: Sequence[Rendition]) -> list[Finished]:
    return FINISHER.variants(data, wanted)[0]


def look(data: bytes) -> Look:
    return FINISHER.variants(data, [])[1]


def sprite(width: int, height: int, seed: int = 1) -> np.ndarray:
    """Noise with a transparent border of a pixel."""
    picture = np.zeros((height, width, 4), np.uint8)
    picture[1:-1, 1:-1] = noise(width - 2, height - 2, seed=seed)
    return picture


# Variants


def test_variants_come_in_the_order_they_are_wanted_in_width_and_format() -> None:
    wanted = [
        Rendition(40, "webp", 80),
        Rendition(20, "png", None),
        Rendition(40, "avif", 60),
        Rendition(20, "jpeg", 82),
    ]
    made = renditions(png(gradient(60, 30)), wanted)
    assert [(f.info.format, f.info.width_px, f.info.height_px) for f in made] == [
        ("webp", 40, 20), ("png", 20, 10), ("avif", 40, 20), ("jpeg", 20, 10),
    ]  # fmt: skip
    for finished in made:
        image = Image.open(BytesIO(finished.data))
        assert image.size == (finished.info.width_px, finished.info.height_px)
        assert (image.format or "").lower() == finished.info.format


def test_a_variant_is_never_larger_than_the_picture() -> None:
    (made,) = renditions(png(gradient(60, 30)), [Rendition(500, "png", None)])
    assert (made.info.width_px, made.info.height_px) == (60, 30)
    assert np.array_equal(opened(made.data), gradient(60, 30))


@pytest.mark.parametrize("target", ["png", "webp"])
def test_without_a_quality_png_and_webp_keep_every_pixel(target: str) -> None:
    picture = sprite(30, 20)
    (made,) = renditions(png(picture), [Rendition(30, target, None)])  # type: ignore[arg-type]
    assert np.array_equal(opened(made.data), picture)


def test_a_png_variant_is_smaller_than_what_pillow_writes_by_itself() -> None:
    data = png(disc(64, (255, 255, 255), (10, 90, 10), 20))
    (made,) = renditions(data, [Rendition(64, "png", None)])
    assert len(made.data) < len(data)


def test_a_lower_quality_makes_a_smaller_file() -> None:
    wanted = [Rendition(64, f, q) for f in ("webp", "avif", "jpeg") for q in (30, 90)]
    sizes = [len(f.data) for f in renditions(png(noise(64, 64)), wanted)]
    assert sizes[0] < sizes[1]
    assert sizes[2] < sizes[3]
    assert sizes[4] < sizes[5]


def test_transparency_becomes_white_in_jpeg_and_stays_elsewhere() -> None:
    wanted = [Rendition(16, f, 90) for f in ("jpeg", "webp", "avif")]
    jpeg, webp, avif = renditions(png(np.zeros((16, 16, 4), np.uint8)), wanted)
    assert opened(jpeg.data)[8, 8].tolist() == [255, 255, 255, 255]
    assert not opened(webp.data)[..., 3].any()
    assert not opened(avif.data)[..., 3].any()


def test_variants_have_the_same_bytes_from_every_thread() -> None:
    data = png(gradient(96, 64))
    wanted = [Rendition(w, f, 70) for w in (48, 96) for f in ("avif", "webp", "png")]
    alone = [f.data for f in renditions(data, wanted)]
    with ThreadPoolExecutor(4) as pool:
        for made in pool.map(lambda _: renditions(data, wanted), range(4)):
            assert [f.data for f in made] == alone


def test_a_variant_too_thin_to_be_a_picture_is_refused() -> None:
    with pytest.raises(StepError, match="the picture would be 2x1 px"):
        renditions(png(gradient(200, 20)), [Rendition(2, "png", None)])


# Frames

SHEET = drawn(
    "........",
    ".r...g..",
    ".r......",
    "........",
    "....bb..",
    "w...bb..",
    "........",
    "........",
)
FRAMES = Frames(columns=2, rows=2, output="${frame}.png", format="png", count=4)


def frames(sheet: np.ndarray, wanted: Frames) -> list[list[str]]:
    return [letters(opened(frame.data)) for frame in FINISHER.frames(png(sheet), wanted)]


def test_a_sheet_is_cut_at_its_grid_by_rows() -> None:
    assert frames(SHEET, FRAMES) == [
        ["....", ".r..", ".r..", "...."],
        ["....", ".g..", "....", "...."],
        ["....", "w...", "....", "...."],
        ["bb..", "bb..", "....", "...."],
    ]
    assert len(frames(SHEET, replace(FRAMES, count=3))) == 3


def test_margin_and_spacing_are_left_out() -> None:
    sheet = drawn("######", "#rr#gg", "#rr#gg", "######", "#bb#ww", "#bb#ww")
    sheet = np.pad(sheet, ((0, 1), (0, 1), (0, 0)), constant_values=9)
    assert frames(sheet, replace(FRAMES, margin_px=1, spacing_px=1)) == [
        ["rr", "rr"], ["gg", "gg"], ["bb", "bb"], ["ww", "ww"],
    ]  # fmt: skip


def test_frames_stand_on_one_ground_when_anchored_at_the_bottom() -> None:
    found = frames(SHEET, replace(FRAMES, anchor="bottom"))
    assert found[0] == ["....", ".r..", ".r..", "...."]
    assert found[1] == ["....", "....", ".g..", "...."]
    assert found[3] == ["....", ".bb.", ".bb.", "...."]


def test_frames_have_one_middle_when_anchored_at_the_centre() -> None:
    found = frames(SHEET, replace(FRAMES, anchor="centre"))
    assert found[0] == ["....", ".r..", ".r..", "...."]
    assert found[3] == ["....", ".bb.", ".bb.", "...."]


def test_trimmed_frames_are_all_of_the_smallest_size_that_holds_each() -> None:
    assert frames(SHEET, replace(FRAMES, anchor="bottom", trim=True)) == [
        ["r.", "r."], ["..", "g."], ["..", "w."], ["bb", "bb"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(FRAMES, columns=3), "8 px is 2 px each with 2 px left over"),
        (replace(FRAMES, columns=9), "no room for 9 columns"),
        (replace(FRAMES, count=5), "a grid of 2 x 2 has no 5 frames"),
        (replace(FRAMES, columns=8, count=8), "the picture would be 1x4 px"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused_with_what_was_found(
    wanted: Frames, message: str
) -> None:
    with pytest.raises(StepError, match=message):
        FINISHER.frames(png(SHEET), wanted)


# Atlases

ATLAS = Atlas(name="ui", members=(), output="ui.png", format="png", data={}, padding_px=1)


def test_frames_of_an_atlas_are_sorted_by_name_and_numbers_by_value() -> None:
    names = ["walk-10", "walk-2", "hero", "walk-1", "a10b2", "a10b10"]
    pictures = [(name, png(sprite(6, 5, seed))) for seed, name in enumerate(names)]
    found = [frame.name for frame in FINISHER.pack(pictures, ATLAS).frames]
    assert found == ["a10b2", "a10b10", "hero", "walk-1", "walk-2", "walk-10"]


def test_the_order_of_pictures_does_not_change_an_atlas() -> None:
    pictures = [(f"s{n}", png(sprite(4 + n % 5, 9 - n % 4, n))) for n in range(12)]
    assert FINISHER.pack(pictures, ATLAS) == FINISHER.pack(pictures[::-1], ATLAS)


def test_a_trimmed_frame_knows_where_it_was() -> None:
    picture = np.zeros((10, 12, 4), np.uint8)
    picture[2:6, 3:11] = (5, 6, 7, 255)
    (frame,) = FINISHER.pack([("a", png(picture))], ATLAS).frames
    assert frame.place == Rectangle(0, 0, 8, 4)
    assert (frame.source_width, frame.source_height, frame.source_x, frame.source_y) == (
        12, 10, 3, 2,
    )  # fmt: skip
    (whole,) = FINISHER.pack([("a", png(picture))], replace(ATLAS, trim=False)).frames
    assert whole.place == Rectangle(0, 0, 12, 10)
    assert not whole.is_trimmed


def test_pictures_that_look_the_same_share_a_place() -> None:
    same = png(sprite(8, 8))
    packed = FINISHER.pack([("a", same), ("b", same), ("c", png(sprite(8, 8, 2)))], ATLAS)
    a, b, c = packed.frames
    assert a.place == b.place != c.place


def test_a_picture_with_nothing_to_see_has_a_place_of_one_pixel() -> None:
    empty, full = png(np.zeros((8, 8, 4), np.uint8)), png(sprite(8, 8))
    frame = FINISHER.pack([("a", empty), ("b", full)], ATLAS).frames[0]
    assert (frame.place.width, frame.place.height) == (1, 1)
    assert (frame.source_width, frame.source_height) == (8, 8)


def test_edges_are_repeated_around_a_frame() -> None:
    picture = drawn("rg", "bw")
    packed = FINISHER.pack([("a", png(picture))], replace(ATLAS, extrude_px=1))
    assert letters(opened(packed.pages[0].data)) == ["rrgg", "rrgg", "bbww", "bbww"]
    assert packed.frames[0].place == Rectangle(1, 1, 2, 2)


@settings(LAWFUL, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(3, 24), st.integers(3, 24)), min_size=1, max_size=14),
    st.integers(0, 3), st.integers(0, 2), st.booleans(), st.booleans(),
)  # fmt: skip
def test_frames_never_overlap_and_their_pixels_are_those_of_the_pictures(
    sizes: list[tuple[int, int]], padding: int, extrude: int, power_of_two: bool, trim: bool
) -> None:
    pictures = {f"s{n}": sprite(w, h, n) for n, (w, h) in enumerate(sizes)}
    atlas = replace(
        ATLAS,
        padding_px=padding, extrude_px=extrude, power_of_two=power_of_two, trim=trim,
        max_px=64, max_pages=9,
    )  # fmt: skip
    packed = FINISHER.pack([(name, png(pixels)) for name, pixels in pictures.items()], atlas)
    pages = [opened(page.data) for page in packed.pages]
    taken = [np.zeros(page.shape[:2], int) for page in pages]
    for page, found in zip(packed.pages, pages, strict=True):
        assert (page.info.height_px, page.info.width_px) == found.shape[:2]
        assert max(found.shape[:2]) <= 64
        if power_of_two:
            assert all(side & (side - 1) == 0 for side in found.shape[:2])
    assert [frame.name for frame in packed.frames] == list(pictures)
    for frame in packed.frames:
        x, y, width, height = (
            frame.place.x, frame.place.y, frame.place.width, frame.place.height,
        )  # fmt: skip
        there = pages[frame.page][y : y + height, x : x + width]
        source = pictures[frame.name]
        cut = source[frame.source_y :, frame.source_x :][:height, :width]
        assert np.array_equal(there, cut)
        if trim:
            rest = source.copy()
            rest[frame.source_y :, frame.source_x :][:height, :width] = 0
            assert not rest.any()
        # With what is extruded and half of the padding, so that overlaps of these count too.
        low_x, low_y = x - extrude, y - extrude
        area = taken[frame.page][low_y:, low_x:]
        area[: height + 2 * extrude + padding, : width + 2 * extrude + padding] += 1
    assert all(page.max(initial=0) <= 1 for page in taken)


def test_pictures_that_do_not_fit_are_counted() -> None:
    pictures = [(f"s{n}", png(sprite(20, 20, n))) for n in range(10)]
    with pytest.raises(StepError) as error:
        FINISHER.pack(pictures, replace(ATLAS, max_px=40, trim=False))
    assert error.value.what == "1 of the 10 pictures of atlas `ui` fit on 1 page of 40x40 px"
    assert error.value.hint is not None
    assert "max_pages" in error.value.hint
    packed = FINISHER.pack(pictures, replace(ATLAS, max_px=41, trim=False, max_pages=3))
    assert len(packed.pages) == 3


def test_a_picture_larger_than_a_page_is_named() -> None:
    with pytest.raises(StepError, match=r"frame `big` does not fit .* it is 70x20 px"):
        FINISHER.pack([("big", png(sprite(70, 20)))], replace(ATLAS, max_px=64, trim=False))


# Looks


def test_the_look_of_a_picture_is_that_of_its_author_s_thumbhash() -> None:
    """Vectors made with the reference implementation (crate `thumbhash` 0.1)."""
    assert look(png(noise(60, 30))).thumbhash == "3/cBDILdT4Z06ERRvIdbsJSfuA=="
    assert look(png(noise(24, 48, seed=2))).thumbhash == "IPgBBAJYUJlWbFu8zLYDTSdPkg=="
    with_alpha = look(png(noise(50, 40, seed=3, alpha=True)))
    assert with_alpha.thumbhash == "4AeCBIAHpv6IlznEhApZhH1ww2aQ6oiVBQ=="


def test_the_dominant_colour_is_that_of_most_pixels_that_are_seen() -> None:
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[:10] = (200, 30, 30, 255)
    picture[10:14] = (0, 0, 250, 255)
    assert look(png(picture)).colour == "#c81e1e"
    assert look(png(flat(400, 300, (1, 2, 3)))).colour == "#010203"
    assert look(png(np.zeros((9, 9, 4), np.uint8))).colour == "#000000"


def test_bytes_that_are_no_picture_are_refused_everywhere() -> None:
    for attempt in (
        lambda: renditions(b"x", [Rendition(9, "png", None)]),
        lambda: FINISHER.frames(b"x", FRAMES),
        lambda: FINISHER.pack([("a", b"x")], ATLAS),
        lambda: look(b"x"),
    ):
        with pytest.raises(ImageError):
            attempt()
