"""Bar 8: drafts are drawn by all cores, as fast as a bare pool of threads draws them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.benchmarks.paired import Ratio, alternating, seconds
from tests.benchmarks.projects import manifest_of
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

COUNT = 200
BAR = 1.1
POOL = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from assetgen.core.model import Generate
from assetgen.engine.execute import placeholder_request
from assetgen.providers.draft import drawing_of
from assetgen.session import load
from assetgen.steps.image import PillowImages
images, folder = PillowImages(), sys.argv[1]
def draw(asset):
    request = placeholder_request(asset, asset.action)
    data = images.paint(drawing_of(request), asset.format)
    images.inspect(data)
    with open(os.path.join(folder, asset.name + ".png"), "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    list(pool.map(draw, load("assets.yaml").assets))
"""
"""Draws the same pictures, looks at each, and writes it with a sync: nothing else."""


def measure(shop: Workshop) -> Iterator[Row]:
    """A whole build of drafts, cache and all, against the pool; each starts empty."""
    root = shop.folder / "drafts"
    root.mkdir(exist_ok=True)
    (root / "assets.yaml").write_text(manifest_of(COUNT), "utf-8")
    drawn = shop.folder / "drawn"

    def empty() -> None:
        for left in (root / "art", root / ".assetgen", drawn, shop.folder / "cache-of-drafts"):
            shutil.rmtree(left, ignore_errors=True)
        (root / "assets.lock").unlink(missing_ok=True)
        drawn.mkdir()

    commands = {
        "ours": shop.command(
            shop.assetgen, "build", cwd=root, before=empty, cache=shop.folder / "cache-of-drafts"
        ),
        "pool": shop.command(shop.python, "-c", POOL, str(drawn), cwd=root, before=empty),
    }
    runs = alternating(commands, max(3, shop.rounds // 2))
    pairs = zip(runs["ours"], runs["pool"], strict=True)
    found = Ratio([ours.wall_s / pool.wall_s for ours, pool in pairs])
    yield Row(
        f"{COUNT} drafts drawn and kept",
        f"{found} times a bare pool",
        f"{BAR} times",
        at_most(found.median, BAR),
        f"{seconds(runs['ours'])}; pool {seconds(runs['pool'])}",
    )
