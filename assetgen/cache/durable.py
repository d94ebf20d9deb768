"""Files that are complete or absent, whenever the machine stops.

A file gets its name only after its bytes are on the disk, and the folder is synced after that, so
a name proves the bytes (unless the disk itself damages them, which the digest shows).

Unfinished files of builds that were killed are swept: see `assetgen.temporary`.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from assetgen import disk
from assetgen.cache.folder import VARIABLE
from assetgen.errors import CacheError
from assetgen.temporary import sweep, writing_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER_MODE = 0o700
"""Prompts and images are the user's own business."""
PART = ".part"
"""Ends the name of a file that is being written."""

HINT = f"set `{VARIABLE}` to a folder you can write"

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def cache_errors(what: str, path: str, hint: str = HINT) -> Iterator[None]:
    """Turn what the system says into a `CacheError`: cannot `what` `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            hint = f"free some space, or {hint}"
        raise CacheError(f"cannot {what} `{path}`: {error.strerror or error}", hint=hint) from error


def read_only_error(path: str) -> CacheError:
    """What a store says that was opened for looking only."""
    return CacheError(f"the cache `{path}` was opened for reading only")


def make_folder(path: str, *, is_synced: bool = True) -> None:
    """Make a folder, for its owner only, and those above it; one that is there stays as it is.

    What is in one that is not synced may be lost with it when the machine stops.

    Raises:
        OSError: as the system says.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    make_folder(parent)
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        return
    if is_synced:
        sync_folder(parent)


def sync_folder(path: str) -> None:
    """Bring the names in a folder to the disk, where the file system knows how to do that.

    Raises:
        OSError: as the system says.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # fsync(2): the file does not support synchronisation; some network file systems' folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def sync_file(path: str) -> None:
    """Bring a file that is there, and its name, to the disk; costs next to nothing if it is there.

    Raises:
        OSError: as the system says.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(os.path.dirname(path))


def write_synced(path: str, data: bytes, *, mode: int, through: str) -> None:
    """Write `data` to `path`, replacing what has that name, and bring it to the disk.

    `through` is the folder, in the same file system, where the file grows under another name.

    Raises:
        OSError: as the system says; the unfinished file is gone then.
    """
    with _growing_in(through):
        _grow(path, data, mode, through, is_synced=True)
    sync_folder(os.path.dirname(path))


def write_whole(path: str, data: bytes, *, mode: int, through: str) -> None:
    """Likewise, for what may be lost when the machine stops: whole or absent, and not waited for.

    Raises:
        OSError: as the system says; the unfinished file is gone then.
    """
    write_all_whole({path: data}, mode=mode, through=through)


def write_all_whole(files: Mapping[str, bytes], *, mode: int, through: str) -> None:
    """`write_whole` for many files: their bytes by their paths."""
    with _growing_in(through):
        for path, data in files.items():
            _grow(path, data, mode, through, is_synced=False)


def _grow(path: str, data: bytes, mode: int, through: str, *, is_synced: bool) -> None:
    part = os.path.join(through, f"{os.path.basename(path)}.{secrets.token_hex(4)}{PART}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            put = disk.write_directly if is_synced else disk.write
            put(descriptor, data)
            os.fchmod(descriptor, mode)
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise


@contextmanager
def _growing_in(folder: str) -> Iterator[None]:
    """Keep unfinished files in `folder` from being swept."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with writing_in(descriptor):
            yield
    finally:
        os.close(descriptor)


def sweep_parts(folder: str) -> None:
    """Remove what crashes left unfinished in `folder`; while anybody writes there, nothing.

    Raises:
        OSError: as the system says.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        sweep(descriptor, lambda name: name.endswith(PART))
    finally:
        os.close(descriptor)


def set_aside(path: str, root: str) -> None:
    """Move a damaged file or folder into `damaged/` under a name of its own; gone already is fine.

    Raises:
        OSError: as the system says.
    """
    folder = os.path.join(root, "damaged")
    make_folder(folder)
    name = f"{os.path.basename(path)}.{secrets.token_hex(8)}"
    try:
        os.rename(path, os.path.join(folder, name))
    except FileNotFoundError:
        return
