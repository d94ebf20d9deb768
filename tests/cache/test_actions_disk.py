"""The action cache on the disk: the fence around diskcache, healing, several processes."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, NoReturn

import pytest

from assetgen.cache.actions import FOLDER, DiskActions, ReadOnlyActions, TextDisk
from assetgen.cache.ledger import FileLedger
from assetgen.core.value import replace
from assetgen.errors import CacheError
from tests.cache.samples import ROOT, fingerprint, received, result, sent, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RAW, BINARY, TEXT, PICKLE = 1, 2, 3, 4
"""diskcache's modes of a row."""
KNOWN = fingerprint(1)
OTHER = fingerprint(2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def ledger(root: Path) -> FileLedger:
    return FileLedger(str(root), create=True)


@pytest.fixture
def opened(root: Path, ledger: FileLedger) -> Iterator[Callable[[], DiskActions]]:
    """Opens the action cache as a new process would."""
    caches = []

    def open_one() -> DiskActions:
        caches.append(DiskActions(str(root), ledger.tail))
        return caches[-1]

    yield open_one
    for cache in caches:
        cache.close()


@pytest.fixture
def filled(root: Path, ledger: FileLedger, opened: Callable[[], DiskActions]) -> Path:
    """The database of a closed cache: `KNOWN` is in the ledger, `OTHER` only in the cache."""
    ledger.append(received(1))
    cache = opened()
    cache.put(KNOWN, result())
    cache.put(OTHER, result())
    cache.close()
    return root / FOLDER / "cache.db"


def change(database: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement, values)


def damaged(root: Path) -> list[str]:
    folder = root / "damaged"
    return sorted(os.listdir(folder)) if folder.exists() else []


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT | os.O_WRONLY)


# Rows of strangers


def test_a_pickle_in_a_row_is_not_run(
    tmp_path: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    proof = tmp_path / "ran"
    payload = pickle.dumps(Bomb(proof))
    os.close(pickle.loads(payload))  # noqa: S301 - shows that it would run
    assert proof.exists()
    proof.unlink()
    change(filled, "UPDATE Cache SET mode = ?, value = ?", PICKLE, payload)
    cache = opened()
    assert cache.get_many([OTHER]) == {}
    cache.put(OTHER, result())
    assert cache.get_many([OTHER]) == {OTHER: result()}
    assert not proof.exists()


def test_a_pickled_key_is_not_run(
    tmp_path: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    proof = tmp_path / "ran"
    change(filled, "UPDATE Cache SET raw = 0, key = ?||rowid", pickle.dumps(Bomb(proof)))
    assert opened().get_many([OTHER]) == {}
    assert not proof.exists()


@pytest.mark.parametrize("mode", [RAW, BINARY, TEXT, PICKLE])
def test_a_file_that_a_row_names_is_neither_read_nor_deleted(
    tmp_path: Path, filled: Path, opened: Callable[[], DiskActions], mode: int
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    name = os.path.relpath(victim, filled.parent)
    change(filled, "UPDATE Cache SET mode = ?, filename = ?, value = NULL", mode, name)
    os.chmod(victim, 0)
    cache = opened()
    assert cache.get_many([OTHER]) == {}
    cache.put(OTHER, result())
    assert cache.get_many([OTHER]) == {OTHER: result()}
    assert victim.exists()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        7,
        1.5,
        None,
        "",
        "null",
        "[]",
        "{",
        '{"fingerprint": 1}',
        "[" * 100_000,
        '{"a": 1e9999999999999999999}',
    ],
    ids=lambda value: repr(value)[:14],
)
def test_a_row_that_makes_no_sense_is_not_known(
    filled: Path, opened: Callable[[], DiskActions], value: object
) -> None:
    change(filled, "UPDATE Cache SET value = ?", value)
    assert opened().get_many([OTHER]) == {}


def test_a_row_under_another_fingerprint_is_not_known(
    filled: Path, opened: Callable[[], DiskActions]
) -> None:
    change(filled, "DELETE FROM Cache WHERE key = ?", KNOWN)
    change(filled, "UPDATE Cache SET key = ? WHERE key = ?", fingerprint(3), OTHER)
    assert opened().get_many([fingerprint(3), OTHER]) == {}


def test_text_that_is_not_utf_8_costs_no_image(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    change(filled, "UPDATE Cache SET value = CAST(x'ff' AS TEXT)")
    assert opened().get_many([KNOWN, OTHER]) == {KNOWN: result()}
    assert len(damaged(root)) == 1


def test_an_expired_row_of_a_stranger_is_only_unknown(
    filled: Path, opened: Callable[[], DiskActions]
) -> None:
    change(filled, "UPDATE Cache SET expire_time = 1")
    assert opened().get_many([OTHER]) == {}


# Settings of strangers


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO Settings VALUES ('_disk', 'x')",
        "INSERT INTO Settings VALUES ('get', 'x')",
        "INSERT INTO Settings VALUES ('disk_fetch', 'x')",
        "INSERT INTO Settings VALUES ('sqlite_writable_schema', 1)",
        "INSERT INTO Settings VALUES (x'00', 1)",
        "UPDATE Settings SET value = 'least-recently-used' WHERE key = 'eviction_policy'",
        "UPDATE Settings SET value = 10 WHERE key = 'cull_limit'",
        "UPDATE Settings SET value = 0 WHERE key = 'sqlite_synchronous'",
        "UPDATE Settings SET value = 'x' WHERE key = 'count'",
        "DELETE FROM Settings WHERE key = 'hits'",
        "DELETE FROM Settings",
        "DROP TABLE Settings",
        "DROP TABLE Cache",
        "ALTER TABLE Cache DROP COLUMN tag",
        "DROP INDEX Cache_key_raw",
        "CREATE TABLE Extra (key)",
        "CREATE TRIGGER Evil AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
    ],
)
def test_a_database_that_is_not_as_assetgen_makes_it_is_set_aside(
    root: Path, filled: Path, opened: Callable[[], DiskActions], statement: str
) -> None:
    change(filled, statement)
    cache = opened()
    assert cache.get_many([KNOWN, OTHER]) == {KNOWN: result()}
    cache.put(OTHER, result())
    assert set(cache.get_many([KNOWN, OTHER])) == {KNOWN, OTHER}
    assert len(damaged(root)) == 1


