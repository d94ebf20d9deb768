"""The inputs of fingerprints in full: canonical documents as plain files, verified on every read.

    inputs/ab/<fingerprint>

A file grows in `incoming/` (see `blobs.py`) and is renamed, not synced: after a crash of the
machine it may be damaged, which shows, and costs words only.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from assetgen.cache.durable import cache_errors, make_folder, read_only_error, write_all_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 16 * 1024 * 1024
"""No manifest holds a prompt of this size; a larger file is none of ours."""


class FileInputs:
    """Implements `core.ports.InputStore` in a folder; several processes may share it.

    With `create` false nothing on the disk changes. Methods raise `CacheError` when the system
    refuses.
    """

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._folder = os.path.join(root, "inputs")
        self._incoming = os.path.join(root, "incoming")

    def put_many(self, documents: Iterable[bytes]) -> None:
        """See the port; a document that is there already is not written again."""
        if not self._create:
            raise read_only_error(self._root)
        named = {hashlib.sha256(document).hexdigest(): document for document in documents}
        missing = {
            self._path(fingerprint): document
            for fingerprint, document in named.items()
            if self.get(fingerprint) is None
        }
        with cache_errors("write", self._folder):
            make_folder(self._incoming)
            for folder in {os.path.dirname(path) for path in missing}:
                make_folder(folder, is_synced=False)
            write_all_whole(missing, mode=0o600, through=self._incoming)

    def get(self, fingerprint: str) -> bytes | None:
        """See the port.

        Raises:
            CacheError: the system refuses.
            ValueError: `fingerprint` is not 64 hexadecimal digits.
        """
        path = self._path(fingerprint)
        with cache_errors("read", path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                return None
            with os.fdopen(descriptor, "rb") as file:
                document = file.read(_MOST_BYTES)
        return document if hashlib.sha256(document).hexdigest() == fingerprint else None

    def _path(self, fingerprint: str) -> str:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ValueError(f"not a fingerprint: {fingerprint!r}")
        return os.path.join(self._folder, fingerprint[:2], fingerprint)
