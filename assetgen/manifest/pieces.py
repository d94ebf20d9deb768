"""The text of a manifest in pieces: each entry under `assets`, and the rest.

After an edit only the pieces that differ need be read again. That is sound because a piece stands
alone: `pieces_of` compares the cuts with what YAML made of the whole text, key by key, so that no
quoted text, flow collection or block runs across a cut, and refuses texts with anchors, which let
one piece decide about another. Of a text that was edited, `reduced` keeps the lines of the pieces
that are wanted and leaves the others without content, so that places stay what they are; an edited
piece must be YAML by itself.

The cuts are the lines under `assets:` with the indentation of the first of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from assetgen.core.outline import Pieces
from assetgen.core.value import Value
from assetgen.manifest.faults import Faults
from assetgen.manifest.parse import MOST_NODES, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from assetgen.manifest.parse import Document

# A line break in front, rather than `^`, lets a search skip from one line to the next: ten times as
# fast. A section on the first line of all is not found, which costs an ordinary build.
_SECTION = re.compile(r"\nassets:[ ]*(?:#.*)?(?=\n)")
_BEHIND = re.compile(r"\n[^ #\n]")
"""The first line behind the section."""
_INDENT = re.compile(r"\n( +)[^ #\n]")
_KEY = r"""(?:"([^"\\\n]+)"|'([^'\n]+)'|([A-Za-z0-9][^:#\n]*)):(?=[ \n]|\Z)"""
_OTHER_BREAKS = "\r\x85\u2028\u2029"
_ANCHORS = re.compile(r"(?<![^\s\[{,:-])[&*]\S")
"""Anchors and aliases, and some texts that only look like them."""


class Cuts(Value):
    """Where a text is cut."""

    text: str
    starts: Mapping[str, int]
    """Where each entry begins, by its key as YAML reads it, in order."""
    end: int
    """Where the section ends."""

    @property
    def start(self) -> int:
        """Where the first entry begins."""
        return next(iter(self.starts.values()))

    def bounds(self) -> Iterable[tuple[str, int, int]]:
        """Key, start and end of each entry."""
        starts = list(self.starts.values())
        return zip(self.starts, starts, [*starts[1:], self.end], strict=True)

    def pieces(self) -> Pieces:
        """Their digests."""
        rest = f"{self.text[: self.start]}\0{self.text[self.end :]}"
        return Pieces(
            _digest(rest),
            {key: _digest(self.text[start:end]) for key, start, end in self.bounds()},
        )


def cut(text: str) -> Cuts | None:
    """The cuts of a text; None when it is not one entry after the other, each key on a line."""
    if any(found in text for found in _OTHER_BREAKS):
        return None
    section = _SECTION.search(text)
    if section is None or _SECTION.search(text, section.end()):
        return None
    start = section.end()
    behind = _BEHIND.search(text, start)
    end = behind.start() + 1 if behind is not None else len(text)
    first = _INDENT.search(text, start, end)
    if first is None:
        return None
    indent = len(first[1])
    if indent > 1 and re.compile(rf"\n {{1,{indent - 1}}}[^ #\n]").search(text, start, end):
        return None
    starts: dict[str, int] = {}
    for found in re.compile(rf"\n {{{indent}}}(?![ #\n])(?:{_KEY})?").finditer(text, start, end):
        key = found[1] or found[2] or found[3]
        if key is None or key in starts:
            return None
        starts[key] = found.start() + 1
    return Cuts(text, starts, end) if starts else None


def pieces_of(document: Document) -> Pieces | None:
    """The pieces of a document's text; None when they do not stand alone.

    Nor where the document takes up more than half of a bound, so that an edit cannot exceed one
    unseen.
    """
    text = document.text
    if document.nodes > MOST_NODES // 2 or _has_anchors(text):
        return None
    cuts = cut(text)
    if cuts is None:
        return None
    lines, line, at = [], 0, 0
    for key, start, _ in cuts.bounds():
        line += text.count("\n", at, start)
        at = start
        lines.append((key, line))
    if lines != document.key_lines("assets"):
        return None
    if cuts.end < len(text):
        behind = line + text.count("\n", at, cuts.end)
        if behind not in {found for _, found in document.key_lines()}:
            return None
    return cuts.pieces()


def reduced(cuts: Cuts, wanted: Collection[str], changed: Collection[str]) -> str | None:
    """The text with only the `wanted` entries; all others are a comment and empty lines.

    None when one of the `changed` entries does not stand alone.
    """
    text = cuts.text
    parts, at = [text[: cuts.start]], cuts.start
    for key, start, end in cuts.bounds():
        if key not in wanted:
            continue
        piece = text[start:end]
        if key in changed and not _stands_alone(piece, key):
            return None
        parts += [_without_content(text, at, start), piece]
        at = end
    parts += [_without_content(text, at, cuts.end), text[cuts.end :]]
    return "".join(parts)


def _without_content(text: str, start: int, end: int) -> str:
    """As many lines; a comment first, for empty lines would belong to a block scalar like `|+`."""
    count = text.count("\n", start, end)
    return "#" + "\n" * count if count else ""


def _stands_alone(piece: str, key: str) -> bool:
    if _has_anchors(piece):
        return False
    faults = Faults()
    document = parse(piece.encode("utf-8"), "", faults)
    if document is None or len(faults):
        return False
    return [found for found, _ in document.key_lines()] == [key]


def _has_anchors(text: str) -> bool:
    return ("&" in text or "*" in text) and _ANCHORS.search(text) is not None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
