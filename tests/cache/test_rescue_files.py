"""Rescue files: an image that the store cannot take, taken in later, and never a stranger's."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.blobs import FileBlobs
from assetgen.core.digest import Digest, digest_of
from assetgen.errors import CacheError
from tests.cache.samples import IMAGE, call, fingerprint

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = digest_of(IMAGE)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folder for temporary files, the home folder and the working directory."""
    folders = [tmp_path / name for name in ("temporary", "home", "here")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folders[0]))
    monkeypatch.setenv("HOME", str(folders[1]))
    monkeypatch.chdir(folders[2])
    return folders


@pytest.fixture
def blobs(tmp_path: Path, places: list[Path]) -> FileBlobs:
    assert places
    return FileBlobs(str(tmp_path / "cache"), create=True, knows_call=known)


def known(asked: str) -> tuple[str, Digest | None] | None:
    """What a ledger says that knows one call, whose answer is not booked."""
    return (fingerprint(), None) if asked == call() else None


def rescue(blobs: FileBlobs) -> str:
    return blobs.rescue(IMAGE, fingerprint=fingerprint(), call=call())


def test_a_rescued_image_is_its_owner_s_and_an_arrival_the_next_time(
    blobs: FileBlobs, places: list[Path]
) -> None:
    path = rescue(blobs)
    assert os.path.dirname(path) == str(places[0])
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert blobs.has_arrivals()
    assert blobs.arrivals() == [(fingerprint(), call(), DIGEST)]
    assert blobs.get(DIGEST) == IMAGE
    assert not os.path.exists(path)


def test_a_rescued_image_can_be_read_by_the_build_that_bought_it(blobs: FileBlobs) -> None:
    path = rescue(blobs)
    assert blobs.get(DIGEST) == IMAGE
    with open(path, "wb") as file:
        file.write(b"something else")
    assert blobs.get(DIGEST) is None


@pytest.mark.parametrize("gone", [1, 2])
def test_the_next_place_is_taken_where_one_takes_nothing(
    blobs: FileBlobs, places: list[Path], gone: int
) -> None:
    for folder in places[:gone]:
        folder.rmdir()
    path = rescue(blobs)
    assert os.path.dirname(path) == str(places[gone])
    assert blobs.arrivals() == [(fingerprint(), call(), DIGEST)]
    assert not os.path.exists(path)


def test_what_no_place_takes_is_an_error_that_names_them(
    blobs: FileBlobs, places: list[Path]
) -> None:
    for folder in places:
        folder.rmdir()
    with pytest.raises(CacheError) as caught:
        rescue(blobs)
    for folder in places[:2]:
        assert str(folder) in caught.value.what


def test_a_rescued_image_stays_where_it_is_while_the_store_takes_nothing(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rescue(blobs)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert blobs.arrivals() == []
    assert os.path.exists(path)
    assert blobs.arrivals() == [(fingerprint(), call(), DIGEST)]


def test_looking_only_leaves_a_rescue_file_alone(blobs: FileBlobs, tmp_path: Path) -> None:
    path = rescue(blobs)
    looking = FileBlobs(str(tmp_path / "cache"), create=False, knows_call=known)
    assert looking.has_arrivals()
    assert looking.arrivals() == []
    assert looking.get(DIGEST) == IMAGE
    assert os.path.exists(path)


def test_a_file_of_a_call_that_nobody_here_made_is_never_taken_in(
    blobs: FileBlobs, places: list[Path]
) -> None:
    planted = [
        (fingerprint(), call(1), "a call of somebody else"),
        (fingerprint(1), call(), "another fingerprint for a call of ours"),
    ]
    for print_, id_, why in planted:
        path = blobs.rescue(IMAGE, fingerprint=print_, call=id_)
        assert not blobs.has_arrivals(), why
        assert blobs.arrivals() == [], why
        assert blobs.get(DIGEST) is None, why
        assert os.path.exists(path)
    assert places


def test_other_bytes_for_a_call_whose_image_is_booked_are_not_taken_in(
    tmp_path: Path, places: list[Path]
) -> None:
    assert places
    booked = digest_of(b"the image that was booked")
    blobs = FileBlobs(
        str(tmp_path / "cache"), create=True, knows_call=lambda _: (fingerprint(), booked)
    )
    rescue(blobs)
    assert blobs.arrivals() == []


@pytest.mark.parametrize("booked", [None, digest_of(b"the image that was taken")])
def test_a_further_image_of_an_answer_is_taken_in_without_becoming_that_of_the_call(
    tmp_path: Path, places: list[Path], booked: Digest | None
) -> None:
    assert places
    blobs = FileBlobs(
        str(tmp_path / "cache"), create=True, knows_call=lambda _: (fingerprint(), booked)
    )
    path = blobs.rescue(IMAGE, fingerprint=fingerprint(), call=call(), is_further=True)
    assert blobs.has_arrivals()
    assert blobs.get(DIGEST) == IMAGE
    assert blobs.arrivals() == []
    assert not os.path.exists(path)
    assert blobs.wrote(DIGEST)


def test_a_further_image_of_a_call_that_nobody_here_made_is_not_taken_in(blobs: FileBlobs) -> None:
    for print_, id_ in ((fingerprint(), call(1)), (fingerprint(1), call())):
        path = blobs.rescue(IMAGE, fingerprint=print_, call=id_, is_further=True)
        assert blobs.arrivals() == []
        assert blobs.get(DIGEST) is None
        assert os.path.exists(path)


def test_a_file_larger_than_any_answer_is_not_read(blobs: FileBlobs) -> None:
    path = rescue(blobs)
    os.truncate(path, 50 * 1024**3)
    assert blobs.arrivals() == []
    assert blobs.get(DIGEST) is None


def test_other_bytes_a_link_or_what_others_may_change_is_not_taken_in(
    blobs: FileBlobs, tmp_path: Path
) -> None:
    path = rescue(blobs)
    os.chmod(path, 0o622)  # noqa: S103 - what others may write to must not count
    assert blobs.arrivals() == []
    os.rename(path, tmp_path / "own")
    os.chmod(tmp_path / "own", 0o600)
    os.symlink(tmp_path / "own", path)
    assert blobs.arrivals() == []
    os.unlink(path)
    os.mkfifo(path)
    assert blobs.arrivals() == []
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(b"something else")
    assert blobs.arrivals() == []
    assert blobs.get(DIGEST) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_somebody_else_s_file_is_not_taken_in(blobs: FileBlobs) -> None:
    path = rescue(blobs)
    os.chown(path, 12345, 12345)
    assert blobs.arrivals() == []
    assert os.path.exists(path)
