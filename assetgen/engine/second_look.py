"""Looks again at the outputs that a build has written, so that the next build need not read them.

What was written is read back once a later change is sure to show in its stamp. Most of it while the
build still waits for other images: what is left at the end is what was written last.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from assetgen.core.stamp import GRANULE_NS, is_settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assetgen.core.digest import Digest
    from assetgen.core.ports import Clock, Files
    from assetgen.engine.observe import Observer

INTERVAL_S = 0.1
"""Between two looks of a build that goes on; what was written is at least as old by then."""
_SETTLED_S = 2 * GRANULE_NS / 1e9


class SecondLook:
    """`written` has the digest of each output by its path, and grows while the build goes on."""

    def __init__(
        self, written: Mapping[str, Digest], observer: Observer, *, files: Files, clock: Clock
    ) -> None:
        self._written = written
        self._observer = observer
        self._files = files
        self._clock = clock
        self._found: dict[str, Digest | None] = {}
        """What was there, by path."""
        self._noticed: list[tuple[str, Digest]] = []
        """Written before the last glance, and to be looked at in the next one."""
        self._count = 0
        """Of what was written, what was noticed."""
        self._glanced_at = clock.now()
        self._looking: asyncio.Task[None] | None = None

    def glance(self) -> None:
        """Begin to look, on a thread, at what has been there for a while; ask as often as you like.

        Call it inside a running event loop.
        """
        now = self._clock.now()
        is_busy = self._looking is not None and not self._looking.done()
        if is_busy or now - self._glanced_at < INTERVAL_S:
            return
        self._glanced_at = now
        written = list(self._written.items())
        ripe, self._noticed = self._noticed, written[self._count :]
        self._count = len(written)
        if ripe:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look, ripe))

    async def finish(self, lockfile: str) -> bool:
        """Look at all that is left; whether every output still holds what was written.

        When outputs or lockfile are new, this waits a moment first, so that a later change is sure
        to show in the stamps that are noted.
        """
        if self._looking is not None:
            await self._looking
        locked = self._files.stamp(lockfile)
        is_new = locked is not None and not is_settled(locked, int(self._clock.now() * 1e9))
        if self._written or is_new:
            await self._clock.sleep(_SETTLED_S)
        written = dict(self._written)
        left = sorted(one for one in written.items() if not self._is_done(*one))
        readers = min(os.cpu_count() or 1, len(left))
        shares = [left[first::readers] for first in range(readers)]
        await asyncio.gather(*(asyncio.to_thread(self._look, share) for share in shares))
        is_all = written == dict(self._written)  # a thread that outlives a cut may still write
        return is_all and all(self._found[path] == digest for path, digest in written.items())

    def _is_done(self, path: str, digest: Digest) -> bool:
        """Whether it was found to be right, in a way that still holds."""
        if self._found.get(path) != digest:
            return False
        seen = self._observer.seen[path]
        return seen.settled and seen.stamp == self._files.stamp(path)

    def _look(self, share: Sequence[tuple[str, Digest]]) -> None:
        paths, known = [path for path, _ in share], frozenset(digest for _, digest in share)
        facts = self._observer.files_of_products(paths, known, is_fresh=True)
        self._found |= {path: fact.digest for path, fact in facts.items()}
