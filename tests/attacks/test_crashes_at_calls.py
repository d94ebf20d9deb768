"""Crashes at system calls: SIGKILL at every one that changes a disk."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.attacks.support import (
    assert_all_is_well,
    assert_nothing_is_half_written,
    build_after,
    cache_of,
    can_trace,
    logged,
    needs_proc,
    run_tampered,
    run_wrapped,
    small_manifest,
    start_anew,
    strace,
    tampered,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

KILLED = {-9, 137}
BUILD = ("build", "-j", "1")
"""One call at a time: what a kill may cost is one image, and each run makes the same calls."""
FEW = {
    "the second name of a folder": ("mkdir", "/claims$", 1),
    "half of an answer": ("write", r"/incoming/[0-9a-f]{64}\.[0-9a-f]{64}", 1),
    "an answer that is synced": ("rename", r"/incoming/[^/]+$", 1),
    "a blob that gets its name": ("link", "/blobs/", 2),
    "half of a line in the ledger": ("write", "/ledger.jsonl$", 4),
    "a ledger that is synced": ("fsync", "/ledger.jsonl$", 2),
    "an arrival that is noted": ("unlink", "/incoming/", 2),
    "a note in the journal": ("fsync", "/assets.journal$", 2),
    "an output that gets its name": ("rename", r"/art/b\.webp$", 1),
    "the lockfile that gets its name": ("rename", "/assets.lock$", 1),
    "a pruned journal that gets its name": ("rename", "/assets.journal$", 1),
    "the record that gets its name": ("rename", "/assets.record$", 1),
}
"""The sample of the normal run: kind, path, number."""
KINDS = ("open", "mkdir", "write", "fsync", "link", "rename", "unlink")
"""Every kind of call that a build makes through Python."""
OF_SQLITE = ("pwrite64", "fdatasync", "ftruncate", "unlink", "openat")
"""What SQLite makes by itself."""
_SYSTEM_CALLS = {
    "mkdir": ("mkdir", "mkdirat"),
    "fsync": ("fsync",),
    "link": ("link", "linkat"),
    "rename": ("rename", "renameat", "renameat2"),
    "unlink": ("unlink", "unlinkat"),
}

pytestmark = needs_proc
needs_strace = pytest.mark.skipif(not can_trace(), reason="needs `strace`, and the right to use it")


class Attack:
    """One project, built anew and killed again and again."""

    def __init__(self, project: Project, cli: Cli, openrouter: OpenRouterStandIn, log: Path):
        self.project = project
        self.cli = cli
        self.log = log
        self._openrouter = openrouter
        self._asked_before = 0

    def clear(self) -> None:
        """Put everything back to where nothing was built."""
        start_anew(self.project, self.cli, small_manifest())
        self.log.unlink(missing_ok=True)
        self._asked_before = len(self._openrouter.generations)

    def run(self, **moment: object) -> int:
        """Build anew, up to a moment."""
        self.clear()
        return run_tampered(self.cli, self.log, *BUILD, **moment).code

    def count(self) -> Counter[str]:
        """How many calls of each kind a whole build makes."""
        assert self.run() == 0
        return Counter(kind for kind, _ in logged(self.log))

    def assert_survived(self, where: str) -> None:
        """What must hold after a kill."""
        try:
            assert_nothing_is_half_written(self.project)
            build_after(self.cli, self._openrouter, asked_before=self._asked_before, at_once=1)
            assert_all_is_well(self.project, self.cli)
        except AssertionError as error:
            error.add_note(f"killed at {where}")
            raise

    def kill(self, **moment: object) -> None:
        """Kill a build at a moment, which must have come, and complete it."""
        assert self.try_to_kill(**moment), f"{moment} never came"

    def try_to_kill(self, **moment: object) -> bool:
        """Kill a build at a moment and complete it; says whether the moment came."""
        code = self.run(**moment)
        struck = logged(self.log, "struck")
        assert (code, len(struck)) in {(-9, 1), (0, 0)}, moment
        if struck:
            self.assert_survived(f"{moment}: {struck}")
        return bool(struck)


def each_that_comes(usual: int, kill: Callable[[int], bool]) -> int:
    """Kill at the first call, the second and so on, until a build makes fewer; how many came.

    Builds differ by a few calls. At least nine of ten of the `usual` number must have come.
    """
    killed = next(number for number in itertools.count() if not kill(number + 1))
    assert killed >= usual - usual // 10, f"{killed} of about {usual} came"
    return killed


@pytest.fixture
def attack(project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path) -> Attack:
    return Attack(project, cli, openrouter, tmp_path / "calls")


@pytest.mark.parametrize("what", FEW)
def test_a_build_that_is_killed_at_a_few_calls_is_completed_by_the_next_one(
    attack: Attack, what: str
) -> None:
    kind, path, number = FEW[what]
    deed = "tear" if kind == "write" else "kill"
    attack.kill(deed=deed, kind=kind, path=path, number=number)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_build_that_is_killed_at_every_call_is_completed_by_the_next_one(
    attack: Attack, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """Killed before the n-th `open`, `mkdir`, `write`, `fsync`, `link`, `rename` or `unlink` of \
