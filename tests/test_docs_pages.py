"""The pages in docs/: their commands do what they say, their generated parts are current.

A page is read like a session: its `sh` blocks run one after another in one empty folder, by a
real shell, and so do the `run:` steps of its CI recipes. A `text` block right after a command is
what the command prints. A `yaml` block that begins with `# assets.yaml` is the manifest from there
on, and one that begins with `# assets.yaml, continued` goes on with it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.conftest import Cli, Project

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
INSTALL = "python3 -m pip install path/to/the/clone/of/assetgen"
"""The one command that cannot run here: it takes a network. `.ci/run` installs a clone."""


def a_paid_project(cli: Cli, project: Project) -> None:
    assert cli("init").code == 0
    manifest = project.read_text("assets.yaml")
    project.write("assets.yaml", manifest.replace("provider: draft", "provider: openrouter"))


SETTINGS: Mapping[str, Callable[[Cli, Project], None]] = {"money.md": a_paid_project}
"""What a page takes for granted."""


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every fenced block, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def steps(recipe: str) -> str:
    """The commands of a CI recipe's `run:` steps, without installing."""
    commands = re.findall(r"^\s*- run: (.*)$", recipe, flags=re.MULTILINE)
    return "\n".join(command for command in commands if command.strip() != INSTALL)


@pytest.fixture
def shell(cli: Cli, project: Project, tmp_path: Path) -> Callable[[str], str]:
    """Runs a script in a real shell with `assetgen` on its path; returns what it prints."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/assetgen"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assetgen "$@"\n')
    command.chmod(0o755)
    env = {**cli.env, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(script: str) -> str:
        result = subprocess.run(
            ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
            cwd=project.root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == 0, f"{script}\n{result.stdout}{result.stderr}"
        return result.stdout + result.stderr

    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_does_what_the_page_says(
    page: Path, shell: Callable[[str], str], cli: Cli, project: Project
) -> None:
    if page.name in SETTINGS:
        SETTINGS[page.name](cli, project)
    said, before = "", ""
    for language, block in blocks(page.read_text(encoding="utf-8")):
        if language == "text" and before == "sh":
            rows = [line.split() for line in said.splitlines()]
            assert [line for line in block.splitlines() if line.split() not in rows] == []
        if language == "sh":
            said = shell(block)
        elif language == "yaml" and block.startswith("# assets.yaml"):
            is_more = block.startswith("# assets.yaml, continued\n")
            earlier = project.read_text("assets.yaml") if is_more else ""
            project.write("assets.yaml", earlier + block)
        elif language == "yaml":
            said = shell(steps(block))
        before = language


def test_every_page_is_on_the_site() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    (toctree,) = re.findall(r"^```\{toctree\}\n(.*?)^```", index, flags=re.MULTILINE | re.DOTALL)
    named = [line for line in toctree.splitlines() if line and not line.startswith(":")]
    assert sorted(named) == sorted(page.stem for page in PAGES if page.name != "index.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (page.parent / target).exists(), target


def test_generated_parts_are_current(cli: Cli) -> None:
    result = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"],
        env=dict(cli.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
