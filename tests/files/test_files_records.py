from __future__ import annotations

import os
import resource
import threading
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from assetgen.core.digest import digest_of
from assetgen.core.lock import Changes, Lock, LockEntry, Names
from assetgen.core.lock_text import dump_lock, parse_lock
from assetgen.core.record import Entry, Head, Record, dump_record
from assetgen.errors import LockfileError, OutputError
from assetgen.files.journal import FileJournal
from assetgen.files.lockfile import LockFile, lockfile_name
from assetgen.files.record import read_record, record_name, write_record
from tests.fakes import lock_of, picture, result_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assetgen.core.digest import Digest
    from assetgen.core.record_kept import KeptRecord


def entry(name: str) -> LockEntry:
    data = picture(name)
    return LockEntry(
        name=name,
        output=f"art/{name}.png",
        digest=digest_of(data),
        fingerprint="f" * 64,
        inputs={"prompt": "0b1ee04084ef"},
        result=result_of(data),
    )


def lockfile(
    folder: Path, hold: AbstractContextManager[object] | None = None, name: str = "assets.lock"
) -> LockFile:
    return LockFile(str(folder / name), name, lambda: hold or nullcontext())


NAMES = Names(frozenset({"hero", "icon"}))


class TestLockFile:
    def test_that_is_not_there_says_nothing(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path)
        assert locks.read() == Lock()
        assert locks.text() is None
        assert locks.says(Lock())
        assert not locks.says(lock_of(entry("hero")))

    def test_is_not_made_for_nothing(self, tmp_path: Path) -> None:
        assert lockfile(tmp_path).update(Changes(), NAMES) == Lock()
        assert os.listdir(tmp_path) == []

    def test_takes_what_changed_and_says_so(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path)
        lock = locks.update(Changes({"hero": entry("hero")}), NAMES)
        assert lock == locks.read() == lock_of(entry("hero"))
        assert locks.says(lock)
        assert (tmp_path / "assets.lock").read_text("utf-8") == dump_lock(lock)

    def test_is_not_written_when_it_says_the_same(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path)
        locks.update(Changes({"hero": entry("hero")}), NAMES)
        before = (tmp_path / "assets.lock").stat().st_ino
        locks.update(Changes({"hero": entry("hero")}), NAMES)
        locks.update(Changes(), NAMES)
        assert (tmp_path / "assets.lock").stat().st_ino == before

    def test_that_git_gave_other_line_ends_says_the_same(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path)
        lock = locks.update(Changes({"hero": entry("hero")}), NAMES)
        path = tmp_path / "assets.lock"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        before = path.read_bytes()
        assert locks.read() == lock
        locks.update(Changes(), NAMES)
        assert path.read_bytes() == before

    def test_is_merged_with_what_another_build_wrote_meanwhile(self, tmp_path: Path) -> None:
        lockfile(tmp_path).update(Changes({"hero": entry("hero")}), NAMES)
        lockfile(tmp_path).update(Changes({"icon": entry("icon")}), NAMES)
        assert lockfile(tmp_path).read() == lock_of(entry("hero"), entry("icon"))

    def test_loses_nothing_when_many_write_at_once(self, tmp_path: Path) -> None:
        names = [f"a{n}" for n in range(16)]
        hold = threading.Lock()
        start = threading.Barrier(4)

        def write(mine: list[str]) -> None:
            start.wait(60)
            for name in mine:
                lockfile(tmp_path, hold).update(
                    Changes({name: entry(name)}), Names(frozenset(names))
                )

        threads = [threading.Thread(target=write, args=(names[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert lockfile(tmp_path).read() == lock_of(*map(entry, names))

    def test_is_changed_only_under_the_project_lock(self, tmp_path: Path) -> None:
        class Watching(AbstractContextManager[object]):
            before: str | None = None

            def __enter__(self) -> None:
                self.before = lockfile(tmp_path).text()

            def __exit__(self, *_: object) -> None:
                assert lockfile(tmp_path).text() != self.before

        hold = Watching()
        lockfile(tmp_path, hold).update(Changes({"hero": entry("hero")}), NAMES)
        lockfile(tmp_path, hold).rebuild(lock_of(entry("icon")))

    @pytest.mark.parametrize(
        "data",
        [b"", b"<<<<<<< HEAD\n", b"\xff\xfe", b'[{"assetgen-lock": 1}\n', "é".encode()[:1]],
        ids=["empty", "conflict", "not text", "cut off", "cut off in a character"],
    )
    def test_that_is_damaged_is_never_overwritten_unasked(
        self, tmp_path: Path, data: bytes
    ) -> None:
        path = tmp_path / "assets.lock"
        path.write_bytes(data)
        locks = lockfile(tmp_path)
        for attempt in (locks.read, lambda: locks.update(Changes({"hero": entry("hero")}), NAMES)):
            with pytest.raises(LockfileError) as caught:
                attempt()
            assert "--rebuild-lock" in (caught.value.hint or "")
        assert path.read_bytes() == data

    @pytest.mark.parametrize("data", [b"", b"<<<<<<< HEAD\n", b"\xff\xfe"])
    @pytest.mark.parametrize("lock", [Lock(), lock_of(entry("hero"))], ids=["nothing", "an entry"])
    def test_that_is_damaged_can_be_rebuilt(self, tmp_path: Path, data: bytes, lock: Lock) -> None:
        (tmp_path / "assets.lock").write_bytes(data)
        lockfile(tmp_path).rebuild(lock)
        assert lockfile(tmp_path).read() == lock

    def test_that_cannot_be_read_is_an_error_with_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "assets.lock").mkdir()
        with pytest.raises(LockfileError, match="`assets\\.lock`"):
            lockfile(tmp_path).read()

    def test_that_cannot_be_read_says_nothing_for_sure(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path)
        lock = locks.update(Changes({"hero": entry("hero")}), NAMES)
        assert locks.says(lock)
        (tmp_path / "assets.lock").unlink()
        (tmp_path / "assets.lock").mkdir()
        assert not locks.says(lock)

    def test_that_cannot_be_written_is_an_error_with_its_name(self, tmp_path: Path) -> None:
        locks = lockfile(tmp_path / "none")
        with pytest.raises(OutputError, match="cannot write `assets\\.lock`"):
            locks.update(Changes({"hero": entry("hero")}), NAMES)

    def test_is_named_after_its_manifest(self) -> None:
        assert lockfile_name("assets.yaml") == "assets.lock"
        assert lockfile_name("icons.v2.yml") == "icons.v2.lock"

    def test_keeps_letters_of_every_language(self, tmp_path: Path) -> None:
        lock = lockfile(tmp_path).update(Changes({"hero": entry("hero")}), NAMES)
        text = dump_lock(lock).replace("art/hero.png", "art/ヒーロー.png")
        (tmp_path / "assets.lock").write_text(text, "utf-8")
        assert lockfile(tmp_path).read() == parse_lock(text, "assets.lock")


ONE, TWO = digest_of(b"one"), digest_of(b"two")
KEY, OTHER = "a" * 64, "b" * 64


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes: the system writes what fits, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestJournal:
    def journal(self, folder: Path) -> FileJournal:
        return FileJournal(str(folder), "assets.journal")

    def path(self, folder: Path) -> Path:
        return folder / ".assetgen" / "assets.journal"

    def test_that_is_not_there_says_nothing(self, tmp_path: Path) -> None:
        assert self.journal(tmp_path).read() == {}
        assert os.listdir(tmp_path) == []

    def test_remembers_what_was_written_and_by_which_work(self, tmp_path: Path) -> None:
        self.journal(tmp_path).add({ONE: KEY})
        self.journal(tmp_path).add({TWO: OTHER})
        assert self.journal(tmp_path).read() == {ONE: KEY, TWO: OTHER}

    def test_notes_many_with_one_sync(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal, synced = self.journal(tmp_path), list[int]()
        journal.add({ONE: OTHER})
        monkeypatch.setattr(os, "fsync", synced.append)
        journal.add({ONE: KEY, TWO: OTHER})
        assert len(synced) == 1
        assert journal.read() == {ONE: KEY, TWO: OTHER}

    def test_believes_the_last_word_on_a_file(self, tmp_path: Path) -> None:
        self.journal(tmp_path).add({ONE: KEY})
        self.journal(tmp_path).add({ONE: OTHER})
        assert self.journal(tmp_path).read() == {ONE: OTHER}

    @pytest.mark.parametrize("length", range(len(TWO) + 1))
    def test_heals_after_a_line_that_a_crash_tore(self, tmp_path: Path, length: int) -> None:
        self.journal(tmp_path).add({ONE: KEY})
        with self.path(tmp_path).open("a") as file:
            file.write(f"\n{TWO} {OTHER}"[: 1 + length])
        assert self.journal(tmp_path).read() == {ONE: KEY}
        self.journal(tmp_path).add({TWO: KEY})
        assert self.journal(tmp_path).read() == {ONE: KEY, TWO: KEY}

    def test_skips_what_nobody_wrote(self, tmp_path: Path) -> None:
        self.journal(tmp_path).add({ONE: KEY})
        with self.path(tmp_path).open("ab") as file:
            file.write(b"\xff\xfe\n# words\n\n" + f"{TWO} {KEY} more\n".encode())
        assert self.journal(tmp_path).read() == {ONE: KEY}

    def test_forgets_what_the_lockfile_says_by_now(self, tmp_path: Path) -> None:
        journal = self.journal(tmp_path)
        journal.add({ONE: KEY})
        journal.add({TWO: OTHER})
        journal.replace({TWO: OTHER})
        assert journal.read() == {TWO: OTHER}
        journal.replace({})
        assert journal.read() == {}

    def test_is_not_written_when_it_says_the_same(self, tmp_path: Path) -> None:
        journal = self.journal(tmp_path)
        journal.replace({})
        assert os.listdir(tmp_path) == []
        journal.add({ONE: KEY})
        before = self.path(tmp_path).stat()
        journal.replace({ONE: KEY})
        assert self.path(tmp_path).stat() == before

    def test_loses_no_line_when_two_write_at_once(self, tmp_path: Path) -> None:
        digests: list[Digest] = [digest_of(b"%d" % n) for n in range(40)]
        start = threading.Barrier(2)

        def write(mine: list[Digest]) -> None:
            start.wait(60)
            for digest in mine:
                self.journal(tmp_path).add({digest: KEY})

        threads = [threading.Thread(target=write, args=(digests[n::2],)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert self.journal(tmp_path).read() == dict.fromkeys(digests, KEY)

    def test_a_note_of_which_the_disk_takes_a_part_is_an_error_and_spoils_no_other(
        self, tmp_path: Path
    ) -> None:
        self.journal(tmp_path).add({ONE: KEY})
        full = pytest.raises(OutputError, match="cannot write the journal: No space left")
        with largest_file(self.path(tmp_path).stat().st_size + 20), full:
            self.journal(tmp_path).add({TWO: OTHER})
        assert self.journal(tmp_path).read() == {ONE: KEY}
        self.journal(tmp_path).add({TWO: OTHER})
        assert self.journal(tmp_path).read() == {ONE: KEY, TWO: OTHER}

    def test_that_cannot_be_written_is_an_error_of_ours(self, tmp_path: Path) -> None:
        (tmp_path / ".assetgen").write_bytes(b"")
        with pytest.raises(OutputError, match="cannot write the journal"):
            self.journal(tmp_path).add({ONE: KEY})
        with pytest.raises(OutputError, match="cannot write the journal"):
            self.journal(tmp_path).replace({ONE: KEY})


RECORD = Record(
    head=Head(
        version="1",
        manifest="assets.yaml",
        folder="/home/me/ö",
        known="",
        draft=False,
        complete=True,
    ),
    entries=[Entry("ö.png", None)],
)


class TestRecord:
    def read(self, folder: Path) -> KeptRecord | None:
        return read_record(str(folder), record_name("assets.yaml"))

    def write(self, folder: Path) -> None:
        write_record(str(folder), record_name("assets.yaml"), dump_record(RECORD))

    def path(self, folder: Path) -> Path:
        return folder / ".assetgen" / "assets.record"

    def test_is_read_back(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        found = self.read(tmp_path)
        assert found is not None
        assert found.dump(found.head, {}) == dump_record(RECORD)

    def test_is_kept_in_the_private_folder_which_git_ignores(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        assert self.path(tmp_path).exists()
        assert (tmp_path / ".assetgen/.gitignore").read_text() == "*\n"

    @pytest.mark.parametrize("data", [None, b"", b"words", b"\xff\xfe"])
    def test_that_cannot_be_used_is_none(self, tmp_path: Path, data: bytes | None) -> None:
        if data is not None:
            self.path(tmp_path).parent.mkdir()
            self.path(tmp_path).write_bytes(data)
        assert self.read(tmp_path) is None

    def test_is_not_written_when_it_says_the_same(self, tmp_path: Path) -> None:
        self.write(tmp_path)
        before = self.path(tmp_path).stat()
        self.write(tmp_path)
        assert self.path(tmp_path).stat() == before

    def test_replaces_a_damaged_one(self, tmp_path: Path) -> None:
        self.path(tmp_path).parent.mkdir()
        self.path(tmp_path).write_bytes(b"\xff\xfe")
        self.write(tmp_path)
        assert self.path(tmp_path).read_bytes() == dump_record(RECORD)

    def test_that_cannot_be_written_is_an_error_of_ours(self, tmp_path: Path) -> None:
        (tmp_path / ".assetgen").write_bytes(b"a file where the folder should be")
        with pytest.raises(OutputError):
            self.write(tmp_path)
