"""Puts bytes into open files, on the disk if they must be there before anything else happens.

What is synced at once gains nothing from lying in memory first: the system finds a page for each
4 kB of it, copies it there, and takes it from there to the disk while the caller waits. A large
file goes to the disk directly instead, where system and file system know how (Linux, `O_DIRECT` in
open(2)), in blocks; what is left behind the last whole block goes the ordinary way.

Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 4096
"""Multiples of this fit the blocks of every disk that is in use."""
LEAST_BYTES = 64 * 1024
"""Smaller files take no longer the ordinary way."""
_ROOM_BYTES = 1024 * 1024
"""Of memory, at the start of a page, from which one thread writes directly."""

_DIRECT = getattr(os, "O_DIRECT", 0)
_rooms = threading.local()


def write(descriptor: int, data: bytes) -> None:
    """Write all of `data`; its way to the disk is the system's business.

    Raises:
        OSError: as the system says.
    """
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def write_and_sync(descriptor: int, data: bytes) -> None:
    """Write all of `data` to a new file, and return when the disk has it.

    Raises:
        OSError: as the system says.
    """
    done = _write_directly(descriptor, data) if len(data) >= LEAST_BYTES else 0
    write(descriptor, data[done:])
    os.fsync(descriptor)


def read_back(descriptor: int, most_bytes: int) -> bytes:
    """At most so many bytes of a file that was just written, past the memory of the system.

    It went to the disk directly, so that memory has nothing of it yet.

    Raises:
        OSError: as the system says.
    """
    pieces, left = list[bytes](), most_bytes
    with memoryview(_room()) as target, _direct(descriptor) as is_direct:
        while is_direct and left > 0:
            try:
                size = os.readv(descriptor, [target])
            except OSError as error:
                if error.errno == errno.EINVAL:  # as when writing, or behind the last whole block
                    break
                raise
            if not size:
                break
            pieces.append(bytes(target[: min(size, left)]))
            left -= len(pieces[-1])
    while left > 0 and (piece := os.read(descriptor, min(_ROOM_BYTES, left))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _write_directly(descriptor: int, data: bytes) -> int:
    """Write whole blocks past the memory of the system; how many bytes of `data` are written.

    Fewer than there are where this is not known, or the disk is full: the ordinary way goes on
    from there, and says what is wrong.
    """
    whole = len(data) - len(data) % BLOCK_BYTES
    room, done = _room(), 0
    with memoryview(data) as source, memoryview(room) as target, _direct(descriptor) as is_direct:
        while is_direct and done < whole:
            size = min(_ROOM_BYTES, whole - done)
            target[:size] = source[done : done + size]
            try:
                written = os.write(descriptor, target[:size])
            except OSError as error:
                if error.errno == errno.EINVAL:  # not in blocks of this size, or not at all
                    break
                raise
            done += written
            if written < size:
                break
    return done


@contextmanager
def _direct(descriptor: int) -> Iterator[bool]:
    """Let an open file be written directly for a while; whether it can be."""
    before = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        if _DIRECT:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, before | _DIRECT)
    except OSError:
        yield False
        return
    try:
        yield bool(_DIRECT)
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, before)


def _room() -> mmap.mmap:
    """Memory of this thread alone."""
    try:
        room: mmap.mmap = _rooms.room
    except AttributeError:
        room = _rooms.room = mmap.mmap(-1, _ROOM_BYTES)
    return room
