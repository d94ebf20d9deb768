"""Ending a build from outside: an editor's button, another task, a listener."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import assetgen
from tests.installed import write_dist_info
from tests.standin import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MANIFEST = """\
version: 1
provider: gate
defaults: {model: oils}
assets:
  hero: {prompt: A keeper, output: hero.png}
  side: {prompt: Her side, output: side.png}
  back: {prompt: Her back, reference: "asset:hero", output: back.png}
"""


async def until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110 - another thread makes it so, outside any loop
        await asyncio.sleep(0.002)


class Gate:
    """A provider whose calls wait until the gate is open."""

    def __init__(self) -> None:
        self.shut()

    def shut(self) -> None:
        self.called = threading.Event()
        self.opened = threading.Event()
        self.calls: list[str] = []

    def create(self, _: Mapping[str, str]) -> assetgen.Provider:
        return self

    async def generate(self, request: assetgen.Request) -> assetgen.Generated:
        self.calls.append(request.asset)
        self.called.set()
        await until(self.opened.is_set)
        return assetgen.Generated(images=(picture(request.asset),), cost_usd=Decimal("0.01"))


GATE = Gate()
PLUGIN = assetgen.ProviderPlugin(create=GATE.create, estimate_usd=lambda _: Decimal("0.02"))


@pytest.fixture
def gate() -> Gate:
    GATE.shut()
    return GATE


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ASSETGEN_CACHE_DIR", str(tmp_path / "cache"))
    write_dist_info(tmp_path / "site", "gate", "1", {"gate": f"{__name__}:PLUGIN"})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = tmp_path / "project" / "assets.yaml"
    path.parent.mkdir()
    path.write_text(MANIFEST)
    yield str(path)
    GATE.opened.set()


class Editor:
    """A build on a thread of its own, as a program with a window runs it."""

    def __init__(self, manifest: str, **settings: int) -> None:
        self.stop = assetgen.Stop()
        self.events: list[assetgen.Event] = []
        self.reports: list[assetgen.Report] = []
        self._thread = threading.Thread(target=self._run, args=(manifest, settings.get("jobs", 1)))
        self._thread.start()

    def _run(self, manifest: str, jobs: int) -> None:
        self.reports.append(assetgen.build(manifest, self.events.append, stop=self.stop, jobs=jobs))

    def report(self) -> assetgen.Report:
        self._thread.join(30)
        return self.reports[0]


def statuses(report: assetgen.Report) -> dict[str, str]:
    return {outcome.name: outcome.status.value for outcome in report.outcomes}


def test_a_button_lets_the_call_under_way_finish_and_keeps_its_image(
    manifest: str, gate: Gate
) -> None:
    editor = Editor(manifest)
    assert gate.called.wait(30)
    editor.stop.finish("the window was closed")
    gate.opened.set()
    report = editor.report()
    assert report.exit_code == 130
    assert report.stopped_by == "the window was closed"
    assert statuses(report) == {"hero": "generated", "side": "stopped", "back": "stopped"}
    assert report.spent_usd == Decimal("0.01")
    assert isinstance(editor.events[-1], assetgen.Done)
    assert assetgen.build(manifest, selectors=("hero",)).named(assetgen.Status.KEPT) == ["hero"]
    assert gate.calls == ["hero"]


def test_a_cut_does_not_wait_and_says_what_may_have_been_billed(manifest: str, gate: Gate) -> None:
    editor = Editor(manifest, jobs=2)
    assert gate.called.wait(30)
    editor.stop.cut()
    report = editor.report()
    assert set(statuses(report).values()) == {"stopped"}
    assert report.exit_code == 130
    assert report.unknown_bills == len(gate.calls)
    assert report.spent_usd == Decimal("0.02") * len(gate.calls)
    gate.opened.set()
    assert assetgen.build(manifest).exit_code == 0


def test_a_finish_that_takes_too_long_can_still_be_cut(manifest: str, gate: Gate) -> None:
    editor = Editor(manifest)
    assert gate.called.wait(30)
    editor.stop.finish("first")
    editor.stop.cut("second")
    report = editor.report()
    assert (report.exit_code, report.stopped_by) == (130, "first")


def test_what_is_stopped_before_it_begins_calls_nobody(manifest: str, gate: Gate) -> None:
    for ask in (assetgen.Stop.finish, assetgen.Stop.cut):
        stop = assetgen.Stop()
        ask(stop)
        assert stop.is_asked
        report = assetgen.build(manifest, stop=stop)
        assert report.exit_code == 130
        assert set(statuses(report).values()) == {"stopped"}
    assert gate.calls == []


def test_another_task_can_stop_a_build(manifest: str, gate: Gate) -> None:
    async def program() -> assetgen.Report:
        stop = assetgen.Stop()
        building = asyncio.create_task(
            assetgen.Session(manifest).build(assetgen.Settings(jobs=1), stop=stop)
        )
        await until(gate.called.is_set)
        stop.finish()
        gate.opened.set()
        return await building

    assert statuses(asyncio.run(program()))["hero"] == "generated"


def test_a_listener_can_stop_the_build_it_listens_to(manifest: str, gate: Gate) -> None:
    stop = assetgen.Stop()
    gate.opened.set()

    def enough(event: assetgen.Event) -> None:
        if isinstance(event, assetgen.Finished):
            stop.finish("enough")

    report = assetgen.build(manifest, enough, stop=stop, jobs=1)
    assert list(statuses(report).values()).count("generated") == 1
    assert len(gate.calls) == 1


def test_asking_after_the_end_does_nothing(manifest: str, gate: Gate) -> None:
    gate.opened.set()
    editor = Editor(manifest)
    assert editor.report().exit_code == 0
    editor.stop.cut()
    assert assetgen.build(manifest).exit_code == 0


def test_cancelling_the_task_keeps_what_has_arrived(manifest: str, gate: Gate) -> None:
    async def program() -> None:
        building = asyncio.create_task(assetgen.Session(manifest).build())
        await until(gate.called.is_set)
        building.cancel()
        await building

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program())
    gate.opened.set()
    assert assetgen.build(manifest).exit_code == 0
