"""How references travel."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.errors import Refused
from assetgen.providers.openrouter import references
from assetgen.providers.openrouter.references import (
    MAX_REFERENCE_BYTES,
    MAX_TOTAL_BYTES,
    Prepared,
    fair_caps,
    prepare,
)
from tests.providers.openrouter_samples import (
    JPEG,
    PNG,
    SVG,
    FakeImages,
    a_request,
    data_uri_of,
)

WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
GIF = b"GIF89a\x01\x00"
AVIF = b"\x00\x00\x00\x1cftypavif"


def prepared(*images: bytes) -> Prepared:
    return prepare(a_request(references=images).references, FakeImages())


def sizes_of(result: Prepared) -> list[int]:
    return [len(base64.b64decode(uri.partition(",")[2])) for uri in result.uris]


def test_bytes_decide_the_declared_type() -> None:
    result = prepared(PNG, JPEG, WEBP, GIF)
    types = ["image/png", "image/jpeg", "image/webp", "image/gif"]
    assert list(result.uris) == [
        data_uri_of(data, declared)
        for data, declared in zip((PNG, JPEG, WEBP, GIF), types, strict=True)
    ]
    assert result.warnings == ()


def test_a_format_that_models_do_not_take_goes_as_png() -> None:
    assert prepared(AVIF) == Prepared(uris=(references.data_uri(PNG),))


def test_references_within_the_limits_go_untouched() -> None:
    big = JPEG + bytes(MAX_REFERENCE_BYTES - len(JPEG))
    result = prepared(big, big)
    assert result.warnings == ()
    assert sizes_of(result) == [MAX_REFERENCE_BYTES] * 2


def test_a_reference_beyond_the_limit_is_scaled_down_and_it_says_so() -> None:
    result = prepared(PNG, JPEG + bytes(12 * 2**20))
    assert sizes_of(result) == [len(PNG), MAX_REFERENCE_BYTES]
    assert result.warnings == (
        "reference `refs/2.png` was scaled down from 12.0 MiB to 8.0 MiB to be sent",
    )


def test_references_beyond_the_limit_together_share_what_there_is() -> None:
    result = prepared(*[JPEG + bytes(7 * 2**20)] * 3, PNG)
    assert sum(sizes_of(result)) <= MAX_TOTAL_BYTES
    assert len(result.warnings) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (SVG, "`refs/1.png` is an SVG drawing"),
        (b"version https://git-lfs.github.com/spec/v1\n", "`refs/1.png` is no image"),
        (b"", "`refs/1.png` is no image"),
        (JPEG + bytes(9 * 2**20) + b"stubborn", "`refs/1.png` cannot be scaled down"),
    ],
    ids=["svg", "text", "empty", "stubborn"],
)
def test_a_reference_that_cannot_be_sent_is_named_before_anything_is_sent(
    data: bytes, words: str
) -> None:
    with pytest.raises(Refused) as caught:
        prepared(data)
    assert words in caught.value.what
    assert caught.value.hint


@settings(deadline=None)
@given(st.lists(st.integers(0, 100), max_size=8), st.integers(1, 100), st.integers(1, 300))
def test_shares_keep_the_limits_and_give_no_more_than_needed(
    sizes: list[int], each: int, total: int
) -> None:
    caps = fair_caps(sizes, each, total)
    assert sum(caps) <= total
    assert all(cap <= min(size, each) for cap, size in zip(caps, sizes, strict=True))
    if sum(min(size, each) for size in sizes) <= total:
        assert caps == [min(size, each) for size in sizes]
