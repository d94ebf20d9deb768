"""The package as programs embed it: typed (mypy reads this file), lazy, without a command line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import assetgen
from assetgen.core.events import Done, Event, Finished

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
version: 1
provider: draft
assets:
  hero: {prompt: A keeper, output: hero.png}
  side: {prompt: Her side, reference: "asset:hero", output: side.webp}
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ASSETGEN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "project" / "assets.yaml"
    path.parent.mkdir()
    path.write_text(MANIFEST)
    return str(path)


def test_importing_the_package_loads_nothing_else() -> None:
    program = "import sys, assetgen; print(*(m for m in sys.modules if 'assetgen.' in m))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["assetgen._version"]


def test_load_plan_build_and_check_are_plain_calls(manifest: str) -> None:
    project: assetgen.Project = assetgen.load(manifest)
    assert [asset.name for asset in project.assets] == ["hero", "side"]
    plan: assetgen.Plan = assetgen.plan(manifest)
    assert [decision.verdict.value for decision in plan.decisions] == ["generate", "wait"]
    events: list[Event] = []
    report: assetgen.Report = assetgen.build(manifest, emit=events.append)
    assert report.exit_code == 0
    assert [e.name for e in events if isinstance(e, Finished)] == ["hero", "side"]
    assert isinstance(events[-1], Done)
    assert assetgen.check(manifest).is_up_to_date
    assert not assetgen.plan(manifest).work


def test_settings_are_those_of_the_command_line(manifest: str) -> None:
    report = assetgen.build(manifest, selectors=("hero",), jobs=1)
    assert [outcome.name for outcome in report.outcomes] == ["hero"]
    forced = assetgen.plan(manifest, force=("hero",))
    assert [decision.verdict.value for decision in forced.decisions] == ["generate", "wait"]


def test_a_build_runs_inside_a_running_event_loop(manifest: str) -> None:
    async def program() -> assetgen.Report:
        return await assetgen.Session(manifest).build(assetgen.Settings(jobs=2))

    assert asyncio.run(program()).exit_code == 0


def test_a_build_can_be_stopped_by_who_listens(manifest: str) -> None:
    async def program() -> assetgen.Report:
        session = assetgen.Session(manifest)

        def stop(event: Event) -> None:
            if isinstance(event, Finished) and session.halt is not None:
                session.halt.set("enough", is_interrupt=True)

        return await session.build(emit=stop)

    report = asyncio.run(program())
    assert report.exit_code == 130
    assert [outcome.status.value for outcome in report.outcomes] == ["generated", "stopped"]


def test_faults_come_as_one_exception_with_a_place_each(manifest: str, tmp_path: Path) -> None:
    (tmp_path / "project/assets.yaml").write_text(MANIFEST.replace("prompt: A", "promt: A"))
    with pytest.raises(assetgen.ManifestFaults) as caught:
        assetgen.load(manifest)
    (fault,) = caught.value.faults
    assert isinstance(fault, assetgen.AssetgenError)
    assert fault.where is not None
    assert fault.where.line == 4


def test_an_unknown_name_is_an_attribute_error_and_known_ones_are_listed() -> None:
    with pytest.raises(AttributeError, match="no attribute 'bild'"):
        _ = assetgen.bild
    assert {"build", "plan", "check", "load"} <= set(dir(assetgen))
