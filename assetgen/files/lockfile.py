"""The lockfile on disk: read, merged under the project lock, written only when its text changes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath, Unfit
from assetgen.core.lock import Lock, merged, without_orphans
from assetgen.core.lock_text import dump_lock, parse_lock
from assetgen.core.value import replace
from assetgen.errors import LockfileError
from assetgen.files.project import unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from assetgen.core.lock import Changes, LockEntry, Names


MOST_BYTES = 256 * 1024 * 1024
"""A line takes 1 kB; nobody has so many assets."""

_REBUILD_HINT = "`assetgen build --rebuild-lock` writes it anew, buying nothing"


class LockFile:
    """Implements `core.ports.LockStore` for the file at `path`, shown to users as `name`."""

    def __init__(
        self, path: str, name: str, hold_project: Callable[[], AbstractContextManager[object]]
    ) -> None:
        folder, self._file = os.path.split(path)
        self._inside = Beneath(folder)
        self._name = name
        self._hold_project = hold_project
        self.written: str | None = None
        """The text that was written last, by this object."""
        self._known: tuple[str, Lock] | None = None
        """A text and what it says: one build asks several times, and 10,000 lines take a while."""

    def held(self) -> AbstractContextManager[object]:
        """The project lock, under which the lockfile and what goes with it are written."""
        return self._hold_project()

    def text(self) -> str | None:
        """The text as it is; None when there is no file.

        Raises:
            LockfileError: it is not readable text.
        """
        try:
            text = self._inside.read(self._file, MOST_BYTES).decode("utf-8")
            return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        except FileNotFoundError:
            return None
        except OSError as error:
            what = unusable(self._name, "read", error).what
            raise LockfileError(what, hint=_REBUILD_HINT) from error
        except UnicodeDecodeError as error:
            raise LockfileError(
                f"cannot read `{self._name}`: {error}", hint=_REBUILD_HINT
            ) from error

    def bytes(self) -> bytes:
        """What is there, whatever it says; nothing when that is no file of the project.

        Raises:
            OutputError: the system refuses.
        """
        try:
            return self._inside.read(self._file, MOST_BYTES)
        except (FileNotFoundError, Unfit):
            return b""
        except OSError as error:
            raise unusable(self._name, "read", error) from error

    def read(self) -> Lock:
        """The lock; an empty one when there is no file."""
        return self._parsed(self.text())

    def _parsed(self, text: str | None) -> Lock:
        if text is None:
            return Lock()
        if self._known is None or self._known[0] != text:
            self._known = (text, parse_lock(text, self._name))
        return self._known[1]

    def update(self, changes: Changes, names: Names) -> Lock:
        """Merge `changes` into what is there now."""
        return self._change(lambda present: merged(present, changes, names))

    def forget(self, outputs: Iterable[str], names: Names) -> Lock:
        """Drop the orphans at these paths from what is there now."""
        return self._change(lambda present: without_orphans(present, outputs, names))

    def _change(self, change: Callable[[Lock], Lock]) -> Lock:
        with self._hold_project():
            text = self.text()
            lock = change(self._parsed(text))
            if text is not None or not lock.is_empty:
                self._write(lock, text)
        return lock

    def says(self, lock: Lock) -> bool:
        """Whether the file says just this; no file says nothing.

        One that cannot be read says nobody knows what: a build that has written it is done all the
        same, and the next one looks again.
        """
        try:
            text = self.text()
        except LockfileError:
            return False
        if text is None:
            return lock.is_empty
        if self._known is not None and self._known[1] is lock:
            return text == self._known[0]
        return text == dump_lock(lock)

    def is_text(self, text: str) -> bool:
        """Whether the file says just this, letter by letter."""
        try:
            return self.text() == text
        except LockfileError:
            return False

    def replace(self, former: str, text: str, changed: Mapping[str, LockEntry]) -> bool:
        """Write `text` if the file still says `former`; returns whether it did.

        `changed` are the entries in which they differ.

        Raises:
            LockfileError: it cannot be read.
            OutputError: it cannot be written.
        """
        with self._hold_project():
            if self.text() != former:
                return False
            if text != former:
                self._put(text)
                self._keep_up(former, text, changed)
        return True

    def _keep_up(self, former: str, text: str, changed: Mapping[str, LockEntry]) -> None:
        """Know the new text without reading it, where the former one is known."""
        if self._known is not None and self._known[0] == former:
            lock = self._known[1]
            self._known = (text, replace(lock, entries={**lock.entries, **changed}))

    def rebuild(self, lock: Lock) -> None:
        """Replace whatever is there by `lock`."""
        with self._hold_project():
            self._write(lock, None)

    def _write(self, lock: Lock, present: str | None) -> None:
        text = dump_lock(lock)
        if text == present:
            self._known = (text, lock)
            return
        self._put(text)
        self._known = (text, lock)

    def _put(self, text: str) -> None:
        try:
            # Half a surrogate pair, which a foreign answer may hold, becomes its JSON escape.
            self._inside.write(self._file, text.encode("utf-8", "backslashreplace"))
            self.written = text
        except OSError as error:
            raise unusable(self._name, "write", error) from error


def lockfile_name(manifest: str) -> str:
    """Name of the lockfile that belongs to a manifest: `assets.lock` for `assets.yaml`."""
    return os.path.splitext(manifest)[0] + ".lock"
