"""The fetched catalogue on disk: what cannot be understood was never fetched."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.catalogue import FILE, FileCatalogue
from assetgen.core.catalogue import Catalogue, Listing, ModelFacts, Price
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = Catalogue(
    date="2026-11-24",
    models={
        "a/all": Listing(
            ModelFacts(
                "a/all",
                is_image_only=True,
                max_references=3,
                aspect_ratios=frozenset({"1:1", "16:9"}),
                image_sizes=frozenset({"1K"}),
                price=Price({"": Decimal("0.1"), "2K": Decimal("0.20")}, Decimal("0.01"), "basis"),
            ),
            name="All",
            charges=("$0.10 per image",),
        ),
        "a/nothing": Listing(ModelFacts("a/nothing")),
    },
)


def test_what_was_fetched_is_read_as_it_was(tmp_path: Path) -> None:
    FileCatalogue(str(tmp_path), create=True).write(CATALOGUE)
    assert FileCatalogue(str(tmp_path), create=False).read() == CATALOGUE


def test_nothing_fetched_is_no_catalogue_and_looking_makes_nothing(tmp_path: Path) -> None:
    catalogue = FileCatalogue(str(tmp_path), create=False)
    assert catalogue.read() is None
    with pytest.raises(CacheError):
        catalogue.write(CATALOGUE)
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_anywhere_is_no_catalogue(tmp_path: Path) -> None:
    FileCatalogue(str(tmp_path), create=True).write(CATALOGUE)
    path = tmp_path / FILE
    whole = path.read_bytes().rstrip()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        assert FileCatalogue(str(tmp_path), create=False).read() is None, length


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"max_references": 3', b'"max_references": "3"'),
        (b'"max_references": 3', b'"max_references": true'),
        (b'"0.20"', b'"-1"'),
        (b'"0.20"', b'"NaN"'),
        (b'"1K"\n', b"1\n"),
        (b'"date": "2026-11-24"', b'"date": 5'),
        (b'"charges": []', b'"charges": null'),
    ],
)
def test_a_file_that_says_what_we_never_write_is_no_catalogue(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    FileCatalogue(str(tmp_path), create=True).write(CATALOGUE)
    path = tmp_path / FILE
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    assert FileCatalogue(str(tmp_path), create=False).read() is None