all threads, for every n to the end of a build, the next build completes"""
    usual = attack.count()[kind]
    killed = each_that_comes(
        usual, lambda number: attack.try_to_kill(deed="kill", kind=kind, number=number)
    )
    record_property("rounds", killed)


@pytest.mark.slow
def test_a_build_that_is_killed_amid_every_write_is_completed_by_the_next_one(
    attack: Attack, record_property: Callable[[str, object], None]
) -> None:
    """Killed when half of the n-th `write` has been made, for every n, the next build completes"""
    usual = attack.count()["write"]
    killed = each_that_comes(
        usual, lambda number: attack.try_to_kill(deed="tear", kind="write", number=number)
    )
    record_property("rounds", killed)


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize("name", OF_SQLITE)
def test_a_build_that_is_killed_at_every_call_of_its_database_is_completed_by_the_next_one(
    attack: Attack, name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Killed at the n-th call that SQLite makes by itself, for every n to the end of a build, the \
next build completes"""
    folder = cache_of(attack.cli).root / "actions-v1"
    files = [folder / f"cache.db{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
    only = [word for path in files for word in ("-P", str(path))]
    log = tmp_path / "traced"
    attack.clear()
    watching = ["strace", "-f", "-qqq", "-o", str(log), "-e", f"trace={name}", *only]
    assert run_wrapped(attack.cli, watching, *BUILD).code == 0
    per_thread = Counter(line.split()[0] for line in _calls(log))
    # strace counts for each thread by itself, and so its n-th call is that of one thread only.
    usual = max(per_thread.values())

    def try_to_kill(number: int) -> bool:
        attack.clear()
        killing = strace(f"{name}:signal=KILL:when={number}", only=files)
        result = run_wrapped(attack.cli, killing, *BUILD)
        assert result.code in {0, *KILLED}, result.err
        if result.code:
            attack.assert_survived(f"`{name}` number {number}")
        return bool(result.code)

    record_property("rounds", each_that_comes(usual, try_to_kill))


@needs_strace
def test_no_call_of_a_build_goes_past_the_count(attack: Attack, tmp_path: Path) -> None:
    """The attack sees every call: as many as `strace` sees, but for those of SQLite"""
    log = tmp_path / "traced"
    names = ",".join(name for group in _SYSTEM_CALLS.values() for name in group)
    attack.clear()
    watching = ["strace", "-f", "-y", "-qqq", "-o", str(log), "-e", f"trace={names}"]
    done = subprocess.run(
        [*watching, *tampered(attack.log), *BUILD],
        cwd=attack.cli.cwd,
        env=dict(attack.cli.env),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kinds = {name: kind for kind, group in _SYSTEM_CALLS.items() for name in group}
    traced = Counter(
        kinds[re.split(r"[\s(]+", line)[1]] for line in _calls(log) if "/cache.db" not in line
    )
    counted = Counter(kind for kind, _ in logged(attack.log) if kind in _SYSTEM_CALLS)
    assert counted == traced


def _calls(log: Path) -> list[str]:
    """The calls of a trace, each once, also where another thread came between."""
    lines = log.read_text("utf-8", "surrogateescape").splitlines()
    return [line for line in lines if "(" in line and "resumed>" not in line]


def test_the_attack_kills_before_the_call_is_made(attack: Attack) -> None:
    """The attack is one: killed at the `rename` of the lockfile, a build has made all but that"""
    assert attack.run(deed="kill", kind="rename", path="/assets.lock$") == -9
    assert logged(attack.log, "struck") == [("rename", str(attack.project.path("assets.lock")))]
    assert attack.project.path("art/d.png").exists()
    assert not attack.project.path("assets.lock").exists()


@needs_strace
def test_strace_kills_before_the_call_is_made(tmp_path: Path) -> None:
    """The attack is one: a process that is killed at its first `rename` has renamed nothing"""
    source = tmp_path / "source"
    source.write_text("x")
    wrapper = strace("rename,renameat,renameat2:signal=KILL:when=1")
    done = subprocess.run([*wrapper, "mv", source, tmp_path / "target"], check=False)
    assert done.returncode in KILLED
    assert source.exists()
