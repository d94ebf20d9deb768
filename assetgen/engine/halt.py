"""Ways to stop: nothing new starts; what is under way is finished, cut, or left to the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from assetgen.core.ports import Clock


class Halt:
    """Set once, by the user, by an error that stops the run, or by `--fail-fast`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._dropped = asyncio.Event()
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

    @property
    def is_dropped(self) -> bool:
        """Whether the results of this build are no longer asked for."""
        return self._dropped.is_set()

    def drop(self, reason: str) -> None:
        """Stop, and do not wait for calls under way: they end in the store.

        What has been dropped is planned again by who dropped it.
        """
        self.set(reason)
        self._dropped.set()

    async def sleep(self, seconds: float, clock: Clock) -> bool:
        """Wait, waking early when set. Returns whether it is set."""
        await _first(clock.sleep(seconds), self._event.wait())
        return self.is_set

    async def wait(self) -> None:
        """Return when set."""
        await self._event.wait()

    async def wait_for(self, task: asyncio.Task[object]) -> None:
        """Return when `task` has ended or nobody asks for its result any more."""
        dropped = asyncio.ensure_future(self._dropped.wait())
        try:
            await asyncio.wait({task, dropped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            dropped.cancel()


class Gate:
    """What paid calls pass before they start; open, unless whoever watches has closed it."""

    def __init__(self, *, is_open: bool = True) -> None:
        self._opened = asyncio.Event()
        self.before_opening: Callable[[], None] = lambda: None
        """Called once, right before the first call may start."""
        if is_open:
            self._opened.set()

    @property
    def is_open(self) -> bool:
        """Whether calls may start."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let through what waits, and what comes later."""
        if not self.is_open:
            self.before_opening()
            self._opened.set()

    async def passed(self, halt: Halt) -> bool:
        """Wait until it opens or the build is stopped. Returns whether a call may start."""
        if not self.is_open:
            await _first(self._opened.wait(), halt.wait())
        return not halt.is_set


async def _first(*waits: Coroutine[object, object, object]) -> None:
    """Return when one of `waits` has ended; the others are given up."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
