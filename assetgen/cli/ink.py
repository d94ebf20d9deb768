"""Colour and width, where there is a terminal for them; colour never carries anything alone."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Literal

Ink = Literal["plain", "old", "new", "faint"]

_CODES: dict[Ink, str] = {"old": "31", "new": "32", "faint": "2"}
_PIPE_COLUMNS = 80
_MOST_COLUMNS = 100
"""Longer lines of prose are hard to read."""


def has_colour() -> bool:
    """Whether standard output is a terminal that shows colours, and the user wants them."""
    is_wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return is_wanted and sys.stdout.isatty()


def coloured(text: str, ink: Ink) -> str:
    """`text` in a colour, where `has_colour`."""
    return f"\x1b[{_CODES[ink]}m{text}\x1b[0m" if ink in _CODES and has_colour() else text


def columns() -> int:
    """How wide prose may be on standard output."""
    if not sys.stdout.isatty():
        return _PIPE_COLUMNS
    return min(shutil.get_terminal_size((_PIPE_COLUMNS, 24)).columns, _MOST_COLUMNS)
