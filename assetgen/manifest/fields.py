"""What each kind of field accepts, as plain functions from parsed data to a typed value.

A scalar that is not there (`null`, `~` or empty) is None everywhere. Messages go on after the name
of the field: "`seed` of asset `hero`" and then "must be a whole number, not `x`".
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from assetgen.manifest.faults import listed, shown
from assetgen.manifest.scalars import Plain, core_value, is_null, normal_number
from assetgen.manifest.template import VARIABLE_NAME, names_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.model import Json

MOST_INTEGER = 2**63 - 1
FEWEST_TOKENS = 16
"""Providers behind the service refuse less (design section 3)."""
LONGEST_S = 86_400
MODALITIES = ("image", "text")
REFUSED_PARAMETERS = frozenset({"model", "models", "messages", "n", "stream", "modalities"})
"""Would turn a call for one image into another call (design section 3)."""

PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,9})?|\.\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9.]+")

T = TypeVar("T")
Matrix = dict[str, tuple[str, ...]] | tuple[dict[str, str], ...]
"""Values to combine, each with each; or the combinations themselves."""


class UnfitError(ValueError):
    """A value that its field does not accept.

    `at` leads on from the field to the place; `is_key` says that the key there is meant.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str | None = None,
        at: tuple[str | int, ...] = (),
        is_key: bool = False,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.at = at
        self.is_key = is_key


def kind_of(value: object) -> str:
    """What `value` is, in a message."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if is_null(value):
        return "nothing"
    return shown(str(value))


def or_none(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """`read`, with None for a scalar that is not there."""

    def optional(value: object) -> T | None:
        return None if is_null(value) else read(value)

    return optional


def text(value: object) -> str:
    """Any text, as it is written; missing is not a text."""
    if not isinstance(value, str):
        raise UnfitError(f"must be text, not {kind_of(value)}", hint=_flow_hint(value))
    if is_null(value):
        raise UnfitError("has no value", hint="give it a value, or remove the line")
    return str(value)


def literal_text(value: object) -> str:
    """A text, number or truth value, as its text in the file."""
    if not isinstance(value, str):
        raise UnfitError(f"must be text or a number, not {kind_of(value)}", hint=_flow_hint(value))
    if is_null(value):
        raise UnfitError("has no value", hint='write `""` for no text, and `"null"` for that word')
    return str(value)


def whole(low: int, high: int = MOST_INTEGER) -> Callable[[object], int]:
    """A whole number from `low` to `high`."""

    def read(value: object) -> int:
        number = normal_number(_number(value, "a whole number"))
        if not isinstance(number, int):
            raise UnfitError(f"must be a whole number, not {kind_of(value)}")
        if number < low:
            raise UnfitError(f"must be at least {low}, not {kind_of(value)}")
        if number > high:
            raise UnfitError(f"must be at most {high}, not {kind_of(value)}")
        return number

    return read


def seconds(value: object) -> float:
    """A time of more than nothing and at most a day."""
    number = _number(value, "a number of seconds")
    if not 0 < number <= LONGEST_S:
        raise UnfitError(f"must be more than 0 and at most {LONGEST_S} s, not {kind_of(value)}")
    return float(number)


def truth(value: object) -> bool:
    """`true` or `false`."""
    found = core_value(value) if isinstance(value, str) else None
    if not isinstance(found, bool):
        hint = "remove the quotes" if value in ("true", "false") else None
        raise UnfitError(f"must be `true` or `false`, not {kind_of(value)}", hint=hint)
    return found


def dollars(value: object) -> Decimal:
    """An amount in US dollars, exactly as it is written; 0 buys nothing."""
    if not (isinstance(value, Plain) and _AMOUNT.fullmatch(value)):
        raise UnfitError(
            f"must be an amount in US dollars, not {kind_of(value)}",
            hint="write a number without sign, currency or quotes, such as `2.00`",
        )
    return Decimal(value)


def choice(*words: str) -> Callable[[object], str]:
    """One of `words`."""

    def read(value: object) -> str:
        found = text(value)
        if found not in words:
            raise UnfitError(f"must be one of {listed(words)}, not {shown(found)}")
        return found

    return read


def provider_name(value: object) -> str:
    """What may be the name of a provider; whether there is such a provider is asked later."""
    name = text(value)
    if not PROVIDER_NAME.fullmatch(name):
        raise UnfitError(
            f"must be the name of a provider, not {shown(name)}",
            hint="`openrouter` and `draft` are built in; packages may add others",
        )
    return name


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise UnfitError(
            f"must be a list, not {kind_of(value)}", hint="write it like `[first, second]`"
        )
    return tuple(below(index, text, item) for index, item in enumerate(value))


def text_or_texts(value: object) -> tuple[str, ...]:
    """One text, or a list of them."""
    return texts(value) if isinstance(value, list) else (text(value),)


def modalities(value: object) -> tuple[str, ...]:
    """What the model is asked to answer with: sorted, each once, an image among them."""
    words = tuple(sorted({word.strip().lower() for word in texts(value)}))
    for word in words:
        if word not in MODALITIES:
            raise UnfitError(f"must be made of {listed(MODALITIES)}, not {shown(word)}")
    if "image" not in words:
        raise UnfitError("must name `image`", hint="write `[image]` or `[image, text]`")
    return words


def variable_name(value: object) -> str:
    """The name of a variable, which `prompt` is not: it is the asset's own prompt in a style."""
    name = text(value)
    if name == "prompt":
        raise UnfitError(
            "must not be called `prompt`",
            hint="in a style `${prompt}` is the asset's prompt: choose another name",
        )
    if not VARIABLE_NAME.fullmatch(name):
        raise UnfitError(
            "is not a name for a variable",
            hint="use letters A-Z and a-z, digits, `_` and `-`, and start with a letter or `_`",
        )
    return name


