"""The records say what is so: of sources that change, and of outputs that another build left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import assetgen
from assetgen.core.events import Event, Started
from tests.standin import picture

if TYPE_CHECKING:
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""

SOURCE = f"""\
version: 1
assets:
  logo: {{source: logo.png, output: art/logo.png}}
  badge: {{prompt: A badge, model: {GEMINI}, reference: 'asset:logo', output: art/badge.png}}
"""

TWO = f"""\
version: 1
assets:
  icon: {{prompt: An icon, model: {GEMINI}, output: art/icon.webp}}
  hero: {{prompt: A keeper, model: {GEMINI}, output: art/hero.png}}
"""


def verdicts(cli: Cli, *arguments: str) -> dict[str, str]:
    plan = cli("plan", "--json", *arguments).json
    return {asset["name"]: asset["verdict"] for asset in plan["assets"]}


def test_a_source_that_is_as_it_was_before_costs_nothing_and_nothing_waits_for_it(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", SOURCE)
    project.write("logo.png", picture("1"))
    assert cli("build").code == 0
    badge = project.read_bytes("art/badge.png")
    project.write("logo.png", picture("2"))
    assert cli("build").code == 0
    assert len(openrouter.generations) == 2
    project.write("logo.png", picture("1"))
    found = verdicts(cli)
    assert found["logo"] in {"derive", "restore"}
    assert found["badge"] == "restore"
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert project.read_bytes("art/logo.png") == picture("1")
    assert project.read_bytes("art/badge.png") == badge
    assert len(openrouter.generations) == 2
    assert cli("check").code == 0


@pytest.mark.parametrize("last", ["1", "2"])
def test_a_source_that_changes_during_a_build_is_not_taken_for_what_it_was(
    project: Project, cli: Cli, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    for name, value in cli.env.items():
        monkeypatch.setenv(name, value)
    path = project.write("assets.yaml", SOURCE.partition("  badge:")[0])
    project.write("logo.png", picture("1"))

    def change(event: Event) -> None:
        if isinstance(event, Started):
            project.write("logo.png", picture("2"))

    assetgen.build(path, emit=change)
    project.write("logo.png", picture(last))
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert project.read_bytes("art/logo.png") == picture(last)
    assert cli("check").code == 0


def test_a_build_of_one_asset_leaves_the_others_as_fresh_as_they_were(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", TWO)
    assert cli("build").code == 0
    # As if a teammate's encoder had written other bytes from the same image:
    entry = next(line for line in project.lock if line.get("name") == "icon")
    lock = project.read_text("assets.lock").replace(entry["digest"], "sha256:" + "0" * 64)
    project.write("assets.lock", lock)
    assert cli("build", env=FREE).code == 0
    assert cli("check", env=FREE).code == 0
    project.path("art/hero.png").unlink()
    assert cli("build", "hero", env=FREE).code == 0
    check = cli("check", env=FREE)
    assert check.code == 0, check.out
    assert verdicts(cli) == {"icon": "keep", "hero": "keep"}
    assert project.read_text("assets.lock") == lock
    assert len(openrouter.generations) == 2
