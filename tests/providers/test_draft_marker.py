from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assetgen.core.drawing import Drawing, Rectangle
from assetgen.providers.draft import mark, marked_key
from assetgen.steps.image import PillowImages

if TYPE_CHECKING:
    from assetgen.core.model import ImageFormat

KEY = "0123456789abcdef" * 4
FORMATS: tuple[ImageFormat, ...] = ("png", "jpeg", "webp", "avif")
IMAGES = PillowImages()


def image(format_name: ImageFormat) -> bytes:
    drawing = Drawing(24, 16, (200, 30, 90), (Rectangle(3, 2, 9, 7, (20, 200, 40)),))
    return IMAGES.paint(drawing, format_name)


def decoded(data: bytes) -> tuple[str | None, bytes]:
    opened = Image.open(BytesIO(data))
    return opened.format, opened.tobytes()


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_marked_image_is_known_and_looks_the_same(format_name: ImageFormat) -> None:
    data = image(format_name)
    marked = mark(data, KEY)
    assert marked.startswith(data)
    assert marked_key(marked) == KEY
    assert decoded(marked) == decoded(data)
    assert IMAGES.inspect(marked) == IMAGES.inspect(data)


@pytest.mark.parametrize("format_name", FORMATS)
def test_converting_a_marked_image_loses_the_mark(format_name: ImageFormat) -> None:
    assert marked_key(IMAGES.convert(mark(image("png"), KEY), format_name)) is None


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_image_without_a_mark_has_no_key(format_name: ImageFormat) -> None:
    assert marked_key(image(format_name)) is None


def test_one_changed_bit_anywhere_breaks_the_mark() -> None:
    marked = mark(image("png"), KEY)
    other_keys = set()
    for position in range(len(marked)):
        changed = bytearray(marked)
        changed[position] ^= 1
        other_keys.add(marked_key(bytes(changed)))
    assert KEY not in other_keys


def test_every_truncation_and_addition_breaks_the_mark() -> None:
    marked = mark(image("png"), KEY)
    assert all(marked_key(marked[:end]) is None for end in range(len(marked)))
    assert marked_key(marked + b"\n") is None
    assert marked_key(b"\n" + marked) is None


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_can_be_asked(data: bytes) -> None:
    assert marked_key(data) is None
    assert marked_key(mark(data, KEY)) == KEY


@pytest.mark.parametrize("key", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 63 + "\n"])
def test_only_a_placeholder_key_can_be_put_into_a_mark(key: str) -> None:
    with pytest.raises(ValueError, match="not a placeholder key"):
        mark(b"image", key)
