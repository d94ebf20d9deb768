"""Bar 3: from nothing to the first request, against the parts that no tool could leave out."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from tests.benchmarks.bar_throughput import paying
from tests.benchmarks.loopback import selling
from tests.benchmarks.paired import Ratio
from tests.benchmarks.projects import manifest_of, small_picture
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.workshop import Workshop

COUNT = 10_000
BAR = 1.3
PARTS = """
import sys, time
began = float(sys.argv[1])
parts = {"starting the interpreter": time.monotonic() - began}
def part(name):
    global began
    began, before = time.monotonic(), began
    parts[name] = began - before
began = time.monotonic()
import asyncio, hashlib, json, os
import httpx, yaml
from pydantic import BaseModel
client = httpx.AsyncClient()
part("importing httpx, pydantic, yaml")
with open("assets.yaml", "rb") as file:
    document = yaml.load(file.read(), yaml.CSafeLoader)
part("reading the YAML")
class Asset(BaseModel):
    prompt: str
    aspect_ratio: str | int
    output: str
    tags: list[str]
class Manifest(BaseModel):
    version: int
    project: str
    provider: str
    defaults: dict[str, str]
    assets: dict[str, Asset]
manifest = Manifest.model_validate(document)
part("validating it")
for asset in manifest.assets.values():
    stated = {"prompt": asset.prompt, "aspect_ratio": asset.aspect_ratio} | manifest.defaults
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
    hashlib.sha256(text.encode()).hexdigest()
part("fingerprints")
for asset in manifest.assets.values():
    try:
        os.stat(asset.output)
    except OSError:
        pass
part("asking for each output")
asyncio.run(client.post(sys.argv[2] + "/chat/completions", json={"prompt": "the first"}))
print(json.dumps(parts))
"""


def measure(shop: Workshop) -> Iterator[Row]:
    """The moment of the first request is the server's; then the build is stopped."""
    pictures = shop.folder / "small-for-sale"
    pictures.mkdir(exist_ok=True)
    (pictures / "picture.png").write_bytes(small_picture(1))
    ours, bare = [], []
    parts: dict[str, list[float]] = {}
    for number in range(max(3, shop.rounds // 2) + 1):
        took = _ours(shop, pictures)
        script, found = _script(shop, pictures)
        if number:
            ours.append(took)
            bare.append(script)
            for name, seconds in found.items():
                parts.setdefault(name, []).append(seconds)
    found_ratio = Ratio([one / other for one, other in zip(ours, bare, strict=True)])
    yield Row(
        f"first build of {COUNT:,} assets, to the first request",
        f"{found_ratio} times its unavoidable parts",
        f"{BAR} times",
        at_most(found_ratio.median, BAR),
        f"{statistics.median(ours):.2f} s; the parts {statistics.median(bare):.2f} s",
    )
    for name, times in parts.items():
        yield Row(f"of the parts: {name}", f"{statistics.median(times) * 1000:.0f} ms")


def _ours(shop: Workshop, pictures: Path) -> float:
    root, cache = shop.folder / "first", shop.folder / "cache-of-first"
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)
    root.mkdir()
    (root / "assets.yaml").write_text(manifest_of(COUNT, provider="openrouter"), "utf-8")
    with selling(pictures, 1.0) as (address, server):
        build = shop.command(shop.assetgen, "build", cwd=root, cache=cache)
        began = time.monotonic()
        building = subprocess.Popen(
            build.arguments,
            cwd=root,
            env=paying(build.env, address),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert server.stdout is not None
        took = float(server.stdout.readline()) - began
        building.kill()  # a shell's background job may ignore Ctrl-C, and the folder goes anyway
        building.wait()
    return took


def _script(shop: Workshop, pictures: Path) -> tuple[float, dict[str, float]]:
    with selling(pictures, 0.0) as (address, server):
        began = time.monotonic()
        done = subprocess.run(
            [shop.python, "-c", PARTS, str(began), address],
            cwd=shop.folder / "first",
            env=shop.env,
            check=True,
            capture_output=True,
        )
        assert server.stdout is not None
        took = float(server.stdout.readline()) - began
    return took, json.loads(done.stdout)
