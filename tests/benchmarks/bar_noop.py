"""Bar 1: a build with nothing to do, against ninja with nothing to do on as many edges."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tests.benchmarks.paired import alternating, ratio, seconds
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

CASES = (
    (100, False, None),
    (1_000, False, 3.5),
    (10_000, False, 1.0),
    (10_000, True, 1.6),
)
"""Assets, whether each reads a file besides, and the bar."""


def measure(shop: Workshop) -> Iterator[Row]:
    """Ratios to ninja's time."""
    for count, references, bar in CASES:
        root = shop.project(count, references=references)
        build = shop.command(shop.assetgen, "build", cwd=root)
        runs = alternating({"ours": build, "ninja": shop.ninja(count)}, shop.rounds * 4)
        found = ratio(runs["ours"], runs["ninja"])
        besides = ", one reference each" if references else ""
        yield Row(
            f"nothing to do, {count:,} assets{besides}",
            f"{found} times ninja",
            f"{bar} times ninja" if bar is not None else "",
            at_most(found.median, bar) if bar is not None else None,
            f"{seconds(runs['ours'])}; ninja {seconds(runs['ninja'])}",
        )
    yield _scale(shop)


def _scale(shop: Workshop) -> Row:
    """100,000 against 10,000: ten times as much, at most."""
    commands = {
        str(count): shop.command(shop.assetgen, "build", cwd=shop.project(count))
        for count in (10_000, 100_000)
    }
    runs = alternating(commands, shop.rounds)
    found = ratio(runs["100000"], runs["10000"])
    return Row(
        "nothing to do, 100,000 assets",
        f"{found} times 10,000",
        "linear: 10 times",
        at_most(found.median, 10.0),
        f"{statistics.median(one.wall_s for one in runs['100000']):.3f} s",
    )
