"""Whose answer is read next, when many have come at once.

Fifty bodies that are read together are all complete at the end; read in turn, the first is complete
at once, and is looked at while the others are read. Until its turn comes, a body waits in the
system's buffers, and takes no memory here.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT_ONCE = 2
"""One is read while the next piece of the other is on its way."""
LONGEST_S = 0.03
"""Several times what a body takes that is there. One that comes slowly is read on without a turn,
so that nobody waits for somebody else's network."""


class Turns:
    """Turns in the order in which they are asked for. Make one for each event loop."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it for at most `LONGEST_S`; staying longer is fine."""
        await self._free.acquire()
        is_over = False

        def end() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._free.release()

        lapse = asyncio.get_running_loop().call_later(LONGEST_S, end)
        try:
            yield
        finally:
            lapse.cancel()
            end()
