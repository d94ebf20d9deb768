"""A body as it comes in: in memory while there is room, the rest in a file without a name.

Fifty calls may end at once, and bodies may be of any size, so all of them share the room. Where no
file can be had, or it takes no more, the body stays in memory: it is paid for.
"""

from __future__ import annotations

import tempfile
from typing import BinaryIO
from weakref import WeakSet

HELD_BYTES = 256 * 1024
"""Every body may have this in memory before it asks whether there is room for more."""
ROOM_BYTES = 32 * 1024 * 1024
"""A dozen usual answers, more than wait to be looked at in a build that is in step."""


class Room:
    """Memory for all bodies that are received or wait to be looked at.

    What is held is counted when it is asked for, so nothing has to be given back: a body that is
    gone is counted no more.
    """

    def __init__(self, size_bytes: int = ROOM_BYTES) -> None:
        self._size_bytes = size_bytes
        self._bodies: WeakSet[Received] = WeakSet()

    def admit(self, body: Received) -> None:
        """Count `body` from now on."""
        self._bodies.add(body)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for as much as a body takes between two questions."""
        return sum(body.held for body in self._bodies) + HELD_BYTES > self._size_bytes


class Received:
    """What has been received so far, in order; shares `room` with others, or has one of its own."""

    def __init__(self, room: Room | None = None) -> None:
        self.size = 0
        """Bytes in all."""
        self.held = 0
        """Bytes of them in memory."""
        self._room = room or Room()
        self._room.admit(self)
        self._chunks: list[bytes] = []
        self._may_hold = HELD_BYTES
        self._file: BinaryIO | None = None
        self._filed = 0
        """Bytes in the file that count: the last write may have failed half way."""
        self._takes_files = True

    def append(self, chunk: bytes) -> None:
        """Take in what has come."""
        self._chunks.append(chunk)
        self.size += len(chunk)
        self.held += len(chunk)
        if self.held <= self._may_hold or not self._takes_files:
            return
        if not self._room.is_full:
            self._may_hold = self.held + HELD_BYTES
            return
        try:
            self._file_away()
        except OSError:
            self._takes_files = False

    def read(self) -> bytes:
        """All of it.

        Raises:
            OSError: the file cannot be read any more.
        """
        held = b"".join(self._chunks)
        if self._file is None or not self._filed:
            return held
        self._file.seek(0)
        parts, left = [], self._filed
        while left:
            part = self._file.read(left)
            if not part:
                raise OSError("the file that held it is cut off")
            parts.append(part)
            left -= len(part)
        return b"".join([*parts, held])

    def clear(self) -> None:
        """Hold nothing any more."""
        self._chunks.clear()
        self.size = self.held = self._filed = 0
        self._may_hold = HELD_BYTES
        if self._file is not None:
            self._file.close()
            self._file = None

    def _file_away(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `clear`
        data = memoryview(b"".join(self._chunks))
        self._file.seek(self._filed)
        while data:
            data = data[self._file.write(data) :]
        self._filed += self.held
        self._chunks.clear()
        self.held, self._may_hold = 0, HELD_BYTES
