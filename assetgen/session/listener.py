"""Hands the events of a build to whoever asked for them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.events import Event
    from assetgen.core.ports import Emit


class Listener:
    """Hands events on, one at a time; a listener that fails does not steer the build.

    Its exception is kept, nothing more is told, and `Session.build` raises it at the end.
    """

    def __init__(self, emit: Emit | None) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self.failure: Exception | None = None

    def __call__(self, event: Event) -> None:
        """Hand the event on."""
        with self._lock:
            if self._emit is None or self.failure is not None:
                return
            try:
                self._emit(event)
            except Exception as error:  # noqa: BLE001 - raised once nothing can be lost by it
                self.failure = error
