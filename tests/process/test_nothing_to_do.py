"""A build with nothing to do compares stamps and ends, and finds out when it may not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from assetgen.cli.noop import is_up_to_date
from tests.inside import Inside
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

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


def test_nobody_has_to_listen(cli: Cli, project: Project) -> None:
    assert cli("init").code == 0
    assert [cli("build").code for _ in range(2)] == [0, 0]
    for stream in ("2>&-", ">&- 2>&-", "2>/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f'"$0" -m assetgen build {stream}', sys.executable],
            cwd=project.root,
            env=dict(cli.env),
            check=False,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), stream


def test_every_path_that_a_record_knows_is_noticed(
    cli: Cli, project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted, emptied, rewritten or touched: one ordinary build, and only one."""
    project.write("refs/frame.png", picture("frame"))
    project.write("more/icons.yaml", "assets:\n  icon: {prompt: An icon, output: art/icon.webp}\n")
    project.write(
        "assets.yaml",
        "version: 1\nprovider: draft\ninclude: [more/*.yaml]\nassets:\n"
        "  hero: {prompt: A keeper, reference: refs/frame.png, output: art/hero.png}\n"
        "  logo: {source: refs/logo.png, output: art/logo.png}\n",
    )
    project.write("refs/logo.png", picture("logo"))

    inside = Inside(project.root, {**cli.env}, capsys, cli)
    monkeypatch.chdir(project.root)

    def settles() -> None:
        """One ordinary build or, where the last stamp was too young, two; then none."""
        assert not is_up_to_date(["build"])
        for _ in range(2):
            result = inside("build")
            assert result.code == 0, result.err
        assert is_up_to_date(["build"])

    settles()
    for path in ("art/hero.png", "art/icon.webp", "art/logo.png"):
        for change in (unlinked, emptied, rewritten_with_the_same_time, touched):
            change(project.path(path))
            settles()
    for path in ("assets.yaml", "assets.lock", "more/icons.yaml", "refs/frame.png"):
        for change in (touched, rewritten_with_the_same_time):
            change(project.path(path))
            settles()
    project.write("more/badge.yaml", "assets:\n  b: {prompt: A badge, output: art/badge.png}\n")
    settles()
    assert project.path("art/badge.png").exists()


def unlinked(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def touched(path: Path) -> None:
    path.touch()


def rewritten_with_the_same_time(path: Path) -> None:
    """As `rsync --times` or `touch -r` would leave it; the inode is new as well."""
    found, data = path.stat(), path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
