"""What an unquoted scalar means by the core schema of YAML 1.2, and the text it was written as.

YAML 1.1 reads `16:9` as 969, `no` as false and `012` as 10. Here a plain scalar stays the text it
is (`Plain`) until a field that wants a number, a truth value or nothing asks for one (YAML 1.2.2,
section 10.3.2).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.model import Json

Data = str | list["Data"] | dict[str, "Data"]
"""A document as plain data: every scalar is text, and a `Plain` one when it was not quoted."""

Scalar = None | bool | int | float | str

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 400
"""Python refuses to read integers of more than 4,300 digits; no number here is near that long."""
_EXACT = 2**53
"""Up to here every integer is also a double."""


class Plain(str):
    """A scalar written without quotes; the text is as it stands in the file."""

    __slots__ = ()


def is_null(value: object) -> bool:
    """Whether `value` is written as nothing: empty, `~` or `null`, without quotes."""
    return isinstance(value, Plain) and value in _NULLS


def core_value(text: str) -> Scalar:
    """What `text` stands for: only a `Plain` can be anything else than text.

    A number too long to read, and one that is not finite, give `math.nan`.
    """
    if not isinstance(text, Plain):
        return text
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > _MOST_DIGITS:
            return math.nan
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else math.nan
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    return str(text)


def normal_number(number: float) -> int | float:
    """The one way to write `number`: a whole double becomes an integer where both are exact."""
    return int(number) if number == int(number) and abs(number) <= _EXACT else number


def as_json(data: Data) -> Json:
    """`data` as a reader of YAML 1.2 sees it; what an editor checks against the JSON Schema."""
    if isinstance(data, dict):
        return {key: as_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_json(value) for value in data]
    return core_value(data)
