"""The ledger added up, for one project or for all of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.cache.folder import cache_root
from assetgen.cache.ledger import FileLedger
from assetgen.core.costs import Costs, calls_of, sum_up
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class Spending(Value):
    """What was spent, and what could not be told to belong to the project."""

    costs: Costs
    unnamed_calls: int = 0
    """Calls that a sum over one project leaves out: the ledger does not say whose they are."""


def costs(
    *,
    project: str | None = None,
    since: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Spending:
    """Sums over the ledger of this machine.

    Args:
        project: its name; None adds up all of them.
        since: the first day, `YYYY-MM-DD` in UTC; None starts at the beginning.
        environ: stands for the process's environment.

    Raises:
        CacheError: the ledger cannot be read.
    """
    root = cache_root(os.environ if environ is None else environ)
    calls = calls_of(FileLedger(root, create=False).lines())
    if since is not None:
        calls = [call for call in calls if call.day >= since]
    if project is None:
        return Spending(sum_up(calls))
    unnamed = sum(not call.project for call in calls)
    return Spending(sum_up(call for call in calls if call.project == project), unnamed)
