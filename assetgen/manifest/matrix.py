"""Combinations of a matrix, counted before any is made."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assetgen.manifest.fields import Matrix


def count(matrix: Matrix | None) -> int:
    """How many assets an entry with this matrix stands for."""
    if matrix is None:
        return 1
    if isinstance(matrix, dict):
        return math.prod(len(values) for values in matrix.values())
    return len(matrix)


def combinations(matrix: Matrix | None) -> Iterator[Mapping[str, str]]:
    """The variables of each asset, the last list of a product varying fastest."""
    if matrix is None:
        yield {}
    elif isinstance(matrix, dict):
        for values in itertools.product(*matrix.values()):
            yield dict(zip(matrix, values, strict=True))
    else:
        yield from matrix


def varying(matrix: Matrix | None) -> list[str]:
    """Names of the variables that have more than one value."""
    if matrix is None:
        return []
    if isinstance(matrix, dict):
        return [name for name, values in matrix.items() if len(set(values)) > 1]
    names = dict.fromkeys(name for row in matrix for name in row)
    return [name for name in names if len({row.get(name) for row in matrix}) > 1]
