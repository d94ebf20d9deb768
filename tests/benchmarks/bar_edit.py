"""Bar 2: one prompt edited among 10,000, against ninja with nothing to do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.paired import alternating, ratio, seconds
from tests.benchmarks.projects import prompt
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

COUNT = 10_000
EDITED = COUNT // 2
BAR = 15.0


def measure(shop: Workshop) -> Iterator[Row]:
    """A new prompt before each build, so that each draws one draft."""
    root = shop.project(COUNT)
    manifest = root / "assets.yaml"
    before, words, after = manifest.read_text("utf-8").partition(prompt(EDITED))
    if not words:
        raise RuntimeError("the manifest does not have the prompt that is to be edited")

    def edit() -> None:
        manifest.write_text(f"{before}Another picture {time.time_ns()}{after}", "utf-8")

    build = shop.command(shop.assetgen, "build", cwd=root, before=edit)
    try:
        runs = alternating({"ours": build, "ninja": shop.ninja(COUNT)}, shop.rounds)
    finally:
        manifest.write_text(f"{before}{words}{after}", "utf-8")
        shop.settle(root)
    found = ratio(runs["ours"], runs["ninja"])
    yield Row(
        f"one prompt edited among {COUNT:,}",
        f"{found} times ninja's no-op",
        f"{BAR} times",
        at_most(found.median, BAR),
        f"{seconds(runs['ours'])}; ninja {seconds(runs['ninja'])}",
    )
