"""The known projects: never forgotten by themselves, never guessed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.projects import FOLDER, FileProjects
from assetgen.core.needs import Needs
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = ("/home/me/bay/assets.lock", "/home/me/cliff/assets.lock")


def test_projects_are_known_to_the_next_process_each_once(tmp_path: Path) -> None:
    for lockfile in (*LOCKS, LOCKS[0]):
        FileProjects(str(tmp_path), create=True).remember(lockfile, Needs())
    assert FileProjects(str(tmp_path), create=False).known() == list(LOCKS)


def test_a_project_that_is_known_is_not_written_again(tmp_path: Path) -> None:
    projects = FileProjects(str(tmp_path), create=True)
    projects.remember(LOCKS[0], Needs())
    (file,) = (tmp_path / FOLDER).iterdir()
    before = file.stat()
    projects.remember(LOCKS[0], Needs())
    FileProjects(str(tmp_path), create=False).remember(LOCKS[0], Needs())
    assert file.stat() == before


def test_any_path_that_a_folder_can_have_comes_back(tmp_path: Path) -> None:
    lockfile = os.fsdecode(b'/home/\xff/new\nline "quoted"/assets.lock')
    FileProjects(str(tmp_path), create=True).remember(lockfile, Needs())
    assert FileProjects(str(tmp_path), create=False).known() == [lockfile]


def test_a_project_is_forgotten_only_when_told(tmp_path: Path) -> None:
    projects = FileProjects(str(tmp_path), create=True)
    for lockfile in LOCKS:
        projects.remember(lockfile, Needs())
    projects.forget([LOCKS[0]])
    assert projects.known() == [LOCKS[1]]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"lockfile": 1}', b'{"lockfile": "/x"}'])
def test_a_damaged_file_may_name_any_project_so_it_is_an_error(tmp_path: Path, text: bytes) -> None:
    projects = FileProjects(str(tmp_path), create=True)
    projects.remember(LOCKS[0], Needs())
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_bytes(text)
    with pytest.raises(CacheError, match="does not say which project"):
        projects.known()
    projects.remember(LOCKS[0], Needs())
    assert projects.known() == [LOCKS[0]]


def test_looking_makes_nothing(tmp_path: Path) -> None:
    projects = FileProjects(str(tmp_path), create=False)
    assert projects.known() == []
    with pytest.raises(CacheError):
        projects.remember(LOCKS[0], Needs())
    assert list(tmp_path.iterdir()) == []


def test_files_of_products_which_have_no_fingerprint_are_no_news_every_time(tmp_path: Path) -> None:
    left = Needs(frozenset({A}), frozenset({""}))
    FileProjects(str(tmp_path), create=True).remember(LOCKS[0], left)
    FileProjects(str(tmp_path), create=False).remember(LOCKS[0], left)


A, B, KEY = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}", "c" * 64


def test_all_that_a_lockfile_ever_named_is_remembered_also_when_it_is_forgotten(
    tmp_path: Path,
) -> None:
    projects = FileProjects(str(tmp_path), create=True)
    projects.remember(LOCKS[0], Needs(frozenset({A}), frozenset({KEY})))
    projects.remember(LOCKS[0], Needs(frozenset({B})))
    projects.remember(LOCKS[1], Needs(frozenset({B})))
    both = Needs(frozenset({A, B}), frozenset({KEY}))
    assert projects.named(LOCKS) == (both, Needs())
    projects.forget([LOCKS[0]])
    assert projects.known() == [LOCKS[1]]
    assert projects.named(projects.known()) == (Needs(frozenset({B})), both)


def test_names_that_are_remembered_are_not_written_again(tmp_path: Path) -> None:
    FileProjects(str(tmp_path), create=True).remember(LOCKS[0], Needs(frozenset({A, B})))
    FileProjects(str(tmp_path), create=False).remember(LOCKS[0], Needs(frozenset({A})))


@pytest.mark.parametrize("text", [b"x\n", A.encode(), A[:-1].encode() + b"\n", b"\xff\n"])
def test_damaged_names_may_be_of_any_image_so_they_are_an_error(
    tmp_path: Path, text: bytes
) -> None:
    projects = FileProjects(str(tmp_path), create=True)
    projects.remember(LOCKS[0], Needs(frozenset({B})))
    (file,) = (tmp_path / FOLDER).glob("*.names")
    file.write_bytes(text)
    with pytest.raises(CacheError, match="does not say which images"):
        projects.named(LOCKS)
    projects.remember(LOCKS[0], Needs(frozenset({B})))
    if text != A.encode():  # the whole name without its line end is understood again
        with pytest.raises(CacheError, match="does not say which images"):
            projects.named(LOCKS)
