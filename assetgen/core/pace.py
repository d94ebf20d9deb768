"""When to look and when to pay, while somebody watches a project: a small state machine.

Times are seconds of any clock that only goes forward; whoever owns the clock passes them in.
A look is due a moment after the last sign of a change, so that a save in two steps is one change,
and soon after the first, so that a stream of changes is not waited out. Paid calls may start once
`QUIET_S` have passed since a look that found something new, and nothing is waiting to be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

QUIET_S = 0.4
"""Without a further change for so long, what is declared is meant (design section 10)."""
SETTLE_S = 0.03
"""Between the steps of one save: truncate and write, or write aside and rename, take less."""
PATIENCE_S = 0.25
"""A look is never put off for longer than this."""


class Due(Enum):
    """What is to be done now."""

    NOTHING = "nothing"
    LOOK = "look"
    PAY = "pay"


@dataclass(slots=True)
class Pace:
    """Signs of changes in, what is due out."""

    _first_sign: float | None = None
    """When the first sign came that was not looked at yet."""
    _last_sign: float | None = None
    _changed: float = float("-inf")
    """End of the last look that found something new."""
    is_gated: bool = False
    """Whether paid calls wait to be let through."""

    def notice(self, now: float) -> None:
        """There is a sign that something has changed."""
        if self._first_sign is None:
            self._first_sign = now
        self._last_sign = now

    def looked(self, now: float, *, found_change: bool) -> None:
        """A look has ended: everything noticed so far is in it."""
        self._first_sign = self._last_sign = None
        if found_change:
            self._changed = now

    def due(self, now: float) -> Due:
        """What is to be done now."""
        at, what = self._next()
        return what if at is not None and now >= at else Due.NOTHING

    def next_at(self) -> float | None:
        """When something will be due if nothing else happens; None for never."""
        return self._next()[0]

    def _next(self) -> tuple[float | None, Due]:
        if self._first_sign is not None and self._last_sign is not None:
            return min(self._last_sign + SETTLE_S, self._first_sign + PATIENCE_S), Due.LOOK
        if self.is_gated:
            return self._changed + QUIET_S, Due.PAY
        return None, Due.NOTHING
