"""The API key as others may repeat it: blotted out of every text that came from outside.

A service or a provider that quotes the request in its answer may quote the key with it, encoded or
cut short. So it is not the key as a whole that is looked for but every part of it that is long
enough to be worth something, in the encodings that quoting brings about.
"""

from __future__ import annotations

import base64

_SHORTEST = 8
"""A shorter key is a word that a test has chosen, and may be part of any message."""
_PART = 12
"""Characters that give a part away: OpenRouter's keys start with nine that are always the same."""


class Secret:
    """Knows a key and how it may be written."""

    def __init__(self, key: str) -> None:
        self._part = min(_PART, len(key))
        forms = _forms(key) if len(key) >= _SHORTEST else ()
        self._parts = frozenset(
            form[start : start + self._part]
            for form in forms
            for start in range(len(form) - self._part + 1)
        )

    def __repr__(self) -> str:
        return "Secret()"

    def blot(self, text: str) -> str:
        """`text` with `…` in place of the key, whole or in part."""
        spans: list[tuple[int, int]] = []
        for start in range(len(text) - self._part + 1):
            if text[start : start + self._part] in self._parts:
                end = start + self._part
                if spans and start <= spans[-1][1]:
                    spans[-1] = (spans[-1][0], end)
                else:
                    spans.append((start, end))
        for start, end in reversed(spans):
            text = f"{text[:start]}…{text[end:]}"
        return text


def _forms(key: str) -> tuple[str, ...]:
    """The key as it is, in base64 at each of its three alignments, in hexadecimal and escaped."""
    data = key.encode()
    base64_forms = []
    for offset in range(3):
        # The first characters mix with what stands before the key, the last with what follows.
        text = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        text = text[2 * offset - (offset > 1) :][: -1 or None]
        base64_forms += [text, text.replace("+", "-").replace("/", "_")]
    digits = data.hex()
    pairs = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    escaped = "".join(f"%{pair}" for pair in pairs)
    unicode_escaped = "".join(f"\\u00{pair}" for pair in pairs)
    spaced = " ".join(pairs)
    forms = [digits, escaped, unicode_escaped, spaced]
    return (key, key[::-1], *base64_forms, *forms, *(form.upper() for form in forms))
