"""One build by the real command line, in which every asset meets an answer of its own.

Most of such a build is waiting, so one process serves a whole table of attacks.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import assetgen
from tests.conftest import Cli, Completed, Project
from tests.standin import API_KEY, Answer, OpenRouterStandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.standin import Recorded

GEMINI = "google/gemini-2.5-flash-image"
MORE_THAN_ANYONE_ASKS = 9


@dataclass(frozen=True, slots=True)
class Meeting:
    """An asset, the answer that every attempt for it gets, and how it is declared."""

    answer: Answer
    fields: str = ""
    """Further fields of the asset, in YAML's flow style: `api: images, timeout_s: 1`."""
    extension: str = "png"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a build of many meetings ended."""

    result: Completed
    root: Path
    cache: Path
    requests: Mapping[str, list[Recorded]]
    finished: Mapping[str, Any]
    """The last event of each asset."""
    retries: Mapping[str, list[Any]]
    ledger: Mapping[str, list[Any]]
    """Lines of each asset that say how a call ended, amounts as decimals."""

    @property
    def stored(self) -> dict[str, bytes]:
        """Every blob by its digest, and everything that is half-way into the store."""
        files = [
            path
            for folder in ("blobs", "incoming")
            for path in (self.cache / folder).rglob("*")
            if path.is_file()
        ]
        return {path.name: path.read_bytes() for path in files}

    def output(self, name: str, extension: str = "png") -> Path:
        """Where the image of an asset is, or would be."""
        return self.root / "art" / f"{name}.{extension}"

    @property
    def lock(self) -> Mapping[str, Any]:
        """The lockfile's entry of each asset; empty when there is no lockfile."""
        path = self.root / "assets.lock"
        if not path.exists():
            return {}
        document = json.loads(path.read_text("utf-8"))
        return {entry["name"]: entry for entry in document if "name" in entry}


def build(
    folder: Path,
    meetings: Mapping[str, Meeting],
    *arguments: str,
    env: Mapping[str, str | None] | None = None,
    server: OpenRouterStandIn | None = None,
) -> Ended:
    """Build all `meetings` at once, in `folder`, against a stand-in of its own or `server`."""
    if server is None:
        with OpenRouterStandIn() as openrouter:
            return build(folder, meetings, *arguments, env=env, server=openrouter)
    project = Project(folder)
    project.write("assets.yaml", manifest(meetings))
    for name, meeting in meetings.items():
        server.script_for(is_for(name), *[meeting.answer] * MORE_THAN_ANYONE_ASKS)
    cli = Cli(folder, environment(folder / "cache", server.base_url))
    try:
        result = cli("build", "--json", "-j", str(len(meetings)), *arguments, env=env)
    finally:
        cli.close()
    events, lines = result.events, ledger(folder / "cache")
    asked = server.generations
    return Ended(
        result=result,
        root=folder,
        cache=folder / "cache",
        requests={name: [r for r in asked if r.prompt == name] for name in meetings},
        finished={e["name"]: e for e in events if e["event"] == "finished"},
        retries={
            name: [e for e in events if e["event"] == "retrying" and e["name"] == name]
            for name in meetings
        },
        ledger={name: [line for line in lines if line["asset"] == name] for name in meetings},
    )


def environment(cache: Path, base_url: str) -> dict[str, str]:
    """All that a command gets from outside."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(assetgen.__path__[0]).parent),
        "HOME": str(cache),
        "ASSETGEN_CACHE_DIR": str(cache),
        "OPENROUTER_API_KEY": API_KEY,
        "OPENROUTER_BASE_URL": base_url,
    }


def manifest(meetings: Mapping[str, Meeting]) -> str:
    """Assets of which each has its own name as its prompt."""
    lines = ["version: 1", "assets:"]
    for name, meeting in meetings.items():
        more = f", {meeting.fields}" if meeting.fields else ""
        output = f"art/{name}.{meeting.extension}"
        lines.append(f"  {name}: {{prompt: '{name}', model: {GEMINI}, output: {output}{more}}}")
    return "\n".join(lines) + "\n"


def is_for(name: str) -> Callable[[Recorded], bool]:
    """Whether a request is for the asset with this prompt."""

    def asked(request: Recorded) -> bool:
        return request.prompt == name

    return asked


def ledger(cache: Path) -> list[Any]:
    """The lines that say how calls ended; none when nothing was ever sent."""
    path = cache / "ledger.jsonl"
    if not path.exists():
        return []
    lines = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    return [line for line in lines if line["event"] != "sent"]
