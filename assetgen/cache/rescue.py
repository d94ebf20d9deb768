"""Rescue files: where a bought image goes when the cache cannot take it.

    assetgen-<fingerprint>.<64 hex>.<call>.rescue

in the folder for temporary files, else in the home folder, else in the working directory. The next
build takes them into the store. Others can write to the first of these places too, so a file counts
only when it is this user's own, nobody else may write to it, and its bytes match its name.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetgen.core.digest import Digest, digest_of, hex_of
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"assetgen-([0-9a-f]{64})\.([0-9a-f]{64})\.([0-9a-f]{32})\.rescue")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Rescued:
    """A rescue file and the bytes that were read from it."""

    path: str
    fingerprint: str
    call: str
    data: bytes


def save(data: bytes, *, fingerprint: str, call: str) -> str:
    """Write a rescue file, synced, for its owner only, and return its path.

    Raises:
        CacheError: no place takes it.
    """
    name = f"assetgen-{fingerprint}.{hex_of(digest_of(data))}.{call}.rescue"
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


def read(path: str, digest: Digest) -> bytes | None:
    """The bytes of a rescue file when they are those of `digest`."""
    data = _read_own(path)
    return data if data is not None and digest_of(data) == digest else None


def lies_anywhere() -> bool:
    """Whether a file that may be one is there; its bytes are not read."""
    return any(True for _ in _candidates())


def rescued() -> Iterator[Rescued]:
    """Every rescue file whose bytes are whole, wherever `save` may have put it."""
    for path, fingerprint, digits, call in _candidates():
        data = read(path, Digest(f"sha256:{digits}"))
        if data is not None:
            yield Rescued(path, fingerprint, call, data)


def _candidates() -> Iterator[tuple[str, str, str, str]]:
    for folder in _places():
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            parts = _NAME.fullmatch(name)
            if parts:
                fingerprint, digits, call = parts.groups()
                yield os.path.join(folder, name), fingerprint, digits, call


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
        if not is_own or found.st_mode & _OTHERS_MAY_WRITE:
            return None
        try:
            return file.read()
        except OSError:
            return None
