"""What became of the images between two lockfiles, and what that cost."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.lock import Lock, LockEntry


class ChangeKind(Enum):
    """What happened to an image."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    """The same bytes under another path or name."""
    REMOVED = "removed"


class Change(Value):
    """One asset whose image is not as it was; one of the two entries may be missing."""

    kind: ChangeKind
    before: LockEntry | None
    after: LockEntry | None
    cost_usd: Decimal | None = Decimal(0)
    """The bill of the image that is there now, if it is a new one; None when it is unknown."""

    @property
    def name(self) -> str:
        """Name of the asset, the present one where it has been renamed."""
        entry = self.after or self.before
        if entry is None:
            raise AssertionError("a change without an entry")
        return entry.name


class Comparison(Value):
    """All changes, by name of the asset."""

    changes: tuple[Change, ...]

    @property
    def cost_usd(self) -> Decimal:
        """Sum of the bills that are known."""
        return sum((c.cost_usd for c in self.changes if c.cost_usd is not None), Decimal(0))

    @property
    def unknown_bills(self) -> int:
        """Images whose bill nobody knows."""
        return sum(change.cost_usd is None for change in self.changes)


def compare(before: Lock, after: Lock) -> Comparison:
    """What differs between two lockfiles; drafts and orphans are in neither.

    An image that several assets share was one call, and is counted once.
    """
    gone = {name: entry for name, entry in before.entries.items() if name not in after.entries}
    paid = {entry.result.image for entry in before.everything()}
    changes: list[Change] = []
    for name, entry in sorted(after.entries.items()):
        old = before.entries.get(name) or _renamed(entry, gone.values())
        if old is not None and old.name in gone:
            del gone[old.name]
        kind = _kind(old, entry)
        if kind is None:
            continue
        is_bought = bool(entry.result.date) and entry.result.image not in paid
        paid.add(entry.result.image)
        cost = entry.result.cost_usd if is_bought else Decimal(0)
        changes.append(Change(kind=kind, before=old, after=entry, cost_usd=cost))
    changes += [Change(kind=ChangeKind.REMOVED, before=e, after=None) for e in gone.values()]
    return Comparison(tuple(sorted(changes, key=lambda change: change.name)))


def _renamed(entry: LockEntry, gone: Iterable[LockEntry]) -> LockEntry | None:
    """An asset that is gone and had the same output: it has another name now."""
    return next((old for old in gone if old.digest == entry.digest), None)


def _kind(old: LockEntry | None, new: LockEntry) -> ChangeKind | None:
    if old is None:
        return ChangeKind.NEW
    if old.digest != new.digest:
        return ChangeKind.CHANGED
    return ChangeKind.MOVED if (old.name, old.output) != (new.name, new.output) else None
