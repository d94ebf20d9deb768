"""The base of frozen values: classes and instances that take little time to make.

`class X(Value):` stands for `@dataclass(frozen=True, slots=True)`: made by position or keyword,
equal by its fields, hashable where these are, immutable. `dataclasses` writes the methods of a
class as text and compiles it, 0.6 ms a class, which was a fifth of all that a short command does;
an instance then sets each of its fields through `object.__setattr__`, 700 ns. A struct does both
in C: 0.02 ms a class, 100 ns an instance (200 ns on Python 3.11).

Dataclasses remain

- what changes its fields,
- values with a field that is left out of comparison, `repr` or `__init__`, which structs do not
  know: a place in a file is no part of what is equal, an API key of no traceback,
- `Lock` and `LockPart`, whose cached properties need a `__dict__`,
- `errors.Location` and `config.Environment`, which need nothing but the standard library.

`asdict` leaves values in fields as they are, other than the one of `dataclasses`.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, dataclass_transform

from msgspec import NODEFAULT, Struct, StructMeta, field
from msgspec.structs import asdict

if TYPE_CHECKING:
    # mypy knows this one by name: it finds fields that are not there, or of another type.
    from dataclasses import replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """A copy of a value, or of a dataclass, with other values in some fields."""
        if isinstance(value, Value):
            return value.__replace__(**changes)
        return dataclasses.replace(value, **changes)


__all__ = ["Value", "asdict", "field", "field_names", "replace"]


class _Kind(StructMeta):
    """Tells `help` and `inspect` how a value is made, with its annotations as they are written.

    A struct evaluates them, which fails: most name what only type checkers import.
    """

    @property
    def __signature__(self) -> inspect.Signature:
        written: dict[str, Any] = {}
        for base in reversed(self.__mro__):
            written |= inspect.get_annotations(base)
        names, defaults = self.__struct_fields__, self.__struct_defaults__
        values = [NODEFAULT] * (len(names) - len(defaults)) + list(defaults)
        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD
                    if name in self.__match_args__
                    else inspect.Parameter.KEYWORD_ONLY,
                    default=inspect.Parameter.empty if value is NODEFAULT else value,
                    annotation=written[name],
                )
                for name, value in zip(names, values, strict=True)
            ]
        )


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, metaclass=_Kind, frozen=True):
    """A frozen value. What derives from it is frozen too, which the decorator tells mypy."""


def field_names(value: Value | type[Value]) -> tuple[str, ...]:
    """The names of its fields, in their order."""
    return value.__struct_fields__
