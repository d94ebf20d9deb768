"""What every blob store promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.cache.blobs import FileBlobs
from assetgen.core.digest import digest_of
from tests.cache.samples import IMAGE, call, fingerprint
from tests.memory import MemoryBlobs

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.ports import BlobStore


@pytest.fixture(params=["memory", "file"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryBlobs()
    return FileBlobs(str(tmp_path / "cache"), create=True)


@pytest.mark.parametrize("data", [b"", b"x", IMAGE, bytes(3_000_000)], ids=len)
def test_what_was_put_is_found_by_its_digest(blobs: BlobStore, data: bytes) -> None:
    digest = blobs.put(data)
    assert digest == digest_of(data)
    assert blobs.get(digest) == data
    assert blobs.has(digest)


def test_what_was_never_put_is_absent(blobs: BlobStore) -> None:
    assert blobs.get(digest_of(IMAGE)) is None
    assert not blobs.has(digest_of(IMAGE))
    assert not blobs.wrote(digest_of(IMAGE))


def test_putting_the_same_bytes_twice_changes_nothing(blobs: BlobStore) -> None:
    assert blobs.put(IMAGE) == blobs.put(IMAGE)
    assert blobs.get(digest_of(IMAGE)) == IMAGE


def test_an_image_that_arrived_is_listed_until_the_ledger_knows_of_it(blobs: BlobStore) -> None:
    digest = blobs.receive(IMAGE, fingerprint=fingerprint(1), call=call(1))
    assert blobs.get(digest) == IMAGE
    assert list(blobs.arrivals()) == [(fingerprint(1), call(1), digest)]
    blobs.settle(call(1))
    assert list(blobs.arrivals()) == []
    assert blobs.get(digest) == IMAGE


def test_settling_one_call_leaves_the_others_listed(blobs: BlobStore) -> None:
    digest = blobs.receive(IMAGE, fingerprint=fingerprint(1), call=call(1))
    blobs.receive(IMAGE, fingerprint=fingerprint(2), call=call(2))
    blobs.settle(call(1))
    assert list(blobs.arrivals()) == [(fingerprint(2), call(2), digest)]


def test_settling_a_call_that_is_not_listed_is_fine(blobs: BlobStore) -> None:
    blobs.settle(call(1))
    blobs.put(IMAGE)
    blobs.settle(call(1))


def test_one_fingerprint_may_arrive_twice(blobs: BlobStore) -> None:
    first = blobs.receive(b"one", fingerprint=fingerprint(), call=call(1))
    second = blobs.receive(b"two", fingerprint=fingerprint(), call=call(2))
    assert list(blobs.arrivals()) == [
        (fingerprint(), call(1), first),
        (fingerprint(), call(2), second),
    ]


def test_stored_and_received_images_are_assetgens_own(blobs: BlobStore) -> None:
    assert blobs.wrote(blobs.put(b"put"))
    assert blobs.wrote(blobs.receive(b"received", fingerprint=fingerprint(), call=call()))


def test_kept_bytes_can_be_had_back_and_are_not_assetgens_own(blobs: BlobStore) -> None:
    digest = blobs.keep(b"drawn by hand")
    assert blobs.get(digest) == b"drawn by hand"
    assert blobs.has(digest)
    assert not blobs.wrote(digest)


def test_keeping_an_image_that_assetgen_made_leaves_it_assetgens_own(blobs: BlobStore) -> None:
    digest = blobs.put(IMAGE)
    assert blobs.keep(IMAGE) == digest
    assert blobs.wrote(digest)


def test_putting_what_was_kept_makes_it_assetgens_own(blobs: BlobStore) -> None:
    digest = blobs.keep(IMAGE)
    blobs.put(IMAGE)
    assert blobs.wrote(digest)


def test_what_can_be_made_again_is_stored_and_ours_too(blobs: BlobStore) -> None:
    digest = blobs.put_derived(IMAGE)
    assert digest == digest_of(IMAGE)
    assert blobs.get(digest) == IMAGE
    assert blobs.wrote(digest)
