"""`assetgen init`: from an empty folder to pictures without a key, never over somebody's file."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
IGNORED = ".assetgen/\n"
ATTRIBUTES = "assets.lock merge=union\n"


@pytest.mark.parametrize("template", ["game", "web"])
def test_a_new_project_builds_at_once_without_a_key(
    project: Project, cli: Cli, template: str
) -> None:
    made = cli("init", "--template", template, env=FREE)
    assert (made.code, made.out) == (0, "")
    assert "`assetgen build`" in made.err
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    outputs = [asset["output"] for asset in cli("plan", "--json", env=FREE).json["assets"]]
    assert len(outputs) >= 5
    assert all(project.path(output).stat().st_size > 0 for output in outputs)
    assert cli("check", env=FREE).code == 0
    assert cli("build", env=FREE).err == "up to date\n"


@pytest.mark.parametrize("template", ["game", "web"])
def test_a_new_project_is_one_line_from_real_images(
    project: Project, cli: Cli, template: str
) -> None:
    assert cli("init", "--template", template).code == 0
    text = project.read_text("assets.yaml")
    assert "\nprovider: draft\n" in text
    project.write("assets.yaml", text.replace("provider: draft", "provider: openrouter"))
    plan = cli("plan", "--json")
    assert plan.code == 0, plan.err
    assert plan.json["summary"]["unpriced"] == 0
    assert 0 < plan.json["summary"]["estimate_usd"] < 2


def test_the_game_is_the_default(project: Project, cli: Cli) -> None:
    assert cli("init").code == 0
    default = project.read_text("assets.yaml")
    project.path("assets.yaml").unlink()
    assert cli("init", "--template", "game").code == 0
    assert project.read_text("assets.yaml") == default


def test_the_editor_finds_the_schema_that_the_first_line_names(project: Project, cli: Cli) -> None:
    assert cli("init").code == 0
    first = project.read_text("assets.yaml").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schemas/manifest.schema.json"
    schema = json.loads(project.read_text("schemas/manifest.schema.json"))
    assert "assets" in schema["properties"]


def test_git_ignores_what_is_not_shared_and_merges_the_lockfile(project: Project, cli: Cli) -> None:
    assert cli("init").code == 0
    assert project.read_text(".gitignore") == IGNORED
    assert project.read_text(".gitattributes") == ATTRIBUTES
    assert cli("build", "hero").code == 0
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"],
        cwd=project.root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "assets.lock" in status.stdout
    assert ".assetgen" not in status.stdout


@pytest.mark.parametrize("end", ["\n", ""])
def test_lines_for_git_are_added_behind_those_that_are_there_and_only_once(
    project: Project, cli: Cli, end: str
) -> None:
    project.write(".gitignore", f"node_modules/{end}")
    project.write(".gitattributes", f"*.png filter=lfs diff=lfs merge=lfs -text{end}")
    for _ in range(2):
        assert cli("init").code == 0
        project.path("assets.yaml").unlink()
    assert project.read_text(".gitignore") == f"node_modules/\n{IGNORED}"
    assert project.read_text(".gitattributes") == (
        f"*.png filter=lfs diff=lfs merge=lfs -text\n{ATTRIBUTES}"
    )


def test_a_manifest_that_is_there_is_never_overwritten(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", "version: 1\nassets: {}\n")
    result = cli("init")
    assert (result.code, result.out) == (2, "")
    assert "`assets.yaml` is there already" in result.err
    assert {path.name for path in project.root.iterdir()} == {"assets.yaml"}
    assert project.read_text("assets.yaml") == "version: 1\nassets: {}\n"


def test_a_dangling_link_in_the_place_of_the_manifest_is_not_written_through(
    project: Project, cli: Cli
) -> None:
    target = project.root.parent / "elsewhere.yaml"
    project.path("assets.yaml").symlink_to(target)
    result = cli("init")
    assert result.code in {1, 2}
    assert "assets.yaml" in result.err
    assert not target.exists()


def test_a_schema_that_is_there_is_left_as_it_is(project: Project, cli: Cli) -> None:
    project.write("schemas/manifest.schema.json", "{}")
    assert cli("init").code == 0
    assert project.read_text("schemas/manifest.schema.json") == "{}"


def test_another_folder_and_name_can_be_chosen(project: Project, cli: Cli) -> None:
    project.path("games").mkdir()
    assert cli("-C", "games", "-f", "one/art.yaml", "init").code == 0
    assert project.path("games/one/art.yaml").exists()
    assert project.read_text("games/one/.gitattributes") == "art.lock merge=union\n"
    assert {path.name for path in project.root.iterdir()} == {"games"}
    assert cli("-C", "games/one", "-f", "art.yaml", "build", "hero", env=FREE).code == 0


@pytest.mark.parametrize("name", ["a: b #c", "it's", '"quoted"', "城", "${x}", "- no", "100"])
def test_the_folder_may_have_any_name(project: Project, cli: Cli, name: str) -> None:
    folder = project.path(name)
    folder.mkdir()
    assert cli("init", cwd=folder).code == 0
    result = cli("plan", cwd=folder, env=FREE)
    assert result.code == 0, result.err
