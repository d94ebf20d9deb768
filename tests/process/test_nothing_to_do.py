"""A build with nothing to do compares stamps and ends, and finds out when it may not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

LOADING = {"PYTHONPROFILEIMPORTTIME": "1"}
"""Makes Python list on standard error what it loads."""


@pytest.fixture
def settled(cli: Cli, project: Project) -> Project:
    """A project that was built, and built again once its stamps could be trusted."""
    assert cli("init").code == 0
    assert [cli("build").code for _ in range(2)] == [0, 0]
    return project


@pytest.mark.usefixtures("settled")
def test_the_next_build_loads_neither_the_manifest_nor_the_command_line(cli: Cli) -> None:
    result = cli("build", env=LOADING)
    assert result.err.endswith("up to date\n")
    assert "assetgen.cli.noop" in result.err
    for module in ("assetgen.cli.main", "assetgen.session", "yaml", "pydantic", "argparse"):
        assert f" {module}\n" not in result.err, module


def test_a_project_that_has_moved_takes_the_long_way_once(cli: Cli, settled: Project) -> None:
    moved = settled.root.with_name("moved")
    shutil.move(settled.root, moved)
    there = replace(cli, cwd=moved)
    loads = [" assetgen.cli.main\n" in there("build", env=LOADING).err for _ in range(2)]
    assert loads == [True, False]
