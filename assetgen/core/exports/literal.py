"""Texts as literals of Python and TypeScript: readable, and nothing in them gets out.

What does not print is escaped, line ends and changes of direction among it, so that a name cannot
make code look like something it is not.
"""

from __future__ import annotations

_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def python_literal(text: str) -> str:
    """`text` as a string literal of Python."""
    return f'"{"".join(_python(character) for character in text)}"'


def _python(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - what two digits hold
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def typescript_literal(text: str) -> str:
    """`text` as a string literal of TypeScript, which is one of JSON too."""
    return f'"{"".join(_typescript(character) for character in text)}"'


def _typescript(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
