"""Follows a project: signs of changes in, rounds out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from assetgen.core.events import Warned
from assetgen.core.pace import Due, Pace
from assetgen.watch.notice import NoEventsError, Notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from assetgen.session.rounds import Rounds

POLL_S = 0.5
"""Between two looks at stamps where no events come: 10,000 files take 20 ms."""
PROBE_S = 2.0
"""Between two looks at stamps where events come, in case they do not."""
GRACE_S = 0.5
"""An event that comes later than this after its change is no event."""


class Follower(Protocol):
    """Tells of changes near some paths: see `Notices`."""

    def follow(self, paths: Iterable[str], root: str) -> bool:
        """Follow these and no others; whether something new is followed."""
        ...

    def close(self) -> None:
        """Follow nothing any more."""
        ...


@dataclass(slots=True)
class Watch:
    """One watch of one project, until it is stopped."""

    rounds: Rounds
    polls: bool = False
    """Whether to look at stamps often, because the file system tells nothing."""
    notices_of: Callable[[Callable[[], None]], Follower] = Notices
    """Makes what tells of changes, given what it is to call then."""
    _pace: Pace = field(default_factory=Pace)
    _sign: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _round: asyncio.Task[None] | None = None
    _is_due: bool = False
    """Whether a round is to begin as soon as none runs."""
    _was_told: bool = False
    """Whether an event has come since the last look."""
    _untold_since: float | None = None
    """Since when a change is known that no event has told."""
    _probe_at: float = 0.0

    def stop(self) -> None:
        """End: calls under way are finished and kept."""
        self.rounds.interrupt()
        self._stopped.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called, or nobody listens any more."""
        return self._stopped.is_set() or self.rounds.listener.failure is not None

    async def run(self) -> None:
        """Build, then follow, until stopped."""
        loop = asyncio.get_running_loop()
        notices = self.notices_of(lambda: _wake(loop, self._sign))
        try:
            self._look(notices, loop.time())
            while not self.is_stopping:
                await self._begin()
                await self._wait(loop.time())
                self._sense(loop.time())
                self._act(notices, loop.time())
            self.stop()
            if self._round is not None:
                await self._round
            await self.rounds.finish()
        finally:
            notices.close()

    async def _begin(self) -> None:
        """Begin the round that is due, once the one before has ended."""
        if self._round is not None and self._round.done():
            self._round.result()
            self._round = None
        if self._is_due and self._round is None:
            self._is_due = False
            self._round = asyncio.ensure_future(self.rounds.run())
            await asyncio.sleep(0)

    async def _wait(self, now: float) -> None:
        """Sleep until something has happened or is due."""
        self._pace.is_gated = self.rounds.waits_to_pay
        times = [self._probe_at, self._pace.next_at()]
        if self._untold_since is not None:
            times.append(self._untold_since + GRACE_S)
        wakes = [asyncio.ensure_future(e.wait()) for e in (self._sign, self._stopped)]
        running = [self._round] if self._round is not None else []
        try:
            timeout_s = max(0.0, min(time for time in times if time is not None) - now)
            await asyncio.wait(
                [*wakes, *running], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wake in wakes:
                wake.cancel()

    def _sense(self, now: float) -> None:
        """Take in what events tell, and look at stamps where they may tell nothing."""
        is_told = self._sign.is_set()
        self._sign.clear()
        if is_told:
            self._was_told, self._untold_since = True, None
        elif self._untold_since is not None and now >= self._untold_since + GRACE_S:
            self._untold_since = None
            self._begin_polling("changes come without notice here")
        if is_told or now >= self._probe_at:
            self._probe_at = now + (POLL_S if self.polls else PROBE_S)
            if self.rounds.has_moved:
                self._pace.notice(now)

    def _act(self, notices: Follower, now: float) -> None:
        match self._pace.due(now):
            case Due.LOOK:
                found_change = self._look(notices, now)
                if found_change and not (self._was_told or self.polls):
                    self._untold_since = now
                self._was_told = False
            case Due.PAY:
                # Right before money is spent, by content: an event may be on its way.
                if not (self.rounds.has_moved and self._look(notices, now)):
                    self.rounds.open()
            case Due.NOTHING:
                pass

    def _look(self, notices: Follower, now: float) -> bool:
        """Look by content. Returns whether that stops what runs."""
        found_change = self.rounds.look()
        if found_change:
            self.rounds.drop()
        self._is_due = not self.rounds.is_broken and (found_change or self._is_due)
        self._pace.looked(asyncio.get_running_loop().time(), found_change=found_change)
        if not self.polls:
            try:
                if notices.follow(self.rounds.followed, self.rounds.root) and self.rounds.has_moved:
                    self._pace.notice(now)
            except NoEventsError as error:
                self._begin_polling(f"the system gives no notice of changes here ({error})")
        return found_change or self.rounds.is_broken

    def _begin_polling(self, why: str) -> None:
        self.polls = True
        self._probe_at = 0.0
        self.rounds.listener(Warned(None, f"{why}: looking every {POLL_S} s instead"))


def _wake(loop: asyncio.AbstractEventLoop, sign: asyncio.Event) -> None:
    loop.call_soon_threadsafe(sign.set)
