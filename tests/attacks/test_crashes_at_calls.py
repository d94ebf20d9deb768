"""Crashes at system calls: SIGKILL at every one that changes a disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.attacks.support import (
    assert_all_is_well,
    assert_nothing_is_half_written,
    build_after,
    cache_of,
    can_trace,
    run_wrapped,
    small_manifest,
    strace,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

KILLED = {-9, 137}
SYSTEM_CALLS = {
    "rename": "rename,renameat,renameat2",
    "fsync": "fsync",
    "fdatasync": "fdatasync",
    "pwrite64": "pwrite64",
    "unlink": "unlink,unlinkat",
    "link": "link,linkat",
    "write": "write",
    "mkdir": "mkdir",
    "ftruncate": "ftruncate",
}

pytestmark = pytest.mark.skipif(not can_trace(), reason="needs `strace`, and the right to use it")


@pytest.fixture
def start_anew(project: Project, cli: Cli) -> Callable[[], None]:
    """Puts project and cache back to where nothing was ever built."""

    def clear() -> None:
        for folder in (project.root, cache_of(cli).root):
            shutil.rmtree(folder, ignore_errors=True)
        project.root.mkdir()
        project.write("assets.yaml", small_manifest())

    return clear


def survives(project: Project, cli: Cli, openrouter: OpenRouterStandIn) -> None:
    """What must hold after a kill."""
    assert_nothing_is_half_written(project)
    build_after(cli, openrouter)
    assert_all_is_well(project, cli)


@pytest.mark.parametrize("name", ["rename", "link"])
def test_a_build_that_is_killed_at_a_few_system_calls_is_completed_by_the_next_one(
    name: str,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    start_anew: Callable[[], None],
) -> None:
    start_anew()
    result = run_wrapped(cli, strace(f"{SYSTEM_CALLS[name]}:signal=KILL:when=2"), "build")
    assert result.code in KILLED
    survives(project, cli, openrouter)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_a_build_that_is_killed_at_every_system_call_is_completed_by_the_next_one(
    name: str,
    *,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    start_anew: Callable[[], None],
    record_property: Callable[[str, object], None],
) -> None:
    """Killed at the n-th `rename`, `fsync`, `write` and so on of a thread, for every n to the end \
of a build, the next build completes"""
    when = 0
    while True:
        when += 1
        start_anew()
        result = run_wrapped(cli, strace(f"{SYSTEM_CALLS[name]}:signal=KILL:when={when}"), "build")
        if result.code == 0:
            break
        assert result.code in KILLED, (when, result.err)
        try:
            survives(project, cli, openrouter)
        except AssertionError as error:
            error.add_note(f"killed at `{name}` number {when}")
            raise
    assert when > 1
    assert_all_is_well(project, cli)
    record_property("rounds", when - 1)


@pytest.mark.slow
def test_a_build_that_is_killed_at_every_opening_of_a_file_of_its_own_is_completed_by_the_next_one(
    *,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    start_anew: Callable[[], None],
    record_property: Callable[[str, object], None],
    tmp_path: Path,
) -> None:
    start_anew()
    log = tmp_path / "opened"
    watching = ["strace", "-f", "-qqq", "-o", str(log), "-e", "trace=openat"]
    assert run_wrapped(cli, watching, "build").code == 0
    ours = {
        opened
        for opened in re.findall(r'openat\([^"]*"([^"]+)"', log.read_text("utf-8"))
        if opened.startswith((str(project.root), str(cache_of(cli).root)))
        and ".part" not in opened
        and ".assetgen-" not in opened
    }
    assert len(ours) > 10
    rounds = 0
    for path in sorted(ours):
        for when in range(1, 40):
            start_anew()
            wrapper = [*strace(f"openat:signal=KILL:when={when}"), "-P", path]
            result = run_wrapped(cli, wrapper, "build")
            if result.code == 0:
                break
            assert result.code in KILLED, (path, when, result.err)
            rounds += 1
            survives(project, cli, openrouter)
    record_property("rounds", rounds)


def test_strace_kills_before_the_call_is_made(tmp_path: Path) -> None:
    """The attack is one: a process that is killed at its first `rename` has renamed nothing"""
    source = tmp_path / "source"
    source.write_text("x")
    wrapper = strace("rename,renameat,renameat2:signal=KILL:when=1")
    done = subprocess.run([*wrapper, "mv", source, tmp_path / "target"], check=False)
    assert done.returncode in KILLED
    assert source.exists()
