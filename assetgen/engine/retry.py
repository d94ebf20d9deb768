"""Which failed calls are tried again, and after how long (design section 8, attempts)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assetgen.errors import Retry

if TYPE_CHECKING:
    from assetgen.errors import ProviderError

MAX_ATTEMPTS = 4
BASE_DELAY_S = 0.5
MAX_BACK_OFF_S = 20.0
MAX_RETRY_AFTER_S = 120.0
"""A provider that asks for a longer wait is not waited for: the user decides when to come back."""


@dataclass(slots=True)
class Attempts:
    """The failed attempts for one image so far."""

    failed: int = 0
    doubtful: int = 0
    """Those that may have cost money: the answer was lost, or held no usable image."""
    billed: int = 0
    """Those that have cost something, or may have."""
    is_over: bool = False
    """Whether the last failure was final."""

    def carried(self) -> Attempts:
        """What a later build goes on from: what has cost nothing is forgotten."""
        return Attempts(
            failed=self.billed, doubtful=min(self.doubtful, self.billed), billed=self.billed
        )

    def delay_after(self, error: ProviderError, jitter: float) -> float | None:
        """Seconds to wait before the next attempt, or None when there is none.

        `jitter` is a random number in [0, 1): full jitter spreads clients that failed together.
        """
        self.failed += 1
        self.billed += error.may_be_billed
        delay = self._delay(error, jitter)
        self.is_over = delay is None
        return delay

    def _delay(self, error: ProviderError, jitter: float) -> float | None:
        if error.retry is Retry.NEVER or self.failed >= MAX_ATTEMPTS:
            return None
        if error.retry in {Retry.AMBIGUOUS, Retry.UNUSABLE}:
            self.doubtful += 1
            if self.doubtful > 1:
                return None
        back_off = jitter * min(MAX_BACK_OFF_S, BASE_DELAY_S * 2.0**self.failed)
        if error.retry_after_s is None:
            return back_off
        if error.retry_after_s > MAX_RETRY_AFTER_S:
            return None
        return error.retry_after_s + min(back_off, 1.0)
