"""The difference between two texts for a screen: `[-old-]{+new+}`, wrapped, long sameness cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetgen.cli.ink import coloured
from assetgen.cli.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assetgen.cli.ink import Ink
    from assetgen.core.textdiff import Piece

_CONTEXT_WORDS = 12
"""How much of an unchanged stretch is shown beside a change."""
_MARKS = {"both": ("", ""), "old": ("[-", "-]"), "new": ("{+", "+}")}
_INKS: dict[str, Ink] = {"both": "plain", "old": "old", "new": "new"}

Word = tuple[str, "Ink"]


def diff_lines(pieces: Sequence[Piece], width: int) -> Iterator[str]:
    """Lines of at most `width` columns, but for words that are longer."""
    yield from _wrapped(_words(pieces), width)


def _words(pieces: Sequence[Piece]) -> Iterator[Word]:
    """Words and the space between them; line ends that changed are spelt out."""
    for number, piece in enumerate(pieces):
        text = piece.text
        if piece.kind == "both":
            text = _cut(text, is_first=number == 0, is_last=number == len(pieces) - 1)
        else:
            text = _marked(text, *_MARKS[piece.kind])
        for word in re.findall(r"\n|[^\S\n]+|\S+", text):
            yield (word if word == "\n" else printable(word)), _INKS[piece.kind]


def _marked(text: str, before: str, after: str) -> str:
    """A changed run between its marks; space at its ends stays outside, where there are words."""
    words = text.strip(" ")
    if not words:
        return f"{before}{text}{after}"
    lead, _, trail = text.partition(words)
    return f"{lead}{before}{words}{after}{trail}".replace("\n", "\\n")


def _cut(text: str, *, is_first: bool, is_last: bool) -> str:
    words = re.findall(r"\s+|\S+", text)
    edge = 2 * _CONTEXT_WORDS
    if len(words) <= 2 * edge:
        return text
    head = "" if is_first else "".join(words[:edge]).rstrip(" ") + " "
    tail = "" if is_last else " " + "".join(words[-edge:]).lstrip(" ")
    return f"{head}…{tail}"


def _wrapped(words: Iterable[Word], width: int) -> Iterator[str]:
    line: list[Word] = []
    used = 0
    for word, ink in words:
        if word == "\n" or (used + len(word) > width and not word.isspace() and line):
            yield _joined(line)
            line, used = [], 0
        if word != "\n" and (line or not word.isspace()):
            line.append((word, ink))
            used += len(word)
    if line:
        yield _joined(line)


def _joined(line: Sequence[Word]) -> str:
    """One line; each run of one colour is coloured once."""
    runs: list[Word] = []
    for word, ink in line:
        if runs and runs[-1][1] == ink:
            runs[-1] = (runs[-1][0] + word, ink)
        else:
            runs.append((word, ink))
    if runs:
        runs[-1] = (runs[-1][0].rstrip(), runs[-1][1])
    return "".join(coloured(text, ink) for text, ink in runs)
