"""`assetgen costs`: what was spent, on what, and how surely."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from assetgen.core.costs import costs_json
from assetgen.core.schemas.store import costs_json_schema
from assetgen.session import Session, Settings
from assetgen.session.costs import costs
from tests.standin import CutBeforeHeaders, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"


def manifest(project: str, *names: str) -> str:
    lines = [f"  {name}: {{prompt: {name}, output: {name}.png}}\n" for name in names]
    return f"project: {project}\nversion: 1\ndefaults: {{model: {GEMINI}}}\nassets:\n" + "".join(
        lines
    )


def test_costs_are_those_that_were_billed_by_day_model_asset_and_project(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    ours = project.write("assets.yaml", manifest("bay", "hero", "side"))
    theirs = project.write("other/assets.yaml", manifest("cliff", "hero-of-the-cliff"))
    openrouter.script(Refusal(), CutBeforeHeaders())
    one_by_one = Settings(jobs=1)
    assert asyncio.run(Session(ours, cli.env).build(one_by_one)).exit_code == 1
    assert asyncio.run(Session(theirs, cli.env).build()).exit_code == 0

    bay = cli("costs", "--json").json
    Draft202012Validator(costs_json_schema()).validate(bay)
    assert (bay["project"], [row["asset"] for row in bay["by_asset"]]) == (
        "bay",
        ["side", "hero"],
    )
    every: Any = costs_json(costs(environ=cli.env).costs, project=None, since=None)
    assert {row["project"] for row in every["by_project"]} == {"bay", "cliff"}
    # The lost call was billed what was estimated, so that the sums meet to the last digit.
    assert every["total"]["total_usd"] == float(openrouter.billed)
    for side in ("by_day", "by_model", "by_asset", "by_project"):
        added = sum(row["total_usd"] for row in every[side])
        assert round(added, 9) == every["total"]["total_usd"]
    assert (every["total"]["failed"], every["total"]["may_be_billed"]) == (1, 1)

    told = cli("costs")
    assert (told.code, told.err) == (0, "")
    assert "project bay: " in told.out
    assert "1 bill unknown, counted by estimate: $0.0387 of the total" in told.out
    assert "1 call failed and may be billed all the same" in told.out
    assert "hero-of-the-cliff" not in told.out


def test_a_call_that_a_killed_build_never_heard_of_is_told(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("bay", "hero"))
    openrouter.hold()
    process = cli.start("build")
    openrouter.wait_for_generations(1)
    process.kill()
    cli.finish(process)
    openrouter.release()

    document = cli("costs", "--json").json
    assert document["total"]["unanswered"] == document["total"]["unknown_bills"] == 1
    assert document["total"]["total_usd"] == document["total"]["estimated_usd"] == 0.0387
    told = cli("costs").out
    assert "1 call without a recorded answer (a build was killed, or is still running)" in told
    assert "activity page" in told


def test_without_a_manifest_costs_are_those_of_all_projects_and_looking_makes_nothing(
    project: Project, cli: Cli, tmp_path: Path
) -> None:
    del project
    empty = cli("costs", "--since", "2026-01-31")
    assert (empty.code, empty.out) == (
        0,
        "all projects, since 2026-01-31: no call is recorded on this machine\n",
    )
    assert not (tmp_path / "cache").exists()
    wrong = cli("costs", "--since", "2026-02-30")
    assert wrong.code == 2
    assert "is not a day such as 2026-01-31" in wrong.err
