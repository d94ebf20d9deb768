"""The journal of outputs written here: it tells our own files from edited ones after a crash."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from assetgen.core.digest import Digest, parse_digest
from assetgen.errors import OutputError
from assetgen.files.project import PrivateFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = 2
_MOST_BYTES = 64 * 1024 * 1024
"""A line takes 140 bytes, and what the lockfile says is dropped after each build."""


class FileJournal:
    """Implements `core.ports.Journal`: lines `DIGEST KEY`, appended and synced."""

    def __init__(self, root: str, name: str) -> None:
        """`name` is that of the file in the private folder of the project at `root`."""
        self._private = PrivateFiles(root)
        self._name = name

    def read(self) -> dict[str, str]:
        """Key by digest; unreadable lines are skipped, because losing one costs a question."""
        try:
            data = self._private.read(self._name, _MOST_BYTES)
        except OSError:
            return {}
        rows = [line.split() for line in data.decode("ascii", "replace").split("\n")]
        return {
            digest: row[1]
            for row in rows
            if len(row) == _FIELDS and (digest := parse_digest(row[0])) is not None
        }

    def add(self, entries: Mapping[Digest, str]) -> None:
        """See the port: one write and one sync, however many."""
        try:
            descriptor = self._private.open(self._name, os.O_WRONLY | os.O_APPEND)
            try:
                # The leading newline ends a line that a crash may have torn.
                text = "".join(f"\n{digest} {key}\n" for digest, key in entries.items())
                lines = text.encode("ascii")
                if os.write(descriptor, lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise OutputError(f"cannot write the journal: {error.strerror or error}") from error

    def replace(self, entries: Mapping[str, str]) -> None:
        """Drop what the lockfile says by now."""
        if entries == self.read():
            return
        text = "".join(f"{digest} {key}\n" for digest, key in entries.items())
        try:
            self._private.write(self._name, text.encode("ascii"))
        except OSError as error:
            raise OutputError(f"cannot write the journal: {error.strerror or error}") from error
