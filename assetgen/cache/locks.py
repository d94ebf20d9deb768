"""File locks that the operating system frees when their holder dies. The only home of filelock.

Never a lock file whose mere existence is the lock: after a crash that one would stay for ever.
Lock files are left where they are: removing one while somebody waits for it lets two holders in.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import filelock

from assetgen.cache.durable import HINT, cache_errors, make_folder, read_only_error
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HINT = f"locks need a folder you can write on a local disk; for the cache, {HINT}"
_POLL_S = 0.005
"""filelock polls; its default of 50 ms would be what a ledger line costs under contention."""


class Held:
    """A lock that is held until it is released, left as a context, or its process ends."""

    __slots__ = ("_lock", "_path")

    def __init__(self, lock: filelock.BaseFileLock, path: str) -> None:
        self._lock = lock
        self._path = path

    def release(self) -> None:
        """Let others have it; a second time does nothing. Raises `CacheError`."""
        with cache_errors("unlock", self._path, _HINT):
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def try_hold(path: str) -> Held | None:
    """Lock the file at `path`; None while anybody holds it, be it this very thread.

    The file and its folder are made if need be. Any thread may release the lock.

    Raises:
        CacheError: the file cannot be made or locked.
    """
    return _acquire(path, timeout_s=0)


def hold(path: str, *, timeout_s: float) -> Held:
    """Like `try_hold`, waiting up to `timeout_s` seconds.

    Raises:
        CacheError: likewise, or somebody held it all that time.
    """
    held = _acquire(path, timeout_s=timeout_s)
    if held is None:
        raise _locked(path, timeout_s)
    return held


@contextmanager
def holding(open_file: Callable[[], int], path: str, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a file that the caller knows how to open; `path` is its name in messages.

    For folders of strangers, where a lock file must not be opened by name: it may be a link.

    Raises:
        CacheError: as `hold`; and whatever `open_file` raises.
    """
    descriptor = open_file()
    try:
        with cache_errors("lock", path, _HINT):
            deadline = time.monotonic() + timeout_s
            while not filelock.lock_descriptor(descriptor, blocking=False):
                if time.monotonic() > deadline:
                    raise _locked(path, timeout_s)
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)  # which frees the lock


def _locked(path: str, timeout_s: float) -> CacheError:
    return CacheError(
        f"`{path}` was locked by another process for {timeout_s:g} s",
        hint="look for another assetgen that hangs; the lock is free as soon as it ends",
    )


def _acquire(path: str, timeout_s: float) -> Held | None:
    with cache_errors("lock", path, _HINT):
        make_folder(os.path.dirname(path))
        # A lock of one thread's own could not be released by another, a soft lock would outlive a
        # crash, and a lock file that goes away would let two in.
        lock = filelock.FileLock(
            path, thread_local=False, fallback_to_soft=False, preserve_lock_file=True
        )
        try:
            lock.acquire(timeout=timeout_s, poll_interval=_POLL_S, blocking=timeout_s > 0)
        except filelock.Timeout:
            return None
        return Held(lock, path)


class FileClaims:
    """Implements `core.ports.Claims` with one lock file for each fingerprint."""

    def __init__(self, root: str, *, create: bool) -> None:
        self._folder = os.path.join(root, "claims")
        self._create = create

    def try_claim(self, fingerprint: str) -> Held | None:
        """See the port.

        Raises:
            CacheError: the lock file cannot be made or locked.
            ValueError: `fingerprint` is not 64 hexadecimal digits.
        """
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(f"not a fingerprint: {fingerprint!r}")
        if not self._create:
            raise read_only_error(self._folder)
        return try_hold(os.path.join(self._folder, f"{fingerprint}.lock"))
