"""Bar 5: plans of projects of 100 to 100,000 assets from a written lockfile: time and memory."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.benchmarks.paired import run
from tests.benchmarks.projects import make_built
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

COUNTS = (100, 1_000, 10_000, 100_000)
MOST_MIB = 1024.0
STEADY = 1.5
"""Time an asset at 100,000 against that at 10,000: nothing quadratic would pass."""


def measure(shop: Workshop) -> Iterator[Row]:
    """The lockfile says what every output is, and no output is there."""
    each: dict[int, float] = {}
    for count in COUNTS:
        root = shop.folder / f"locked-{count}"
        if not root.exists():
            make_built(root, count, outputs=False)
        runs = [run(shop.command(shop.assetgen, "plan", cwd=root)) for _ in range(3)]
        took = statistics.median(one.cpu_s for one in runs)
        peak = max(one.peak_mib for one in runs)
        each[count] = took / count
        is_last = count == COUNTS[-1]
        yield Row(
            f"plan of {count:,} assets",
            f"{peak:,.0f} MiB at most",
            f"{MOST_MIB:,.0f} MiB" if is_last else "",
            at_most(peak, MOST_MIB) if is_last else None,
            f"{took:.2f} s of processor time",
        )
    found = each[COUNTS[-1]] / each[COUNTS[-2]]
    yield Row(
        "time an asset, 100,000 against 10,000",
        f"{found:.2f} times",
        f"nothing quadratic: {STEADY} times",
        at_most(found, STEADY),
    )
