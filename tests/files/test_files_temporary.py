"""Temporary files beside outputs: gone after a crash, left alone while somebody writes."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from assetgen.files.project import PrivateFiles, ProjectFiles
from assetgen.temporary import temporary_name

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_crash_left_unfinished_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    left = [tmp_path / "art" / temporary_name("hero.png"), tmp_path / temporary_name("lock")]
    others = [tmp_path / "art/hero.png", tmp_path / "art/.assetgen-mine.png"]
    for path in (*left, *others):
        path.write_bytes(b"x")
    ProjectFiles(str(tmp_path)).sweep(["", "art", "not/there"])
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)


def test_nothing_is_swept_while_somebody_writes_in_the_folder(tmp_path: Path) -> None:
    growing = tmp_path / temporary_name("hero.png")
    growing.write_bytes(b"unfin")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        ProjectFiles(str(tmp_path)).sweep([""])
        assert growing.exists()
    finally:
        os.close(descriptor)
    ProjectFiles(str(tmp_path)).sweep([""])
    assert not growing.exists()


def test_a_lock_that_somebody_else_holds_on_the_folder_holds_up_nobody(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    descriptor = os.open(tmp_path / "art", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        ProjectFiles(str(tmp_path)).write("art/hero.png", b"hero")
    finally:
        os.close(descriptor)
    assert (tmp_path / "art/hero.png").read_bytes() == b"hero"
    assert os.listdir(tmp_path / "art") == ["hero.png"]


def test_a_folder_outside_the_project_is_not_swept(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.mkdir()
    foreign = outside / temporary_name("hero.png")
    foreign.write_bytes(b"x")
    (project / "art").symlink_to(outside)
    ProjectFiles(str(project)).sweep(["art"])
    assert foreign.exists()


def test_the_private_folder_is_hidden_from_git_although_a_crash_came_between(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".assetgen"
    folder.mkdir()
    PrivateFiles(str(tmp_path)).write("note", b"x")
    assert (folder / ".gitignore").read_text() == "*\n"
