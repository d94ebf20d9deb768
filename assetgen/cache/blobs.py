"""The blob store: images as plain files named by their digest, verified on every read.

    blobs/ab/<64 hex>                         what assetgen bought, synced, or made, not waited for
    kept/ab/<64 hex>                          the user's own bytes, put aside before a replacement
    incoming/<fingerprint>.<64 hex>.<call>    bought, and not yet known to be in the ledger
    incoming/*.part                           being written
    damaged/                                  what was found not to match its name

An arrival is a hard link to its blob, so the link from fingerprint to bytes is on the disk as soon
as the bytes are. What cannot be stored here goes to a rescue file (`rescue.py`) until the next
build. Nothing here deletes a blob.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from assetgen.cache import rescue
from assetgen.cache.durable import (
    cache_errors,
    make_folder,
    read_only_error,
    set_aside,
    sweep_parts,
    sync_file,
    sync_folder,
    write_synced,
    write_whole,
)
from assetgen.core.digest import Digest, digest_of, hex_of, parse_digest
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.cache.rescue import Rescued

KnowsCall = Callable[[str], tuple[str, Digest | None] | None]
"""Fingerprint of a call by its id, and the image it gave as far as that is booked."""

_BLOB_MODE = 0o444
_ARRIVAL = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{64})\.([0-9a-f]{32})")


class FileBlobs:
    """Implements `core.ports.BlobStore` in a folder; several processes may share it.

    With `create` false nothing on the disk changes: what is absent or damaged is just absent.
    Methods raise `CacheError` when the system refuses. `knows_call` is `FileLedger.purchase`: only
    rescue files of calls that the ledger knows are believed.
    """

    def __init__(self, root: str, *, create: bool, knows_call: KnowsCall = lambda _: None) -> None:
        self._root = root
        self._knows_call = knows_call
        self._rescue_files = rescue.Finder()
        self._create = create
        self._blobs = os.path.join(root, "blobs")
        self._kept = os.path.join(root, "kept")
        self._incoming = os.path.join(root, "incoming")

    def put(self, data: bytes) -> Digest:
        """See the port."""
        digest = digest_of(data)
        self._store(_path(self._blobs, digest), data, digest)
        return digest

    def put_derived(self, data: bytes) -> Digest:
        """See the port."""
        digest = digest_of(data)
        path = _path(self._blobs, digest)
        if self._read(path, digest) is None:
            self._write(path, data, write=write_whole)
        return digest

    def keep(self, data: bytes) -> Digest:
        """See the port; bytes that are a blob already are not stored twice."""
        digest = digest_of(data)
        for folder in (self._blobs, self._kept):
            path = _path(folder, digest)
            if self._read(path, digest) is not None:
                self._sync(path)
                return digest
        self._write(_path(self._kept, digest), data)
        return digest

    def receive(self, data: bytes, *, fingerprint: str, call: str) -> Digest:
        """See the port.

        Raises:
            CacheError: the system refuses.
            ValueError: `fingerprint` is not 64 hexadecimal digits, or `call` not 32.
        """
        digest = digest_of(data)
        name = f"{fingerprint}.{hex_of(digest)}.{call}"
        if not _ARRIVAL.fullmatch(name):
            raise ValueError(f"not a fingerprint and a call: {fingerprint!r}, {call!r}")
        arrival = os.path.join(self._incoming, name)
        self._write(arrival, data)
        self._link(arrival, data, digest)
        return digest

    def settle(self, call: str) -> None:
        """See the port."""
        if not self._create:
            raise read_only_error(self._root)
        for path, _, named, _ in self._marks():
            if named == call:
                with cache_errors("remove", path), suppress(FileNotFoundError):
                    os.unlink(path)

    def rescue(self, data: bytes, *, fingerprint: str, call: str, is_further: bool = False) -> str:
        """See the port; the file is outside the cache, and taken in by `arrivals`."""
        return rescue.save(data, fingerprint=fingerprint, call=call, is_further=is_further)

    def has_arrivals(self) -> bool:
        """Whether `arrivals` may have something to list; no bytes are read."""
        return any(True for _ in self._marks()) or any(True for _ in self._rescued())

    def arrivals(self) -> list[tuple[str, str, Digest]]:
        """See the port; each has its blob when this returns.

        Takes rescue files in, sets damaged arrivals aside, and removes parts that were left behind
        by a crash.
        """
        if self._create:
            for folder in (self._root, self._incoming):
                with cache_errors("use", folder):
                    sweep_parts(folder)
            self._take_in_rescued()
        found = []
        for path, fingerprint, call, digest in self._marks():
            data = self._read(path, digest)
            if data is None:
                continue
            if self._create:
                self._link(path, data, digest)
            found.append((fingerprint, call, digest))
        return sorted(found)

    def _take_in_rescued(self) -> None:
        """Store what an earlier build could not; what still finds no room stays where it is."""
        for found in self._rescued():
            data = rescue.read(found)
            if data is None:
                continue
            try:
                if found.is_further:
                    self.put(data)
                else:
                    self.receive(data, fingerprint=found.fingerprint, call=found.call)
            except CacheError:
                continue
            with suppress(OSError):  # in a folder of somebody else's; it is found again, for free
                os.unlink(found.path)

    def _rescued(self) -> Iterator[Rescued]:
        """Rescue files of calls that were really made, for what their names say."""
        for found in self._rescue_files.all():
            known = self._knows_call(found.call)
            if known is None or known[0] != found.fingerprint:
                continue
            if found.is_further or known[1] in {None, found.digest}:
                yield found

    def get(self, digest: Digest) -> bytes | None:
        """See the port."""
        data = self._read(_path(self._blobs, digest), digest)
        if data is None:
            data = self._read(_path(self._kept, digest), digest)
        if data is None:
            # The store did not take it: it is here all the same, and not to be bought again.
            lying = (rescue.read(found) for found in self._rescued() if found.digest == digest)
            data = next((data for data in lying if data is not None), None)
        return data

    def has(self, digest: Digest) -> bool:
        """See the port."""
        return self.get(digest) is not None

    def wrote(self, digest: Digest) -> bool:
        """See the port; the bytes are not read, because the name alone says who made them."""
        path = _path(self._blobs, digest)
        with cache_errors("look at", path):
            found = _lstat(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def verify(self, path: str, digest: Digest) -> bool:
        """Whether the file at `path` in this store has these bytes; if not, it is set aside."""
        return self._read(path, digest) is not None

    def path_of(self, digest: Digest) -> str | None:
        """Where a person finds the bytes; None when they are not here or damaged."""
        for folder in (self._blobs, self._kept):
            path = _path(folder, digest)
            if self._read(path, digest) is not None:
                return path
        return None

    def _store(self, path: str, data: bytes, digest: Digest) -> None:
        if self._read(path, digest) is None:
            self._write(path, data)
        else:
            self._sync(path)

    def _sync(self, path: str) -> None:
        """Bring a blob to the disk that was stored as derived, and waits to get there by itself."""
        if self._create:
            with cache_errors("write", path):
                sync_file(path)

    def _write(self, path: str, data: bytes, write: Callable[..., None] = write_synced) -> None:
        if not self._create:
            raise read_only_error(self._root)
        with cache_errors("write", path):
            make_folder(self._incoming)
            make_folder(os.path.dirname(path))
            write(path, data, mode=_BLOB_MODE, through=self._incoming)

    def _link(self, arrival: str, data: bytes, digest: Digest) -> None:
        """Give an arrival its name as a blob."""
        path = _path(self._blobs, digest)
        if self._read(path, digest) is not None:
            self._sync(path)
            return
        with cache_errors("write", path):
            folder = os.path.dirname(path)
            make_folder(folder)
            try:
                os.link(arrival, path)
            except OSError:
                # No hard links here, or another process was faster: both are answered by a copy.
                self._store(path, data, digest)
            sync_folder(folder)

    def _read(self, path: str, digest: Digest) -> bytes | None:
        """The bytes at `path` when they are those of `digest`; anything else there is set aside."""
        with cache_errors("read", path):
            found = _lstat(path)
            if found is None:
                return None
            data = _read_regular(path) if stat.S_ISREG(found.st_mode) else None
            if data is not None and digest_of(data) == digest:
                return data
            # Another process may have set it aside already and stored the right bytes.
            now = _lstat(path)
            if self._create and now is not None and os.path.samestat(found, now):
                set_aside(path, self._root)
            return None

    def _marks(self) -> Iterator[tuple[str, str, str, Digest]]:
        """Path, fingerprint, call and digest of each arrival, complete by its name."""
        for name in self._incoming_names():
            parts = _ARRIVAL.fullmatch(name)
            if parts:
                fingerprint, digits, call = parts.groups()
                digest = Digest("sha256:" + digits)
                yield os.path.join(self._incoming, name), fingerprint, call, digest

    def _incoming_names(self) -> list[str]:
        with cache_errors("list", self._incoming):
            try:
                return os.listdir(self._incoming)
            except FileNotFoundError:
                return []


def _path(folder: str, digest: Digest) -> str:
    if parse_digest(digest) is None:
        raise ValueError(f"not a digest: {digest!r}")
    digits = hex_of(digest)
    return os.path.join(folder, digits[:2], digits)


def _lstat(path: str) -> os.stat_result | None:
    """What is at `path` itself; None when there is nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read_regular(path: str) -> bytes | None:
    """Bytes of a file that was a regular one a moment ago, never through a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()
