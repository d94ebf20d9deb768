"""The real files of a project: read, replaced in one step, never outside the project folder."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from assetgen.core.stamp import Stamp, stamp_of
from assetgen.errors import OutputError
from assetgen.files.temporary import sweep, temporary_name, writing_in

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_READ_BYTES = 512 * 1024 * 1024
"""Larger files are no images anyone declares as an asset."""


class ProjectFiles:
    """Implements `core.ports.Files` under one folder."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)

    def stamp(self, path: str) -> Stamp | None:
        """Stamp of a file or folder; None when there is none."""
        return stamp_of(os.path.join(self._root, path))

    def read(self, path: str) -> bytes | None:
        """Bytes of a regular file; None when there is none.

        Raises:
            OutputError: it is outside the project, no regular file, too large or not readable.
        """
        full = os.path.join(self._root, path)
        try:
            # Not blocking: opening a FIFO must not wait for somebody to write to it.
            descriptor = os.open(full, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise _unusable(path, "read", error) from error
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise OutputError(f"`{path}` is not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            if found.st_size > MAX_READ_BYTES:
                raise OutputError(f"`{path}` is larger than {MAX_READ_BYTES // 2**20} MiB")
            self._check_inside(path, os.path.realpath(full))
            try:
                return file.read(MAX_READ_BYTES + 1)
            except OSError as error:
                raise _unusable(path, "read", error) from error

    def write(self, path: str, data: bytes) -> None:
        """Replace a file in one step: synced under another name, then renamed.

        Raises:
            OutputError: it would be outside the project, or the system refuses.
        """
        full = os.path.join(self._root, path)
        folder = os.path.dirname(full)
        try:
            self._check_inside(path, os.path.realpath(folder))
            os.makedirs(folder, exist_ok=True)
            self._check_inside(path, os.path.realpath(folder))
            write_in_one_step(full, data)
        except (OSError, ValueError) as error:
            raise _unusable(path, "write", error) from error

    def sweep(self, folders: Iterable[str]) -> None:
        """Remove temporary files that crashes left in these folders, where that is possible.

        Folders that are not there, or lead out of the project, are passed over.
        """
        for folder in folders:
            full = os.path.join(self._root, folder)
            with suppress(OSError, ValueError, OutputError):
                descriptor = os.open(full, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    self._check_inside(folder, os.path.realpath(full))
                    sweep(descriptor)
                finally:
                    os.close(descriptor)

    def _check_inside(self, path: str, real: str) -> None:
        root = self._real_root
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            raise OutputError(
                f"`{path}` leads out of the project folder through a link",
                hint="assetgen reads and writes only inside the project; copy the file into it",
            )


def make_private_folder(folder: str) -> None:
    """Make the folder of what is never shared, hidden from git whatever the project ignores.

    Raises:
        OSError: as the system says.
    """
    ignoring = os.path.join(folder, ".gitignore")
    if os.path.lexists(ignoring):  # the folder may be there without it, after a crash
        return
    os.makedirs(folder, exist_ok=True)
    write_in_one_step(ignoring, b"*\n")


def write_in_one_step(full: str, data: bytes) -> None:
    """Write `data` beside `full`, sync it, and rename it to `full`.

    The permissions are those of the file that is replaced, else what the user's umask gives.

    Raises:
        OSError: as the system says; the temporary file is gone then.
    """
    folder, name = os.path.split(full)
    temporary = os.path.join(folder, temporary_name(name))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with writing_in(folder):
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                _copy_mode(full, descriptor)
                os.fsync(descriptor)
            os.replace(temporary, full)
        except BaseException:
            os.unlink(temporary)
            raise


def _copy_mode(full: str, descriptor: int) -> None:
    try:
        mode = stat.S_IMODE(os.stat(full).st_mode)
    except FileNotFoundError:
        return
    os.fchmod(descriptor, mode)


def _unusable(path: str, verb: str, error: OSError | ValueError) -> OutputError:
    """`ValueError` is what a path gives that no file can have: NUL, or half a surrogate pair."""
    reason = error.strerror if isinstance(error, OSError) else "no file can have this path"
    return OutputError(f"cannot {verb} `{path}`: {reason or error}")
