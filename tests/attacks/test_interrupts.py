"""Interrupts: Ctrl-C finishes what is paid for, twice cuts it, at every stage of a build."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assetgen.engine.execute import LOCK_INTERVAL_S
from tests.attacks.support import (
    PATIENCE_S,
    assert_all_is_well,
    cache_of,
    can_trace,
    logged,
    manifest,
    needs_proc,
    prompts,
    start_tampered,
    start_wrapped,
    strace,
    wait_until,
    wrapped_pid,
)
from tests.standin import ErrorBody

if TYPE_CHECKING:
    import subprocess

    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn

NAMES = ("a", "b", "c")
UNAVAILABLE = ErrorBody(503, "try later", headers={"Retry-After": "60"})


once_and_twice = pytest.mark.parametrize(
    "times", [1, pytest.param(2, marks=pytest.mark.slow)], ids=["once", "twice"]
)


def wait_for_words(process: subprocess.Popen[str], words: str) -> None:
    """Read standard error up to a line with `words`; a hang ends with the process of the test."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"`{words}` was never said: {seen}")


def interrupt(process: subprocess.Popen[str], times: int) -> None:
    """Press Ctrl-C, and again once the first is acknowledged."""
    process.send_signal(signal.SIGINT)
    if times > 1:
        wait_for_words(process, "press Ctrl-C again")
        process.send_signal(signal.SIGINT)


def assert_interrupted(result: Completed) -> None:
    assert result.code == 130, result.err
    assert "Traceback" not in result.err


def assert_every_call_is_closed(cli: Cli) -> None:
    """The ledger has an ending for every call, so that none is told as lost later."""
    lines = cache_of(cli).ledger()
    sent = {line["call"] for line in lines if line["event"] == "sent"}
    assert sent == {line["call"] for line in lines if line["event"] != "sent"}


def complete(project: Project, cli: Cli, openrouter: OpenRouterStandIn, *, requests: int) -> None:
    """The next build asks for what is missing, and for nothing else."""
    openrouter.release()
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == requests
    assert_all_is_well(project, cli, of=len(NAMES))


