"""Pictures that were decoded a moment ago, for whoever reads the same bytes next.

A file that is worked on next is proven whole by decoding it; what is made of it then need not
decode it again.
A picture is handed on once and only for bytes with the same digest, so nothing is read that was not
proved, and what nobody fetches gives way to what came later.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from assetgen.core.digest import Digest

T = TypeVar("T")


class Handed(Generic[T]):
    """At most `most_bytes` of pictures by the digests of their files. Safe with threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._pictures: dict[Digest, tuple[int, T]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is waiting, so that no digest need be computed."""
        return not self._pictures

    def give(self, digest: Digest, size: int, picture: T) -> None:
        """Keep a picture that takes `size` bytes until it is fetched, if there is room for it."""
        if size > self._most_bytes:
            return
        with self._lock:
            self._drop(digest)
            self._pictures[digest] = size, picture
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._pictures)))

    def fetch(self, digest: Digest) -> T | None:
        """The picture, which now is the caller's alone; None when it is not here."""
        with self._lock:
            return self._drop(digest)

    def _drop(self, digest: Digest) -> T | None:
        size, picture = self._pictures.pop(digest, (0, None))
        self._bytes -= size
        return picture
