"""A few entries of a lockfile that is known to be sound, without reading all the others.

A line of a lockfile says all about one entry, so one is found, and replaced, by searching the text.
What verdicts ask of the rest is asked of the text likewise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from assetgen.core.lock import Lock, LockEntry, is_of_product
from assetgen.core.lock_text import lock_line, parse_line
from assetgen.core.value import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_DIGEST = re.compile(r'"(sha256:[0-9a-f]{64})"')
_ELEMENT = "\n,{"
_ENTRY = '\n,{"name": "'
_ORPHAN = '\n,{"orphan": true'


@dataclass(frozen=True)
class LockPart(Lock):
    """Entries of some assets and all orphans; questions by digest or fingerprint find any entry."""

    text: str = ""

    @cached_property
    def by_fingerprint(self) -> Mapping[str, LockEntry]:
        """An entry of each fingerprint, searched when asked for."""
        return _Searched(lambda key: next(self._with(f'"fingerprint": "{key}"'), None))

    @cached_property
    def by_digest(self) -> Mapping[str, list[LockEntry]]:
        """Entries by the digests they record, likewise."""
        return _Searched(lambda key: list(self._with(f'"{key}"')) or None)

    @cached_property
    def digests(self) -> frozenset[str]:
        """Every output and image that is recorded, of all entries."""
        return frozenset(_DIGEST.findall(self.text))

    def names(self, digest: str) -> bool:
        """Whether any entry records this output or image; does not look for all of them."""
        return f'"{digest}"' in self.text

    def _with(self, said: str) -> Iterator[LockEntry]:
        at = self.text.find(said)
        while at >= 0:
            end = self.text.index("\n", at)
            entry = parse_line(self.text[self.text.rindex("\n", 0, at) + 1 : end])
            if isinstance(entry, LockEntry) and not is_of_product(entry):
                yield entry
            at = self.text.find(said, end)


T = TypeVar("T")


class _Searched(Mapping[str, T]):
    """Answers by searching; cannot be listed."""

    def __init__(self, search: Callable[[str], T | None]) -> None:
        self._search = search

    def __getitem__(self, key: str) -> T:
        found = self._search(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError("what is searched for is known")

    def __len__(self) -> int:
        raise NotImplementedError("what is searched for is known")


def part_of(text: str, names: Iterable[str]) -> LockPart | None:
    """The entries of these assets, as far as there are any, in a sound lockfile's text.

    None when it has products, which are made of many assets, or lines that begin otherwise than
    `dump_lock` has them, whose names would not be found.
    """
    if text.count(_ELEMENT) != text.count(_ENTRY) + text.count(_ORPHAN):
        return None
    entries: dict[str, LockEntry] = {}
    for name in names:
        line = _line_of(text, name)
        entry = parse_line(line) if line is not None else None
        if isinstance(entry, LockEntry):
            entries[name] = entry
    orphans: dict[str, LockEntry] = {}
    for line in _lines_with(text, _ORPHAN):
        entry = parse_line(line)
        if isinstance(entry, LockEntry):
            orphans[entry.output] = entry
    return LockPart(entries=entries, orphans=orphans, text=text)


def spliced(part: LockPart, changed: Mapping[str, LockEntry]) -> LockPart | None:
    """The part with other entries for its assets; None when that would not be one line for another.

    An entry with the output it had, in its place, is what merging the whole lockfile gives.
    """
    text = part.text
    for name, entry in changed.items():
        former, line = part.entries.get(name), _line_of(text, name)
        if former is None or line is None or former.output != entry.output:
            return None
        text = text.replace(f"\n{line}\n", f"\n{lock_line(entry)}\n")
    return replace(part, entries={**part.entries, **changed}, text=text)


def _line_of(text: str, name: str) -> str | None:
    """The line of an asset; names hold nothing that JSON spells otherwise."""
    return next(_lines_with(text, f'{_ENTRY}{name}", '), None)


def _lines_with(text: str, start: str) -> Iterator[str]:
    """The lines that begin so, after their line break."""
    at = text.find(start)
    while at >= 0:
        end = text.index("\n", at + 1)
        yield text[at + 1 : end]
        at = text.find(start, end)
