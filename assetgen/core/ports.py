"""What the engine needs of the world. Adapters implement these; `session` alone knows them.

Paths of project files are POSIX paths relative to the project folder. Methods that are not
`async` may block: the engine calls those that touch large data on a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from assetgen.core.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from assetgen.core.call import Generated, Request
    from assetgen.core.digest import Digest
    from assetgen.core.drawing import Drawing
    from assetgen.core.finish import Atlas, Expect, Frames, Rendition
    from assetgen.core.finished import Finished, Look, Packed
    from assetgen.core.ledger import LedgerLine
    from assetgen.core.lock import Changes, Lock, Names
    from assetgen.core.model import ImageFormat
    from assetgen.core.plugin import ProviderPlugin
    from assetgen.core.result import ActionResult, ImageInfo
    from assetgen.core.stamp import Stamp
    from assetgen.core.step import Step

Emit = Callable[[Event], None]
"""Takes events in order; must not block."""


class Provider(Protocol):
    """Makes images. One call is one attempt: retrying is the engine's business."""

    async def generate(self, request: Request) -> Generated:
        """Make one image, or raise a `ProviderError` that says what may be done next.

        A provider whose answer is there when the call is cancelled gives it all the same: it is
        paid for. `asyncio.Task.cancelling` still tells that nothing more is wanted.
        """
        ...


class Plugins(Protocol):
    """Providers of installed packages."""

    def find(self, name: str) -> ProviderPlugin | None:
        """The provider of this name, or None. Raises `UsageError` when it does not load."""
        ...

    def names(self) -> Sequence[str]:
        """The names of all of them, none of which is loaded for it."""
        ...


class Removers(Protocol):
    """Removers of backgrounds that installed packages add, for `remove_background: {using: …}`."""

    def version_of(self, name: str) -> str | None:
        """What is in the key of its pictures, or None when there is no such remover."""
        ...

    def names(self) -> Sequence[str]:
        """The names of all of them."""
        ...


class Images(Protocol):
    """Decodes and encodes images."""

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:
        """Prove `data` whole; format by its bytes. Raises `ImageError`.

        With `is_read_next` the picture may stay decoded for whoever reads these bytes next.
        """
        ...

    def convert(self, data: bytes, target: ImageFormat) -> bytes:
        """`data` in another format; one encoder gives the same bytes. Raises `ImageError`."""
        ...

    def shrink(self, data: bytes, max_bytes: int) -> bytes:
        """`data` in at most `max_bytes`, scaled down as far as needed. Raises `ImageError`."""
        ...

    def paint(self, drawing: Drawing, target: ImageFormat) -> bytes:
        """The file of a drawing."""
        ...


class Finisher(Protocol):
    """Makes finished pictures from images: pure, free, the same pixels everywhere.

    Pictures between two steps are PNG files. Safe to call from several threads at once.
    """

    def apply(self, data: bytes, step: Step) -> bytes:
        """The picture after one step. Raises `StepError`, `ImageError`."""
        ...

    def unmet(self, data: bytes, expect: Expect) -> list[str]:
        """What of `expect` the output file `data` does not fulfil, with what was measured."""
        ...

    def variants(self, data: bytes, wanted: Sequence[Rendition]) -> tuple[list[Finished], Look]:
        """The renditions of a picture, in the order they are wanted, and its look.

        Decodes it once. Raises `StepError`, `ImageError`.
        """
        ...

    def frames(self, data: bytes, frames: Frames) -> list[Finished]:
        """The frames of a sheet in order. Raises `StepError`, `ImageError`."""
        ...

    def pack(self, pictures: Sequence[tuple[str, bytes]], atlas: Atlas) -> Packed:
        """Pages of an atlas, from pictures by the names of their frames.

        Raises:
            StepError: they do not fit.
            ImageError.
        """
        ...


