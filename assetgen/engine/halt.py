"""A way to stop: nothing new starts; what is under way is finished and kept, or cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.ports import Clock


class Halt:
    """Set once, by the user, by an error that stops the run, or by `--fail-fast`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""
        self.is_interrupt = False
        self.is_cut = False
        self._under_way: tuple[asyncio.Task[None], ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether nothing new may start."""
        return self._event.is_set()

    def set(self, reason: str, *, is_interrupt: bool = False) -> None:
        """Stop; the first reason counts."""
        if not self.is_set:
            self.reason = reason
        self.is_interrupt = self.is_interrupt or is_interrupt
        self._event.set()

    def watch(self, under_way: Iterable[asyncio.Task[None]]) -> None:
        """Cancel these when it comes to `cut`; what begins after that ends by itself."""
        self._under_way = tuple(under_way)

    def cut(self) -> None:
        """Also give up what is under way."""
        if self.is_cut:
            return
        self.is_cut = True
        for task in self._under_way:
            task.cancel()

    async def sleep(self, seconds: float, clock: Clock) -> bool:
        """Wait, waking early when set. Returns whether it is set."""
        waits = {
            asyncio.ensure_future(clock.sleep(seconds)),
            asyncio.ensure_future(self._event.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.is_set
