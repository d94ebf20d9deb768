"""What programs read, `--json` of plan, check and build; and that plan tells the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.inside import Inside
from tests.standin import (
    Empty,
    Image,
    Refusal,
    picture,
)

if TYPE_CHECKING:
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

SCHEMAS = Path(__file__).parents[2] / "schemas"
GEMINI = "google/gemini-2.5-flash-image"
MANIFEST = f"""\
version: 1
budget: {{per_build: 2.00}}
defaults: {{model: {GEMINI}}}
assets:
  hero:
    prompt: A lighthouse keeper
    output: art/hero.png
    tags: [people]
  side:
    prompt: The same keeper from the left
    reference: asset:hero
    output: art/side.webp
    tags: [people]
  twin: {{prompt: A lighthouse keeper, output: art/twin.png}}
  icon:
    prompt: A sword icon
    reference: refs/frame.png
    output: art/icon.png
  logo:
    source: hand/logo.png
    output: public/logo.webp
"""
PLAN_FIELDS = {"name", "kind", "verdict", "reason", "output", "estimate_usd", "estimate_basis"}
SUMMARY_FIELDS = {
    *("assets", "products", "keep", "restore", "generate", "derive", "wait", "hold"),
    *("images", "estimate_usd", "unpriced", "orphans"),
}
EVENT_FIELDS = {
    "planned": {"assets", "images", "estimate_usd", "unpriced", "cap_usd", "left_usd", "is_paid"},
    "started": {"name", "verdict"},
    "retrying": {"name", "attempt", "delay_s", "message", "may_be_billed", "cost_usd"},
    "warned": {"name", "message"},
    "finished": {"name", "status", "output", "message", "hint", "cost_usd", "seconds"},
    "done": {"exit_code", "counts", "spent_usd", "unknown_bills"},
}


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def five(project: Project) -> Project:
    """A project with every kind of asset, not built yet."""
    project.write("refs/frame.png", picture("frame"))
    project.write("hand/logo.png", picture("logo"))
    project.write("assets.yaml", MANIFEST)
    return project


def edit(project: Project, old: str, new: str) -> None:
    text = project.read_text("assets.yaml")
    assert old in text
    project.write("assets.yaml", text.replace(old, new))


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / name).read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


def test_plan_is_one_document_of_the_fields_that_were_promised(five: Project, cli: Inside) -> None:
    result = cli("plan", "--json")
    assert (result.code, result.err) == (0, "")
    plan = result.json
    validator("plan.schema.json").validate(plan)
    assert set(plan) == {"version", "assets", "summary"}
    assert plan["version"] == 1
    assert [set(asset) for asset in plan["assets"]] == [PLAN_FIELDS] * 5
    assert set(plan["summary"]) == SUMMARY_FIELDS
    verdicts = {asset["name"]: asset["verdict"] for asset in plan["assets"]}
    assert verdicts == {
        "hero": "generate",
        "side": "wait",
        "twin": "generate",
        "icon": "generate",
        "logo": "derive",
    }
    outputs = [asset["output"] for asset in plan["assets"]]
    assert outputs[0] == "art/hero.png"
    assert all(not output.startswith("/") for output in outputs)
    assert plan["summary"]["assets"] == 5
    assert plan["summary"]["images"] == 3
    assert str(five.root) not in result.out


def test_plan_names_orphans_and_holds_and_what_is_up_to_date(five: Project, cli: Inside) -> None:
    assert cli("build").code == 0
    text = five.read_text("assets.yaml")
    five.write("assets.yaml", text[: text.index("  logo:")])
    five.write("art/icon.png", picture("painted"))
    plan = cli("plan", "--json").json
    validator("plan.schema.json").validate(plan)
    assert plan["summary"]["orphans"] == ["public/logo.webp"]
    assert (plan["summary"]["keep"], plan["summary"]["hold"]) == (3, 1)
    assert plan["assets"][3]["verdict"] == "hold"
    assert plan["summary"]["estimate_usd"] == 0


def test_check_gives_the_same_document(five: Project, cli: Inside) -> None:
    assert five.path("assets.yaml").exists()
    for code in (4, 0):
        result = cli("check", "--json")
        assert (result.code, result.err) == (code, "")
        validator("plan.schema.json").validate(result.json)
        assert set(result.json["summary"]) == SUMMARY_FIELDS
        assert cli("build").code == 0


def test_build_is_one_event_a_line_of_the_fields_that_were_promised(
    five: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script_for(lambda r: r.prompt.startswith("A sword"), Empty(), Image(count=2))
    openrouter.script_for(lambda r: "left" in r.prompt, Refusal())
    result = cli("build", "--json")
    assert (result.code, result.err) == (1, "")
    events = result.events
    schema = validator("events.schema.json")
    for event in events:
        schema.validate(event)
        assert set(event) == {"event"} | EVENT_FIELDS[event["event"]]
    kinds = [event["event"] for event in events]
    assert set(kinds) == set(EVENT_FIELDS)
    assert (kinds.index("planned"), kinds.count("planned")) == (0, 1)
    assert (kinds.index("done"), kinds.count("done")) == (len(kinds) - 1, 1)
    done = events[-1]
    assert done["exit_code"] == result.code
    assert done["counts"] == {"derived": 1, "generated": 2, "restored": 1, "failed": 1}
    assert done["spent_usd"] == float(openrouter.billed)
    costs = {event["name"]: event["cost_usd"] for event in events if "cost_usd" in event}
    assert sum(costs.values()) == pytest.approx(float(openrouter.billed))
    assert costs["twin"] == 0, "its image was paid for by hero"
    finished = [event["name"] for event in events if event["event"] == "finished"]
    assert sorted(finished) == ["hero", "icon", "logo", "side", "twin"]
    assert five.path("art/hero.png").exists()


def test_a_build_that_cannot_start_writes_no_event(five: Project, cli: Inside) -> None:
    result = cli("build", "--json", env={"OPENROUTER_API_KEY": None})
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    five.write("assets.yaml", "version: 2\n")
    result = cli("build", "--json")
    assert (result.code, result.out) == (2, "")


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({}, id="the usual"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="a terminal of ASCII"),
    ],
)
def test_letters_of_any_script_are_no_obstacle(
    project: Project, cli: Inside, env: dict[str, str]
) -> None:
    asset = f"{{prompt: Ein Schloß, model: {GEMINI}, reference: refs/城.png, output: 城/a.png}}"
    project.write("assets.yaml", f"version: 1\nassets:\n  a: {asset}\n")
    project.write("refs/城.png", picture("frame"))
    plan = cli("plan", "--json", env=env)
    assert plan.code == 0, plan.err
    assert plan.json["assets"][0]["output"] == "城/a.png"
    assert cli("plan", env=env).code == 0
    assert cli("check", env=env).code == 4
    result = cli("build", "--json", env=env)
    assert result.code == 0, result.err
    assert project.path("城/a.png").exists()


# The law: what plan calls run is run, and nothing runs that it did not call run or wait


def ran(events: list[Any]) -> set[str]:
    return {event["name"] for event in events if event["event"] == "started"}


def assert_build_does_what_plan_says(cli: Inside, *arguments: str) -> dict[str, str]:
    """Plan, build, compare; returns the verdicts."""
    plan = cli("plan", "--json", *arguments).json
    verdicts = {asset["name"]: asset["verdict"] for asset in plan["assets"]}
    result = cli("build", "--json", *arguments)
    run = {n for n, verdict in verdicts.items() if verdict in {"generate", "derive", "restore"}}
    may_run = run | {n for n, verdict in verdicts.items() if verdict == "wait"}
    assert run <= ran(result.events) <= may_run
    assert plan["summary"]["images"] >= sum(
        event.get("status") == "generated" for event in result.events
    )
    return verdicts


def test_build_runs_what_plan_calls_run_and_nothing_else(five: Project, cli: Inside) -> None:
    verdicts = assert_build_does_what_plan_says(cli)
    assert set(verdicts.values()) == {"generate", "wait", "derive"}
    assert set(assert_build_does_what_plan_says(cli).values()) == {"keep"}
    edit(five, "A sword icon", "An axe icon")
    five.path("art/hero.png").unlink()
    verdicts = assert_build_does_what_plan_says(cli)
    assert (verdicts["icon"], verdicts["hero"], verdicts["side"]) == ("generate", "restore", "keep")
    five.write("hand/logo.png", picture("other logo"))
    five.write("art/side.webp", picture("painted", (32, 32), "webp"))
    verdicts = assert_build_does_what_plan_says(cli)
    assert (verdicts["logo"], verdicts["side"]) == ("derive", "hold")
    verdicts = assert_build_does_what_plan_says(cli, "--force", "tag:people")
    assert (verdicts["hero"], verdicts["side"], verdicts["twin"]) == ("generate", "wait", "keep")


def test_build_runs_what_plan_calls_run_for_a_selection_too(five: Project, cli: Inside) -> None:
    verdicts = assert_build_does_what_plan_says(cli, "side")
    assert verdicts == {"hero": "generate", "side": "wait"}
    edit(five, "A lighthouse keeper\n", "An old keeper\n")
    verdicts = assert_build_does_what_plan_says(cli, "hero+")
    assert verdicts == {"hero": "generate", "side": "wait"}
    verdicts = assert_build_does_what_plan_says(cli, "--draft")
    assert (verdicts["hero"], verdicts["icon"], verdicts["logo"]) == ("keep", "generate", "derive")
