"""Builds that are stopped, cut, killed, or run beside another one: nothing is paid for twice."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin import (
    CutBeforeHeaders,
    ErrorBody,
    InFlightBudget,
    NoCredits,
    RateLimit,
    Refusal,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn, Recorded

GEMINI = "google/gemini-2.5-flash-image"
FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""
PATIENCE_S = 30.0
"""How long something is waited for that should happen at once."""


def manifest(*names: str, reads: str = "") -> str:
    """Assets of which each has its own name as its prompt; all but `reads` read that one."""
    lines = []
    for name in names:
        reference = f", reference: 'asset:{reads}'" if reads and name != reads else ""
        fields = f"prompt: {name}, model: {GEMINI}, output: art/{name}.png{reference}"
        lines.append(f"  {name}: {{{fields}}}\n")
    return "version: 1\nassets:\n" + "".join(lines)


def is_for(*names: str) -> Callable[[Recorded], bool]:
    return lambda request: request.prompt in names


def prompts(openrouter: OpenRouterStandIn) -> list[str]:
    return [request.prompt for request in openrouter.generations]


def statuses(result: Completed) -> dict[str, str]:
    return {e["name"]: e["status"] for e in result.events if e["event"] == "finished"}


@contextlib.contextmanager
def killed_when_it_hangs(process: subprocess.Popen[str]) -> Iterator[None]:
    """End what is read from, so that reading ends too, when it says nothing for too long."""
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def read_until(
    process: subprocess.Popen[str], is_reached: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """The events of a running `build --json` up to the first of which this is true."""
    assert process.stdout is not None
    events = []
    with killed_when_it_hangs(process):
        for line in process.stdout:
            events.append(json.loads(line))
            if is_reached(events[-1]):
                return events
    raise AssertionError(f"the build ended without it: {events}")


def say_of(process: subprocess.Popen[str], words: str) -> None:
    """Wait until a line on standard error holds `words`."""
    assert process.stderr is not None
    lines = []
    with killed_when_it_hangs(process):
        for line in process.stderr:
            lines.append(line)
            if words in line:
                return
    raise AssertionError(f"the build ended without saying so: {lines}")


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again and again; for what only the file system shows."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# Failures


def test_one_failure_stops_its_dependants_and_nothing_else(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    text = manifest("hero", "side", reads="hero") + manifest("icon").partition("assets:\n")[2]
    text += f"  far: {{prompt: far, model: {GEMINI}, reference: 'asset:side', output: far.png}}\n"
    project.write("assets.yaml", text)
    openrouter.script_for(is_for("hero"), Refusal("I do not draw keepers."))
    result = cli("build")
    assert result.code == 1
    assert sorted(prompts(openrouter)) == ["hero", "icon"]
    assert "I do not draw keepers." in result.err
    assert "side: reads `hero`, which was not made" in result.err
    assert "far: reads `side`, which was not made" in result.err
    assert project.path("art/icon.png").exists()
    again = cli("build")
    assert again.code == 0, again.err
    assert sorted(prompts(openrouter)) == ["far", "hero", "hero", "icon", "side"]


def test_a_failed_image_leaves_the_former_one_where_it_is(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("hero"))
    assert cli("build").code == 0
    image, lock = project.read_bytes("art/hero.png"), project.read_text("assets.lock")
    project.write("assets.yaml", manifest("hero").replace("prompt: hero", "prompt: villain"))
    openrouter.script(Refusal())
    assert cli("build").code == 1
    assert project.read_bytes("art/hero.png") == image
    assert project.read_text("assets.lock") == lock
    assert cli("check").code == 4


def test_fail_fast_starts_nothing_after_a_failure(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c"))
    openrouter.script_for(is_for("a"), Refusal())
    result = cli("build", "-j", "1", "--fail-fast", "--json")
    assert result.code == 1
    assert statuses(result) == {"a": "failed", "b": "stopped", "c": "stopped"}
    assert prompts(openrouter) == ["a"]


# What stops the run


@pytest.mark.parametrize(
    ("reason", "words", "hint"),
    [
        pytest.param(
            "401", "No auth credentials found", "check `OPENROUTER_API_KEY`", id="wrong key"
        ),
        pytest.param("402", "requires more credits", "add credits", id="no credits"),
        pytest.param("limit", "requires more credits", "raise the limit of this key", id="limit"),
    ],
)
def test_without_key_or_credit_no_further_call_starts(
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    *,
    reason: str,
    words: str,
    hint: str,
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c"))
    if reason == "401":
        openrouter.api_key = "sk-or-another-key"
    else:
        source = "openrouter_credits" if reason == "402" else "openrouter_key_limit"
        openrouter.script(NoCredits(source))
    result = cli("build", "-j", "1")
    assert result.code == 1
    assert len(openrouter.generations) == 1
    assert words in result.err
    assert hint in result.err


def test_what_is_in_flight_when_credit_runs_out_is_kept(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c", "d"))
    openrouter.script_for(is_for("b"), NoCredits())
    openrouter.hold(is_for("a"))
    process = cli.start("build", "-j", "2", "--json")
    read_until(process, lambda event: event["event"] == "finished" and event["name"] == "b")
    openrouter.release()
    cli.finish(process)
    assert process.returncode == 1
    assert sorted(prompts(openrouter)) == ["a", "b"]
    assert project.path("art/a.png").exists()
    assert cli("build", "a", env=FREE).code == 0


def test_the_402_of_too_many_calls_in_flight_passes_after_the_wait_it_asks_for(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b"))
    openrouter.script_for(is_for("a"), InFlightBudget(retry_after=1))
    result = cli("build", "--json")
    assert result.code == 0, result.err
    (retry,) = (event for event in result.events if event["event"] == "retrying")
    assert retry["delay_s"] >= 1
    assert "in-flight" in retry["message"]
    assert not retry["may_be_billed"]
    assert sorted(prompts(openrouter)) == ["a", "a", "b"]


def test_a_wait_beyond_reason_is_left_to_the_user(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a"))
    openrouter.script(RateLimit(retry_after=7200))
    result = cli("build")
    assert result.code == 1
    assert "Rate limit exceeded" in result.err
    assert len(openrouter.generations) == 1


def test_a_rate_limit_lets_fewer_calls_run_at_once(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    others = ["b", "c", "d", "e", "f", "g"]
    project.write("assets.yaml", manifest("a", *others, reads="a"))
    openrouter.script_for(is_for("a"), RateLimit(retry_after=0))
    openrouter.latency_s = 0.05
    result = cli("build", "-j", "6")
    assert result.code == 0, result.err
    assert prompts(openrouter)[:2] == ["a", "a"]
    assert sorted(prompts(openrouter)[2:]) == others
    assert openrouter.peak_in_flight <= 2


def test_calls_that_met_a_rate_limit_do_not_all_come_back_at_once(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    project.write("assets.yaml", manifest(*names))
    for name in names:
        openrouter.script_for(is_for(name), RateLimit(retry_after=0))
    openrouter.hold(lambda request: prompts(openrouter).index(request.prompt) < place(request))

    def place(request: Recorded) -> int:
        return next(n for n, seen in enumerate(openrouter.generations) if seen is request)

    process = cli.start("build", "-j", "6")
    openrouter.wait_for_generations(7, PATIENCE_S)
    with pytest.raises(TimeoutError):  # more than half of the six that were too many
        openrouter.wait_for_generations(10, timeout_s=2)
    openrouter.release()
    assert cli.finish(process).code == 0


def test_without_complaints_as_many_calls_run_at_once_as_asked_for(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c", "d", "e", "f", "g", reads="a"))
    openrouter.hold(is_for("b", "c", "d", "e", "f", "g"))
    process = cli.start("build", "-j", "5")
    openrouter.wait_until(lambda: openrouter.in_flight == 5, PATIENCE_S)
    openrouter.release()
    assert cli.finish(process).code == 0
    assert openrouter.peak_in_flight == 5


# Crashes


def test_a_build_that_is_killed_has_paid_only_for_what_it_had_asked_for_last(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c"))
    openrouter.hold(is_for("c"))
    process = cli.start("build", "-j", "1")
    openrouter.wait_for_generations(3, PATIENCE_S)
    process.send_signal(signal.SIGKILL)
    cli.finish(process)
    openrouter.release()
    plan = cli("plan", "--json").json
    assert "generate" not in [asset["verdict"] for asset in plan["assets"][:2]]
    result = cli("build")
    assert result.code == 0, result.err
    assert prompts(openrouter) == ["a", "b", "c", "c"]
    assert cli("check").code == 0


@pytest.mark.parametrize("sign", ["incoming", "blobs"])
def test_a_build_that_is_killed_as_soon_as_the_image_is_on_the_disk_never_pays_again(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path, sign: str
) -> None:
    project.write("assets.yaml", manifest("a"))
    cache = tmp_path / "cache"

    def has_arrived() -> bool:
        return any(p.is_file() and p.suffix != ".part" for p in (cache / sign).rglob("*"))

    process = cli.start("build")
    openrouter.wait_for_generations(1, PATIENCE_S)
    with contextlib.suppress(FileNotFoundError):
        wait_until(lambda: has_arrived() or process.poll() is not None)
    process.send_signal(signal.SIGKILL)
    cli.finish(process)
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert prompts(openrouter) == ["a"]
    assert project.path("art/a.png").exists()
    assert cli("check").code == 0
    lines = (cache / "ledger.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines].count("sent") == 1


def test_a_call_that_was_cut_is_in_the_ledger_as_one_that_may_be_billed(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a"))
    openrouter.script(*[CutBeforeHeaders()] * 2)
    assert cli("build").code == 1
    lines = (tmp_path / "cache/ledger.jsonl").read_text("utf-8").splitlines()
    events = [(event["event"], event.get("may_be_billed")) for event in map(json.loads, lines)]
    assert events == [("sent", None), ("failed", True)] * 2


# Two at once


@pytest.fixture(params=["one project", "two clones"])
def folders(request: pytest.FixtureRequest, project: Project, tmp_path: Path) -> list[Path]:
    """Where two builds with one cache run."""
    project.write("assets.yaml", manifest("a", "b", reads="a"))
    if request.param == "one project":
        return [project.root, project.root]
    shutil.copytree(project.root, tmp_path / "clone")
    return [project.root, tmp_path / "clone"]


def test_two_builds_at_once_ask_for_each_image_once(
    cli: Cli, openrouter: OpenRouterStandIn, folders: list[Path]
) -> None:
    openrouter.hold()
    first = cli.start("build", cwd=folders[0])
    openrouter.wait_for_generations(1, PATIENCE_S)
    second = cli.start("build", "--json", cwd=folders[1])
    events = read_until(second, lambda event: event["event"] == "warned")
    assert "another build is making this image" in events[-1]["message"]
    openrouter.release()
    for process in (first, second):
        result = cli.finish(process)
        assert process.returncode == 0, result.err
    assert prompts(openrouter) == ["a", "b"]
    for folder in folders:
        assert (folder / "art/b.png").exists()
        assert cli("check", cwd=folder).code == 0


def test_the_second_build_tries_itself_when_the_first_one_failed(
    cli: Cli, openrouter: OpenRouterStandIn, folders: list[Path]
) -> None:
    openrouter.hold()
    openrouter.script(ErrorBody(400, "Not today"))
    first = cli.start("build", cwd=folders[0])
    openrouter.wait_for_generations(1, PATIENCE_S)
    second = cli.start("build", "--json", cwd=folders[1])
    read_until(second, lambda event: event["event"] == "started")
    openrouter.release()
    failed = cli.finish(first)
    assert failed.code == 1
    assert "Not today" in failed.err
    cli.finish(second)
    assert second.returncode == 0
    assert prompts(openrouter) == ["a", "a", "b"]


# Ctrl-C


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_finishes_and_keeps_what_is_in_flight(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, number: signal.Signals
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c", "d"))
    openrouter.hold()
    process = cli.start("build", "-j", "2")
    openrouter.wait_for_generations(2, PATIENCE_S)
    process.send_signal(number)
    say_of(process, "finishing the calls under way")
    openrouter.release()
    cli.finish(process)
    assert process.returncode == 130
    asked = prompts(openrouter)
    assert len(asked) == 2
    assert {entry["name"] for entry in project.lock if "name" in entry} == set(asked)
    result = cli("build")
    assert result.code == 0, result.err
    assert sorted(prompts(openrouter)) == ["a", "b", "c", "d"]


def test_a_second_interrupt_cuts_what_is_in_flight_and_says_no_more(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a", "b"))
    openrouter.hold(is_for("b"))
    process = cli.start("build", "-j", "1")
    openrouter.wait_for_generations(2, PATIENCE_S)
    process.send_signal(signal.SIGINT)
    say_of(process, "press Ctrl-C again")
    process.send_signal(signal.SIGINT)
    result = cli.finish(process)
    assert process.returncode == 130
    assert "Traceback" not in result.err
    lines = (tmp_path / "cache/ledger.jsonl").read_text("utf-8").splitlines()
    last = json.loads(lines[-1])
    assert (last["event"], last["asset"], last["may_be_billed"]) == ("failed", "b", True)
    openrouter.release()
    assert cli("build").code == 0
    assert prompts(openrouter) == ["a", "b", "b"]


def test_an_interrupt_ends_the_wait_for_another_attempt(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a"))
    openrouter.default = RateLimit(retry_after=100)
    process = cli.start("build", "--json")
    read_until(process, lambda event: event["event"] == "retrying")
    process.send_signal(signal.SIGINT)
    cli.finish(process)
    assert process.returncode == 130
    assert len(openrouter.generations) == 1
