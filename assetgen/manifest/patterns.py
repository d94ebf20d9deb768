"""Patterns of paths: what the manifest knows is filled, and `${frame}` and its like stay.

Their own sequences come before variables of the same name. What a pattern stands for is checked
like any output, with every kind of value that may be filled in later.
"""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

from assetgen.core.pattern import expand
from assetgen.core.value import Value
from assetgen.errors import ManifestError
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import normal_path, normal_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.manifest.entry import Spot

_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}([a-z]+){_MARK}")


class Pattern(Value):
    """A path in normal form, with the sequences in it."""

    path: str
    sequences: frozenset[str]


def filled_pattern(
    spot: Spot, text: str, values: Mapping[str, str], sequences: Iterable[str]
) -> Pattern | None:
    """The pattern that `text` is, in normal form; None after a fault.

    Args:
        spot: where it is written.
        text: as it is written.
        values: what variables stand for.
        sequences: names that are filled later.
    """
    marks = {name: f"{_MARK}{name}{_MARK}" for name in sequences}
    filled = spot.fill(text.strip(), {**values, **marks})
    if filled is None:
        return None
    used = frozenset(_MARKED.findall(filled))
    if "${" in _MARKED.sub("", filled):
        spot.refuse("has `${` as text", "leave the dollar sign or the brace out of the path")
        return None
    path = spot.attempt(lambda: normal_path(_MARKED.sub(r"${\1}", filled)))
    return Pattern(unicodedata.normalize("NFC", path), used) if path is not None else None


def require(spot: Spot, pattern: Pattern, name: str, why: str) -> bool:
    """Whether a pattern has `${name}`, without which files would share a path; notes the fault."""
    if name in pattern.sequences:
        return True
    spot.refuse(f"has no `${{{name}}}`, and there {why}", f"put `${{{name}}}` into it")
    return False


def data_file(spot: Spot, pattern: Pattern, suffixes: tuple[str, ...]) -> str | None:
    """A pattern as the path of a text file with one of these extensions; None after a fault."""
    return spot.attempt(lambda: normal_text_file(pattern.path, suffixes))


def is_fit(spot: Spot, paths: Iterable[str]) -> bool:
    """Whether every path that a pattern stands for is portable; notes the first that is not."""
    return all(spot.attempt(partial(normal_path, path)) is not None for path in paths)


def examples(pattern: str, name: str, count: int) -> list[str]:
    """The paths of the first numbers and of the last, of which all others have the form."""
    numbers = [*range(min(count, 10)), count - 1]
    return [expand(pattern, **{name: number}) for number in numbers]


def format_fault(path: str, wanted: str, found: str) -> ManifestError:
    """The extension of a path is that of another format."""
    return ManifestError(
        f"names {shown(path)}, whose extension is that of {found}, for a file in {wanted}",
        hint="let it end in `.${format}`",
    )
