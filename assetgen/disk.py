"""Gets bytes into open files and back, past the memory of the system where that is better.

What is synced at once gains nothing from lying in memory first: the system finds a page for each
4 kB of it, copies it there, and takes it from there to the disk while the caller waits. A large
file goes to the disk directly instead, where system and file system know how (Linux, `O_DIRECT` in
open(2)), in blocks; what is left behind the last whole block goes the ordinary way. Wherever the
direct way ends, for whatever reason, the ordinary one goes on, and tells what is wrong.

Standard library only.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 4096
"""Multiples of this fit the blocks of every disk that is in use."""
LEAST_BYTES = 64 * 1024
"""Smaller files go the ordinary way: there is little to copy."""
_ROOM_BYTES = 1024 * 1024
"""Of memory, at the start of a page: what a thread hands over at once."""

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


def write_directly(descriptor: int, data: bytes) -> None:
    """Write all of `data` to a new file that is synced next.

    Raises:
        OSError: as the system says.
    """
    done = _write_blocks(descriptor, data) if len(data) >= LEAST_BYTES else 0
    write(descriptor, data[done:])


def read_back(descriptor: int, most_bytes: int) -> bytes:
    """At most so many bytes of a file that was written directly: memory has nothing of it yet.

    Raises:
        OSError: as the system says.
    """
    pieces, left = list[bytes](), most_bytes
    with memoryview(_room()) as target, _direct(descriptor) as is_direct, suppress(OSError):
        while is_direct and left > 0 and (size := os.readv(descriptor, [target])):
            pieces.append(bytes(target[: min(size, left)]))
            left -= len(pieces[-1])
    while left > 0 and (piece := os.read(descriptor, min(_ROOM_BYTES, left))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _write_blocks(descriptor: int, data: bytes) -> int:
    """Write whole blocks directly, as far as that goes; how many bytes of `data` are written."""
    whole, done = len(data) - len(data) % BLOCK_BYTES, 0
    with (
        memoryview(data) as source,
        memoryview(_room()) as target,
        _direct(descriptor) as is_direct,
        suppress(OSError),  # the ordinary way meets it again, and tells
    ):
        while is_direct and done < whole:
            size = min(_ROOM_BYTES, whole - done)
            target[:size] = source[done : done + size]
            written = os.write(descriptor, target[:size])
            done += written
            if written < size:
                break
    return done


@contextmanager
def _direct(descriptor: int) -> Iterator[bool]:
    """Let an open file be used directly for a while; whether it can be."""
    before, is_direct = fcntl.fcntl(descriptor, fcntl.F_GETFL), False
    if _DIRECT:
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, before | _DIRECT)
            is_direct = True
    try:
        yield is_direct
    finally:
        if is_direct:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, before)


def _room() -> mmap.mmap:
    """Memory of this thread alone."""
    try:
        room: mmap.mmap = _rooms.room
    except AttributeError:
        room = _rooms.room = mmap.mmap(-1, _ROOM_BYTES)
    return room


def _leave_room() -> None:
    """In a child, the room is its parent's too, which goes on writing through it."""
    _rooms.__dict__.clear()


os.register_at_fork(after_in_child=_leave_room)
