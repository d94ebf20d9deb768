"""Choices that look random and are the same everywhere for the same text."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")


class Dice:
    """A stream of choices that depends on `seed` alone."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._block = 0
        self._pool = 0
        self._range = 1

    def roll(self, sides: int) -> int:
        """A number from 0 to `sides` - 1."""
        if self._range < sides << 32:
            text = f"{self._seed}\0{self._block}"
            self._pool = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
            self._range = 1 << 256
            self._block += 1
        self._pool, rolled = divmod(self._pool, sides)
        self._range //= sides
        return rolled

    def choose(self, options: Sequence[_T]) -> _T:
        """One of `options`."""
        return options[self.roll(len(options))]
