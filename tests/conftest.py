"""Fixtures of the process tests: OpenRouter's stand-in, a project folder, the command line."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.forked import Forker
from tests.standin import API_KEY, OpenRouterStandIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytest_plugins = ["tests.reliability"]

SETTINGS = ("PYTHON", "PYDANTIC", "LANG", "LC_", "PATH", "LD_", "MALLOC")
"""Variables that the interpreter and the libraries read when they start."""
TIMEOUT_S = 60.0
"""Until a command counts as hanging."""
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""All that a command inherits, so that no proxy, colour or CI setting of the machine leaks in."""


for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    # A shell that starts us in the background ignores some, every command we start would inherit
    # that, and a build that is told to ignore a signal does so.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)

    @property
    def events(self) -> list[Any]:
        """Standard output as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder, with paths relative to it."""

    root: Path

    def path(self, name: str) -> Path:
        """Where `name` is, or would be."""
        return self.root / name

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file and the folders on the way; text as UTF-8, its line ends as given.

        Never empty in between: on a busy machine, who watches would see it so.
        """
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "wb") as file:
            file.write(data)
            file.truncate()
        return path

    def read_bytes(self, name: str) -> bytes:
        """The bytes of a file."""
        return self.path(name).read_bytes()

    def read_text(self, name: str) -> str:
        """The text of a file."""
        return self.read_bytes(name).decode()

    @property
    def lock(self) -> Any:
        """The lockfile, as its JSON says it."""
        return json.loads(self.read_text("assets.lock"))


@dataclass(frozen=True, slots=True)
class Cli:
    """Runs `assetgen` as a process of its own in the project folder."""

    cwd: Path
    env: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    forker: Forker | None = None

    def __call__(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Completed:
        """Run a command to its end; None in `env` takes a variable away.

        Forked from a process that has loaded the tool, unless the interpreter itself is told
        something.
        """
        if self.forker is None or any(name.startswith(SETTINGS) for name in env or ()):
            return self.finish(self.start(*arguments, cwd=cwd, env=env), stdin, timeout_s)
        code, out, err = self.forker.run(
            arguments,
            cwd=str(cwd or self.cwd),
            env=self._merged(env),
            stdin=stdin.encode(),
            timeout_s=timeout_s,
        )
        return Completed(code, _text(out), _text(err))

    def _merged(self, env: Mapping[str, str | None] | None) -> dict[str, str]:
        merged: dict[str, str | None] = {**self.env, **(env or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def start(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; it is killed when the test ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "assetgen", *arguments],
            cwd=cwd or self.cwd,
            env=self._merged(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def finish(
        self, process: subprocess.Popen[str], stdin: str = "", timeout_s: float = TIMEOUT_S
    ) -> Completed:
        """Wait until a started command ends.

        Raises:
            subprocess.TimeoutExpired: it hangs.
        """
        out, err = process.communicate(stdin, timeout=timeout_s)
        return Completed(process.returncode, out, err)

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    forker = Forker()
    yield forker
    forker.close()


@pytest.fixture
def openrouter() -> Iterator[OpenRouterStandIn]:
    with OpenRouterStandIn() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    return Project(root)


@pytest.fixture
def cli(
    tmp_path: Path, project: Project, openrouter: OpenRouterStandIn, forker: Forker
) -> Iterator[Cli]:
    home = tmp_path / "home"
    home.mkdir()
    runner = Cli(
        project.root,
        {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONPATH": str(_package_parent()),
            "HOME": str(home),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # or each start asks every installed package
            "ASSETGEN_CACHE_DIR": str(tmp_path / "cache"),
            "OPENROUTER_API_KEY": API_KEY,
            "OPENROUTER_BASE_URL": openrouter.base_url,
        },
        forker=forker,
    )
    yield runner
    runner.close()


def _package_parent() -> Path:
    """The folder that holds the package under test, for commands that run elsewhere."""
    spec = importlib.util.find_spec("assetgen")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))).parent
