"""The journal of outputs written here: it tells our own files from edited ones after a crash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.core.digest import Digest, parse_digest
from assetgen.errors import OutputError
from assetgen.files.project import make_private_folder, write_in_one_step

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = 2


class FileJournal:
    """Implements `core.ports.Journal`: lines `DIGEST KEY`, appended and synced."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        """Key by digest; unreadable lines are skipped, because losing one costs a question."""
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                rows = [line.split() for line in file]
        except OSError:
            return {}
        return {
            digest: row[1]
            for row in rows
            if len(row) == _FIELDS and (digest := parse_digest(row[0])) is not None
        }

    def add(self, digest: Digest, key: str) -> None:
        """Note durably, before the file is written, that it will be ours."""
        try:
            make_private_folder(os.path.dirname(self._path))
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o644)
            try:
                # The leading newline ends a line that a crash may have torn.
                os.write(descriptor, f"\n{digest} {key}\n".encode("ascii"))
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
            write_in_one_step(self._path, text.encode("ascii"))
        except OSError as error:
            raise OutputError(f"cannot write the journal: {error.strerror or error}") from error
