from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from assetgen.core.stamp import stamp_of
from assetgen.disk import LEAST_BYTES
from assetgen.errors import OutputError
from assetgen.files import project as home
from assetgen.files.project import ProjectFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_bytes(b"secret")
    return folder


@pytest.fixture
def files(root: Path) -> ProjectFiles:
    return ProjectFiles(str(root))


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


# Reading


def test_reads_what_is_there(root: Path, files: ProjectFiles) -> None:
    (root / "a b.png").write_bytes(b"bytes")
    assert files.read("a b.png") == b"bytes"
    assert files.stamp("a b.png") == stamp_of(str(root / "a b.png"))


@pytest.mark.parametrize("size", [0, 1, LEAST_BYTES, LEAST_BYTES + 1, 2**20, 2**21 + 4095])
def test_what_was_just_written_is_read_back(files: ProjectFiles, size: int) -> None:
    data = os.urandom(size)
    files.write("a/b.png", data)
    assert files.read_back("a/b.png") == files.read("a/b.png") == data


def test_what_somebody_writes_in_between_is_read_back(root: Path, files: ProjectFiles) -> None:
    files.write("a.png", os.urandom(2**20))
    edited = os.urandom(2**19)
    with (root / "a.png").open("r+b") as file:
        file.write(edited)
        file.truncate()
        file.flush()
        assert files.read_back("a.png") == edited


@pytest.mark.parametrize("path", ["none.png", "no/folder/none.png", "file/none.png"])
def test_what_is_not_there_is_none(root: Path, files: ProjectFiles, path: str) -> None:
    (root / "file").write_bytes(b"")
    assert files.read(path) is None
    assert files.read_back(path) is None
    assert files.stamp(path) is None


def test_follows_a_link_that_stays_inside(root: Path, files: ProjectFiles) -> None:
    (root / "real.png").write_bytes(b"bytes")
    (root / "link.png").symlink_to("real.png")
    assert files.read("link.png") == b"bytes"


def test_reads_a_project_that_is_itself_reached_by_a_link(root: Path, tmp_path: Path) -> None:
    (root / "a.png").write_bytes(b"bytes")
    (tmp_path / "alias").symlink_to(root)
    assert ProjectFiles(str(tmp_path / "alias")).read("a.png") == b"bytes"


@pytest.mark.parametrize("path", ["link.txt", "folder/secret.txt", "../outside/secret.txt"])
def test_refuses_to_read_what_is_outside(
    root: Path, outside: Path, files: ProjectFiles, path: str
) -> None:
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    with pytest.raises(OutputError) as caught:
        files.read(path)
    assert f"`{path}` leads out of the project folder" in caught.value.what
    assert "secret" not in caught.value.what.replace(path, "")
    assert caught.value.hint is not None


def test_a_neighbour_whose_name_begins_like_the_project_is_outside(
    root: Path, tmp_path: Path, files: ProjectFiles
) -> None:
    neighbour = tmp_path / "project-two"
    neighbour.mkdir()
    (neighbour / "a.txt").write_bytes(b"x")
    (root / "link.txt").symlink_to(neighbour / "a.txt")
    with pytest.raises(OutputError):
        files.read("link.txt")


def test_refuses_a_fifo_at_once_instead_of_waiting_for_a_writer(
    root: Path, files: ProjectFiles
) -> None:
    os.mkfifo(root / "pipe.png")
    with pytest.raises(OutputError, match="`pipe\\.png` is not a regular file"):
        files.read("pipe.png")


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null"])
def test_refuses_a_device(root: Path, files: ProjectFiles, target: str) -> None:
    (root / "device.png").symlink_to(target)
    with pytest.raises(OutputError):
        files.read("device.png")


def test_refuses_a_folder(root: Path, files: ProjectFiles) -> None:
    (root / "folder.png").mkdir()
    with pytest.raises(OutputError, match="is not a regular file"):
        files.read("folder.png")


