"""JSON from a stranger: read once, with exact numbers, in bounded memory.

A body has a bound in bytes, but two bytes of JSON (`1,`, `{}`) can become a hundred bytes of
Python. An answer with images holds few values and some of them are very long, so the number of
values has a bound of its own.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

MAX_VALUES = 500_000
"""About 60 MiB of Python values at most, besides the text of the body; an answer has hundreds."""

_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_MAX_DIGITS = 100
"""A number that is longer is no amount of anything."""


def parse_json(data: bytes) -> Any:
    """`data` as JSON, numbers with a fraction as `Decimal`, `NaN` and infinities as None.

    Raises:
        ValueError: it is not JSON, nested beyond reason, or has too many values.
    """
    if _has_too_many_values(data):
        raise ValueError(f"more than {MAX_VALUES:,} values")
    try:
        return _PARSER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_leniently(data)


def _has_too_many_values(data: bytes) -> bool:
    """Whether there are more separators than an answer has, hopping over what holds none."""
    left = MAX_VALUES
    for separator in b",[{":
        at = data.find(separator)
        while at >= 0:
            left -= 1
            if left < 0:
                return True
            at = data.find(separator, at + 1)
    return False


def _parse_leniently(data: bytes) -> Any:
    """With what JSON does not know and people send: `NaN`, a byte order mark, half a character."""
    try:
        return json.loads(
            data.decode("utf-8-sig"), parse_float=_decimal, parse_constant=lambda _: None
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.removesuffix(' at')} at character {error.pos}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def skip_padding(body: bytes) -> int:
    """Index of the first byte that is neither white space nor on a line starting with a colon.

    OpenRouter sends both while a model works, before the JSON.
    """
    start = 0
    while match := _NOT_SPACE.search(body, start):
        if body[match.start()] != ord(":"):
            return match.start()
        line_end = body.find(b"\n", match.start())
        if line_end < 0:
            break
        start = line_end + 1
    return len(body)


def _decimal(text: str) -> Decimal | None:
    if len(text) > _MAX_DIGITS:
        return None
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent beyond what a decimal can hold
        return None


_PARSER = msgspec.json.Decoder(float_hook=_decimal)
"""An image of 2 MB in a fifth of the time that the standard library takes."""
