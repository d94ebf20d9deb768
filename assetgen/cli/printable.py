"""Text from outside, before a terminal sees it. Imports next to nothing: `--help` needs it."""

from __future__ import annotations

_UNFIT = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    """`text` without anything that could command a terminal: control characters become `�`.

    So do characters that change the direction of the text, and those that this Python does not
    know, because a terminal may know them as either.
    """
    if text.isprintable():
        return text
    import unicodedata  # noqa: PLC0415 - hardly any text needs it

    return "".join("�" if unicodedata.category(c) in _UNFIT else c for c in text)
