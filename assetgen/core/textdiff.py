"""What changed between two texts, word by word, as plain values."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_PAIRS = 4_000_000
"""Words compared with words: beyond this, texts are compared line by line."""


class Piece(Value):
    """A run of text that both have, or only the old one, or only the new one."""

    kind: Literal["both", "old", "new"]
    text: str


def diff_words(old: str, new: str) -> tuple[Piece, ...]:
    """Pieces from which both texts can be put together again.

    A single space between two changed words belongs to the change, so that a rewritten sentence
    reads as one.
    """
    before, after = _words(old), _words(new)
    if len(before) * len(after) > _MOST_PAIRS:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    steps: list[tuple[str, str, str]] = []
    for operation, i, j, k, m in matcher.get_opcodes():
        text, text_after = "".join(before[i:j]), "".join(after[k:m])
        steps.append(("both" if operation == "equal" else "change", text, text_after))
    return tuple(_pieces(_joined(steps)))


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\S+", text)


def _joined(steps: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Changes with nothing but one space between them become one."""
    joined: list[tuple[str, str, str]] = []
    for number, (kind, old, new) in enumerate(steps):
        is_gap = kind == "both" and old == " " and 0 < number < len(steps) - 1
        is_change = kind == "change" or is_gap
        if joined and is_change and joined[-1][0] == "change":
            _, old_before, new_before = joined.pop()
            joined.append(("change", old_before + old, new_before + new))
        else:
            joined.append((kind, old, new))
    return joined


def _pieces(steps: Iterable[tuple[str, str, str]]) -> Iterable[Piece]:
    for kind, old, new in steps:
        if kind == "both":
            yield Piece("both", old)
            continue
        if old:
            yield Piece("old", old)
        if new:
            yield Piece("new", new)