def test_refuses_a_link_to_itself(root: Path, files: ProjectFiles) -> None:
    (root / "loop.png").symlink_to("loop.png")
    with pytest.raises(OutputError, match="cannot read `loop\\.png`"):
        files.read("loop.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_says_which_file_cannot_be_read(root: Path, files: ProjectFiles) -> None:
    (root / "a.png").write_bytes(b"x")
    (root / "a.png").chmod(0)
    with pytest.raises(OutputError, match="cannot read `a\\.png`: Permission denied"):
        files.read("a.png")


def test_refuses_a_file_that_is_no_image_by_its_size(
    root: Path, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "MAX_READ_BYTES", 2**20)
    (root / "huge.png").write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(OutputError, match="`huge\\.png` is larger than 1 MiB"):
        files.read("huge.png")


def test_leaves_no_file_open(root: Path, files: ProjectFiles) -> None:
    os.mkfifo(root / "pipe")
    (root / "a.png").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for path in ("pipe", "a.png", "none"):
        try:
            files.read(path)
        except OutputError:
            continue
    after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    assert after == before


# Writing


def test_writes_and_makes_the_folders_on_the_way(root: Path, files: ProjectFiles) -> None:
    files.write("art/icons/a.png", b"bytes")
    assert (root / "art/icons/a.png").read_bytes() == b"bytes"
    assert everything(root) == {"art", "art/icons", "art/icons/a.png"}


def test_a_reader_sees_the_old_bytes_or_the_new(root: Path, files: ProjectFiles) -> None:
    (root / "a.png").write_bytes(b"old")
    with (root / "a.png").open("rb") as reader:
        files.write("a.png", b"new bytes")
        assert reader.read() == b"old"
    assert (root / "a.png").read_bytes() == b"new bytes"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    root: Path, files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.png").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="cannot write `a\\.png`: No space left on device"):
        files.write("a.png", b"new")
    assert (root / "a.png").read_bytes() == b"old"
    assert everything(root) == {"a.png"}


def noted(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> list[str]:
    """Names of the functions of `os` among `names` that are called from now on, in order."""
    called: list[str] = []

    def watch(name: str, function: Callable[..., object]) -> None:
        def watched(*arguments: object, **named: object) -> object:
            called.append(name)
            return function(*arguments, **named)

        monkeypatch.setattr(os, name, watched)

    for name in names:
        watch(name, getattr(os, name))
    return called


def test_bytes_are_on_the_disk_before_they_have_the_name(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = noted(monkeypatch, ("fsync", "replace"))
    files.write("a.png", b"new")
    assert order[:2] == ["fsync", "replace"]


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o664, 0o444, 0o755])
def test_permissions_of_a_replaced_file_stay(root: Path, files: ProjectFiles, mode: int) -> None:
    (root / "a.png").write_bytes(b"old")
    (root / "a.png").chmod(mode)
    files.write("a.png", b"new")
    assert stat.S_IMODE((root / "a.png").stat().st_mode) == mode


def test_permissions_of_a_new_file_are_those_of_any_new_file(
    root: Path, files: ProjectFiles
) -> None:
    (root / "usual.png").write_bytes(b"")
    files.write("a.png", b"new")
    assert (root / "a.png").stat().st_mode == (root / "usual.png").stat().st_mode


def test_writing_never_touches_the_umask_which_all_threads_share(
    files: ProjectFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads that read it by setting it can leave it set: files of others become private."""
    touched = noted(monkeypatch, ("umask",))
    files.write("a.png", b"new")
    assert touched == []


@pytest.mark.parametrize("path", ["folder/new.txt", "folder/deep/new.txt", "../outside/new.txt"])
def test_refuses_to_write_outside(
    root: Path, outside: Path, files: ProjectFiles, path: str
) -> None:
    (root / "folder").symlink_to(outside)
    with pytest.raises(OutputError, match="leads out of the project folder"):
        files.write(path, b"x")
    assert everything(outside) == {"secret.txt"}


def test_replaces_a_link_at_the_output_and_not_what_it_points_to(
    root: Path, outside: Path, files: ProjectFiles
) -> None:
    (root / "a.png").symlink_to(outside / "secret.txt")
    files.write("a.png", b"new")
    assert (outside / "secret.txt").read_bytes() == b"secret"
    assert not (root / "a.png").is_symlink()
    assert (root / "a.png").read_bytes() == b"new"


def test_replaces_a_dangling_link_without_making_its_target(
    root: Path, outside: Path, files: ProjectFiles
) -> None:
    (root / "a.png").symlink_to(outside / "new.txt")
    files.write("a.png", b"new")
    assert everything(outside) == {"secret.txt"}


@pytest.mark.parametrize("path", ["folder", "file/a.png"])
def test_says_which_file_cannot_be_written(root: Path, files: ProjectFiles, path: str) -> None:
    (root / "folder").mkdir()
    (root / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match=f"cannot write `{path}`"):
        files.write(path, b"x")
    assert everything(root) == {"folder", "file"}


@pytest.mark.parametrize("path", ["a" * 300 + ".png", "a\0b.png", "a\ud800.png"])
def test_a_path_that_no_file_can_have_is_an_error_of_ours(files: ProjectFiles, path: str) -> None:
    with pytest.raises(OutputError):
        files.write(path, b"x")
    with pytest.raises(OutputError):
        files.read(path)


# Removing


def test_removes_a_file_and_nothing_else(root: Path, files: ProjectFiles) -> None:
    (root / "art").mkdir()
    (root / "art/a.png").write_bytes(b"x")
    (root / "art/b.png").write_bytes(b"x")
    files.remove("art/a.png")
    files.remove("art/a.png")
    assert everything(root) == {"art", "art/b.png"}


@pytest.mark.parametrize("path", ["link.png", "art", "out/secret.txt", "../outside/secret.txt"])
def test_removes_neither_links_nor_folders_nor_what_is_outside(
    root: Path, outside: Path, files: ProjectFiles, path: str
) -> None:
    (root / "art").mkdir()
    (root / "art/a.png").write_bytes(b"x")
    (root / "link.png").symlink_to("art/a.png")
    (root / "out").symlink_to(outside)
    before = everything(root)
    with pytest.raises(OutputError):
        files.remove(path)
    assert everything(root) == before
    assert everything(outside) == {"secret.txt"}
