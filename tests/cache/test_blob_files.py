"""The blob store on the disk: damage, strangers, crashes."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetgen.cache.blobs import FileBlobs
from assetgen.core.digest import Digest, digest_of, hex_of
from assetgen.errors import CacheError
from tests.cache.samples import IMAGE, call, fingerprint, tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def blobs(root: Path) -> FileBlobs:
    return FileBlobs(str(root), create=True)


def blob_path(root: Path, data: bytes = IMAGE, store: str = "blobs") -> Path:
    digits = hex_of(digest_of(data))
    return root / store / digits[:2] / digits


def damage(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def test_a_blob_is_a_read_only_file_named_by_its_digest(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    path = blob_path(root)
    assert path.read_bytes() == IMAGE
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_folders_are_their_owners_only(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, root / "blobs")} == {0o700}


def test_nothing_unfinished_is_left_behind(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    blobs.receive(b"other", fingerprint=fingerprint(), call=call())
    blobs.settle(call())
    assert list((root / "incoming").iterdir()) == []


@given(position=st.integers(0, 8 * len(IMAGE) - 1))
@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_flipped_bit_makes_a_blob_absent_and_nothing_is_deleted(
    root: Path, blobs: FileBlobs, position: int
) -> None:
    digest = blobs.put(IMAGE)
    wrong = bytearray(IMAGE)
    wrong[position // 8] ^= 1 << position % 8
    damage(blob_path(root), bytes(wrong))
    assert not blobs.has(digest)
    assert blobs.get(digest) is None
    assert bytes(wrong) in [path.read_bytes() for path in (root / "damaged").iterdir()]
    assert blobs.put(IMAGE) == digest
    assert blobs.get(digest) == IMAGE


def test_a_blob_cut_short_is_stored_again(root: Path, blobs: FileBlobs) -> None:
    digest = blobs.put(IMAGE)
    damage(blob_path(root), IMAGE[:5])
    blobs.put(IMAGE)
    assert blobs.get(digest) == IMAGE


def test_a_damaged_blob_is_replaced_when_its_image_arrives(root: Path, blobs: FileBlobs) -> None:
    digest = blobs.put(IMAGE)
    damage(blob_path(root), b"damaged")
    blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
    assert blobs.get(digest) == IMAGE


def test_a_damaged_blob_still_answers_from_what_was_kept(root: Path, blobs: FileBlobs) -> None:
    digest = blobs.keep(IMAGE)
    blobs.put(IMAGE)
    damage(blob_path(root), b"damaged")
    assert blobs.get(digest) == IMAGE


def test_a_blob_that_another_process_mends_meanwhile_stays(
    root: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = blobs.put(IMAGE)
    damage(blob_path(root), b"damaged")
    elsewhere = FileBlobs(str(root), create=True)

    def digest_and_mend(data: bytes) -> Digest:
        monkeypatch.undo()
        elsewhere.put(IMAGE)
        return digest_of(data)

    monkeypatch.setattr("assetgen.cache.blobs.digest_of", digest_and_mend)
    assert blobs.get(digest) is None
    assert blob_path(root).read_bytes() == IMAGE


def test_looking_for_what_is_absent_makes_nothing(root: Path, blobs: FileBlobs) -> None:
    blobs.has(digest_of(IMAGE))
    blobs.wrote(digest_of(IMAGE))
    blobs.arrivals()
    assert not root.exists()


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "fifo"])
def test_only_regular_files_of_the_store_are_read(
    root: Path, tmp_path: Path, blobs: FileBlobs, kind: str
) -> None:
    outside = tmp_path / "outside"
    if kind != "dangling":
        outside.write_bytes(IMAGE)
    path = blob_path(root)
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(outside)
    digest = digest_of(IMAGE)
    assert not blobs.wrote(digest)
    assert blobs.get(digest) is None
    assert blobs.put(IMAGE) == digest
    assert blobs.get(digest) == IMAGE
    assert not path.is_symlink()
    assert kind == "dangling" or outside.read_bytes() == IMAGE


def test_a_file_where_a_folder_belongs_hides_its_blobs(root: Path, blobs: FileBlobs) -> None:
    path = blob_path(root)
    path.parent.parent.mkdir(parents=True)
    path.parent.write_bytes(b"")
    assert blobs.get(digest_of(IMAGE)) is None
    with pytest.raises(CacheError, match="cannot write"):
        blobs.put(IMAGE)


def test_what_is_no_digest_leads_nowhere(blobs: FileBlobs) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        blobs.get(Digest("sha256:../../../etc/passwd"))


@pytest.mark.parametrize(("mark", "number"), [("../x", call()), (fingerprint(), "../x")])
def test_an_arrival_cannot_be_named_out_of_its_folder(
    root: Path, blobs: FileBlobs, mark: str, number: str
) -> None:
    with pytest.raises(ValueError, match="not a fingerprint and a call"):
        blobs.receive(IMAGE, fingerprint=mark, call=number)
    assert not root.exists()


def test_an_arrival_without_its_blob_gets_it(root: Path, blobs: FileBlobs) -> None:
    """A crash between the two names of the file."""
    digest = blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
    blob_path(root).unlink()
    assert blobs.arrivals() == [(fingerprint(), call(), digest)]
    blobs.settle(call())
    assert blobs.get(digest) == IMAGE


def test_a_damaged_arrival_is_set_aside(root: Path, blobs: FileBlobs) -> None:
    blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
    (arrival,) = (root / "incoming").iterdir()
    arrival.unlink()
    arrival.write_bytes(b"damaged")
    assert blobs.arrivals() == []
    assert blobs.get(digest_of(IMAGE)) == IMAGE
    assert [path.read_bytes() for path in (root / "damaged").iterdir()] == [b"damaged"]


def test_files_of_others_among_the_arrivals_are_left_alone(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    stranger = root / "incoming" / "notes.txt"
    stranger.write_text("mine")
    assert blobs.arrivals() == []
    assert stranger.read_text() == "mine"


def test_parts_left_behind_by_a_crash_go_at_the_next_look(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    part, lesson = root / "incoming" / "old.part", root / "models.json.1234.part"
    for path in (part, lesson):
        path.write_bytes(b"unfin")
    blobs.arrivals()
    assert not part.exists()
    assert not lesson.exists()


def test_a_part_stays_while_anybody_writes_there(root: Path, blobs: FileBlobs) -> None:
    blobs.put(IMAGE)
    part = root / "incoming" / "young.part"
    part.write_bytes(b"unfin")
    folder = os.open(part.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
        blobs.arrivals()
        assert part.exists()
    finally:
        os.close(folder)
    blobs.arrivals()
    assert not part.exists()


def test_a_file_system_without_hard_links_gets_copies(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: str, _target: str) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    digest = blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
    blobs.settle(call())
    assert blobs.get(digest) == IMAGE


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_no_blob_and_no_part(
    root: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    blobs.put(b"another")

    def fail(*_arguments: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(CacheError, match="No space left") as caught:
            blobs.put(IMAGE)
    assert caught.value.hint is not None
    assert "free some space" in caught.value.hint
    assert blobs.get(digest_of(IMAGE)) is None
    assert list((root / "incoming").iterdir()) == []


@pytest.mark.parametrize("method", ["put", "receive"])
def test_an_image_is_synced_before_it_gets_its_name_and_the_name_after(
    root: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    log: list[tuple[str, bool]] = []
    real_sync, real_replace, real_link = os.fsync, os.replace, os.link

    def sync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        log.append(("sync folder" if is_folder else "sync file", blob_path(root).exists()))
        real_sync(descriptor)

    def name(source: str, target: str) -> None:
        log.append(("name", blob_path(root).exists()))
        (real_link if method == "receive" and target == str(blob_path(root)) else real_replace)(
            source, target
        )

    blobs.put(b"the folders are there")
    blob_path(root).parent.mkdir(exist_ok=True)
    for step, fake in (("fsync", sync), ("replace", name), ("link", name)):
        monkeypatch.setattr(os, step, fake)
    if method == "put":
        blobs.put(IMAGE)
        assert log == [("sync file", False), ("name", False), ("sync folder", True)]
    else:
        blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
        assert log == [
            ("sync file", False),
            ("name", False),
            ("sync folder", False),
            ("name", False),
            ("sync folder", True),
        ]


def test_a_folder_that_cannot_be_made_says_which_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = FileBlobs(str(tmp_path / "file" / "cache"), create=True)
    with pytest.raises(CacheError, match="file/cache") as caught:
        blobs.put(IMAGE)
    assert caught.value.hint == "set `ASSETGEN_CACHE_DIR` to a folder you can write"
    assert isinstance(caught.value.__cause__, OSError)


def test_for_looking_only_nothing_is_made_or_changed(root: Path, blobs: FileBlobs) -> None:
    good = blobs.put(b"good")
    arrived = blobs.receive(b"arrived", fingerprint=fingerprint(), call=call())
    blobs.put(IMAGE)
    damage(blob_path(root), b"damaged")
    blob_path(root, b"arrived").unlink()
    before = tree(root)
    looking = FileBlobs(str(root), create=False)
    assert looking.get(good) == b"good"
    assert looking.get(digest_of(IMAGE)) is None
    assert looking.arrivals() == [(fingerprint(), call(), arrived)]
    for change in (
        lambda: looking.put(b"new"),
        lambda: looking.keep(b"new"),
        lambda: looking.receive(b"new", fingerprint=fingerprint(), call=call()),
        lambda: looking.settle(call()),
    ):
        with pytest.raises(CacheError, match="opened for reading only"):
            change()
    assert tree(root) == before


# What can be made again is not waited for


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that are brought to the disk from here on, folders left out."""
    files: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if not os.path.isdir(path):
            files.append(path)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return files


