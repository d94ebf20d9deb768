"""Bar 6: what the commands take that only say something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.paired import alternating, ratio, seconds
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

BARS = {"--version": 2.5, "--help": 8.0}


def measure(shop: Workshop) -> Iterator[Row]:
    """Ratios to a Python that does nothing."""
    bare = shop.command(shop.python, "-c", "pass", cwd=shop.folder)
    ours = {name: shop.command(shop.assetgen, name, cwd=shop.folder) for name in BARS}
    runs = alternating({"bare": bare, **ours}, shop.rounds * 2)
    for name, bar in BARS.items():
        found = ratio(runs[name], runs["bare"])
        yield Row(
            f"`assetgen {name}`",
            f"{found} times `python -c pass`",
            f"{bar} times",
            at_most(found.median, bar),
            f"{seconds(runs[name])}; bare {seconds(runs['bare'])}",
        )
