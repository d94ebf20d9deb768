"""Rescue files: where a bought image goes when the cache cannot take it.

    assetgen-<fingerprint>.<64 hex>.<call>.rescue            the image of a call
    assetgen-<fingerprint>.<64 hex>.<call>.further.rescue    another image of the same answer

in the folder for temporary files, else in the home folder, else in the working directory. The next
build takes them into the store. Others can put files into such folders too, a clone of a stranger's
repository among them, so a file is only looked at by its name here: `FileBlobs` believes it when
the ledger knows the call, whose 128 random bits nobody else has seen. Then it must still be this
user's own, closed to others, and hold the bytes that its name says.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from assetgen.core.digest import Digest, digest_of, hex_of
from assetgen.core.stamp import Stamp, is_settled, stamp_of
from assetgen.core.value import Value
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"assetgen-([0-9a-f]{64})\.([0-9a-f]{64})\.([0-9a-f]{32})(\.further)?\.rescue")
_MOST_BYTES = 256 * 1024 * 1024
"""More than any answer can hold."""
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Rescued(Value):
    """What a rescue file says it is, by its name."""

    path: str
    fingerprint: str
    digest: Digest
    call: str
    is_further: bool
    """Whether the answer held it beside the image that was taken."""


def save(data: bytes, *, fingerprint: str, call: str, is_further: bool) -> str:
    """Write a rescue file, synced, for its owner only, and return its path.

    Raises:
        CacheError: no place takes it.
    """
    further = ".further" if is_further else ""
    name = f"assetgen-{fingerprint}.{hex_of(digest_of(data))}.{call}{further}.rescue"
    troubles = []
    for folder in _places():
        path = os.path.join(folder, name)
        try:
            _write_new(path, data)
        except OSError as error:
            troubles.append(f"`{folder}`: {error.strerror or error}")
        else:
            return path
    raise CacheError(f"no other place takes the image either ({'; '.join(troubles)})")


def read(rescued: Rescued) -> bytes | None:
    """The bytes of a rescue file, when they are those that its name says."""
    data = _read_own(rescued.path)
    return data if data is not None and digest_of(data) == rescued.digest else None


class Finder:
    """Finds rescue files by their names; a folder is listed again only when it has changed."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[Stamp, list[Rescued]]] = {}

    def all(self) -> list[Rescued]:
        """Every one, in all places."""
        return [rescued for folder in _places() for rescued in self._in(folder)]

    def _in(self, folder: str) -> list[Rescued]:
        stamp = stamp_of(folder)
        if stamp is None:
            return []
        known = self._listed.get(folder)
        if known is not None and known[0] == stamp:
            return known[1]
        now_ns = time.time_ns()
        found = _list(folder)
        if is_settled(stamp, now_ns):
            self._listed[folder] = (stamp, found)
        return found


def _list(folder: str) -> list[Rescued]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in names:
        parts = _NAME.fullmatch(name)
        if parts:
            fingerprint, digits, call, further = parts.groups()
            path = os.path.join(folder, name)
            digest = Digest(f"sha256:{digits}")
            found.append(Rescued(path, fingerprint, digest, call, is_further=bool(further)))
    return found


def _places() -> Iterator[str]:
    """Folders to try, each once."""
    found: set[str] = set()
    for place in (_temporary_folder, _home_folder, os.getcwd):
        with suppress(OSError):
            folder = place()
            if folder not in found:
                found.add(folder)
                yield folder


def _temporary_folder() -> str:
    """As `tempfile` would choose it, but without writing to try it out."""
    return os.path.abspath(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - names are checked


def _home_folder() -> str:
    return os.path.abspath(os.path.expanduser("~"))


def _write_new(path: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            with suppress(OSError):  # on a failing disk, bytes that are likely there beat none
                os.fsync(descriptor)
    except BaseException:
        os.unlink(path)
        raise


def _read_own(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not is_own or found.st_mode & _OTHERS_MAY_WRITE or found.st_size > _MOST_BYTES:
            return None
        try:
            return file.read()
        except OSError:
            return None
