"""Faults of a manifest while they are gathered: each once, in file order, with hints that help."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from assetgen.errors import ManifestError, ManifestFaults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from assetgen.errors import Location

_SHOWN = 80
"""Characters of a user's text that a message repeats."""
MOST_FAULTS = 1_000
"""Nobody reads more at once, and a file of nothing but faults must not fill memory or screen."""
_MOST_COMPARISONS = 200_000
"""difflib takes about 5 µs a candidate: a file full of faults still answers within a second."""


def shown(text: str) -> str:
    """`text` as a literal in a message: in backticks, on one line, shortened, made printable."""
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"`{text}`"


def listed(words: Iterable[str]) -> str:
    """Several literals in a message, in the order given."""
    return ", ".join(shown(word) for word in words)


class Faults:
    """Gathers faults. The same fault at the same place counts once, as a matrix repeats it."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], ManifestError] = {}
        self._files: dict[str, int] = {}
        self._comparisons = 0
        self._first_hidden: Location | None = None

    def __len__(self) -> int:
        return len(self._faults)

    @property
    def is_full(self) -> bool:
        """Whether no further fault is taken: finding out about more is a waste of time."""
        return self._first_hidden is not None

    def reading(self, file: str) -> None:
        """Say that `file` is read now: its faults come after those of the files before."""
        self._files.setdefault(file, len(self._files))

    def add(self, what: str, where: Location, hint: str | None = None) -> None:
        """Note one fault, of `MOST_FAULTS` at most."""
        if len(self._faults) >= MOST_FAULTS:
            self._first_hidden = self._first_hidden or where
            return
        self._faults.setdefault((what, str(where)), ManifestError(what, where=where, hint=hint))

    def nearest(self, word: str, candidates: Collection[str]) -> str | None:
        """The candidate that `word` was probably meant to be, or None."""
        self._comparisons += len(candidates)
        if self._comparisons > _MOST_COMPARISONS or len(word) > _SHOWN:
            return None
        close = difflib.get_close_matches(word, candidates, n=1)
        return close[0] if close else None

    def did_you_mean(self, word: str, candidates: Collection[str]) -> str | None:
        """The hint that names the nearest candidate, or None."""
        near = self.nearest(word, candidates)
        return f"did you mean {shown(near)}?" if near is not None else None

    def gathered(self, looked_at: Iterable[str] = ()) -> ManifestFaults:
        """All of them, in file order."""
        faults = sorted(self._faults.values(), key=self._place)
        if self._first_hidden is not None:
            faults.append(
                ManifestError(
                    f"more faults than the {MOST_FAULTS:,} that are shown",
                    where=self._first_hidden,
                    hint="mend these first",
                )
            )
        return ManifestFaults(faults, looked_at=looked_at)

    def _place(self, fault: ManifestError) -> tuple[int, int, int]:
        where = fault.where
        if where is None:
            return (-1, 0, 0)
        return (self._files.get(where.file, len(self._files)), where.line, where.column)
