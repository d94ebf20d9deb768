"""The way to end a build from outside: from another task, another thread or an event listener."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.engine.halt import Halt


class Stop:
    """Ends the builds that it is given to; from any thread, also before they have begun.

    What was asked stays asked: use a new one for the next build. Either way the build returns its
    report, with exit code 130, and what has arrived is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._builds: list[tuple[asyncio.AbstractEventLoop, Halt]] = []
        self._reason: str | None = None
        self._is_cut = False

    @property
    def is_asked(self) -> bool:
        """Whether a build with this would end."""
        return self._reason is not None

    def finish(self, reason: str = "stopped") -> None:
        """Start nothing more; calls under way are waited for, and their images kept."""
        self._ask(reason, is_cut=False)

    def cut(self, reason: str = "stopped") -> None:
        """Start nothing more, and do not wait for the calls under way.

        They may be billed all the same, and their images are lost: after `finish`, for who cannot
        wait any longer. An image that has arrived is still stored.
        """
        self._ask(reason, is_cut=True)

    @contextmanager
    def obeyed_by(self, halt: Halt) -> Iterator[None]:
        """Hand on what is asked to a build of the running event loop."""
        build = (asyncio.get_running_loop(), halt)
        with self._lock:
            self._builds.append(build)
            self._apply(halt)
        try:
            yield
        finally:
            with self._lock:
                self._builds.remove(build)

    def _ask(self, reason: str, *, is_cut: bool) -> None:
        with self._lock:
            self._reason = self._reason if self._reason is not None else reason
            self._is_cut = self._is_cut or is_cut
            for loop, halt in self._builds:
                loop.call_soon_threadsafe(self._apply, halt)

    def _apply(self, halt: Halt) -> None:
        if self._reason is not None:
            halt.set(self._reason, is_interrupt=True)
        if self._is_cut:
            halt.cut()
