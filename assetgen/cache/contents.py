"""What the cache folder holds, file by file: for looking, verifying and collecting.

The only place that removes images, and only those it is told to; `blobs.py` never does.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from assetgen.cache.actions import FOLDER as ACTIONS
from assetgen.cache.durable import cache_errors
from assetgen.cache.projects import FOLDER as PROJECTS
from assetgen.core.digest import Digest, digest_of
from assetgen.core.store import Holding, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.cache.blobs import FileBlobs
    from assetgen.core.store import Kind

_PLACES: dict[str, Kind] = {
    "blobs": "images",
    "kept": "kept",
    "incoming": "incoming",
    "damaged": "damaged",
    "inputs": "inputs",
    "ledger.jsonl": "ledger",
    ACTIONS: "actions",
    PROJECTS: "projects",
}
_SHOWN: tuple[Kind, ...] = (*_PLACES.values(), "other")
_KEYED: dict[Literal["images", "kept", "incoming", "inputs"], tuple[str, re.Pattern[str]]] = {
    "images": ("blobs", re.compile(r"(?P<key>[0-9a-f]{64})")),
    "kept": ("kept", re.compile(r"(?P<key>[0-9a-f]{64})")),
    "incoming": ("incoming", re.compile(r"[0-9a-f]{64}\.(?P<key>[0-9a-f]{64})\.[0-9a-f]{32}")),
    "inputs": ("inputs", re.compile(r"(?P<key>[0-9a-f]{64})")),
}
"""Folder of each kind that is found by name, and what its files are called."""


class Contents:
    """Looks through a cache folder; methods raise `CacheError` when the system refuses."""

    def __init__(self, root: str) -> None:
        self._root = root

    def holdings(self) -> list[Holding]:
        """What there is of every kind, nothing included; a file with two names counts once."""
        counts = dict.fromkeys(_SHOWN, 0)
        sizes = dict.fromkeys(_SHOWN, 0)
        seen: set[tuple[int, int]] = set()
        for name in [*_PLACES, *sorted(self._names() - _PLACES.keys())]:
            kind = _PLACES.get(name, "other")
            for _, found in _files(os.path.join(self._root, name)):
                counts[kind] += 1
                if (found.st_dev, found.st_ino) not in seen:
                    sizes[kind] += found.st_size
                seen.add((found.st_dev, found.st_ino))
        places = {kind: name for name, kind in _PLACES.items()}
        return [
            Holding(kind, os.path.join(self._root, places.get(kind, "")), counts[kind], sizes[kind])
            for kind in _SHOWN
        ]

    def stored(self, *kinds: Literal["images", "kept", "incoming", "inputs"]) -> Iterator[Stored]:
        """The files of these kinds that have a right name; strangers' files are passed over."""
        for kind in kinds:
            folder, pattern = _KEYED[kind]
            for path, found in _files(os.path.join(self._root, folder)):
                match = pattern.fullmatch(os.path.basename(path))
                if match is not None:
                    key = match["key"] if kind == "inputs" else f"sha256:{match['key']}"
                    yield Stored(kind, key, path, found.st_size, found.st_mtime)

    def arriving(self) -> tuple[frozenset[str], frozenset[str]]:
        """Digests and fingerprints of arrivals that are not booked yet."""
        arrivals = list(self.stored("incoming"))
        names = [os.path.basename(arrival.path) for arrival in arrivals]
        return (
            frozenset(arrival.key for arrival in arrivals),
            frozenset(name.partition(".")[0] for name in names),
        )

    def is_damaged(self, stored: Stored, blobs: FileBlobs) -> bool:
        """Whether the bytes are not those of the name; then the file is set aside."""
        with cache_errors("read", stored.path):
            try:
                with open(stored.path, "rb") as file:
                    if digest_of(file.read()) == stored.key:
                        return False
            except FileNotFoundError:
                return False  # settled or collected in the meantime
        return not blobs.verify(stored.path, Digest(stored.key))

    def remove(self, stored: Stored) -> None:
        """Remove one file for ever; gone already is fine."""
        with cache_errors("remove", stored.path), suppress(FileNotFoundError):
            os.unlink(stored.path)

    def _names(self) -> set[str]:
        with cache_errors("list", self._root):
            try:
                return set(os.listdir(self._root))
            except FileNotFoundError:
                return set()


def _files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files at or below `path`, sorted, without following links."""
    with cache_errors("look through", path):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return
        if stat.S_ISREG(found.st_mode):
            yield path, found
        if not stat.S_ISDIR(found.st_mode):
            return
        names = sorted(os.listdir(path))
    for name in names:
        yield from _files(os.path.join(path, name))
