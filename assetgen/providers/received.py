"""A body as it comes in: small ones in memory, the rest of a large one in a file without a name.

Fifty calls end at once and are read one after the other; what waits need not be in memory. Where no
file can be had, or it takes no more, the body stays in memory: it is paid for.
"""

from __future__ import annotations

import tempfile
from typing import BinaryIO

HELD_BYTES = 256 * 1024
"""Kept in memory before it goes to the file."""


class Received:
    """What has been received so far, in order."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes in all."""
        self._chunks: list[bytes] = []
        self._held = 0
        self._file: BinaryIO | None = None
        self._filed = 0
        """Bytes in the file that count: the last write may have failed half way."""
        self._takes_files = True

    def append(self, chunk: bytes) -> None:
        """Take in what has come."""
        self._chunks.append(chunk)
        self.size += len(chunk)
        self._held += len(chunk)
        if self._held > HELD_BYTES and self._takes_files:
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
        self.size = self._held = self._filed = 0
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
        self._filed += self._held
        self._chunks.clear()
        self._held = 0
