"""What attacks on builds have in common: a small project, and what must hold after any ending."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as Picture

import assetgen
from tests.conftest import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from _pytest.mark.structures import ParameterSet

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
PRICE = "0.0387"
"""What the stand-in takes for one image of it, and what the shipped table estimates."""
PATIENCE_S = 30.0
"""How long something is waited for that should happen at once."""
ASSETS = {"a": "png", "b": "webp", "c": "png", "d": "png"}
"""The small project: three images, of which one is converted, and one more that reads the first."""
_TEMPORARY = re.compile(r"\.assetgen-|.*\.part$")


def manifest(*names: str, extension: str = "png", head: str = "") -> str:
    """Assets of which each has its own name as its prompt."""
    lines = [
        f"  {name}: {{prompt: {name}, model: {GEMINI}, output: art/{name}.{extension}}}\n"
        for name in names
    ]
    return f"version: 1\n{head}assets:\n" + "".join(lines)


def small_manifest() -> str:
    """The project of `ASSETS`."""
    lines = []
    for name, extension in ASSETS.items():
        reads = "reference: asset:a, " if name == "d" else ""
        output = f"art/{name}.{extension}"
        lines.append(f"  {name}: {{prompt: {name}, model: {GEMINI}, {reads}output: {output}}}\n")
    return "version: 1\nassets:\n" + "".join(lines)


def slowly(*cases: str) -> list[ParameterSet]:
    """Cases that are left to the slow suite."""
    return [pytest.param(case, marks=pytest.mark.slow) for case in cases]


def seeded(seed: int) -> random.Random:
    """Draws of one round, the same for the same seed."""
    return random.Random(seed)  # noqa: S311 - chooses moments, guards nothing


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again and again; for what only the file system shows."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def prompts(openrouter: OpenRouterStandIn) -> list[str]:
    """What was asked for so far, in order."""
    return [request.prompt for request in openrouter.generations]


def digest_of(data: bytes) -> str:
    """As the lockfile writes it."""
    return f"sha256:{sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache folder, looked at from outside."""

    root: Path

    def ledger(self) -> list[dict[str, Any]]:
        """The readable lines of the ledger."""
        path = self.root / "ledger.jsonl"
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def stored_fingerprints(self) -> set[str]:
        """What was bought and is safe: noted in the ledger, or waiting to be."""
        booked = {
            line["fingerprint"]
            for line in self.ledger()
            if line["event"] in {"received", "recovered"}
        }
        waiting = {
            path.name[:64]
            for path in (self.root / "incoming").glob("*")
            if re.fullmatch(r"[0-9a-f]{64}\.[0-9a-f]{64}\.[0-9a-f]{32}", path.name)
        }
        return booked | waiting


def run_wrapped(cli: Cli, wrapper: Sequence[str], *arguments: str) -> Completed:
    """Run a command inside another one that goes before it, such as `strace`."""
    return _run(cli, [*wrapper, sys.executable, "-m", "assetgen", *arguments])


