"""What `check` calls the assets it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.decision import Hold, Verdict

if TYPE_CHECKING:
    from assetgen.core.report import AnyDecision


def is_fresh(decision: AnyDecision) -> bool:
    """Whether `check` accepts the asset as it is: up to date, or pinned on purpose."""
    return decision.verdict is Verdict.KEEP or decision.hold is Hold.PINNED


def state_of(decision: AnyDecision) -> str:
    """One word for what `check` finds: `up to date`, `pinned`, `altered` or `stale`."""
    if decision.verdict is Verdict.KEEP:
        return "up to date"
    words = {Hold.PINNED: "pinned", Hold.EDITED: "altered"}
    return words.get(decision.hold, "stale") if decision.hold is not None else "stale"
