"""Bar 4: images bought from a loopback server, against a bare script that buys the same."""

from __future__ import annotations

import shutil
import statistics
from typing import TYPE_CHECKING

from tests.benchmarks.bar_finish import MAKE
from tests.benchmarks.loopback import selling
from tests.benchmarks.paired import Command, Ratio, alternating, run, seconds
from tests.benchmarks.projects import manifest_of
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.benchmarks.paired import Run
    from tests.benchmarks.workshop import Workshop

COUNTS = (400, 100)
JOBS = 50
LATENCY_S = 1.0
MOST_IDEAL, MOST_PROCESSOR, MOST_MIB, MOST_GROWTH = 1.25, 1.5, 250, 1.1
PICTURES = 8
CLIENT = """
import asyncio, os, sys
import httpx
address, folder, count, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
async def buy(client, places, number):
    asked = {
        "model": "google/gemini-2.5-flash-image",
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"Picture {number}"}]}],
        "modalities": ["image", "text"],
        "stream": False,
    }
    async with places:
        answer = await client.post(address + "/chat/completions", json=asked)
        path = os.path.join(folder, f"{number:06}.png")
        return await asyncio.get_running_loop().run_in_executor(pool, keep, answer.content, path)
async def main():
    places = asyncio.Semaphore(jobs)
    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(buy(client, places, number) for number in range(count)))
asyncio.run(main())
"""
"""Buys as fast as it can, and hands each answer to `keep`, on the threads of `pool`."""
BARE = """
import base64, hashlib, json
from io import BytesIO
from PIL import Image
pool = None
def keep(body, path):
    answer = json.loads(body)
    url = answer["choices"][0]["message"]["images"][0]["image_url"]["url"]
    data = base64.b64decode(url.partition(",")[2], validate=True)
    with Image.open(BytesIO(data)) as image:
        image.verify()
    with Image.open(BytesIO(data)) as image:
        image.load()
    write(path, data)
    return hashlib.sha256(data).hexdigest()
"""
"""Reads, decodes, verifies, hashes and writes with a sync: nothing else."""
LEAST = """
import hashlib, os
from concurrent.futures import ThreadPoolExecutor
import msgspec, pybase64
from assetgen.steps.image import PillowImages
pool, images = ThreadPoolExecutor(os.cpu_count()), PillowImages()
def keep(body, path):
    answer = msgspec.json.decode(body)
    url = answer["choices"][0]["message"]["images"][0]["image_url"]["url"]
    data = pybase64.b64decode(url.partition(",")[2], validate=True)
    images.inspect(data)
    write(path, data)
    write(path + ".output", data)
    return hashlib.sha256(data).hexdigest()
"""
"""The same with the parts that assetgen has, a copy for the store and one for the output: the least
that could be left of it. Books nothing, claims nothing, and loses what is on the way in a crash."""


def measure(shop: Workshop) -> Iterator[Row]:
    """Whole builds from nothing, imports and lockfile included."""
    pictures = shop.folder / "for-sale"
    if not pictures.exists():
        run(shop.command(shop.python, "-c", MAKE, str(PICTURES), str(pictures), cwd=shop.folder))
    size = statistics.mean(one.stat().st_size for one in pictures.iterdir())
    with selling(pictures, LATENCY_S) as (address, _):
        found = {count: _compare(shop, address, count) for count in COUNTS}
    (ours, bare, least), ideal_s = found[COUNTS[0]], COUNTS[0] / JOBS * LATENCY_S
    wall, bare_wall, least_wall = (
        Ratio([one.wall_s / ideal_s for one in runs]) for runs in (ours, bare, least)
    )
    pairs = zip(ours, bare, strict=True)
    processor = Ratio([one.cpu_s / other.cpu_s for one, other in pairs])
    yield Row(
        f"{COUNTS[0]} images of {size / 1e6:.1f} MB at `-j {JOBS}`, {LATENCY_S:g} s latency",
        f"{wall} times the ideal",
        f"{MOST_IDEAL} times",
        at_most(wall.median, MOST_IDEAL),
        f"{seconds(ours)}; ideal {ideal_s:g} s; the bare script {bare_wall} times, "
        f"the least {least_wall}",
    )
    yield Row(
        "processor time an image",
        f"{processor} times the bare script",
        f"{MOST_PROCESSOR} times",
        at_most(processor.median, MOST_PROCESSOR),
        f"{_cpu_ms(ours, COUNTS[0]):.1f} ms; bare {_cpu_ms(bare, COUNTS[0]):.1f} ms",
    )
    peak, small = (max(one.peak_mib for one in found[count][0]) for count in COUNTS)
    yield Row(
        f"peak memory, {COUNTS[0]} images",
        f"{peak:.0f} MiB",
        f"{MOST_MIB} MiB",
        peak <= MOST_MIB,
        f"the bare script {max(one.peak_mib for one in bare):.0f} MiB",
    )
    yield Row(
        f"peak memory, {COUNTS[0]} images against {COUNTS[1]}",
        f"{peak / small:.2f} times",
        f"{MOST_GROWTH} times",
        at_most(peak / small, MOST_GROWTH),
        f"{peak:.0f} MiB; {small:.0f} MiB",
    )


def _compare(shop: Workshop, address: str, count: int) -> tuple[Sequence[Run], ...]:
    """Runs of ours, of the bare script, and of the least that could be left of ours."""
    root, made = shop.folder / f"bought-{count}", shop.folder / "bought-by-script"
    cache = shop.folder / "cache-of-bought"

    def empty() -> None:
        for left in (root, made, cache):
            shutil.rmtree(left, ignore_errors=True)
        root.mkdir()
        made.mkdir()
        (root / "assets.yaml").write_text(manifest_of(count, provider="openrouter"), "utf-8")

    build = shop.command(shop.assetgen, "build", "-j", str(JOBS), cwd=shop.folder, cache=cache)
    commands = {"ours": Command(build.arguments, root, paying(build.env, address), empty)}
    for name, keeping in (("bare", BARE), ("least", LEAST)):
        script = keeping + CLIENT, address, str(made), str(count), str(JOBS)
        commands[name] = shop.command(shop.python, "-c", *script, cwd=shop.folder, before=empty)
    empty()
    runs = alternating(commands, max(3, shop.rounds // 3))
    return tuple(runs[name] for name in commands)


def paying(env: Mapping[str, str], address: str) -> dict[str, str]:
    """An environment with a key, for the server at `address`."""
    return {**env, "OPENROUTER_API_KEY": "sk-or-benchmark", "OPENROUTER_BASE_URL": address}


def _cpu_ms(runs: Sequence[Run], count: int) -> float:
    return statistics.median(one.cpu_s for one in runs) / count * 1000
