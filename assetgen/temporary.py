"""Files that are being written: `.assetgen-<16 hex>` beside what they will replace.

Who writes holds a shared lock on the folder; it ends with the process. Who gets that lock for
himself alone knows that every temporary file there is a dead one's, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TEMPORARY = re.compile(r"\.assetgen-[0-9a-f]{16}(\.[A-Za-z]+)?")
_TRIES, _PAUSE_S = 50, 0.02
"""A sweep takes milliseconds."""


def temporary_name(name: str) -> str:
    """A new name for what will be called `name`."""
    return f".assetgen-{secrets.token_hex(8)}{PurePosixPath(name).suffix}"


def is_temporary(name: str) -> bool:
    """Whether `temporary_name` may have given this name."""
    return _TEMPORARY.fullmatch(name) is not None


@contextmanager
def writing_in(folder: int) -> Iterator[None]:
    """Keep what grows in an open folder from being swept, on file systems that know locks.

    Whoever may read a folder can lock it, so nobody is waited for beyond a sweep's short time: who
    does not get the lock writes all the same, and in the worst case has to write again.
    """
    for _ in range(_TRIES):
        try:
            fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        except OSError:
            break  # where nobody can lock, nobody sweeps
        else:
            break
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)


def sweep(descriptor: int, is_unfinished: Callable[[str], bool] = is_temporary) -> None:
    """Remove what crashes left unfinished in an open folder; while anybody writes there, nothing.

    Raises:
        OSError: as the system says.
    """
    names = [name for name in os.listdir(descriptor) if is_unfinished(name)]
    if not names or not _has_it_alone(descriptor):
        return
    for name in names:
        with suppress(FileNotFoundError):
            if stat.S_ISREG(os.lstat(name, dir_fd=descriptor).st_mode):
                os.unlink(name, dir_fd=descriptor)


def _has_it_alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
