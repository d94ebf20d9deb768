"""Bar of finished assets: variants on all cores, as fast as a bare pool of threads makes them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.benchmarks.paired import Ratio, alternating, run, seconds
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.workshop import Workshop

COUNT = 60
"""A build of all 400 takes minutes on two cores; the ratio is the same."""
BAR = 1.1
MAKE = """
import os, sys
import numpy as np
from PIL import Image
count, folder = int(sys.argv[1]), sys.argv[2]
os.makedirs(folder, exist_ok=True)
for number in range(count):
    random = np.random.default_rng(number)
    coarse = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((1024, 1024), Image.Resampling.BICUBIC))
    noise = random.integers(-4, 5, smooth.shape)
    pixels = np.clip(smooth.astype(int) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(os.path.join(folder, f"{number:03}.png"))
"""
"""Pictures of 1024 x 1024 px with large shapes and some noise, as photographs have them."""
POOL = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from PIL import Image
source, folder = sys.argv[1:]
def keep(path, data):
    with open(path, "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
def make(name):
    from io import BytesIO
    with Image.open(os.path.join(source, name)) as image:
        image.load()
        picture = image.convert("RGB")
    for width in (256, 512, 768):
        small = picture.resize((width, width), Image.Resampling.LANCZOS)
        for kind, options in (
            ("avif", {"quality": 60, "speed": 6, "max_threads": 1}),
            ("webp", {"quality": 80, "method": 4}),
        ):
            file = BytesIO()
            small.save(file, kind, **options)
            keep(os.path.join(folder, f"{name}.{width}.{kind}"), file.getvalue())
with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
    list(pool.map(make, sorted(os.listdir(source))))
"""
"""Decodes, scales, encodes and writes with a sync: nothing else."""
MANIFEST = """\
version: 1
provider: draft
assets:
  "picture-${n}":
    matrix: {n: [%s]}
    source: "hand/${n}.png"
    output: "art/${n}.png"
    variants:
      widths: [256, 512, 768]
      formats: [avif, webp]
      quality: {avif: 60, webp: 80}
      output: "web/${n}-${width}.${format}"
"""


def measure(shop: Workshop) -> Iterator[Row]:
    """A whole build of variants, cache and all, against the pool; each starts empty."""
    root, made = shop.folder / "finished", shop.folder / "finished-by-pool"
    cache = shop.folder / "cache-of-finished"
    root.mkdir(exist_ok=True)
    run(shop.command(shop.python, "-c", MAKE, str(COUNT), str(root / "hand"), cwd=root))
    numbers = ", ".join(f'"{number:03}"' for number in range(COUNT))
    (root / "assets.yaml").write_text(MANIFEST % numbers, "utf-8")

    def empty() -> None:
        for left in (root / "art", root / "web", root / ".assetgen", made, cache):
            shutil.rmtree(left, ignore_errors=True)
        (root / "assets.lock").unlink(missing_ok=True)
        made.mkdir()

    commands = {
        "ours": shop.command(shop.assetgen, "build", cwd=root, before=empty, cache=cache),
        "pool": shop.command(
            shop.python, "-c", POOL, str(root / "hand"), str(made), cwd=root, before=empty
        ),
    }
    runs = alternating(commands, max(3, shop.rounds // 3))
    pairs = zip(runs["ours"], runs["pool"], strict=True)
    found = Ratio([ours.wall_s / pool.wall_s for ours, pool in pairs])
    yield Row(
        f"{COUNT} pictures of 1024 px to 3 widths x 2 formats",
        f"{found} times a bare pool",
        f"{BAR} times",
        at_most(found.median, BAR),
        f"{seconds(runs['ours'])}; pool {seconds(runs['pool'])}; "
        f"peak {max(one.peak_mib for one in runs['ours']):.0f} MiB",
    )