def _run(cli: Cli, command: Sequence[str]) -> Completed:
    done = subprocess.run(
        command,
        cwd=cli.cwd,
        env=dict(cli.env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=4 * PATIENCE_S,
        check=False,
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def start_wrapped(cli: Cli, wrapper: Sequence[str], *arguments: str) -> subprocess.Popen[str]:
    """Start a command inside another one; `wrapped_pid` says which process it is."""
    return _start(cli, [*wrapper, sys.executable, "-m", "assetgen", *arguments])


def start_tampered(cli: Cli, log: Path, *arguments: str, **moment: object) -> subprocess.Popen[str]:
    """Start a command with its calls counted; it is the process itself."""
    return _start(cli, [*tampered(log, **moment), *arguments])


def _start(cli: Cli, command: Sequence[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command,
        cwd=cli.cwd,
        env=dict(cli.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    cli.started.append(process)
    return process


def wrapped_pid(process: subprocess.Popen[str]) -> int:
    """The process that a wrapper has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(children.read_text().split()[0])


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="needs `/proc`, which names what is written"
)
TAMPER = Path(__file__).with_name("tamper.py")


def tampered(log: Path, **moment: object) -> list[str]:
    """The command line with its calls counted in `log`; `moment` as `tamper.Moment` takes it."""
    return [sys.executable, str(TAMPER), str(log), json.dumps(moment)]


def run_tampered(cli: Cli, log: Path, *arguments: str, **moment: object) -> Completed:
    """Run a command with its calls counted, and to its end or to a moment."""
    return _run(cli, [*tampered(log, **moment), *arguments])


def logged(log: Path, what: str = "call") -> list[tuple[str, str]]:
    """Kind and path of each call that was made, or at which something was done (`struck`)."""
    lines = log.read_text("utf-8", "surrogateescape").splitlines() if log.exists() else []
    notes = [line.split(" ", 2) for line in lines]
    return [(kind, path) for noted, kind, path in notes if noted == what]


def strace(*what: str, only: Iterable[Path] = (), log: str = os.devnull) -> list[str]:
    """A wrapper that tampers with system calls: `what` as strace's `inject` takes it.

    `only` limits it to calls that name one of these paths; `log` takes each call that was seen,
    with `(INJECTED)` where it was tampered with.
    """
    calls = ",".join(one.partition(":")[0] for one in what)
    wrapper = ["strace", "-f", "-qqq", "-o", log, "-e", f"trace={calls}"]
    for one in what:
        wrapper += ["-e", f"inject={one}"]
    for path in only:
        wrapper += ["-P", str(path)]
    return wrapper


def can_trace() -> bool:
    """Whether strace is here and may look into processes.

    In CI, as root and with strace installed, it is taken to: there an attack fails, not skips.
    """
    if shutil.which("strace") is None:
        return False
    if os.environ.get("CI") and os.geteuid() == 0:
        return True
    harmless = [*strace("fsync:error=EIO"), "true"]
    return subprocess.run(harmless, capture_output=True, check=False).returncode == 0


def assert_nothing_is_half_written(project: Project) -> None:
    """What is there right after an accident is whole, whoever reads it."""
    for name, extension in ASSETS.items():
        path = project.path(f"art/{name}.{extension}")
        if path.exists():
            with Picture.open(path) as image:
                image.load()
    if project.path("assets.lock").exists():
        json.loads(project.read_text("assets.lock"))


def temporary_files(*folders: Path) -> list[Path]:
    """Files that should have lived for a moment only."""
    return [path for folder in folders for path in folder.rglob("*") if _TEMPORARY.match(path.name)]


def cache_of(cli: Cli) -> Cache:
    """The cache that `cli` uses."""
    return Cache(Path(cli.env["ASSETGEN_CACHE_DIR"]))


def assert_all_is_well(project: Project, cli: Cli, *, of: int = len(ASSETS)) -> None:
    """Every output is what the lockfile says, `check` is green, and nothing was left lying."""
    entries = [entry for entry in project.lock if "name" in entry]
    assert len(entries) == of
    for entry in entries:
        assert digest_of(project.read_bytes(entry["output"])) == entry["digest"]
        if entry["output"].endswith(".png"):
            assert entry["digest"] == entry["image"]
    assert assetgen.check(project.path("assets.yaml")).is_up_to_date
    assert temporary_files(project.root, cache_of(cli).root) == []


def start_anew(project: Project, cli: Cli, text: str) -> None:
    """Put project and cache to where nothing was ever built."""
    for folder in (project.root, cache_of(cli).root):
        shutil.rmtree(folder, ignore_errors=True)
    project.root.mkdir()
    project.write("assets.yaml", text)


def build_after(
    cli: Cli,
    openrouter: OpenRouterStandIn,
    *,
    of: int = len(ASSETS),
    asked_before: int = 0,
    at_once: int,
) -> Completed:
    """The build after an accident: it succeeds, and asks for what was in flight or never asked.

    A build that makes `at_once` calls at a time keeps each of its places until the image is stored.
    So however it ended, all but that many of the answers to it must have been stored by then.
    `asked_before` is how many requests there were before it.
    """
    openrouter.wait_until_idle(PATIENCE_S)
    before = len(openrouter.generations) - asked_before
    stored = len(cache_of(cli).stored_fingerprints())
    # What the dead process had just sent may reach a busy server only now.
    on_the_way = max(0, sum(line["event"] == "sent" for line in cache_of(cli).ledger()) - before)
    assert before - stored <= at_once, "more was lost than was in flight"
    result = cli("build")
    assert result.code == 0, result.err
    asked = len(openrouter.generations) - asked_before
    late = asked - (before + of - stored)
    assert 0 <= late <= on_the_way, f"{before} before, {stored} stored, {asked}:\n{result.err}"
    assert asked <= of + at_once
    return result
