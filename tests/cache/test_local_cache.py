"""All parts of the cache under one folder."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.local import LocalCache
from assetgen.core.digest import digest_of
from assetgen.errors import CacheError
from tests.cache.samples import IMAGE, call, fingerprint, received, result, sent, tree

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.ports import ActionCache, BlobStore, Claims, Ledger


def buy(cache: LocalCache, number: int) -> None:
    """The writes of a purchase, in their order."""
    claim = cache.claims.try_claim(fingerprint(number))
    assert claim is not None
    with claim:
        cache.ledger.append(sent(number))
        cache.blobs.receive(IMAGE, fingerprint=fingerprint(number), call=call(number))
        cache.ledger.append(received(number))
        cache.blobs.settle(call(number))
        cache.actions.put(fingerprint(number), result())


def test_opening_and_closing_it_makes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    for create in (True, False):
        with LocalCache(str(root), create=create):
            pass
    assert not root.exists()


def test_what_was_bought_is_there_for_the_next_process(tmp_path: Path) -> None:
    with LocalCache(str(tmp_path / "cache"), create=True) as cache:
        buy(cache, 1)
        cache.learnt.set("a/b", image_only=True)
    for create in (True, False):
        with LocalCache(str(tmp_path / "cache"), create=create) as cache:
            known = cache.actions.get_many([fingerprint(1)])
            assert cache.blobs.get(known[fingerprint(1)].image) == IMAGE
            assert list(cache.ledger.lines()) == [sent(1), received(1)]
            assert cache.learnt.get("a/b") == {"image_only": True}


def test_the_folder_is_its_owners_only(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "cache"
    with LocalCache(str(root), create=True) as cache:
        buy(cache, 1)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert sorted(os.listdir(root)) == [
        "actions-v1",
        "actions-v1.lock",
        "blobs",
        "claims",
        "incoming",
        "ledger.jsonl",
        "ledger.lock",
    ]


def test_for_looking_only_nothing_is_made(tmp_path: Path) -> None:
    with LocalCache(str(tmp_path / "cache"), create=False) as cache:
        assert cache.actions.get_many([fingerprint()]) == {}
        assert cache.blobs.get(digest_of(IMAGE)) is None
        assert cache.blobs.arrivals() == []
        assert list(cache.ledger.lines()) == []
        assert cache.learnt.get("a/b") is None
        with pytest.raises(CacheError):
            cache.claims.try_claim(fingerprint())
    assert list(tmp_path.iterdir()) == []


def test_for_looking_only_nothing_is_changed(tmp_path: Path) -> None:
    with LocalCache(str(tmp_path), create=True) as cache:
        buy(cache, 1)
    before = tree(tmp_path)
    with LocalCache(str(tmp_path), create=False) as cache:
        assert cache.actions.get_many([fingerprint(1), fingerprint(2)])
        assert cache.blobs.has(digest_of(IMAGE))
    assert tree(tmp_path) == before


def test_its_parts_are_what_the_engine_needs(tmp_path: Path) -> None:
    with LocalCache(str(tmp_path), create=True) as cache:
        blobs: BlobStore = cache.blobs
        ledger: Ledger = cache.ledger
        actions: ActionCache = cache.actions
        claims: Claims = cache.claims
    assert None not in (blobs, ledger, actions, claims)
