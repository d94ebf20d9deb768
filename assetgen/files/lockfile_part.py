"""The lockfile on disk as a build sees it that looks at a few assets only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.lock_part import part_of, spliced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.lock import Changes, Lock, Names
    from assetgen.core.lock_part import LockPart
    from assetgen.files.lockfile import LockFile


class LockFilePart:
    """Implements `core.ports.LockStore` for some assets of a lockfile that is known to be sound."""

    def __init__(self, whole: LockFile, part: LockPart, declared: Names) -> None:
        self._whole = whole
        self._part = part
        self._declared = declared
        """Everything in the manifest, looked at or not."""

    def read(self) -> Lock:
        """The part."""
        return self._part

    def update(self, changes: Changes, names: Names) -> Lock:  # noqa: ARG002 - only some are known
        """Put these entries in place of the former ones; all others stay as they are.

        Where the file says something else by now, or more changes than that, it is merged whole.
        """
        if not changes.products:
            part = spliced(self._part, changes.assets)
            if part is not None and self._whole.replace(self._part.text, part.text, changes.assets):
                self._part = part
                return part
        return self._whole.update(changes, self._declared)

    def forget(self, outputs: Iterable[str], names: Names) -> Lock:  # noqa: ARG002 - as above
        """Drop orphans, from the whole."""
        return self._whole.forget(outputs, self._declared)

    def says(self, lock: Lock) -> bool:
        """Whether the file says this part, and otherwise what it said at the beginning."""
        return lock is self._part and self._whole.is_text(self._part.text)


def open_part(
    whole: LockFile, text: str, names: Iterable[str], declared: Names
) -> LockFilePart | None:
    """The entries of `names` in `text`, which the file says; None when they cannot stand alone."""
    part = part_of(text, names)
    return LockFilePart(whole, part, declared) if part is not None else None
