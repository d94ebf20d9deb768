"""What a plan or a build is asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from assetgen.core.value import Value

if TYPE_CHECKING:
    from decimal import Decimal

DEFAULT_MANIFEST = "assets.yaml"
DEFAULT_JOBS = 8
DEFAULT_TIMEOUT_S = 300.0


class Settings(Value):
    """What a plan or a build is asked to do; the same names as the options of the command line."""

    selectors: tuple[str, ...] = ()
    """Empty for every asset."""
    draft: bool = False
    rebuy: bool = False
    force: tuple[str, ...] = ()
    """Selectors of assets to be made anew."""
    locked: bool = False
    max_cost_usd: Decimal | None = None
    """Replaces `budget.per_build` of the manifest."""
    jobs: int = DEFAULT_JOBS
    timeout_s: float = DEFAULT_TIMEOUT_S
    fail_fast: bool = False
    rebuild_lock: bool = False

    def __post_init__(self) -> None:
        if self.jobs < 1 or not self.timeout_s > 0:
            raise ValueError("`jobs` must be at least 1 and `timeout_s` above 0")


class SettingsArgs(TypedDict, total=False):
    """The fields of `Settings`, as keywords."""

    selectors: tuple[str, ...]
    draft: bool
    rebuy: bool
    force: tuple[str, ...]
    locked: bool
    max_cost_usd: Decimal | None
    jobs: int
    timeout_s: float
    fail_fast: bool
    rebuild_lock: bool
