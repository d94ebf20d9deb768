"""The real files of a project: read, replaced in one step, never outside the project folder."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath, Unfit, write_in_one_step
from assetgen.core.stamp import Stamp, stamp_of
from assetgen.errors import OutputError
from assetgen.temporary import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_READ_BYTES = 512 * 1024 * 1024
"""Larger files are no images anyone declares as an asset."""

PRIVATE = ".assetgen"
"""Name of the folder of what is never shared."""

_HINT = "assetgen reads and writes only inside the project; copy the file into it"


class ProjectFiles:
    """Implements `core.ports.Files` under one folder."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._inside = Beneath(root)

    def stamp(self, path: str) -> Stamp | None:
        """Stamp of a file or folder; None when there is none.

        Stamps follow links wherever they lead: they are only compared, and `read` and `write`
        decide.
        """
        return stamp_of(os.path.join(self._root, path))

    def read(self, path: str) -> bytes | None:
        """Bytes of a regular file; None when there is none.

        Raises:
            OutputError: it is outside the project, no regular file, too large or not readable.
        """
        return _none_if_missing(path, self._inside.read)

    def read_back(self, path: str) -> bytes | None:
        """The same for a file that was just written: from the disk, past the system's memory.

        Raises:
            OutputError: see `read`.
        """
        return _none_if_missing(path, self._inside.read_back)

    def write(self, path: str, data: bytes) -> None:
        """Replace a file in one step: synced under another name, then renamed.

        Raises:
            OutputError: it would be outside the project, or the system refuses.
        """
        try:
            self._inside.write(path, data)
        except (OSError, ValueError) as error:
            raise unusable(path, "write", error) from error

    def sweep(self, folders: Iterable[str]) -> None:
        """Remove temporary files that crashes left in these folders, where that is possible.

        Folders that are not there, or lead out of the project, are passed over.
        """
        for folder in folders:
            with suppress(OSError, ValueError):
                descriptor = self._inside.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
                try:
                    sweep(descriptor)
                finally:
                    os.close(descriptor)

    def remove(self, path: str) -> None:
        """Delete a regular file; one that is gone already is fine.

        Raises:
            OutputError: it is outside the project, a link or no file, or the system refuses.
        """
        try:
            with self._inside.folder_of(path) as (folder, name):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if not stat.S_ISREG(found.st_mode):
                    raise Unfit(errno.EINVAL, "is not a regular file", path)
                os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise unusable(path, "remove", error) from error


class PrivateFiles:
    """The folder of what is never shared, hidden from git whatever the project ignores.

    A repository from a stranger may hold a link in its place, or in the place of a file in it:
    none is followed. Methods take names of files in the folder and raise `OSError`.
    """

    def __init__(self, root: str) -> None:
        self._inside = Beneath(root, follows_links=False)

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a regular file, made if need be."""
        self._make()
        path = f"{PRIVATE}/{name}"
        descriptor = self._inside.open(path, flags | os.O_CREAT | os.O_NONBLOCK, 0o644)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unfit(errno.EINVAL, "is not a regular file", path)
        return descriptor

    def read(self, name: str, most_bytes: int) -> bytes:
        """The bytes of a file."""
        return self._inside.read(f"{PRIVATE}/{name}", most_bytes)

    def write(self, name: str, data: bytes) -> None:
        """Replace a file in one step."""
        self._make()
        self._inside.write(f"{PRIVATE}/{name}", data)

    def _make(self) -> None:
        with self._inside.folder_of(f"{PRIVATE}/.gitignore", make=True) as (folder, name):
            try:
                os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                write_in_one_step(folder, name, b"*\n")


def _none_if_missing(path: str, read: Callable[[str, int], bytes]) -> bytes | None:
    try:
        return read(path, MAX_READ_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise unusable(path, "read", error) from error


def unusable(path: str, verb: str, error: OSError | ValueError) -> OutputError:
    """`ValueError` is what a path gives that no file can have: NUL, or half a surrogate pair."""
    if isinstance(error, Unfit):
        return OutputError(f"`{path}` {error.strerror}", hint=_HINT)
    reason = error.strerror if isinstance(error, OSError) else "no file can have this path"
    return OutputError(f"cannot {verb} `{path}`: {reason or error}")