def test_once_while_calls_are_under_way_finishes_and_keeps_them(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    openrouter.hold()
    process = cli.start("build", "-j", "2")
    openrouter.wait_for_generations(2, PATIENCE_S)
    interrupt(process, 1)
    wait_for_words(process, "finishing the calls under way")
    openrouter.release()
    assert_interrupted(cli.finish(process))
    assert len(openrouter.generations) == 2
    assert {entry["name"] for entry in project.lock if "name" in entry} == set(prompts(openrouter))
    assert_every_call_is_closed(cli)
    complete(project, cli, openrouter, requests=3)


def test_twice_while_calls_are_under_way_cuts_them_and_books_that_they_may_be_billed(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    openrouter.hold()
    process = cli.start("build", "-j", "2")
    openrouter.wait_for_generations(2, PATIENCE_S)
    interrupt(process, 2)
    assert_interrupted(cli.finish(process))
    assert_every_call_is_closed(cli)
    cut = [line for line in cache_of(cli).ledger() if line["event"] == "failed"]
    assert [line["may_be_billed"] for line in cut] == [True, True]
    complete(project, cli, openrouter, requests=5)


@once_and_twice
def test_while_it_waits_to_try_again_it_ends_at_once(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, times: int
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    openrouter.script(*[UNAVAILABLE] * 3)
    process = cli.start("build")
    wait_for_words(process, "retrying")
    interrupt(process, 1)
    if times > 1:
        process.send_signal(signal.SIGINT)
    assert_interrupted(cli.finish(process, timeout_s=PATIENCE_S))
    assert_every_call_is_closed(cli)
    complete(project, cli, openrouter, requests=6)


@once_and_twice
def test_while_it_waits_for_another_build_it_ends_at_once_and_the_other_goes_on(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, times: int
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    openrouter.hold()
    first = cli.start("build")
    openrouter.wait_for_generations(3, PATIENCE_S)
    second = cli.start("build")
    wait_for_words(second, "another build is making this image")
    interrupt(second, 1)
    if times > 1:
        second.send_signal(signal.SIGINT)
    assert_interrupted(cli.finish(second, timeout_s=PATIENCE_S))
    openrouter.release()
    assert cli.finish(first).code == 0
    complete(project, cli, openrouter, requests=3)


needs_strace = pytest.mark.skipif(not can_trace(), reason="needs `strace`, and the right to use it")


@needs_strace
@once_and_twice
def test_while_outputs_are_written_they_are_written_to_the_end(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, times: int
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    project.path("art").mkdir()
    slow = strace("openat:delay_enter=1500000", only=[project.path("art")])
    process = start_wrapped(cli, slow, "build")
    openrouter.wait_for_generations(3, PATIENCE_S)
    wait_until(lambda: len(cache_of(cli).stored_fingerprints()) == len(NAMES))
    inner = wrapped_pid(process)
    os.kill(inner, signal.SIGINT)
    wait_for_words(process, "press Ctrl-C again")
    if times > 1:
        os.kill(inner, signal.SIGINT)
    assert_interrupted(cli.finish(process))
    assert_every_call_is_closed(cli)
    complete(project, cli, openrouter, requests=3)


@needs_proc
@pytest.mark.parametrize(
    ("deed", "times", "code"),
    [
        ("hold", 1, 0),
        pytest.param("hold_after", 1, 0, marks=pytest.mark.slow),
        ("hold", 2, 130),
        pytest.param("hold_after", 2, 130, marks=pytest.mark.slow),
    ],
)
def test_while_the_lockfile_is_written_it_is_whole_before_and_after(
    *,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    tmp_path: Path,
    deed: str,
    times: int,
    code: int,
) -> None:
    """While the lockfile gets its name it is whole before and after: once, there is nothing left \
to interrupt; twice, what comes after it is cut"""
    project.write("assets.yaml", manifest(*NAMES))
    lockfile, log = project.path("assets.lock"), tmp_path / "calls"
    process = start_tampered(cli, log, "build", deed=deed, kind="rename", path="/assets.lock$")
    wait_until(lambda: logged(log, "struck") == [("rename", str(lockfile))])
    assert lockfile.exists() == (deed == "hold_after")
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        wait_until(lambda: not is_pending(process.pid, signal.SIGINT))
    log.rename(tmp_path / "released")
    result = cli.finish(process)
    assert result.code == code, result.err
    assert "Traceback" not in result.err
    assert len([entry for entry in json.loads(lockfile.read_text()) if "name" in entry]) == 3
    assert_every_call_is_closed(cli)
    complete(project, cli, openrouter, requests=3)


@needs_proc
def test_twice_while_an_answer_is_read_keeps_its_image(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest(*NAMES))
    log = tmp_path / "calls"
    process = start_tampered(cli, log, "build", "-j", "1", deed="hold", kind="decode")
    wait_until(lambda: logged(log, "struck") != [])
    interrupt(process, 2)
    wait_until(lambda: not is_pending(process.pid, signal.SIGINT))
    log.rename(tmp_path / "released")
    assert_interrupted(cli.finish(process))
    assert_every_call_is_closed(cli)
    assert [line["event"] for line in cache_of(cli).ledger()] == ["sent", "received"]
    complete(project, cli, openrouter, requests=3)


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("deed", ["hold", "hold_after"])
def test_while_the_lockfile_is_written_in_the_middle_of_a_long_build_it_stays_whole(
    *,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    tmp_path: Path,
    deed: str,
    times: int,
) -> None:
    """While a long build writes its lockfile with calls under way, they are finished, or cut and \
booked as such, and the lockfile says what is there"""
    project.write("assets.yaml", manifest(*NAMES))
    openrouter.hold(lambda request: request.prompt != "a")
    openrouter.latency_s = LOCK_INTERVAL_S + 0.2
    lockfile, log = project.path("assets.lock"), tmp_path / "calls"
    arguments = ("build", "-j", "2")
    process = start_tampered(cli, log, *arguments, deed=deed, kind="rename", path="/assets.lock$")
    wait_until(lambda: logged(log, "struck") == [("rename", str(lockfile))])
    assert len(openrouter.generations) == 2
    openrouter.latency_s = 0.0
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        wait_until(lambda: not is_pending(process.pid, signal.SIGINT))
    log.rename(tmp_path / "released")
    if times == 1:
        wait_for_words(process, "finishing the calls under way")
        openrouter.release()
    assert_interrupted(cli.finish(process))
    finished = {"a"} if times > 1 else set(prompts(openrouter))
    assert {entry["name"] for entry in project.lock if "name" in entry} == finished
    assert_every_call_is_closed(cli)
    asked = len(openrouter.generations)
    complete(project, cli, openrouter, requests=asked + len(NAMES) - len(finished))


def is_pending(pid: int, number: int) -> bool:
    """Whether a process has a signal that it has not taken yet; two of a kind would be one."""
    status = Path(f"/proc/{pid}/status").read_text()
    words = [line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd")]
    return bool(int(words[0], 16) >> (number - 1) & 1)
