"""The cache in memory, a fake for tests.

Held to the same contract suites as the files; lost with the process.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Self

from assetgen.core.digest import Digest, digest_of
from assetgen.core.ledger import unanswered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.result import ActionResult


class MemoryBlobs:
    """Implements `core.ports.BlobStore`."""

    def __init__(self) -> None:
        self._blobs: dict[Digest, bytes] = {}
        self._kept: dict[Digest, bytes] = {}
        self._arrivals: dict[tuple[str, str, Digest], None] = {}
        self.rescued: list[tuple[bytes, str, str]] = []
        self.further: list[bytes] = []

    def put(self, data: bytes) -> Digest:
        """See the port."""
        digest = digest_of(data)
        self._blobs[digest] = data
        return digest

    def put_derived(self, data: bytes) -> Digest:
        """See the port."""
        return self.put(data)

    def receive(self, data: bytes, *, fingerprint: str, call: str) -> Digest:
        """See the port."""
        digest = self.put(data)
        self._arrivals[fingerprint, call, digest] = None
        return digest

    def rescue(self, data: bytes, *, fingerprint: str, call: str, is_further: bool = False) -> str:
        """See the port."""
        if is_further:
            self.further.append(data)
        else:
            self.rescued.append((data, fingerprint, call))
        return "elsewhere"

    def settle(self, call: str) -> None:
        """See the port."""
        for arrival in [arrival for arrival in self._arrivals if arrival[1] == call]:
            del self._arrivals[arrival]

    def arrivals(self) -> list[tuple[str, str, Digest]]:
        """See the port."""
        while self.further:
            self.put(self.further.pop())
        while self.rescued:
            data, fingerprint, call = self.rescued.pop()
            self.receive(data, fingerprint=fingerprint, call=call)
        return sorted(self._arrivals)

    def get(self, digest: Digest) -> bytes | None:
        """See the port."""
        data = self._blobs.get(digest)
        return self._kept.get(digest) if data is None else data

    def has(self, digest: Digest) -> bool:
        """See the port."""
        return self.get(digest) is not None

    def keep(self, data: bytes) -> Digest:
        """See the port."""
        digest = digest_of(data)
        self._kept[digest] = data
        return digest

    def wrote(self, digest: Digest) -> bool:
        """See the port."""
        return digest in self._blobs


class MemoryLedger:
    """Implements `core.ports.Ledger`."""

    def __init__(self) -> None:
        self._lines: list[LedgerLine] = []

    def append(self, line: LedgerLine) -> None:
        """See the port."""
        self._lines.append(line)

    def lines(self) -> list[LedgerLine]:
        """See the port."""
        return list(self._lines)

    def unanswered(self) -> list[LedgerLine]:
        """See the port."""
        return list(unanswered(self._lines))


class MemoryActions:
    """Implements `core.ports.ActionCache`."""

    def __init__(self) -> None:
        self._results: dict[str, ActionResult] = {}

    def get_many(self, fingerprints: Iterable[str]) -> dict[str, ActionResult]:
        """See the port."""
        return {fp: self._results[fp] for fp in fingerprints if fp in self._results}

    def put(self, fingerprint: str, result: ActionResult) -> None:
        """See the port."""
        self._results[fingerprint] = result

    def put_many(self, results: Mapping[str, ActionResult]) -> None:
        """See the port."""
        self._results |= results


class MemoryInputs:
    """Implements `core.ports.InputStore`."""

    def __init__(self) -> None:
        self._documents: dict[str, bytes] = {}

    def put_many(self, documents: Iterable[bytes]) -> None:
        """See the port."""
        self._documents |= {hashlib.sha256(one).hexdigest(): one for one in documents}

    def get(self, fingerprint: str) -> bytes | None:
        """See the port."""
        return self._documents.get(fingerprint)


class MemoryClaims:
    """Implements `core.ports.Claims` for the threads and tasks of one process."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._threads = threading.Lock()

    def try_claim(self, fingerprint: str) -> MemoryClaim | None:
        """See the port."""
        with self._threads:
            if fingerprint in self._held:
                return None
            self._held.add(fingerprint)
        return MemoryClaim(self._held, fingerprint)


class MemoryClaim:
    """A claim of `MemoryClaims`, until it is left."""

    def __init__(self, held: set[str], fingerprint: str) -> None:
        self._held = held
        self._fingerprint = fingerprint

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.discard(self._fingerprint)
