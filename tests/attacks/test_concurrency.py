"""Concurrency: whoever builds at the same time, each image is bought once."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Self

import pytest
from PIL import Image as Picture

from assetgen.core.model import Budget
from tests.attacks.support import (
    PATIENCE_S,
    PRICE,
    assert_all_is_well,
    cache_of,
    manifest,
    prompts,
    seeded,
)
from tests.fakes import Machine, generated, project_of
from tests.standin import Image

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from assetgen.core.model import Project as DeclaredProject
    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn

LONG_S = 500.0
"""Until builds of a thousand images, on a busy machine, count as stuck."""


def _load(path: Path) -> None:
    with Picture.open(path) as image:
        image.load()


def finish_all(cli: Cli, processes: Sequence[subprocess.Popen[str]]) -> list[Completed]:
    results = [cli.finish(process, timeout_s=LONG_S) for process in processes]
    for result in results:
        assert result.code == 0, result.err
    return results


class Reader:
    """Reads outputs and lockfile all the time, and remembers what was not whole."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.faults: list[str] = []
        self.reads = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _read(self) -> None:
        lock = self._root / "assets.lock"
        while not self._is_over.wait(0.002):
            if lock.exists():
                self._attempt(lock, lambda: json.loads(lock.read_text("utf-8")))
            for path in list((self._root / "art").glob("a*.png")):
                self._attempt(path, partial(_load, path))

    def _attempt(self, path: Path, read: Callable[[], object]) -> None:
        self.reads += 1
        try:
            read()
        except (OSError, ValueError) as error:
            self.faults.append(f"{path.name}: {error}")


