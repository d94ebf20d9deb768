"""How many pictures are worked on at once, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Places:
    """A semaphore with two queues: what ends something goes before what begins something.

    So that what was begun is still in memory, and there is never more of it than places.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._ending: deque[asyncio.Future[None]] = deque()
        self._beginning: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self, *, ends: bool) -> AsyncIterator[None]:
        """A place, waited for and given back; `ends` when others have begun what is done there."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(self._ending if ends else self._beginning)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the place came together with the end
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for queue in (self._ending, self._beginning):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
