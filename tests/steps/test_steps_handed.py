"""Decoded pictures that are handed on: for the same bytes, once, within bounds."""

from __future__ import annotations

import pytest

from assetgen.core.digest import digest_of
from assetgen.errors import ImageError
from assetgen.steps import proof
from assetgen.steps.handed import Handed
from assetgen.steps.image import PillowImages
from tests.steps.pictures import gradient, noise, png

A, B, C = (digest_of(name) for name in (b"a", b"b", b"c"))


def test_a_picture_is_handed_on_once() -> None:
    handed = Handed[str](10)
    handed.give(A, 4, "a")
    assert not handed.is_empty
    assert handed.fetch(B) is None
    assert handed.fetch(A) == "a"
    assert handed.fetch(A) is None
    assert handed.is_empty


def test_the_oldest_gives_way_to_what_came_later() -> None:
    handed = Handed[str](10)
    for digest, name in ((A, "a"), (B, "b"), (C, "c")):
        handed.give(digest, 4, name)
    assert [handed.fetch(digest) for digest in (A, B, C)] == [None, "b", "c"]


def test_what_is_larger_than_all_the_room_takes_none() -> None:
    handed = Handed[str](10)
    handed.give(A, 4, "a")
    handed.give(B, 11, "b")
    assert [handed.fetch(digest) for digest in (A, B)] == ["a", None]


def test_the_same_picture_twice_takes_room_once() -> None:
    handed = Handed[str](10)
    for _ in range(5):
        handed.give(A, 6, "a")
    handed.give(B, 4, "b")
    assert [handed.fetch(digest) for digest in (A, B)] == ["a", "b"]


def test_bytes_that_were_not_proved_are_decoded_themselves() -> None:
    images, whole = PillowImages(), png(noise(32, 32))
    images.inspect(whole, is_read_next=True)
    with pytest.raises(ImageError):
        images.inspect(whole[:-20])
    assert images.inspect(png(gradient(20, 10))).width_px == 20
    assert not proof.HANDED.is_empty
    assert images.convert(whole, "webp") == images.convert(whole, "webp")
    assert proof.HANDED.is_empty
