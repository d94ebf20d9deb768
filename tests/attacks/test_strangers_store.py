"""Strangers: a store that others could write runs no code and hands out nothing that differs.

The fence around the database itself (settings, triggers, foreign tables) is attacked in
`tests/cache/test_actions_disk.py`.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.attacks.support import cache_of, digest_of, manifest, slowly
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def built(project: Project, cli: Cli) -> Project:
    """A project with one bought image, whose output and lockfile are gone: only the store knows."""
    project.write("assets.yaml", manifest("hero"))
    assert cli("build").code == 0
    for name in ("art/hero.png", "assets.lock", ".assetgen/assets.record"):
        project.path(name).unlink()
    return project


def database(cli: Cli) -> Path:
    (found,) = cache_of(cli).root.glob("actions-*/cache.db")
    return found


def blob(cli: Cli, data: bytes) -> Path:
    digits = digest_of(data).removeprefix("sha256:")
    return cache_of(cli).root / "blobs" / digits[:2] / digits


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(2, id="binary file", marks=pytest.mark.slow),
        pytest.param(3, id="text file", marks=pytest.mark.slow),
        pytest.param(4, id="pickle"),
    ],
)
def test_a_row_that_is_no_text_of_ours_runs_nothing_and_reads_no_file(
    built: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path, mode: int
) -> None:
    """What the row hid is found again in the ledger, and not bought."""
    private = tmp_path / "private"
    private.write_bytes(b"private")
    with sqlite3.connect(database(cli)) as connection:
        connection.execute(
            "UPDATE Cache SET mode = ?, value = ?, filename = ? WHERE length(key) = 64",
            (mode, pickle.dumps(Touch(tmp_path / "owned")), str(private) if mode != 4 else None),
        )
        connection.execute("UPDATE Cache SET value = '0' WHERE key = 'ledger position'")
    connection.close()
    result = cli("build")
    assert result.code == 0, result.err
    assert not (tmp_path / "owned").exists()
    assert private.read_bytes() == b"private"
    assert built.path("art/hero.png").exists()
    assert len(openrouter.generations) == 1


@pytest.mark.slow
def test_a_row_of_another_request_gives_no_image(
    built: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    built.write("assets.yaml", manifest("hero", "other"))
    assert cli("build").code == 0
    images = {name: built.read_bytes(f"art/{name}.png") for name in ("hero", "other")}
    assert images["hero"] != images["other"]
    with sqlite3.connect(database(cli)) as connection:
        rows = connection.execute("SELECT key, value FROM Cache WHERE length(key) = 64").fetchall()
        (one, first), (other, second) = rows
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (second, one))
        connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (first, other))
        connection.execute("UPDATE Cache SET value = '0' WHERE key = 'ledger position'")
    connection.close()
    for name in ("art/hero.png", "art/other.png", "assets.lock"):
        built.path(name).unlink()
    assert cli("build").code == 0
    assert {name: built.read_bytes(f"art/{name}.png") for name in images} == images
    assert len(openrouter.generations) == 2


@pytest.mark.parametrize("how", ["other bytes", *slowly("link", "pipe", "folder")])
def test_a_blob_that_is_not_what_its_name_says_is_never_handed_out(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path, how: str
) -> None:
    project.write("assets.yaml", manifest("hero"))
    assert cli("build").code == 0
    planted = picture("planted")
    path = blob(cli, project.read_bytes("art/hero.png"))
    project.path("art/hero.png").unlink()
    path.unlink()
    if how == "other bytes":
        path.write_bytes(planted)
    elif how == "link":
        (tmp_path / "planted").write_bytes(planted)
        path.symlink_to(tmp_path / "planted")
    elif how == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    result = cli("build")
    assert result.code == 4, result.err
    assert not project.path("art/hero.png").exists()
    assert cli("build", "--rebuy").code == 0
    assert project.read_bytes("art/hero.png") != planted
    assert len(openrouter.generations) == 2


def test_a_cache_that_everybody_can_write_is_warned_of_once(project: Project, cli: Cli) -> None:
    root = cache_of(cli).root
    root.mkdir()
    root.chmod(0o777)
    project.write("assets.yaml", manifest("a", "b"))
    result = cli("build")
    assert result.code == 0
    assert result.err.count("everybody can write the cache") == 1
    root.chmod(0o700)
    project.write("assets.yaml", manifest("a", "b", "c"))
    assert "everybody" not in cli("build").err


def test_a_new_cache_is_for_its_user_only(built: Project, cli: Cli) -> None:
    del built
    assert cache_of(cli).root.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_cache_behind_a_link_of_the_users_own_works(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache_of(cli).root.symlink_to(tmp_path / "elsewhere")
    project.write("assets.yaml", manifest("hero"))
    assert cli("build").code == 0
    project.path("art/hero.png").unlink()
    assert cli("build").code == 0
    assert len(openrouter.generations) == 1