class BlobStore(Protocol):
    """Images by digest. Bytes are verified on every read; a damaged blob counts as absent."""

    def put(self, data: bytes) -> Digest:
        """Store `data` durably (synced before it gets its name) and return its digest."""
        ...

    def put_derived(self, data: bytes) -> Digest:
        """Store what can be made again free, and return its digest.

        Not waited for: when the machine stops right after, it may be absent or damaged, which
        reading tells.
        """
        ...

    def receive(self, data: bytes, *, fingerprint: str, call: str) -> Digest:
        """Store bought `data` like `put`, marked so that a crash right after loses nothing.

        Until `settle(call)` the arrival stays listed by `arrivals`.
        """
        ...

    def rescue(self, data: bytes, *, fingerprint: str, call: str, is_further: bool = False) -> str:
        """Keep bought `data` somewhere else when the store does not take it, and say where.

        `arrivals` takes it back as soon as the store works again; what `is_further` came beside
        the image of its call, and is stored without becoming an arrival. Raises `CacheError`.
        """
        ...

    def settle(self, call: str) -> None:
        """The ledger knows of the arrival: forget its mark."""
        ...

    def arrivals(self) -> Sequence[tuple[str, str, Digest]]:
        """Complete arrivals that were never settled: (fingerprint, call, digest)."""
        ...

    def get(self, digest: Digest) -> bytes | None:
        """The bytes, verified, or None."""
        ...

    def has(self, digest: Digest) -> bool:
        """Whether `get` would answer; reads and verifies the bytes."""
        ...

    def keep(self, data: bytes) -> Digest:
        """Put a user's own bytes aside before they are replaced: readable, but not ours."""
        ...

    def wrote(self, digest: Digest) -> bool:
        """Whether these bytes are ours: stored by `put` or `receive`, not only by `keep`."""
        ...


class Ledger(Protocol):
    """What was sent, received and paid, in order of time, for all projects of the user."""

    def append(self, line: LedgerLine) -> None:
        """Add a line durably. Raises `CacheError`."""
        ...

    def lines(self) -> Iterable[LedgerLine]:
        """All readable lines, oldest first; damaged ones are skipped."""
        ...

    def unanswered(self) -> Sequence[LedgerLine]:
        """Lines `sent` of calls that have no line after it: under way, or cut off by a crash."""
        ...


class ActionCache(Protocol):
    """The newest result known for a fingerprint."""

    def get_many(self, fingerprints: Iterable[str]) -> Mapping[str, ActionResult]:
        """Results of those that are known; anything unreadable counts as unknown."""
        ...

    def put(self, fingerprint: str, result: ActionResult) -> None:
        """Remember `result`, replacing an earlier one."""
        ...

    def put_many(self, results: Mapping[str, ActionResult]) -> None:
        """Remember results by fingerprint, all or none."""
        ...


class InputStore(Protocol):
    """What fingerprints were made from, in full, for people to read.

    Nothing is decided by it and nothing paid depends on it: losing a document loses words only.
    """

    def put_many(self, documents: Iterable[bytes]) -> None:
        """Keep each under its SHA-256, which is the fingerprint. Raises `CacheError`."""
        ...

    def get(self, fingerprint: str) -> bytes | None:
        """The document, verified, or None."""
        ...


class Claims(Protocol):
    """Who may buy a fingerprint right now, over all processes of the user."""

    def try_claim(self, fingerprint: str) -> AbstractContextManager[object] | None:
        """An exclusive claim to be left when done, or None while someone else holds it.

        A claim ends with the process that holds it, however that dies.
        """
        ...


class Files(Protocol):
    """The files of one project. No path leads out of the project folder, by link or otherwise."""

    def stamp(self, path: str) -> Stamp | None:
        """Stamp of a file or folder; None when there is none."""
        ...

    def read(self, path: str) -> bytes | None:
        """Bytes of a regular file; None when there is none. Raises `OutputError`."""
        ...

    def read_back(self, path: str) -> bytes | None:
        """The same for a file that was just written: what the disk has. Raises `OutputError`."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Replace a file: a reader sees the old bytes or the new. Raises `OutputError`."""
        ...

    def remove(self, path: str) -> None:
        """Delete a regular file; one that is gone already is fine. Raises `OutputError`."""
        ...


class Journal(Protocol):
    """Digests of the outputs written here, with the key of the work that made each."""

    def read(self) -> Mapping[str, str]:
        """Key by digest; unreadable lines are skipped."""
        ...

    def add(self, entries: Mapping[Digest, str]) -> None:
        """Note keys by digest durably, before the files are written, that they will be ours."""
        ...

    def replace(self, entries: Mapping[str, str]) -> None:
        """Drop what the lockfile says by now."""
        ...


class LockStore(Protocol):
    """The lockfile of one project."""

    def read(self) -> Lock:
        """The lock; an empty one when there is no file. Raises `LockfileError`."""
        ...

    def update(self, changes: Changes, names: Names) -> Lock:
        """Merge `changes` into what is there now; writes only when the text changes.

        `names` are all that the manifest declares. Raises `LockfileError`, `OutputError`.
        """
        ...

    def forget(self, outputs: Iterable[str], names: Names) -> Lock:
        """Drop the orphans at these paths from what is there now; else like `update`."""
        ...


class Clock(Protocol):
    """Time, so that tests decide about it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        ...
