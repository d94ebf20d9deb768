"""Brings an image to its output: finished if need be, noted first, never over somebody's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.decision import Verdict
from assetgen.core.digest import Digest, digest_of
from assetgen.core.events import Warned
from assetgen.core.facts import FileFact, FileState
from assetgen.core.fingerprint import CONVERT_VERSION
from assetgen.core.recipe import finish_of, is_derived, output_key
from assetgen.core.value import Value, field
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.decision import Decision
    from assetgen.core.facts import Facts
    from assetgen.core.model import Asset
    from assetgen.core.plan_products import WantedFile
    from assetgen.core.ports import ActionCache, BlobStore, Emit, Files, Journal
    from assetgen.core.result import ActionResult, ImageInfo
    from assetgen.core.stamp import Stamp
    from assetgen.engine.finishing import Finishing
    from assetgen.engine.observe import Observer


class Delivery(Value):
    """Writes outputs. `written` collects the digest of the bytes of each, by path."""

    files: Files
    finishing: Finishing
    blobs: BlobStore
    actions: ActionCache
    journal: Journal
    observer: Observer
    facts: Facts
    forced: frozenset[str]
    """Names whose present bytes are named when they are replaced, because that was asked for."""
    emit: Emit
    written: dict[str, Digest] = field(default_factory=dict)
    finished: dict[str, ImageInfo] = field(default_factory=dict)
    """What the outputs are that were derived, by name of the asset."""

    def deliver(
        self, decision: Decision, result: ActionResult, data: bytes, digest: Digest
    ) -> Digest | None:
        """Write the output of an asset from `data`, the image as it came or the known output.

        `digest` is that of `data`; the image itself may be recorded under another one, that of
        the same picture as somebody else's machine packed it.

        Returns the digest for the lockfile, or None when somebody has changed the output since the
        verdict was given: then nothing is written.

        Raises:
            OutputError, ImageError, CacheError.
        """
        asset, key, recorded = decision.asset, decision.key.fingerprint, result.image
        if decision.verdict is Verdict.RESTORE and decision.digest is not None:
            recorded = decision.digest
        elif is_derived(asset, result.info):
            key = output_key(result.image, asset)
            data, info = self.finishing.output(asset, result, data)
            self.finished[asset.name] = info
            digest = self._keep_derived(key, asset, result.image, data, info)
            recorded = self._recorded(asset, result, digest)
        path = asset.output
        is_there = self.facts.output(path).digest == digest and not self.has_moved(path)
        if not is_there and not self._may_replace(asset.name, path, digest):
            return None
        self.journal.add({digest: key})
        if is_there:
            return recorded
        self.files.write(asset.output, data)
        self.written[asset.output] = digest
        return recorded

    def place_draft(self, asset: Asset, data: bytes) -> bool:
        """Write a placeholder, which is noted nowhere but in its own mark.

        Returns whether it was written: not over what somebody has put there in the meantime.

        Raises:
            OutputError: the system refuses.
        """
        digest = digest_of(data)
        if not self._may_replace(asset.name, asset.output, digest):
            return False
        self.files.write(asset.output, data)
        self.written[asset.output] = digest
        return True

    def _keep_derived(
        self, key: str, asset: Asset, image: Digest, data: bytes, info: ImageInfo
    ) -> Digest:
        """Keep a derived output, so that just these bytes can be restored.

        They can be made again: that the store does not take them keeps no output from its place.
        """
        try:
            return self.finishing.keep(key, image, data, info)
        except CacheError as error:
            self.emit(Warned(asset.name, f"the derived image is not stored: {error.what}"))
            return digest_of(data)

    def _recorded(self, asset: Asset, result: ActionResult, derived: Digest) -> Digest:
        """Digest of a converted output for the lockfile.

        The same image converted in the same way on another machine is the same output: the
        lockfile's word stays.
        """
        entry = self.facts.lock.entries.get(asset.name)
        if entry is None or entry.convert_version != CONVERT_VERSION:
            return derived
        if entry.finish != finish_of(asset):
            return derived
        is_same = entry.result.image == result.image and entry.output == asset.output
        return entry.digest if is_same else derived

    def place(self, name: str, files: Sequence[tuple[WantedFile, bytes]]) -> str | None:
        """Write files of a product in order, all of them noted first, with one sync.

        Returns the first path at which somebody has changed something meanwhile: nothing is
        written there and at those behind it. None when all are there.

        Raises:
            OutputError, CacheError.
        """
        noted: dict[Digest, str] = {}
        to_write: list[tuple[str, Digest, bytes, Stamp | None]] = []
        refused: str | None = None
        for wanted, data in files:
            digest = digest_of(data)
            is_there = self._is_placed(name, wanted.path, digest)
            if is_there is None:
                refused = wanted.path
                break
            noted[digest] = wanted.key
            if not is_there:
                to_write.append((wanted.path, digest, data, self.files.stamp(wanted.path)))
        if noted:
            self.journal.add(noted)
        for path, digest, data, stamp in to_write:
            if self.files.stamp(path) != stamp:
                return path
            self.files.write(path, data)
            self.written[path] = digest
        return refused

    def _is_placed(self, name: str, path: str, digest: Digest) -> bool | None:
        """Whether these bytes are there already; None when they may not be put there."""
        if not self.facts.has_seen(path):
            # Only the picture told its path.
            present = self.facts.files[path] = self._look(path)
            if present.digest not in {None, digest} and self._is_foreign(present):
                return None
        is_there = self.facts.file(path).digest == digest and not self.has_moved(path)
        if not is_there and not self._may_replace(name, path, digest):
            return None
        return is_there

    def _may_replace(self, name: str, path: str, digest: Digest) -> bool:
        """Whether a file is still what the verdict was given on; keeps bytes worth keeping."""
        present = self.facts.file(path)
        if self.has_moved(path):
            before = present.digest
            present = self._look(path)
            is_work = present.is_image or present.state is FileState.FILE
            if is_work and present.digest not in {before, digest}:
                return False
        if present.state in {FileState.UNREADABLE, FileState.IMAGE, FileState.FILE}:
            self._put_aside(name, path, present)
        return True

    def has_moved(self, path: str) -> bool:
        """Whether a file has changed since it was looked at."""
        seen = self.observer.seen.get(path)
        return seen is not None and seen.stamp != self.files.stamp(path)

    def _put_aside(self, name: str, path: str, present: FileFact) -> None:
        """Keep the bytes that are about to be replaced, unless the store has them."""
        data = self.files.read(path)
        if not data:
            return
        digest = digest_of(data)
        if name in self.forced:
            self.emit(Warned(name, f"the former bytes are kept as {digest}"))
        elif self._is_free(path, digest):
            return
        if self.blobs.has(digest):
            return
        entries = self.facts.lock.by_digest.get(digest, [])
        if entries or present.digest in self.facts.journal:
            # Ours, but made on another machine: from now on it can be restored here too. Nothing
            # here says whether it could be had again, so it is kept like work of the user's.
            self.blobs.keep(data)
            for entry in entries:
                self.actions.put(entry.fingerprint, entry.result)
            return
        self.blobs.keep(data)
        if name not in self.forced:
            self.emit(Warned(name, f"the former bytes are kept as {digest}"))

    def _is_free(self, path: str, digest: Digest) -> bool:
        """Whether these bytes are what a product has just there, and nothing else is."""
        products = self.facts.lock.products.values()
        is_recorded = any(one.files.get(path) == digest for one in products)
        return is_recorded and digest not in self.facts.lock.by_digest

    def _look(self, path: str) -> FileFact:
        return self.observer.files_of_products([path], self.facts.known)[path]

    def _is_foreign(self, present: FileFact) -> bool:
        digest = present.digest
        if digest is None or not (present.is_image or present.state is FileState.FILE):
            return False
        return digest not in self.facts.known and not self.blobs.wrote(digest)
