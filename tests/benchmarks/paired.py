"""Runs commands in turn and reads their figures: A B A B …, so that a machine's moods hit both."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and where."""

    arguments: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    before: Callable[[], None] = lambda: None
    """Done before every run, and not timed."""
    expected: int = 0
    """Exit code."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the system accounts for it."""

    wall_s: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """The quotients of paired runs."""

    values: Sequence[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """What the bars are about."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


def run(command: Command) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it ends otherwise than expected; what it said is in the message.
    """
    command.before()
    said = os.memfd_create("said")
    here = os.getcwd()
    os.chdir(command.cwd)
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, said, 1),
            (os.POSIX_SPAWN_DUP2, said, 2),
        ]
        started = time.perf_counter()
        child = os.posix_spawn(
            command.arguments[0], list(command.arguments), command.env, file_actions=actions
        )
        _, status, usage = os.wait4(child, 0)
        wall = time.perf_counter() - started
        code = os.waitstatus_to_exitcode(status)
        if code != command.expected:
            told = os.pread(said, 4000, 0).decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(command.arguments)} ended with {code}:\n{told}")
    finally:
        os.chdir(here)
        os.close(said)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def alternating(commands: Mapping[str, Command], rounds: int) -> dict[str, list[Run]]:
    """Every command once a round, after one round that does not count."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            done = run(command)
            if number:
                runs[name].append(done)
    return runs


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> Ratio:
    """Of the wall times, pair by pair."""
    return Ratio([a.wall_s / b.wall_s for a, b in zip(ours, theirs, strict=True)])


def seconds(runs: Sequence[Run]) -> str:
    """Median wall time, with its spread."""
    walls = [one.wall_s for one in runs]
    low, high = min(walls), max(walls)
    return f"{statistics.median(walls):.3f} s ({low:.3f} to {high:.3f})"
