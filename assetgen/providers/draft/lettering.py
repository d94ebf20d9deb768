"""Text for a fixed bitmap font: any Unicode to printable ASCII, and lines that fit a width.

Sizes are in font pixels unless a name says otherwise; multiplied by a scale they are pixels.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING

from assetgen.core.drawing import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.core.drawing import Colour

GLYPH_WIDTH_PX = 6
GLYPH_HEIGHT_PX = 11
"""The cell of every character at scale 1; a test measures the font that paints."""

ADVANCE_PX = GLYPH_WIDTH_PX + 1
"""From one character to the next: the font is bold, and its letters touch without one more."""
CAP_PX = 8
"""From the top of the cell to the foot of a capital letter."""
LINE_PX = GLYPH_HEIGHT_PX + 2

_LONG_WORD = 24

_TERMINAL_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_TYPOGRAPHY = str.maketrans(
    {
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": " - ",
        "\u2015": " - ", "\u2212": "-", "\u2018": "'", "\u2019": "'", "\u201a": "'",
        "\u201c": '"', "\u201d": '"',
        "\u201e": '"', "\u2032": "'", "\u2033": '"', "\u00ab": '"', "\u00bb": '"', "\u2039": "'",
        "\u203a": "'", "\u2026": "...", "\u2022": "*", "\u00b7": "*", "\u00d7": "x", "\u00f7": "/",
        "\u2044": "/", "\u00df": "ss", "\u00e6": "ae", "\u00c6": "AE", "\u00f8": "o", "\u00d8": "O",
        "\u0153": "oe", "\u0152": "OE", "\u0142": "l", "\u0141": "L", "\u0111": "d", "\u0110": "D",
        "\u00f0": "d", "\u00d0": "D", "\u00fe": "th", "\u00de": "Th", "\u0131": "i", "\u2192": "->",
        "\u2190": "<-", "\u00a9": "(c)", "\u00ae": "(R)", "\u20ac": "EUR", "\u00a3": "GBP",
    }
)  # fmt: skip


def ascii_text(text: str) -> str:
    """`text` as one line of printable ASCII, as readable as that allows.

    Accents are folded away, typography is spelled with its nearest ASCII, control characters and
    terminal escapes are dropped, and what is left becomes its code point, as in `[4E2D]`.
    """
    text = unicodedata.normalize("NFC", _TERMINAL_ESCAPE.sub("", text)).translate(_TYPOGRAPHY)
    return " ".join("".join(_ascii_character(c) for c in text).split())


def _ascii_character(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    # Unassigned code points are not dropped: which ones are differs between Python versions.
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Mn", "Me"}:
        return ""
    folded = unicodedata.normalize("NFKD", character).translate(_TYPOGRAPHY)
    base = "".join(c for c in folded if not unicodedata.combining(c))
    if base and base.isascii() and base.isprintable():
        return base
    return f"[{ord(character):04X}]"


def columns_in(width_px: int, scale: int) -> int:
    """How many characters fit `width_px`, at least one."""
    return max(1, (width_px // scale + ADVANCE_PX - GLYPH_WIDTH_PX) // ADVANCE_PX)


def wrapped(text: str, columns: int) -> list[str]:
    """`text` in lines of at most `columns` characters, broken at spaces where there are any."""
    return textwrap.wrap(text, columns, break_on_hyphens=False)


def wrapped_name(name: str, columns: int) -> list[str] | None:
    """`name` broken only after `-`, `_` or `.`; None when a part is longer than a line."""
    lines = [""]
    for part in re.findall(r"[^-_.]*[-_.]+|[^-_.]+", name):
        if len(part) > columns:
            return None
        if len(lines[-1]) + len(part) > columns:
            lines.append("")
        lines[-1] += part
    return lines


def fitted(text: str, columns: int, rows: int) -> list[str] | None:
    """`text` wrapped, or None when it needs more than `rows` lines."""
    if len(text) > (columns + 1) * rows:
        return None
    lines = wrapped(text, columns)
    return lines if len(lines) <= rows else None


def cut(text: str, columns: int, rows: int) -> list[str]:
    """As much of `text` as fits, ending with how many of its characters were left out.

    It ends between words where a word ends nearby. Nothing is returned when not even the note fits.
    """

    def lines_up_to(end: int) -> list[str] | None:
        return fitted(f"{text[:end]}... (+{len(text) - end} characters)", columns, rows)

    if lines_up_to(0) is None:
        return []
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if lines_up_to(middle) is None:
            too_long = middle
        else:
            fits = middle
    word_end = text.rfind(" ", max(0, fits - _LONG_WORD), fits + 1)
    return lines_up_to(word_end if word_end > 0 else fits) or []


def cut_label(label: str, columns: int) -> str:
    """`label` in one line; its end tells labels apart, so it is the beginning that goes."""
    if len(label) <= columns:
        return label
    return f"...{label[len(label) - max(0, columns - 3) :]}"


def line_of_text(text: str, x: int, y: int, scale: int, colour: Colour) -> Iterator[Text]:
    """One line with its top left corner at (x, y) px: a shape a character, for the extra gap."""
    for index, character in enumerate(text):
        if character != " ":
            yield Text(
                x=x + index * ADVANCE_PX * scale, y=y, scale=scale, colour=colour, text=character
            )
