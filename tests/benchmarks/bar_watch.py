"""Bar 7: from a saved manifest to the printed decision, and what waiting takes."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from tests.benchmarks.projects import make_built, prompt
from tests.benchmarks.table import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.benchmarks.workshop import Workshop

BARS_MS = {10: 80.0, 10_000: 800.0}
IDLE_S = 10.0
MOST_IDLE = 0.5
_PATIENCE_S = 120.0


def measure(shop: Workshop) -> Iterator[Row]:
    """Each save changes a prompt, so that the decision is to draw one draft anew."""
    for count, bar in BARS_MS.items():
        root = shop.folder / f"watched-{count}"
        if not root.exists():
            make_built(root, count)
            shop.settle(root)
        took_ms, idle = _watch(shop, root, max(5, shop.rounds))
        yield Row(
            f"save to decision, {count:,} assets",
            f"{statistics.median(took_ms):.0f} ms ({min(took_ms):.0f} to {max(took_ms):.0f})",
            f"{bar:.0f} ms",
            at_most(statistics.median(took_ms), bar),
        )
        yield Row(
            f"watching {count:,} assets, nothing saved",
            f"{idle:.2f} % of a core",
            f"{MOST_IDLE} %",
            at_most(idle, MOST_IDLE),
        )


def _watch(shop: Workshop, root: Path, saves: int) -> tuple[list[float], float]:
    """Milliseconds of each save, and per cent of a core without any."""
    manifest, times = root / "assets.yaml", []
    before, _, after = manifest.read_text("utf-8").partition(prompt(5))
    watching = subprocess.Popen(
        [shop.assetgen, "watch"], cwd=root, env=shop.env, stderr=subprocess.PIPE, text=True
    )
    try:
        said = watching.stderr
        assert said is not None
        os.set_blocking(said.fileno(), False)
        _until(said.fileno(), b"round 1")
        for number in range(saves):
            time.sleep(1.0)
            saved = root / "assets.yaml.saved"
            saved.write_text(f"{before}Saved {number} {time.time_ns()}{after}", "utf-8")
            begun = time.perf_counter()
            saved.replace(manifest)
            _until(said.fileno(), b"drawing")
            times.append((time.perf_counter() - begun) * 1000)
            _until(said.fileno(), b"up to date")
        time.sleep(2.0)
        used = _cpu_of(watching.pid)
        time.sleep(IDLE_S)
        idle = (_cpu_of(watching.pid) - used) / IDLE_S * 100
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait()
        manifest.write_text(f"{before}{prompt(5)}{after}", "utf-8")
    return times, idle


def _until(descriptor: int, words: bytes) -> None:
    """Read what is said until it has `words`."""
    ends, said = time.monotonic() + _PATIENCE_S, b""
    while words not in said:
        if time.monotonic() > ends:
            raise RuntimeError(f"`watch` never said {words!r}, but {said[-500:]!r}")
        try:
            said += os.read(descriptor, 65536)
        except BlockingIOError:
            time.sleep(0.001)


def _cpu_of(process: int) -> float:
    """Seconds of processor time (proc(5))."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