def test_a_derived_blob_is_whole_and_not_waited_for(
    root: Path, blobs: FileBlobs, synced: list[str]
) -> None:
    blobs.put_derived(IMAGE)
    assert synced == []
    assert blob_path(root).read_bytes() == IMAGE
    assert stat.S_IMODE(blob_path(root).stat().st_mode) == 0o444
    assert list((root / "incoming").iterdir()) == []


def test_a_derived_blob_that_a_power_cut_tore_counts_as_absent(
    root: Path, blobs: FileBlobs
) -> None:
    digest = blobs.put_derived(IMAGE)
    damage(blob_path(root), IMAGE[:7] + bytes(len(IMAGE) - 7))
    assert blobs.get(digest) is None
    blobs.put_derived(IMAGE)
    assert blobs.get(digest) == IMAGE


def test_what_is_bought_is_synced_though_the_same_bytes_were_derived_before(
    root: Path, blobs: FileBlobs, synced: list[str]
) -> None:
    blobs.put_derived(IMAGE)
    blobs.receive(IMAGE, fingerprint=fingerprint(), call=call())
    blobs.settle(call())
    assert str(blob_path(root)) in synced


@pytest.mark.parametrize("method", ["put", "keep"])
def test_what_must_last_is_synced_though_the_same_bytes_were_derived_before(
    root: Path, blobs: FileBlobs, synced: list[str], method: str
) -> None:
    blobs.put_derived(IMAGE)
    getattr(blobs, method)(IMAGE)
    assert synced == [str(blob_path(root))]