def test_eight_builds_of_one_project_buy_each_image_once_and_no_reader_sees_half_a_file(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    names = [f"a{number}" for number in range(12)]
    project.write("assets.yaml", manifest(*names))
    openrouter.latency_s = 0.05
    with Reader(project.root) as reader:
        finish_all(cli, [cli.start("build", "-j", "4") for _ in range(8)])
    assert sorted(prompts(openrouter)) == sorted(names)
    assert reader.reads > 0
    assert reader.faults == []
    assert_all_is_well(project, cli, of=len(names))
    assert cli("build").err == "up to date\n"


def test_four_clones_with_one_cache_buy_each_image_once(
    cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    names = [f"a{number}" for number in range(8)]
    clones = [tmp_path / f"clone{number}" for number in range(4)]
    for clone in clones:
        clone.mkdir()
        (clone / "assets.yaml").write_text(manifest(*names))
    openrouter.latency_s = 0.05
    finish_all(cli, [cli.start("build", cwd=clone) for clone in clones])
    assert sorted(prompts(openrouter)) == sorted(names)
    for name in names:
        assert len({(clone / f"art/{name}.png").read_bytes() for clone in clones}) == 1
    for clone in clones:
        assert cli("check", cwd=clone).code == 0


def test_watch_beside_build_buys_each_image_once(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    """`watch` and `build` in one project at once buy each image once, also one that a change asks \
both of them for"""
    names = [f"a{number}" for number in range(6)]
    project.write("assets.yaml", manifest(*names))
    openrouter.hold()
    watching = cli.start("watch", "--json", "-j", "2")
    openrouter.wait_for_generations(2, PATIENCE_S)
    building = cli.start("build", "--json")
    openrouter.wait_for_generations(len(names), PATIENCE_S)
    openrouter.release()
    (built,) = finish_all(cli, [building])
    project.write("assets.yaml", manifest(*names, "new"))
    finish_all(cli, [cli.start("build")])
    assert sorted(prompts(openrouter)) == sorted([*names, "new"])
    watching.send_signal(signal.SIGINT)
    watched = cli.finish(watching)
    assert "Traceback" not in watched.err
    assert 0 < bought(built) < len(names)
    assert bought(watched) + bought(built) in {len(names), len(names) + 1}
    assert_all_is_well(project, cli, of=len(names) + 1)


def bought(result: Completed) -> int:
    """How many images a command with `--json` says it has bought."""
    return sum(
        event["event"] == "finished" and event["status"] == "generated" for event in result.events
    )


def test_the_claim_of_a_build_that_is_killed_is_taken_over_at_once(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("a"))
    openrouter.hold()
    first = cli.start("build")
    openrouter.wait_for_generations(1, PATIENCE_S)
    second = cli.start("build")
    assert second.stderr is not None
    for line in second.stderr:
        if "another build is making this image" in line:
            break
    assert len(openrouter.generations) == 1
    first.kill()
    openrouter.wait_for_generations(2, PATIENCE_S)
    openrouter.release()
    finish_all(cli, [second])
    assert len(openrouter.generations) == 2
    assert_all_is_well(project, cli, of=1)


@pytest.mark.slow
@pytest.mark.parametrize("builds", [1, 2])
def test_a_thousand_images_at_64_at_once_are_bought_once_each(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, builds: int
) -> None:
    names = [f"a{number}" for number in range(1000)]
    project.write("assets.yaml", manifest(*names))
    openrouter.latency_s = 0.1
    finish_all(cli, [cli.start("build", "-j", "64") for _ in range(builds)])
    assert sorted(prompts(openrouter)) == sorted(names)
    assert openrouter.peak_in_flight <= 64 * builds
    assert_all_is_well(project, cli, of=len(names))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_builds_that_are_killed_among_builds_that_live_cost_only_what_was_in_flight(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, seed: int
) -> None:
    names = [f"a{number}" for number in range(16)]
    project.write("assets.yaml", manifest(*names))
    openrouter.latency_s = 0.05
    chance = seeded(seed)
    lost = 0
    living = [cli.start("build", "-j", "2") for _ in range(3)]
    for _ in range(3):
        victim = cli.start("build", "-j", "2")
        openrouter.wait_until(lambda: len(openrouter.generations) > 0, PATIENCE_S)
        threading.Event().wait(chance.uniform(0.3, 1.2))
        victim.kill()
        cli.finish(victim)
        lost += 2
    finish_all(cli, living)
    assert set(prompts(openrouter)) == set(names)
    assert len(openrouter.generations) <= len(names) + lost
    # A build with nothing to do looks for nothing: the next one that is not such tidies up.
    project.path(".assetgen/assets.record").unlink(missing_ok=True)
    assert cli("build").code == 0
    assert_all_is_well(project, cli, of=len(names))


# Budgets


def twenty(budget: str) -> DeclaredProject:
    """Twenty images under a cap."""
    cap = Budget(per_build=Decimal(budget))
    return project_of(*(generated(f"a{number}", f"{number}") for number in range(20)), budget=cap)


def test_with_a_cap_exactly_as_many_calls_start_as_it_pays_for_at_every_concurrency(
    record_property: Callable[[str, object], None],
) -> None:
    for jobs in range(1, 65):
        machine = Machine()
        report = machine.build(twenty("0.30"), jobs=jobs)  # the price is 0.04
        assert len(machine.provider.calls) == 7
        assert report.spent_usd == Decimal("0.28")
        assert report.exit_code == 5
    record_property("rounds", 64)


def test_nothing_starts_after_a_bill_that_shows_the_cap_is_reached_at_every_concurrency(
    record_property: Callable[[str, object], None],
) -> None:
    for jobs in range(1, 65):
        machine = Machine()
        machine.provider.cost_usd = Decimal("0.40")  # ten times the estimate
        report = machine.build(twenty("0.30"), jobs=jobs)
        assert len(machine.provider.calls) == min(jobs, 7)
        assert report.exit_code == 5
    record_property("rounds", 64)


@pytest.mark.parametrize(
    "jobs", [8, *(pytest.param(jobs, marks=pytest.mark.slow) for jobs in (1, 2, 3, 5, 13, 32, 64))]
)
def test_a_cap_holds_for_the_real_command(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, jobs: int
) -> None:
    """With estimates equal to prices the command makes exactly as many calls as the cap pays for, \
and with prices ten times as high those that started before the first bill"""
    cap = Decimal(PRICE) * 7 + Decimal("0.01")
    names = [f"a{number}" for number in range(20)]
    project.write("assets.yaml", manifest(*names, head=f"budget: {{per_build: {cap}}}\n"))
    openrouter.latency_s = 0.2
    result = cli("build", "-j", str(jobs))
    assert result.code == 5, result.err
    assert openrouter.billed == Decimal(PRICE) * 7
    shutil.rmtree(project.root / ".assetgen")
    shutil.rmtree(cache_of(cli).root)
    project.path("assets.lock").unlink()
    shutil.rmtree(project.path("art"))
    openrouter.default = Image(cost=str(Decimal(PRICE) * 10))
    result = cli("build", "-j", str(jobs))
    assert result.code == 5, result.err
    assert len(openrouter.generations) == 7 + min(jobs, 7)
