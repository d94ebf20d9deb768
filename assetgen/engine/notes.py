"""What images were made from, in words: kept in batches beside the build, lost without harm."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetgen.core.events import Warned
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from assetgen.core.ports import Emit, InputStore

BATCH = 32
"""Ten milliseconds of writing, which the event loop has not got; fewer are soon written at the end.
"""


@dataclass(slots=True)
class Notes:
    """Inputs for `explain`. Safe to add to from several threads."""

    inputs: InputStore
    emit: Emit
    _documents: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _has_failed: bool = False
    """That they cannot be kept is told once, and not tried again."""
    _writing: asyncio.Task[None] | None = None

    def add(self, document: bytes) -> None:
        """What an image was made from; empty when nobody knows."""
        with self._lock:
            if document:
                self._documents.append(document)

    def write_beside(self) -> None:
        """Begin to keep them, on a thread, if there are many; call it inside an event loop."""
        is_busy = self._writing is not None and not self._writing.done()
        if len(self._documents) >= BATCH and not is_busy:
            self._writing = asyncio.ensure_future(asyncio.to_thread(self.write))

    async def finish(self) -> None:
        """Wait for the thread, and meet what went wrong there that nobody foresaw."""
        if self._writing is not None:
            await self._writing

    def write(self) -> None:
        """Keep what has come since the last time; one thread after the other."""
        with self._turn:
            with self._lock:
                documents, self._documents = self._documents, []
            if not documents or self._has_failed:
                return
            try:
                self.inputs.put_many(documents)
            except CacheError as error:
                self._has_failed = True
                what = f"`explain` will not know these inputs in words: {error.what}"
                self.emit(Warned(None, what))
