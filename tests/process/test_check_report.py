"""`check --report`: what a pull request shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.standin import picture

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

MANIFEST = """\
version: 1
provider: draft
assets:
  hero: {prompt: A keeper, output: art/the hero.png}
  logo: {source: mine.png, output: logo.png}
"""


@pytest.fixture
def built(project: Project, cli: Cli) -> Project:
    project.write("mine.png", picture("mine"))
    project.write("assets.yaml", MANIFEST)
    assert cli("build").code == 0
    return project


def test_a_fresh_project_is_reported_in_one_sentence(built: Project, cli: Cli) -> None:
    assert cli("check", "--report", "report.md").code == 0
    assert built.read_text("report.md") == "All 2 assets are up to date.\n"


def test_what_is_stale_is_told_with_reason_and_picture(built: Project, cli: Cli) -> None:
    built.write("assets.yaml", MANIFEST.replace("A keeper", "A *tall* | keeper"))
    built.path("reports").mkdir()
    assert cli("check", "--report", "reports/report.md").code == 4
    lines = built.read_text("reports/report.md").splitlines()
    assert lines[0] == "1 of 2 assets are not up to date."
    assert lines[4] == "| hero | stale | prompt changed | free | ![hero](../art/the%20hero.png) |"


def test_a_program_gets_the_document_that_json_prints(built: Project, cli: Cli) -> None:
    built.write("logo.png", picture("painted"))
    printed = cli("check", "--json", "--report", "report.json")
    assert printed.code == 4
    assert json.loads(built.read_text("report.json")) == printed.json


def test_text_of_the_project_is_text_in_markdown_too(built: Project, cli: Cli) -> None:
    built.write("assets.yaml", MANIFEST.replace("art/the hero.png", "'[x](y)_.png'"))
    assert cli("build").code == 0
    built.write("assets.yaml", MANIFEST)
    cli("check", "--report", "report.md")
    assert r"\[x\](y)\_.png" in built.read_text("report.md")


@pytest.mark.usefixtures("built")
def test_another_extension_is_refused_before_anything_is_written(
    cli: Cli, project: Project
) -> None:
    result = cli("check", "--report", "report.html")
    assert result.code == 2
    assert "`.md` or `.json`" in result.err
    assert not project.path("report.html").exists()
