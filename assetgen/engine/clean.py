"""Removes what moved and removed assets left behind, and nothing else.

A file goes only while it has the bytes that assetgen wrote, and only after these are in the store:
put aside where the store has no other proof that they can be had again. Placeholders are nothing to
keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.digest import digest_of
from assetgen.core.facts import FileState
from assetgen.core.fingerprint import conversion_key
from assetgen.core.lock import Changes, is_of_product, merged, names_of
from assetgen.core.model import FORMAT_OF_SUFFIX, FileReference, Source
from assetgen.core.orphan import Orphan
from assetgen.core.product import known_paths, products_of
from assetgen.core.result import ActionResult
from assetgen.core.value import Value, replace
from assetgen.engine.choose import chosen, note_choice
from assetgen.errors import AssetgenError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from assetgen.core.facts import FileFact
    from assetgen.core.lock import Lock, LockEntry
    from assetgen.core.model import Project
    from assetgen.core.ports import ActionCache, BlobStore, Clock, Files, Ledger, LockStore
    from assetgen.engine.observe import Observer


_DATA = frozenset({".json", ".css", ".ts", ".py", ".html"})
"""What products write besides pictures."""


class Cleaner(Value):
    """Everything that cleaning needs."""

    project: Project
    lock: Lock
    lockfile: str
    """Its path relative to the project."""
    journal: frozenset[str]
    files: Files
    blobs: BlobStore
    ledger: Ledger
    actions: ActionCache
    locks: LockStore
    observer: Observer
    clock: Clock

    def look(self) -> list[Orphan]:
        """What is left, by path, and what would be done about it; nothing is changed."""
        outputs = {asset.output: asset for asset in self.project.assets}
        names = names_of(self.project)
        candidates = dict(self.lock.orphans)
        candidates |= {e.output: e for n, e in self.lock.entries.items() if n not in names.assets}
        after = merged(self.lock, Changes(), names).orphans
        candidates |= {path: e for path, e in after.items() if is_of_product(e)}
        found = [
            self._look_at(entry)
            for path, entry in sorted(candidates.items())
            if path not in outputs
        ]
        moved = {asset.name: asset.output for asset in self.project.assets}
        for name, entry in sorted(self.lock.entries.items()):
            is_moved = name in moved and moved[name] != entry.output not in outputs
            if is_moved and self.files.stamp(entry.output) is not None:
                reason = f"`assetgen build` brings it to `{moved[name]}` first"
                found.append(Orphan(entry, "left", reason, is_needed=True))
        return found

    def remove(self, orphans: Iterable[Orphan]) -> list[Orphan]:
        """Do it, and drop from the lockfile what needs no looking after any longer.

        Raises:
            LockfileError, OutputError: the lockfile cannot be written.
        """
        done = [self._remove(one) if one.state == "removable" else one for one in orphans]
        forgotten = [one.entry for one in done if one.is_forgotten]
        for entry in forgotten:
            self._remember(entry)
        if forgotten:
            outputs = [entry.output for entry in forgotten]
            self.locks.forget(outputs, names_of(self.project))
        return done

    def _look_at(self, entry: LockEntry) -> Orphan:
        path = entry.output
        problem = self._why_not_ours(
            path, {*FORMAT_OF_SUFFIX, *_DATA} if is_of_product(entry) else FORMAT_OF_SUFFIX
        )
        if problem:
            return Orphan(entry, "left", problem)
        known = self.lock.digests | self.journal
        fact = self.observer.files_of_products([path], known)[path]
        if fact.state is FileState.MISSING:
            return Orphan(entry, "gone")
        if fact.state is FileState.POINTER and fact.digest == entry.digest:
            reason = "a Git LFS pointer, whose bytes cannot be kept: run `git lfs pull` first"
            return Orphan(entry, "left", reason, is_needed=True)
        if fact.state is FileState.OBSTRUCTED:
            return Orphan(entry, "left", fact.problem)
        if not self._is_as_written(entry, fact):
            return Orphan(entry, "left", "its bytes are not those that assetgen wrote")
        is_draft = fact.state is FileState.DRAFT
        return Orphan(entry, "removable", digest=fact.digest, is_draft=is_draft)

    def _is_as_written(self, entry: LockEntry, fact: FileFact) -> bool:
        if fact.state is FileState.POINTER or fact.digest is None:
            return False
        known = {entry.digest, entry.result.image}
        return fact.state is FileState.DRAFT or fact.digest in known or fact.digest in self.journal

    def _why_not_ours(self, path: str, suffixes: Container[str]) -> str:
        """Why a path is none to be cleaned, whatever the lockfile says of it."""
        parts = path.lower().split("/")
        suffix = "." + path.rpartition(".")[2].lower()
        if suffix not in suffixes or {".git", ".assetgen", "..", ""} & set(parts):
            return "no path that assetgen writes to"
        stamp = self.files.stamp(path)
        for other in self._needed_paths():
            # Equal stamps are one file: a file system may know it by several spellings.
            if other == path or (stamp is not None and self.files.stamp(other) == stamp):
                return "in use: the manifest names it" if other == path else f"in use as `{other}`"
        return ""

    def _needed_paths(self) -> list[str]:
        needed = [*self.project.read_files, self.lockfile]
        needed += [path for one in products_of(self.project) for path in known_paths(one)]
        for asset in self.project.assets:
            needed.append(asset.output)
            if isinstance(asset.action, Source):
                needed.append(asset.action.path)
                continue
            references = asset.action.references
            needed += [r.path for r in references if isinstance(r, FileReference)]
        return needed

    def _remove(self, orphan: Orphan) -> Orphan:
        path = orphan.entry.output
        try:
            stamp = self.files.stamp(path)
            data = self.files.read(path)
            if data is None:
                return replace(orphan, state="gone", digest=None)
            if digest_of(data) != orphan.digest:
                return replace(orphan, state="left", reason="changed just now", is_needed=True)
            if not orphan.is_draft:
                self.blobs.keep(data)
            if self.files.stamp(path) != stamp:
                return replace(orphan, state="left", reason="changed just now", is_needed=True)
            self.files.remove(path)
        except AssetgenError as error:
            return replace(orphan, state="failed", reason=error.what)
        return replace(orphan, state="removed", digest=None if orphan.is_draft else orphan.digest)

    def _remember(self, entry: LockEntry) -> None:
        """Let the caches know what only the lockfile knew, so that it is never bought again."""
        result = entry.result
        if not result.date or self.actions.get_many([entry.fingerprint]):
            return
        if not self.blobs.has(result.image) and not self.blobs.has(entry.digest):
            return
        note_choice(chosen(entry, self.project.name, self.clock), self.ledger, self.actions)
        target = FORMAT_OF_SUFFIX.get("." + entry.output.rpartition(".")[2].lower())
        if entry.digest != result.image and target is not None and not entry.finish:
            info = replace(result.info, format=target)
            key = conversion_key(result.image, target)
            self.actions.put(key, ActionResult(image=entry.digest, info=info))
