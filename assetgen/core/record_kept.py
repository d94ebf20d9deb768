"""A build record as it was read: entries are made of it when they are asked for.

A build after one edit needs few of 10,000: making objects of all of them, and packing them again,
would take longer than the edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from assetgen.core.record import Entry, Head, dump_parts, read_details, read_front

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.core.record import Columns, Front


class KeptRecord(Mapping[str, Entry]):
    """The entries of a record by their paths, made when they are asked for."""

    def __init__(self, front: Front, details: list[str]) -> None:
        self.head = front.head
        self.paths = front.paths
        self.stamps: Columns = front.stamps
        self._settled = front.settled
        self._kinds, self._digests = details[: len(front.paths)], details[len(front.paths) :]

    def __getitem__(self, path: str) -> Entry:
        return self._entry(self._places[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {path: place for place, path in enumerate(self.paths)}

    @property
    def is_settled(self) -> bool:
        """Whether for every path an unchanged stamp proves an unchanged file."""
        return self._settled.count(1) == len(self.paths)

    def entries(self) -> list[Entry]:
        """All entries, in the order in which they were written."""
        return [self._entry(place) for place in range(len(self.paths))]

    def of_kind(self, kind: str) -> Iterator[Entry]:
        """The entries of files that were found to be this."""
        return (self._entry(place) for place, found in enumerate(self._kinds) if found == kind)

    def drafts(self) -> frozenset[str]:
        """Paths of files that were found to be placeholder drafts."""
        kinds = zip(self.paths, self._kinds, strict=True)
        return frozenset(path for path, kind in kinds if kind.startswith("draft:"))

    def _entry(self, place: int) -> Entry:
        mtime, ctime, size, inode = (column[place] for column in self.stamps)
        stamp = (mtime, ctime, size, inode)
        return Entry(
            self.paths[place],
            stamp if any(stamp) else None,
            settled=self._settled[place] == 1,
            kind=self._kinds[place],
            digest=self._digests[place],
        )

    def dump(self, head: Head, fresh: Mapping[str, Entry]) -> bytes:
        """The bytes of a record with another head, and these entries in place of the former ones.

        Paths that are new come last.
        """
        paths, kinds, digests = list(self.paths), list(self._kinds), list(self._digests)
        settled, stamps = bytearray(self._settled), [list(column) for column in self.stamps]
        for path, entry in fresh.items():
            place = self._places.get(path)
            if place is None:
                place = len(paths)
                paths.append(path)
                for column in (*stamps, settled):
                    column.append(0)
                kinds.append("")
                digests.append("")
            row, is_settled = entry.row()
            for column, number in zip(stamps, row, strict=True):
                column[place] = number
            settled[place] = is_settled
            kinds[place], digests[place] = entry.kind, entry.digest
        return dump_parts(head, paths, stamps, bytes(settled), [*kinds, *digests])


def parse_record(data: bytes) -> KeptRecord | None:
    """The record in `data`, or None when any part of it is not as written."""
    front = read_front(data)
    details = read_details(data, front) if front is not None else None
    return KeptRecord(front, details) if front is not None and details is not None else None
