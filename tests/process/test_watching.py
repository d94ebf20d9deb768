"""`assetgen watch` follows what people do to their files, and pays only for what they meant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.standin import IMAGE_COST, Refusal, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn, Recorded

GEMINI = "google/gemini-2.5-flash-image"
SCHEMA = Path(__file__).parents[2] / "schemas/events.schema.json"
PRICE = float(IMAGE_COST)
PATIENCE_S = 60.0
"""How long something is waited for that should happen at once."""

Event = dict[str, Any]


@dataclass(slots=True)
class Watching:
    """A running `watch --json`: everything it has said so far."""

    process: subprocess.Popen[str]
    events: list[Event] = field(default_factory=list)
    _said: threading.Condition = field(default_factory=threading.Condition)
    _taken: int = 0
    _reader: threading.Thread | None = None

    def read(self) -> None:
        """Collect events from another thread."""
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._said:
                self.events.append(json.loads(line))
                self._said.notify_all()

    def until(self, is_reached: Callable[[Event], bool]) -> Event:
        """The first event, after those waited for before, of which this is true."""

        def find() -> Event | None:
            for index in range(self._taken, len(self.events)):
                if is_reached(self.events[index]):
                    self._taken = index + 1
                    return self.events[index]
            return None

        with self._said:
            event = self._said.wait_for(find, PATIENCE_S)
            assert event is not None, f"never said so: {self.events}"
        return event

    def round(self) -> Event:
        """The next round that comes to its end."""
        return self.until(lambda event: event["event"] == "round")

    def broken(self) -> list[str]:
        """The messages of the next faults."""
        event = self.until(lambda event: event["event"] == "broken")
        return [fault["message"] for fault in event["faults"]]

    def finished(self, name: str) -> Event:
        """The next outcome of an asset."""
        return self.until(lambda e: e["event"] == "finished" and e["name"] == name)

    def rounds(self) -> int:
        """How many rounds have ended so far."""
        with self._said:
            return sum(event["event"] == "round" for event in self.events)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended by itself, and all was read; every event must fit the schema."""
        code = self.process.wait(PATIENCE_S)
        assert self._reader is not None
        self._reader.join(PATIENCE_S)
        validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
        for event in self.events:
            validator.validate(event)
        return code

    def stop(self) -> int:
        """Interrupt, and wait for the end."""
        self.interrupt()
        return self.end()

    def freeze(self) -> None:
        """Let it see nothing before `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def watch(cli: Cli) -> Callable[..., Watching]:
    def start(*arguments: str, env: dict[str, str | None] | None = None) -> Watching:
        watching = Watching(cli.start("watch", "--json", *arguments, env=env))
        watching.read()
        return watching

    return start


def manifest(**prompts: str) -> str:
    """Assets with these prompts."""
    lines = [
        f"  {name}: {{prompt: {prompt}, model: {GEMINI}, output: art/{name}.png}}\n"
        for name, prompt in prompts.items()
    ]
    return "version: 1\nassets:\n" + "".join(lines)


def drawn(**prompts: str) -> str:
    """The same, drawn offline."""
    return manifest(**prompts).replace("version: 1\n", "version: 1\nprovider: draft\n")


def prompts(openrouter: OpenRouterStandIn) -> list[str]:
    return [request.prompt for request in openrouter.generations]


def is_for(*names: str) -> Callable[[Recorded], bool]:
    return lambda request: request.prompt in names


def is_outcome(event: Event, name: str) -> bool:
    return bool(event["event"] == "finished" and event["name"] == name)


def save_by_rename(project: Project, name: str, text: str | bytes) -> None:
    """As vim, and most editors that are careful, save."""
    project.write(f"{name}.new", text)
    project.path(f"{name}.new").replace(project.path(name))


# What a person does


def test_it_builds_first_then_what_is_edited_and_tells_each_round(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", manifest(hero="a keeper", icon="a sword"))
    watching = watch()
    first = watching.round()
    assert (first["number"], first["changed"], first["counts"]) == (1, [], {"generated": 2})
    project.write("assets.yaml", manifest(hero="an old keeper", icon="a sword"))
    second = watching.round()
    assert second["changed"] == ["hero"]
    assert second["counts"] == {"generated": 1, "kept": 1}
    assert second["spent_usd"] == PRICE
    assert second["session_usd"] == round(3 * PRICE, 4)
    assert watching.stop() == 130
    assert sorted(prompts(openrouter)) == ["a keeper", "a sword", "an old keeper"]
    assert watching.events[-1]["event"] == "done"


def test_a_save_by_rename_is_followed_every_time(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", drawn(hero="one"))
    watching = watch()
    watching.round()
    for prompt in ("two", "three"):
        save_by_rename(project, "assets.yaml", drawn(hero=prompt))
        assert watching.round()["changed"] == ["hero"]
    assert watching.stop() == 130


def test_a_double_save_is_one_purchase(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", manifest(hero="one"))
    watching = watch()
    watching.round()
    watching.freeze()  # else a slow machine might take longer between the two than is quiet
    project.write("assets.yaml", manifest(hero="half a thou"))
    project.write("assets.yaml", manifest(hero="a thought"))
    watching.thaw()
    assert watching.round()["changed"] == ["hero"]
    watching.stop()
    assert prompts(openrouter) == ["one", "a thought"]


def test_temporary_files_touches_and_own_outputs_cause_no_round(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    icon = manifest(icon="a sword").replace("art/icon", "more/icon").partition("\n")[2]
    project.write("more/a.yaml", icon)
    project.write("b.yaml", "assets: {}\n")
    text = "include: ['*.yaml', 'more/*.yaml']\n" + manifest(hero="one")
    project.write("assets.yaml", text)
    watching = watch()
    assert watching.round()["counts"] == {"generated": 2}
    for name in (".assets.yaml.swp", "assets.yaml~", "4913", "more/.#a.yaml", "more/a.yaml.tmp"):
        project.write(name, "x")
    project.path("4913").unlink()
    project.path("assets.yaml").touch()
    project.path("more/a.yaml").chmod(0o600)
    project.write("assets.yaml", f"# a remark\n{text}")
    watching.freeze()
    watching.thaw()
    project.write("assets.yaml", text.replace("prompt: one", "prompt: two"))
    second = watching.round()
    assert (second["number"], second["changed"]) == (2, ["hero"])
    assert watching.stop() == 130
    assert watching.rounds() == 2
    assert sorted(prompts(openrouter)) == ["a sword", "one", "two"]


def test_a_new_file_in_a_new_directory_is_included(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", "include: ['art/**/*.yaml']\n" + drawn(hero="one"))
    project.write("art/first.yaml", drawn(icon="a sword").replace("provider: draft\n", ""))
    watching = watch()
    assert watching.round()["counts"] == {"generated": 2}
    project.write("art/deep/er/second.yaml", "assets:\n  tile: {prompt: t, output: art/t.png}\n")
    second = watching.round()
    assert second["changed"] == ["tile"]
    project.write("art/deep/er/third.yaml", "assets:\n  wall: {prompt: w, output: art/w.png}\n")
    assert watching.round()["changed"] == ["wall"]
    project.path("art/deep/er/second.yaml").unlink()
    third = watching.round()
    assert (third["changed"], third["orphans"]) == (["tile"], ["art/t.png"])
    assert watching.stop() == 130


def test_an_edited_reference_and_an_edited_source_are_followed(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("refs/deep/frame.png", picture("frame"))
    project.write("hand/logo.png", picture("logo"))
    project.write(
        "assets.yaml",
        manifest(hero="one").replace("output", "reference: refs/deep/frame.png, output")
        + "  logo: {source: hand/logo.png, output: public/logo.png}\n",
    )
    watching = watch()
    assert watching.round()["counts"] == {"derived": 1, "generated": 1}
    save_by_rename(project, "hand/logo.png", picture("new logo"))
    second = watching.round()
    assert (second["changed"], second["spent_usd"]) == (["hand/logo.png"], 0)
    assert project.read_bytes("public/logo.png") == picture("new logo")
    project.write("refs/deep/frame.png", picture("new frame"))
    third = watching.round()
    assert third["changed"] == ["refs/deep/frame.png"]
    assert third["counts"] == {"generated": 1, "kept": 1}
    watching.stop()
    assert prompts(openrouter) == ["one", "one"]


def test_a_branch_switch_is_one_change_and_costs_nothing(
    project: Project, openrouter: OpenRouterStandIn, cli: Cli, watch: Callable[..., Watching]
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=N", "-c", "user.email=n@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True)

    git("init", "-q", "-b", "day")
    project.write(".gitignore", ".assetgen/\n")
    names = [f"icon-{number}" for number in range(4)]

    def commit(time: str) -> None:
        project.write("refs/frame.png", picture(f"frame by {time}"))
        text = manifest(**{name: f"{name} by {time}" for name in names})
        project.write("assets.yaml", text.replace("output", "reference: refs/frame.png, output"))
        assert cli("build").code == 0
        git("add", "-A")
        git("commit", "-qm", time)

    commit("day")
    git("checkout", "-qb", "night")
    commit("night")
    paid = len(openrouter.generations)
    watching = watch()
    assert watching.round()["counts"] == {"kept": 4}
    for branch in ("day", "night"):
        git("checkout", "-q", branch)
        switched = watching.round()
        while switched["counts"] != {"kept": 4}:  # it was seen when it was half done
            switched = watching.round()
        assert set(switched["changed"]) <= {*names, "refs/frame.png", "the lockfile"}
        status = subprocess.run(
            ["git", "status", "--porcelain"], cwd=project.root, capture_output=True, check=True
        )
        assert status.stdout == b""
    assert watching.stop() == 130
    assert len(openrouter.generations) == paid


# A broken manifest


def test_a_manifest_that_is_missing_or_broken_at_the_start_is_waited_for(
    project: Project, watch: Callable[..., Watching]
) -> None:
    watching = watch()
    assert watching.broken() == ["there is no manifest `assets.yaml`"]
    save_by_rename(project, "assets.yaml", drawn(hero="one").replace("prompt", "promt"))
    assert "unknown field `promt` in asset `hero`" in watching.broken()
    project.write("assets.yaml", drawn(hero="one"))
    assert watching.round()["counts"] == {"generated": 1}
    assert watching.stop() == 130


def test_a_fault_in_an_included_file_and_a_missing_reference_are_waited_for(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("more/a.yaml", "assets: {icon: {promt: a sword, output: art/icon.png}}")
    text = drawn(hero="one").replace("output", "reference: refs/new/frame.png, output")
    project.write("assets.yaml", "include: [more/a.yaml]\n" + text)
    watching = watch()
    assert len(watching.broken()) > 1
    project.write("more/a.yaml", "assets: {icon: {prompt: a sword, output: art/icon.png}}")
    (fault,) = watching.broken()
    assert "refs/new/frame.png" in fault
    project.write("refs/new/frame.png", picture("frame"))
    assert watching.round()["counts"] == {"generated": 2}
    assert watching.stop() == 130


def test_a_manifest_that_breaks_in_the_middle_keeps_the_last_good_state(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    good = manifest(hero="one", icon="a sword")
    project.write("assets.yaml", good)
    watching = watch()
    watching.round()
    before = {name: project.read_bytes(name) for name in ("art/hero.png", "assets.lock")}
    project.write("assets.yaml", good[: good.index("icon") + 9])
    assert watching.broken()
    project.path("assets.yaml").touch()
    project.write("assets.yaml", good)
    mended = watching.round()
    assert (mended["number"], mended["counts"]) == (2, {"kept": 2})
    assert watching.stop() == 130
    assert sum(event["event"] == "broken" for event in watching.events) == 1
    assert {name: project.read_bytes(name) for name in before} == before
    assert len(openrouter.generations) == 2


def test_a_lockfile_in_conflict_is_told_and_waited_for(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", drawn(hero="one"))
    watching = watch()
    watching.round()
    good = project.read_bytes("assets.lock")
    save_by_rename(project, "assets.lock", b"<<<<<<< HEAD\n" + good)  # never seen half written
    assert watching.broken() == ["the lockfile has conflict markers"]
    project.write("assets.lock", good)
    assert watching.round()["counts"] == {"kept": 1}
    assert watching.stop() == 130


# Money


def test_a_change_during_a_paid_call_keeps_its_image_and_calls_nothing_that_had_not_started(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("hand/logo.png", picture("logo"))
    logo = "  logo: {source: hand/logo.png, output: public/logo.png}\n"
    openrouter.hold(is_for("a", "b"))
    project.write("assets.yaml", manifest(one="a", two="b", three="c") + logo)
    watching = watch("-j", "2")
    openrouter.wait_for_generations(2)
    project.write("hand/logo.png", picture("new logo"))
    project.write("assets.yaml", manifest(one="a", two="d", three="e") + logo)
    watching.finished("logo")
    watching.finished("logo")  # free work goes on while the calls of before are under way
    assert project.read_bytes("public/logo.png") == picture("new logo")
    openrouter.release()
    last = watching.round()
    assert (last["number"], last["session_usd"]) == (1, round(4 * PRICE, 4))
    assert watching.stop() == 130
    assert sorted(prompts(openrouter)) == ["a", "b", "d", "e"]
    assert "two" in [event["name"] for event in watching.events if event["event"] == "stored"]


def test_going_back_to_what_was_being_made_takes_it_from_the_store(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    openrouter.hold(is_for("a"))
    project.write("assets.yaml", manifest(hero="a"))
    watching = watch()
    openrouter.wait_for_generations(1)
    project.write("assets.yaml", manifest(hero="b"))
    watching.round()
    openrouter.release()
    watching.until(lambda event: event["event"] == "stored")
    project.write("assets.yaml", manifest(hero="a"))
    assert watching.round()["counts"] == {"restored": 1}
    assert watching.stop() == 130
    assert prompts(openrouter) == ["a", "b"]


@pytest.mark.parametrize("place", ["option", "manifest"])
def test_a_cap_counts_for_the_whole_session(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching], place: str
) -> None:
    cap = "budget: {per_build: 0.10}\n" if place == "manifest" else ""
    project.write("assets.yaml", cap + manifest(hero="a"))
    watching = watch(*(["--max-cost", "0.10"] if place == "option" else []))
    for prompt, code in (("a", 0), ("b", 0), ("c", 5)):
        project.write("assets.yaml", cap + manifest(hero=prompt))
        assert watching.round()["exit_code"] == code
    assert prompts(openrouter) == ["a", "b"]
    if place == "manifest":
        project.write("assets.yaml", cap.replace("0.10", "0.50") + manifest(hero="c"))
        raised = watching.round()
        assert (raised["exit_code"], raised["changed"]) == (0, ["assets.yaml"])
    assert watching.stop() == 130


def test_without_a_key_what_is_free_is_made_and_the_rest_is_told(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("hand/logo.png", picture("logo"))
    logo = "  logo: {source: hand/logo.png, output: public/logo.png}\n"
    project.write("assets.yaml", manifest(hero="a") + logo)
    watching = watch(env={"OPENROUTER_API_KEY": None})
    assert watching.broken() == ["images must be bought and `OPENROUTER_API_KEY` is not set"]
    first = watching.round()
    assert (first["counts"], first["exit_code"]) == ({"derived": 1, "stale": 1}, 4)
    assert watching.stop() == 130


def test_drafts_are_drawn_at_once_and_nothing_is_bought(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", manifest(hero="a"))
    watching = watch("--draft")
    assert watching.round()["counts"] == {"drafted": 1}
    project.write("assets.yaml", manifest(hero="a", icon="b"))
    assert watching.round()["changed"] == ["icon"]
    watching.stop()
    assert prompts(openrouter) == []


def test_a_failed_image_does_not_end_it(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    openrouter.script_for(is_for("a"), Refusal("No."))
    project.write("assets.yaml", manifest(hero="a"))
    watching = watch()
    assert watching.round()["exit_code"] == 1
    project.write("assets.yaml", manifest(hero="b"))
    assert watching.round()["exit_code"] == 0
    assert watching.stop() == 130


def test_what_was_refused_or_found_no_room_is_told_once_and_not_announced_again(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    openrouter.script_for(is_for("forbidden"), Refusal("No."))
    cap = "budget: {per_build: 0.10}\n"
    project.write("assets.yaml", cap + manifest(hero="forbidden"))
    watching = watch()
    watching.round()
    for icon in ("a", "b", "c"):
        project.write("assets.yaml", cap + manifest(hero="forbidden", icon=icon))
        watching.round()
    project.write("assets.yaml", cap + manifest(hero="forbidden", icon="c", sword="a"))
    watching.round()
    watching.stop()
    planned = [event for event in watching.events if event["event"] == "planned"]
    assert [(e["images"], e["left_usd"]) for e in planned] == [
        (1, 0.1),
        (1, 0.0996),
        (1, 0.0609),
        (1, 0.0222),
    ]
    assert prompts(openrouter) == ["forbidden", "a", "b"]
    hero = [e["message"] for e in watching.events if is_outcome(e, "hero")]
    assert len(hero) == len(set(hero)) == 2
    came_out = [e["status"] for e in watching.events if is_outcome(e, "icon")]
    assert came_out == ["generated", "generated", "over-budget"]


def test_what_is_held_is_named_in_every_round_and_explained_once(
    project: Project, watch: Callable[..., Watching]
) -> None:
    project.write("art/hero.png", picture("painted"))
    project.write("assets.yaml", drawn(hero="one", icon="a sword"))
    watching = watch()
    assert watching.round()["held"] == ["hero"]
    project.write("assets.yaml", drawn(hero="one", icon="a shield"))
    assert watching.round()["held"] == ["hero"]
    watching.stop()
    told = [event["name"] for event in watching.events if event["event"] == "finished"]
    assert sorted(told) == ["hero", "icon", "icon"]
    assert project.read_bytes("art/hero.png") == picture("painted")


# The end


def test_the_first_signal_finishes_the_call_under_way_and_keeps_its_image(
    project: Project,
    openrouter: OpenRouterStandIn,
    watch: Callable[..., Watching],
) -> None:
    openrouter.hold(is_for("a"))
    project.write("assets.yaml", manifest(hero="a", icon="b"))
    watching = watch("-j", "1")
    openrouter.wait_for_generations(1)
    watching.interrupt(signal.SIGTERM)
    assert watching.process.stderr is not None
    assert "press Ctrl-C again" in watching.process.stderr.readline()
    openrouter.release()
    assert watching.end() == 130
    assert project.path("art/hero.png").exists()
    assert prompts(openrouter) == ["a"]
    done = watching.events[-1]
    assert (done["exit_code"], done["spent_usd"]) == (130, PRICE)


def test_the_second_signal_cuts_the_call_and_says_it_may_be_billed(
    project: Project, openrouter: OpenRouterStandIn, cli: Cli, watch: Callable[..., Watching]
) -> None:
    openrouter.hold(is_for("a"))
    project.write("assets.yaml", manifest(hero="a"))
    watching = watch()
    openrouter.wait_for_generations(1)
    project.write("assets.yaml", manifest(hero="b"))
    watching.round()  # the call for `a` has outlived its round
    watching.interrupt()
    assert watching.process.stderr is not None
    assert "press Ctrl-C again" in watching.process.stderr.readline()
    watching.interrupt()
    assert watching.end() == 130
    openrouter.release()
    lines = (Path(cli.env["ASSETGEN_CACHE_DIR"])).rglob("ledger*")
    assert any("cut by the user" in path.read_text("utf-8") for path in lines if path.is_file())


def test_an_idle_watch_ends_at_once(project: Project, watch: Callable[..., Watching]) -> None:
    project.write("assets.yaml", drawn(hero="one"))
    watching = watch()
    watching.round()
    assert watching.stop() == 130
    assert watching.process.stderr is not None
    assert watching.process.stderr.read() == ""


def test_a_reader_that_leaves_ends_it(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", drawn(hero="one"))
    process = cli.start("watch", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    project.write("assets.yaml", drawn(hero="two"))
    assert process.wait(PATIENCE_S) == 0


# How it is told


def test_people_read_one_line_a_round(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", manifest(hero="a", icon="b"))
    process = cli.start("watch")
    assert process.stderr is not None
    lines: list[str] = []

    def until(words: str) -> str:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if words in line:
                return line
        raise AssertionError(lines)

    assert until("watching") == "watching assets.yaml; Ctrl-C ends\n"
    assert until("cap") == "generating up to 2 images, about $0.0774, no cap\n"
    assert until("round 1") == "round 1: 2 generated; spent $0.0774\n"
    project.write("assets.yaml", manifest(hero="c", icon="b"))
    assert until("generating") == "generating up to 1 image, about $0.0387, no cap\n"
    assert until("round 2") == (
        "round 2: hero changed; 1 generated, 1 up to date; spent $0.0387, $0.1161 in all\n"
    )
    project.write("assets.yaml", "zork: 1\n" + manifest(hero="c", icon="b"))
    assert until("zork") == "error: unknown field `zork` in the manifest\n"
    project.write("assets.yaml", manifest(hero="c", icon="b"))
    assert until("round 3") == "round 3: up to date\n"
    process.send_signal(signal.SIGINT)
    assert until("stopped") == "stopped; spent $0.1161\n"
    assert process.wait(PATIENCE_S) == 130
    process.stderr.close()


def test_polling_needs_no_events(
    project: Project, openrouter: OpenRouterStandIn, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", manifest(hero="one"))
    watching = watch("--poll")
    watching.round()
    save_by_rename(project, "assets.yaml", manifest(hero="two"))
    assert watching.round()["changed"] == ["hero"]
    maps = Path(f"/proc/{watching.process.pid}/maps")
    if maps.exists():
        assert "watchfiles" not in maps.read_text()
    assert watching.stop() == 130
    assert prompts(openrouter) == ["one", "two"]


def test_a_selector_that_matches_nothing_ends_it_only_at_the_start(
    project: Project, cli: Cli, watch: Callable[..., Watching]
) -> None:
    project.write("assets.yaml", drawn(hero="one"))
    slip = cli("watch", "hreo")
    assert (slip.code, slip.out) == (2, "")
    assert "error: `hreo` matches no asset\n" in slip.err
    watching = watch("hero")
    watching.round()
    project.write("assets.yaml", drawn(keeper="one"))
    assert watching.broken() == ["`hero` matches no asset"]
    project.write("assets.yaml", drawn(hero="two"))
    assert watching.round()["changed"] == ["hero"]
    assert watching.stop() == 130


def test_a_folder_that_is_not_there_cannot_be_watched(cli: Cli) -> None:
    result = cli("-f", "nowhere/assets.yaml", "watch")
    assert result.code == 2
    assert result.err.startswith("error: there is no folder `nowhere` to watch")
    assert os.listdir(cli.cwd) == []


def test_an_edited_step_palette_and_variant_are_followed_at_once_and_free(
    project: Project, watch: Callable[..., Watching], openrouter: OpenRouterStandIn
) -> None:
    text = manifest(hero="a keeper").replace(
        ".png}",
        ".png, steps: [{resize: {width: 16, height: 16}}, {palette: {file: two.hex}}], "
        'variants: {widths: [8], formats: [png], output: "web/${width}.png"}}',
    )
    project.write("two.hex", "000000\nffffff\n")
    project.write("assets.yaml", text)
    watching = watch()
    watching.round()
    assert project.path("web/8.png").exists()
    edits = [
        ("assets.yaml", text.replace("height: 16", "height: 8"), {"hero", "variants:hero"}),
        ("two.hex", "ff0000\n00ff00\n", {"hero", "variants:hero"}),
        ("assets.yaml", text.replace("[8]", "[4, 8]"), {"variants:hero"}),
    ]
    for path, content, made in edits:
        before = len(watching.events)
        project.write(path, content)
        watching.round()
        told = {e["name"] for e in watching.events[before:] if e["event"] == "finished"}
        assert made <= told
    assert project.path("web/4.png").exists()
    assert len(prompts(openrouter)) == 1
    assert watching.stop() == 130