def style(value: object) -> str:
    """The text of a style, which has a place for the prompt."""
    found = text(value)
    if "prompt" not in {name for _, name in names_in(found)}:
        raise UnfitError(
            "has no `${prompt}`, so that prompts would be lost",
            hint='say where the prompt goes, like `"${prompt}. Flat ink illustration"`',
        )
    return found


def matrix(value: object) -> Matrix:
    """Lists to combine, each with each, or a list of combinations."""
    if isinstance(value, dict) and value:
        return {_key(key): below(key, _values, items) for key, items in value.items()}
    if isinstance(value, list) and value:
        return tuple(below(index, _row, item) for index, item in enumerate(value))
    raise UnfitError(
        f"must hold values, not {'nothing' if not value else kind_of(value)}",
        hint="write `{item: [sword, shield]}`, or a list of mappings",
    )


def parameters(value: object) -> dict[str, Json]:
    """What is sent to the provider as it is: JSON values, and none that changes the call."""
    if not isinstance(value, dict):
        raise UnfitError(f"must be a mapping, not {kind_of(value)}")
    for key in value:
        if key.strip().lower() in REFUSED_PARAMETERS:
            raise UnfitError(
                f"must not set {shown(key)}",
                hint="that would change the call itself; assetgen sets it",
                at=(key,),
                is_key=True,
            )
    return {key: below(key, _json, item) for key, item in value.items()}


def _json(value: object) -> Json:
    if isinstance(value, dict):
        return {key: below(key, _json, item) for key, item in value.items()}
    if isinstance(value, list):
        return [below(index, _json, item) for index, item in enumerate(value)]
    found = core_value(str(value) if not isinstance(value, str) else value)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return found
    number = normal_number(_number(value, "a number"))
    if abs(number) > MOST_INTEGER and isinstance(number, int):
        raise UnfitError(f"must be a number of at most 64 bits, not {kind_of(value)}")
    return number


def _values(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UnfitError(
            f"must be lists of values, not {'nothing' if not value else kind_of(value)}",
            hint="write it like `{item: [sword, shield]}`",
        )
    return tuple(below(index, literal_text, item) for index, item in enumerate(value))


def _row(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise UnfitError(
            f"must be a list of mappings, not of {kind_of(value)}",
            hint="write it like `[{item: sword, colour: red}]`",
        )
    return {_key(key): below(key, literal_text, item) for key, item in value.items()}


def _key(key: str) -> str:
    try:
        return variable_name(key)
    except UnfitError as error:
        what = f"has the variable {shown(key)}, which {error.what}"
        raise UnfitError(what, hint=error.hint, at=(key,), is_key=True) from error


def below(step: str | int, read: Callable[[object], T], value: object) -> T:
    """`read(value)`, with `step` in front of the place of what it refuses."""
    try:
        return read(value)
    except UnfitError as error:
        raise UnfitError(
            error.what, hint=error.hint, at=(step, *error.at), is_key=error.is_key
        ) from error


def _number(value: object, wanted: str) -> float:
    found = core_value(value) if isinstance(value, Plain) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        quoted = isinstance(value, str) and _NUMBER.fullmatch(value)
        hint = "remove the quotes" if quoted else None
        raise UnfitError(f"must be {wanted}, not {kind_of(value)}", hint=hint)
    if math.isnan(found):
        raise UnfitError(f"must be {wanted} that can be computed with, not {kind_of(value)}")
    return found


def _flow_hint(value: object) -> str | None:
    if isinstance(value, dict):
        return "put quotes around a text that starts with `{`, or that holds `: `"
    if isinstance(value, list):
        return "put quotes around a text that starts with `[` or `- `"
    return None
