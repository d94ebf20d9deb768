"""What is paid for is kept: whoever leaves, raises, hangs up, cuts, kills or damages something."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

import assetgen
from assetgen.core.events import Done, Event, Finished, Planned, Started, Warned
from tests.standin import Image, picture
from tests.standin.bodies import Item
from tests.standin.pictures import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn, Recorded
    from tests.standin.reply import Occasion, Reply

GEMINI = "google/gemini-2.5-flash-image"
FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""
PATIENCE_S = 30.0
"""How long something is waited for that should happen at once."""


def manifest(*names: str, extension: str = "png") -> str:
    """Assets of which each has its own name as its prompt."""
    lines = [
        f"  {name}: {{prompt: {name}, model: {GEMINI}, output: art/{name}.{extension}}}\n"
        for name in names
    ]
    return "version: 1\nassets:\n" + "".join(lines)


def is_for(name: str) -> Callable[[Recorded], bool]:
    return lambda request: request.prompt == name


def prompts(openrouter: OpenRouterStandIn) -> list[str]:
    return [request.prompt for request in openrouter.generations]


def verdicts(cli: Cli, *arguments: str) -> dict[str, str]:
    plan = cli("plan", "--json", *arguments).json
    return {asset["name"]: asset["verdict"] for asset in plan["assets"]}


def digest_of(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def kept_as(cache: Path, digest: str) -> list[bytes]:
    """The bytes of every file in the cache that is named after a digest."""
    files = (path for path in cache.rglob(digest.removeprefix("sha256:")) if path.is_file())
    return [path.read_bytes() for path in files]


def recorded(project: Project) -> dict[str, str]:
    """Digest of the output of each asset in the lockfile."""
    return {entry["name"]: entry["digest"] for entry in project.lock if "name" in entry}


@contextmanager
def killed_when_it_hangs(process: subprocess.Popen[str]) -> Iterator[None]:
    """End what is read from, so that reading ends too, when it says nothing for too long."""
    timer = threading.Timer(PATIENCE_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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


# Nobody listens


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_build_goes_on_and_keeps_its_images_although_whoever_read_its_words_has_left(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, arguments: tuple[str, ...]
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c"))
    openrouter.default = Image(model="somebody/else")  # worth a warning
    openrouter.hold()
    process = cli.start("build", "-j", "1", *arguments)
    openrouter.wait_for_generations(1, PATIENCE_S)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    process.stdout = process.stderr = None
    openrouter.release()
    cli.finish(process)
    assert process.returncode == 0
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert prompts(openrouter) == ["a", "b", "c"]
    assert sorted(recorded(project)) == ["a", "b", "c"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device that is always full")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_build_goes_on_and_keeps_its_images_although_its_words_find_no_room(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, stream: str
) -> None:
    project.write("assets.yaml", manifest("a", "b"))
    openrouter.default = Image(model="somebody/else")
    arguments = ["--json"] if stream == "stdout" else []
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, "-m", "assetgen", "build", *arguments],
            cwd=project.root,
            env=dict(cli.env),
            stdout=full if stream == "stdout" else subprocess.DEVNULL,
            stderr=full if stream == "stderr" else subprocess.DEVNULL,
            check=False,
            timeout=PATIENCE_S,
        )
    assert result.returncode == 0
    again = cli("build", env=FREE)
    assert again.code == 0, again.err
    assert sorted(prompts(openrouter)) == ["a", "b"]


@pytest.mark.parametrize("kind", [Planned, Started, Warned, Finished, Done])
def test_a_listener_that_raises_loses_no_image_and_is_heard_when_the_build_is_over(
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Event],
) -> None:
    for name, value in cli.env.items():
        monkeypatch.setenv(name, value)
    path = project.write("assets.yaml", manifest("a", "b"))
    openrouter.default = Image(model="somebody/else")

    def emit(event: Event) -> None:
        if type(event) is kind:
            raise LookupError("the listener's own fault")

    with pytest.raises(LookupError, match="the listener's own fault"):
        assetgen.build(path, emit=emit)
    assert sorted(prompts(openrouter)) == ["a", "b"]
    assert recorded(project) == {
        name: digest_of(project.read_bytes(f"art/{name}.png")) for name in ("a", "b")
    }
    assert cli("build", env=FREE).code == 0
    assert cli("check").code == 0


# Forced and bought again


def test_force_names_the_digest_of_what_it_replaces(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a"))
    assert cli("build").code == 0
    before = project.read_bytes("art/a.png")
    result = cli("build", "--force", "a")
    assert result.code == 0, result.err
    assert project.read_bytes("art/a.png") != before
    assert digest_of(before) in result.err
    assert kept_as(tmp_path / "cache", digest_of(before)) == [before]
    assert prompts(openrouter) == ["a", "a"]


def test_force_keeps_the_bytes_that_it_replaces_although_the_store_s_own_are_damaged(
    project: Project, cli: Cli, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a"))
    assert cli("build").code == 0
    before = project.read_bytes("art/a.png")
    (blob,) = (tmp_path / "cache/blobs").rglob(sha256(before).hexdigest())
    blob.chmod(0o644)
    blob.write_bytes(b"rot")
    blob.chmod(0o444)
    result = cli("build", "--force", "a")
    assert result.code == 0, result.err
    assert project.read_bytes("art/a.png") != before
    assert digest_of(before) in result.err
    assert before in kept_as(tmp_path / "cache", digest_of(before))


@pytest.mark.parametrize("end", ["killed", "cut"])
@pytest.mark.parametrize("extension", ["png", "webp"])
def test_a_forced_image_stays_although_the_build_did_not_come_to_its_end(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, extension: str, end: str
) -> None:
    project.write("assets.yaml", manifest("a", "slow", extension=extension))
    assert cli("build").code == 0
    output = f"art/a.{extension}"
    before = project.read_bytes(output)
    openrouter.hold(is_for("slow"))
    process = cli.start("build", "--force", "*")
    openrouter.wait_for_generations(4, PATIENCE_S)
    wait_until(lambda: project.read_bytes(output) != before)
    stop(cli, process, end)
    openrouter.release()
    new = project.read_bytes(output)
    assert new != before
    assert verdicts(cli) == {"a": "keep", "slow": "keep"}
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert project.read_bytes(output) == new
    assert recorded(project)["a"] == digest_of(new)
    assert cli("check").code == 0
    assert len(openrouter.generations) == 4


@pytest.mark.parametrize("prompt", ["a", "another"])
def test_a_forced_image_of_a_pinned_asset_stays_although_the_build_was_killed(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, prompt: str
) -> None:
    text = manifest("a", "slow").replace("{", "{pinned: true, ")
    project.write("assets.yaml", text)
    assert cli("build").code == 0
    project.write("assets.yaml", text.replace("prompt: a,", f"prompt: {prompt},"))
    before = project.read_bytes("art/a.png")
    openrouter.hold(is_for("slow"))
    process = cli.start("build", "--force", "*")
    openrouter.wait_for_generations(4, PATIENCE_S)
    wait_until(lambda: project.read_bytes("art/a.png") != before)
    stop(cli, process, "killed")
    openrouter.release()
    new = project.read_bytes("art/a.png")
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert project.read_bytes("art/a.png") == new
    assert recorded(project)["a"] == digest_of(new)


@pytest.mark.parametrize("end", ["killed", "cut"])
@pytest.mark.parametrize("extension", ["png", "webp"])
def test_an_image_that_was_bought_again_stays_although_the_build_did_not_come_to_its_end(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, extension: str, end: str
) -> None:
    project.write("assets.yaml", manifest("a", "slow", extension=extension))
    assert cli("build").code == 0
    output = f"art/a.{extension}"
    before = project.read_bytes(output)
    shutil.rmtree(cli.env["ASSETGEN_CACHE_DIR"])
    shutil.rmtree(project.path("art"))
    openrouter.hold(is_for("slow"))
    process = cli.start("build", "--rebuy")
    openrouter.wait_for_generations(4, PATIENCE_S)
    wait_until(project.path(output).exists)
    stop(cli, process, end)
    openrouter.release()
    new = project.read_bytes(output)
    assert new != before
    assert verdicts(cli, "--rebuy", "a") == {"a": "keep"}
    for arguments in ([], ["--rebuy"]):
        result = cli("build", "a", *arguments, env=FREE)
        assert result.code == 0, result.err
    assert project.read_bytes(output) == new
    assert recorded(project)["a"] == digest_of(new)
    assert len(openrouter.generations) == 4


def stop(cli: Cli, process: subprocess.Popen[str], end: str) -> None:
    """Kill a build, or press Ctrl-C twice."""
    if end == "killed":
        process.send_signal(signal.SIGKILL)
    else:
        process.send_signal(signal.SIGINT)
        say_of(process, "press Ctrl-C again")
        process.send_signal(signal.SIGINT)
    cli.finish(process)


# Signals


def test_a_build_that_is_cut_still_writes_its_lockfile(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "slow"))
    openrouter.hold(is_for("slow"))
    process = cli.start("build")
    openrouter.wait_for_generations(2, PATIENCE_S)
    say_of(process, "generated a")
    stop(cli, process, "cut")
    assert process.returncode == 130
    openrouter.release()
    assert recorded(project) == {"a": digest_of(project.read_bytes("art/a.png"))}


def test_a_terminal_that_is_closed_ends_a_build_like_an_interrupt(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a", "b", "c"))
    openrouter.hold()
    process = cli.start("build", "-j", "2")
    openrouter.wait_for_generations(2, PATIENCE_S)
    process.send_signal(signal.SIGHUP)
    say_of(process, "finishing the calls under way")
    openrouter.release()
    cli.finish(process)
    assert process.returncode == 130
    asked = prompts(openrouter)
    assert len(asked) == 2
    assert set(recorded(project)) == set(asked)
    result = cli("build")
    assert result.code == 0, result.err
    assert sorted(prompts(openrouter)) == ["a", "b", "c"]


# Answers


@dataclass(frozen=True, slots=True)
class SeveralImages:
    """An answer with these files, whatever they are."""

    files: tuple[bytes, ...]

    def reply(self, occasion: Occasion) -> Reply:
        """An image answer around those bytes."""
        items = [Item(base64.b64encode(file).decode()) for file in self.files]
        return Image().with_items(occasion, items)


def test_the_first_whole_image_of_an_answer_is_taken(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a"))
    half, whole = broken("truncated")[0], picture("whole")
    openrouter.script(SeveralImages((half, whole)))
    result = cli("build")
    assert result.code == 0, result.err
    assert project.read_bytes("art/a.png") == whole
    assert "warning: a: " in result.err
    assert kept_as(tmp_path / "cache", digest_of(half)) == []
    assert prompts(openrouter) == ["a"]
    assert [entry["cost_usd"] for entry in project.lock if "name" in entry] == [0.0387]


# A lockfile that somebody damages meanwhile


def test_conflict_markers_that_appear_during_a_build_cost_nothing(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", manifest("a", "b"))
    openrouter.hold()
    process = cli.start("build")
    openrouter.wait_for_generations(2, PATIENCE_S)
    project.write("assets.lock", "<<<<<<< ours\n")
    openrouter.release()
    result = cli.finish(process)
    assert result.code == 1
    assert "assets.lock:1:1" in result.err
    assert "--rebuild-lock" in result.err
    assert project.read_text("assets.lock") == "<<<<<<< ours\n"
    lines = (tmp_path / "cache/ledger.jsonl").read_text("utf-8").splitlines()
    received = [line for line in map(json.loads, lines) if line["event"] == "received"]
    assert sorted(line["asset"] for line in received) == ["a", "b"]
    assert cli("build").code == 2
    mended = cli("build", "--rebuild-lock", env=FREE)
    assert mended.code == 0, mended.err
    assert sorted(recorded(project)) == ["a", "b"]
    assert cli("check").code == 0
    assert len(openrouter.generations) == 2