def test_an_index_that_is_not_unique_is_noticed(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    change(filled, "DROP INDEX Cache_key_raw")
    change(filled, "CREATE INDEX Cache_key_raw ON Cache(key, raw)")
    change(filled, "INSERT INTO Cache (key, raw, mode, value) SELECT key, 1, 1, 'x' FROM Cache")
    assert opened().get_many([KNOWN]) == {KNOWN: result()}
    assert len(damaged(root)) == 1


def test_a_database_of_ours_is_never_set_aside(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    for _ in range(3):
        cache = opened()
        assert set(cache.get_many([KNOWN, OTHER])) == {KNOWN, OTHER}
        cache.close()
    assert damaged(root) == []
    assert filled.exists()


def test_nothing_is_ever_evicted(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        found = dict(connection.execute("SELECT key, value FROM Settings"))
    assert (found["eviction_policy"], found["cull_limit"]) == ("none", 0)
    assert found["sqlite_synchronous"] == 2


def test_a_link_to_another_database_is_not_followed(
    root: Path, tmp_path: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    filled.rename(elsewhere)
    before = elsewhere.read_bytes()
    filled.symlink_to(elsewhere)
    assert opened().get_many([KNOWN, OTHER]) == {KNOWN: result()}
    assert elsewhere.read_bytes() == before
    assert len(damaged(root)) == 1


def test_the_disk_takes_and_gives_text_only(tmp_path: Path) -> None:
    disk = TextDisk(str(tmp_path), fetch="x", pickle_protocol=5)
    assert disk.store("text", False) == (0, RAW, None, "text")
    assert disk.fetch(RAW, None, "text", False) == "text"
    assert disk.fetch(RAW, None, "text", True) is None
    for refused in (
        lambda: disk.store(b"bytes", False),
        lambda: disk.store(object(), False),
        lambda: disk.store("text", True),
        lambda: disk.put(b"bytes"),
        lambda: disk.put(("tuple",)),
    ):
        with pytest.raises(TypeError):
            refused()
    with pytest.raises(NotImplementedError):
        disk.get(b"key", False)
    with pytest.raises(NotImplementedError):
        disk.filename()


# Healing


def test_a_lost_cache_is_filled_from_the_ledger(
    root: Path, ledger: FileLedger, opened: Callable[[], DiskActions]
) -> None:
    ledger.append(sent(1))
    ledger.append(received(1, b"older"))
    ledger.append(received(1, b"newest"))
    ledger.append(sent(2))
    cache = opened()
    assert cache.get_many([KNOWN, OTHER]) == {KNOWN: result(b"newest")}
    cache.close()
    os.rename(root / FOLDER, root / "gone")
    assert opened().get_many([KNOWN, OTHER]) == {KNOWN: result(b"newest")}


def test_a_line_whose_writer_crashed_right_after_is_known(
    filled: Path, ledger: FileLedger, opened: Callable[[], DiskActions]
) -> None:
    """The order of writes is ledger, then action cache: between the two nothing may be lost."""
    ledger.append(received(3))
    assert opened().get_many([fingerprint(3)]) == {fingerprint(3): result()}
    assert filled.exists()


def test_an_image_that_somebody_chose_is_the_newest(
    root: Path, ledger: FileLedger, opened: Callable[[], DiskActions]
) -> None:
    ledger.append(received(1, b"older"))
    ledger.append(received(1, b"newest"))
    ledger.append(replace(received(1, b"older"), event="chosen", cost_usd=None))
    assert opened().get_many([KNOWN]) == {KNOWN: result(b"older")}
    looking = ReadOnlyActions(str(root), ledger.tail)
    assert looking.get_many([KNOWN]) == {KNOWN: result(b"older")}


def test_what_another_process_bought_is_known_at_once(
    ledger: FileLedger, opened: Callable[[], DiskActions]
) -> None:
    one = opened()
    assert one.get_many([KNOWN]) == {}
    ledger.append(received(1))
    assert one.get_many([KNOWN]) == {KNOWN: result()}


def test_the_ledger_is_read_from_where_it_was_left(root: Path, ledger: FileLedger) -> None:
    positions = []

    def tail(position: int) -> object:
        positions.append(position)
        return ledger.tail(position)

    ledger.append(received(1))
    for _ in range(2):
        cache = DiskActions(str(root), tail)  # type: ignore[arg-type]  # it only listens
        cache.get_many([KNOWN])
        cache.close()
    assert positions == [0, (root / "ledger.jsonl").stat().st_size]


def test_a_ledger_that_was_replaced_is_read_from_its_start(
    root: Path, ledger: FileLedger, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    (root / "ledger.jsonl").unlink()
    ledger.append(sent(4))
    ledger.append(received(5, b"a new ledger"))
    ledger.append(sent(6))
    assert opened().get_many([fingerprint(5)]) == {fingerprint(5): result(b"a new ledger")}
    assert filled.exists()


def test_a_database_cut_short_or_overwritten_is_filled_again(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    whole = filled.read_bytes()
    texts = [whole[:length] for length in range(1, len(whole), 4093)]
    for text in [b"not a database at all, but text" * 99, *texts]:
        filled.write_bytes(text)
        cache = opened()
        assert cache.get_many([KNOWN])[KNOWN] == result()
        cache.put(OTHER, result())
        assert set(cache.get_many([KNOWN, OTHER])) == {KNOWN, OTHER}
        cache.close()
    assert damaged(root)


def test_damage_inside_is_healed_while_in_use(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    """Pages past the schema are only read when a row is looked for."""
    whole = bytearray(filled.read_bytes())
    half = len(whole) // 2 // 4096 * 4096
    whole[half:] = b"\xff" * (len(whole) - half)
    filled.write_bytes(whole)
    cache = opened()
    assert cache.get_many([KNOWN]) == {KNOWN: result()}
    cache.put(OTHER, result())
    assert set(cache.get_many([KNOWN, OTHER])) == {KNOWN, OTHER}
    assert len(damaged(root)) == 1


def test_damage_that_comes_while_it_is_open_is_healed(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    cache = opened()
    cache.get_many([KNOWN])
    change(filled, "DROP TABLE Cache")
    assert cache.get_many([KNOWN]) == {KNOWN: result()}
    cache.put(OTHER, result())
    assert cache.get_many([OTHER]) == {OTHER: result()}
    assert len(damaged(root)) == 1


def test_two_who_find_the_same_damage_replace_it_once(
    root: Path, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    one, two = opened(), opened()
    one.get_many([KNOWN])
    two.get_many([KNOWN])
    change(filled, "DROP TABLE Cache")
    assert one.get_many([KNOWN]) == {KNOWN: result()}
    one.put(OTHER, result())
    assert set(two.get_many([KNOWN, OTHER])) == {KNOWN, OTHER}
    assert len(damaged(root)) == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_something_else_in_its_place_is_set_aside(
    root: Path, ledger: FileLedger, opened: Callable[[], DiskActions], kind: str
) -> None:
    ledger.append(received(1))
    if kind == "file":
        (root / FOLDER).write_text("not a folder")
    else:
        (root / FOLDER / "cache.db").mkdir(parents=True)
    assert opened().get_many([KNOWN]) == {KNOWN: result()}
    assert len(damaged(root)) == 1


# Errors


def test_a_cache_that_cannot_be_made_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = DiskActions(str(tmp_path / "file" / "cache"), lambda position: ([], position))
    for use in (lambda: cache.get_many([KNOWN]), lambda: cache.put(KNOWN, result())):
        with pytest.raises(CacheError, match="file/cache") as caught:
            use()
        assert caught.value.hint is not None
        assert "`ASSETGEN_CACHE_DIR`" in caught.value.hint
    cache.close()


@pytest.mark.parametrize("message", ["database is locked", "database or disk is full"])
def test_what_the_database_is_not_to_blame_for_sets_nothing_aside(
    root: Path, opened: Callable[[], DiskActions], monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    cache = opened()
    cache.put(KNOWN, result())

    def fail(*_arguments: object, **_settings: object) -> NoReturn:
        error = sqlite3.OperationalError(message)
        error.sqlite_errorcode = {
            "database is locked": sqlite3.SQLITE_BUSY,
            "database or disk is full": sqlite3.SQLITE_FULL,
        }[message]
        raise error

    monkeypatch.setattr("diskcache.Cache.set", fail)
    with pytest.raises(CacheError, match=message):
        cache.put(OTHER, result())
    assert damaged(root) == []


def test_a_path_that_diskcache_would_fill_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELSEWHERE", "elsewhere")
    cache = DiskActions(str(tmp_path / "$ELSEWHERE"), lambda position: ([], position))
    with pytest.raises(CacheError, match="a variable's name"):
        cache.put(KNOWN, result())
    cache.close()
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_or_unused_is_fine(root: Path, opened: Callable[[], DiskActions]) -> None:
    unused = opened()
    unused.close()
    unused.close()
    assert not root.exists()


def test_closing_leaves_no_log_of_an_open_database(filled: Path) -> None:
    assert os.listdir(filled.parent) == ["cache.db"]


def test_a_cache_used_on_many_threads_is_closed_by_any(
    root: Path, opened: Callable[[], DiskActions]
) -> None:
    cache = opened()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: cache.put(fingerprint(n), result()), range(20)))
        threads.submit(cache.close).result()
    assert os.listdir(root / FOLDER) == ["cache.db"]


# Several processes

PUT_AND_DIE = """
import os, sys
from assetgen.cache.actions import DiskActions
from tests.cache.samples import fingerprint, result
cache = DiskActions(sys.argv[1], lambda position: ([], position))
for number in range(50):
    cache.put(fingerprint(int(sys.argv[2]) + number), result())
os.kill(os.getpid(), 9)
"""


def test_processes_that_open_it_together_and_die_lose_nothing(
    root: Path, opened: Callable[[], DiskActions]
) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", PUT_AND_DIE, str(root), str(start)], cwd=ROOT)
        for start in (0, 100, 200)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [-9, -9, -9]
    wanted = [fingerprint(start + n) for start in (0, 100, 200) for n in range(50)]
    assert set(opened().get_many(wanted)) == set(wanted)
    assert damaged(root) == []


# For looking only


def test_looking_finds_what_cache_and_ledger_know_and_leaves_no_trace(
    root: Path, filled: Path, ledger: FileLedger
) -> None:
    ledger.append(received(3))
    ledger.append(received(1, b"newer"))
    before = tree(root)
    looking = ReadOnlyActions(str(root), ledger.tail)
    assert looking.get_many([KNOWN, OTHER, fingerprint(3), fingerprint(4)]) == {
        KNOWN: result(b"newer"),
        OTHER: result(),
        fingerprint(3): result(),
    }
    with pytest.raises(CacheError, match="opened for reading only"):
        looking.put(KNOWN, result())
    looking.close()
    assert tree(root) == before
    assert filled.exists()


def test_looking_where_nothing_is_makes_nothing(root: Path, ledger: FileLedger) -> None:
    assert ReadOnlyActions(str(root), ledger.tail).get_many([KNOWN]) == {}
    assert not root.exists()


def test_looking_while_a_build_writes_finds_its_results(
    root: Path, ledger: FileLedger, filled: Path, opened: Callable[[], DiskActions]
) -> None:
    cache = opened()
    cache.put(fingerprint(3), result())
    names = sorted(os.listdir(filled.parent))
    found = ReadOnlyActions(str(root), ledger.tail).get_many([OTHER, fingerprint(3)])
    assert set(found) == {OTHER, fingerprint(3)}
    assert sorted(os.listdir(filled.parent)) == names


@pytest.mark.parametrize("damage", ["text", "short", "pickle", "table", "folder"])
def test_looking_at_a_damaged_cache_asks_the_ledger(
    tmp_path: Path, root: Path, ledger: FileLedger, filled: Path, damage: str
) -> None:
    proof = tmp_path / "ran"
    if damage == "text":
        filled.write_text("no database " * 1000)
    elif damage == "short":
        filled.write_bytes(filled.read_bytes()[:5000])
    elif damage == "pickle":
        change(filled, "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb(proof)))
    elif damage == "table":
        change(filled, "DROP TABLE Cache")
    else:
        filled.unlink()
        filled.mkdir()
    before = tree(root)
    found = ReadOnlyActions(str(root), ledger.tail).get_many([KNOWN, OTHER])
    assert found == {KNOWN: result()}
    assert tree(root) == before
    assert not proof.exists()
