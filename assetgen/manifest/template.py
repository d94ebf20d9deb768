"""Fills `${name}` in the texts of a manifest: once, without looking at what was filled in.

`${name}` and `$$` are the only special sequences; any other `$` is text (design section 3).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MOST_CHARACTERS = 100_000
"""Length of one filled text: a few variables used often could otherwise fill the memory."""

_SPECIAL = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[^}\n]*)(?P<end>\}?))")


class CannotFillError(ValueError):
    """A text names variables that do not exist, or is too long once filled."""


def names_in(text: str) -> list[tuple[str, str]]:
    """Every `${name}` of `text` in order: the sequence as written, and the name.

    The name is empty when the sequence is never closed or holds no possible name.
    """
    return [
        (match[0], match["name"] if _is_complete(match) else "")
        for match in _SPECIAL.finditer(text)
        if match["dollar"] is None
    ]


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with every `${name}` replaced by its value and `$$` by `$`.

    Raises:
        CannotFillError: a name is unknown or impossible (`names_in` tells which), or the result is
            longer than `MOST_CHARACTERS`.
    """
    if "$" not in text:
        return text
    parts: list[str] = []
    length = start = 0
    for match in _SPECIAL.finditer(text):
        value = "$" if match["dollar"] else values.get(match["name"])
        if value is None or not (match["dollar"] or match["end"]):
            raise CannotFillError
        parts += (text[start : match.start()], value)
        length += match.start() - start + len(value)
        start = match.end()
        if length > MOST_CHARACTERS:
            raise CannotFillError
    parts.append(text[start:])
    return "".join(parts)


def _is_complete(match: re.Match[str]) -> bool:
    return bool(match["end"]) and VARIABLE_NAME.fullmatch(match["name"]) is not None
