"""`-C` given more than once, each from where the one before has led, as with git and make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

MANIFEST = "version: 1\nprovider: draft\nassets:\n  a: {prompt: A, output: a.png}\n"


@pytest.fixture
def folders(project: Project) -> Project:
    """A manifest in `a/b`, and one in `b` that must not be taken for it."""
    for folder in ("a/b", "b"):
        project.write(f"{folder}/assets.yaml", MANIFEST)
    return project


def test_folders_add_up(folders: Project, cli: Cli) -> None:
    result = cli("-C", "a", "-C", "b", "build")
    assert result.code == 0, result.err
    assert folders.path("a/b/a.png").exists()
    assert not folders.path("b/a.png").exists()
    plan = cli("-C", "a", "-C", "b", "plan", "--json").json
    assert [asset["verdict"] for asset in plan["assets"]] == ["keep"]


def test_a_build_with_nothing_to_do_looks_into_the_same_folder(folders: Project, cli: Cli) -> None:
    assert cli("-C", "b", "build").code == 0
    assert cli("-C", "a", "-C", "b", "build").code == 0
    assert folders.path("a/b/a.png").exists(), "the record of the other folder was believed"
    assert cli("-C", "a", "-C", "b", "build").err == "up to date\n"
    folders.path("a/b/a.png").unlink()
    assert cli("-C", "a", "-C", "b", "build").code == 0
    assert folders.path("a/b/a.png").exists()


def test_an_absolute_folder_starts_anew(folders: Project, cli: Cli) -> None:
    for _ in range(2):  # the ordinary path, then the one with nothing to do
        result = cli("-C", "a", "-C", str(folders.path("b")), "build")
        assert result.code == 0, result.err
    assert folders.path("b/a.png").exists()
    assert not folders.path("a/b/a.png").exists()
