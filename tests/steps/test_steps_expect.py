"""What is expected of a finished picture, and what messages say was measured."""

from __future__ import annotations

import numpy as np
import pytest

from assetgen.core.finish import Expect
from assetgen.core.step import Tile
from assetgen.steps.finish import PillowFinisher
from tests.steps.pictures import checkerboard, cover, flat, gradient, mixed, noise, png

FINISHER = PillowFinisher()
CLEAR = np.zeros((10, 20, 4), np.uint8)


@pytest.mark.parametrize(
    ("pixels", "expect", "message"),
    [
        (CLEAR, Expect(width_px=32, height_px=16), "expected 32x16 px, got 20x10 px"),
        (CLEAR, Expect(width_px=32), "expected 32 px in width, got 20x10 px"),
        (CLEAR, Expect(height_px=16), "expected 16 px in height, got 20x10 px"),
        (
            flat(20, 10, (1, 2, 3)),
            Expect(alpha=True),
            "expected transparency, got an opaque picture",
        ),
        (
            CLEAR,
            Expect(alpha=False),
            "expected no transparency, got 200 transparent pixels (100 %)",
        ),
        (noise(20, 10), Expect(colours=16), "expected at most 16 colours, got 200"),
    ],
)
def test_messages_say_what_was_expected_and_what_was_measured(
    pixels: np.ndarray, expect: Expect, message: str
) -> None:
    assert FINISHER.unmet(png(pixels), expect) == [message]


def test_the_size_of_the_file_is_measured() -> None:
    data = png(noise(40, 40))
    assert FINISHER.unmet(data, Expect(max_bytes=len(data))) == []
    (message,) = FINISHER.unmet(data, Expect(max_bytes=1000))
    assert message == f"expected at most 1,000 bytes, got {len(data):,}"


def test_a_painted_checkerboard_is_no_transparency_and_is_named() -> None:
    picture = mixed(checkerboard(256, 16), (180, 40, 40), cover(256, 80))
    (message,) = FINISHER.unmet(png(picture), Expect(alpha=True))
    assert message == (
        "expected transparency, got an opaque picture with a painted checkerboard of 16 px "
        "squares, #ffffff and #cccccc"
    )


def test_a_gradient_has_seams_that_are_measured_and_none_as_a_tile() -> None:
    data = png(gradient(64, 48))
    (message,) = FINISHER.unmet(data, Expect(seamless=True))
    assert message.startswith("expected no seams, but left and right edges differ by 1")
    assert "top and bottom edges differ by" in message
    assert "neighbours inside differ by" in message
    assert FINISHER.unmet(FINISHER.apply(data, Tile()), Expect(seamless=True)) == []


def test_seams_of_one_direction_are_told_apart() -> None:
    picture = flat(64, 64, (0, 0, 0))
    picture[..., 0] = np.arange(64) * 4
    (message,) = FINISHER.unmet(png(picture), Expect(seamless=True))
    assert "left and right" in message
    assert "top and bottom" not in message


@pytest.mark.parametrize("picture", [noise(40, 40), flat(40, 40, (9, 9, 9)), CLEAR])
def test_textures_that_repeat_have_no_seams(picture: np.ndarray) -> None:
    assert FINISHER.unmet(png(picture), Expect(seamless=True)) == []


def test_what_is_expected_and_so_says_nothing() -> None:
    expect = Expect(alpha=True, width_px=20, height_px=10, max_bytes=999, colours=1)
    assert FINISHER.unmet(png(CLEAR), expect) == []


def test_all_that_is_not_met_is_said_at_once() -> None:
    expect = Expect(alpha=True, width_px=9, max_bytes=9, colours=2, seamless=True)
    assert len(FINISHER.unmet(png(gradient(64, 48)), expect)) == 5
