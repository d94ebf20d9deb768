"""What is kept in batches, whenever a build writes the lockfile: all of it can be had again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from assetgen.core.events import Warned
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.ports import ActionCache, Emit, InputStore
    from assetgen.core.result import ActionResult


@dataclass(slots=True)
class Notes:
    """Inputs in words, for `explain`, and results of work that is done again free.

    Safe to add to from several threads.
    """

    inputs: InputStore
    actions: ActionCache
    emit: Emit
    _documents: list[bytes] = field(default_factory=list)
    _results: dict[str, ActionResult] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _failed: set[str] = field(default_factory=set)
    """What could not be kept: it is told once, and not tried again."""

    def add_inputs(self, document: bytes) -> None:
        """What an image was made from; empty when nobody knows."""
        with self._lock:
            if document:
                self._documents.append(document)

    def add_result(self, fingerprint: str, result: ActionResult) -> None:
        """What a repeatable provider gave for a fingerprint, and is in the store."""
        with self._lock:
            self._results[fingerprint] = result

    def write(self) -> None:
        """Keep what has come since the last time."""
        with self._lock:
            documents, self._documents = self._documents, []
            results, self._results = self._results, {}
        if documents:
            keep = partial(self.inputs.put_many, documents)
            self._try("`explain` will not know these inputs in words", keep)
        if results:
            self._try("what was drawn may be drawn again", partial(self.actions.put_many, results))

    def _try(self, otherwise: str, keep: Callable[[], None]) -> None:
        if otherwise in self._failed:
            return
        try:
            keep()
        except CacheError as error:
            self._failed.add(otherwise)
            self.emit(Warned(None, f"{otherwise}: {error.what}"))
