"""The action cache: fingerprint to newest result. The only home of diskcache.

It is an index of the ledger, made to be lost: what is missing or damaged is filled again from
there. diskcache keeps it in an SQLite database that several processes may share; here is the fence
around it (CVE-2025-69872: a row in pickle mode runs code when it is read, and a row that names a
file has that file read and later deleted, wherever it is):

- `TextDisk` reads rows only when their value is text inside the row, and never touches a file;
- diskcache obeys settings that it finds in the database (they become attributes and PRAGMAs), so a
  database that is not exactly as we make it is set aside before diskcache sees it;
- a row counts only when it repeats the fingerprint it is found under.

diskcache gives each thread a connection that only this thread can close. One thread of our own does
everything, so there is one connection, and `close` closes it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import quote

import diskcache
from diskcache.core import DBNAME, METADATA, MODE_RAW

from assetgen.cache.durable import HINT, cache_errors, make_folder, read_only_error, set_aside
from assetgen.cache.ledger import (
    MOST_DIGITS,
    is_sealed,
    parse_json,
    parse_result,
    result_document,
    sealed,
)
from assetgen.cache.locks import hold
from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.ledger import GIVES_IMAGE
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.result import ActionResult

    Tail = Callable[[int], tuple[Sequence[LedgerLine], int]]

FOLDER = "actions-v1"
"""The number is the version of the rows; a new one is a new place."""

_T = TypeVar("_T")

_SETTINGS: Mapping[str, str | int] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "none",
    "size_limit": 2**40,
    "cull_limit": 0,
    "sqlite_auto_vacuum": 1,
    "sqlite_cache_size": 2**13,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,  # a mapped file that another process cuts short kills this one
    "sqlite_synchronous": 2,
    "disk_min_file_size": 0,
    "disk_pickle_protocol": 0,
}
"""Every setting diskcache 5.6 has, so that none comes from its defaults or from the database."""
_OBJECTS = frozenset(
    {
        ("table", "Settings"),
        ("index", "sqlite_autoindex_Settings_1"),
        ("table", "Cache"),
        ("index", "Cache_key_raw"),
        ("index", "Cache_expire_time"),
        ("trigger", "Settings_count_insert"),
        ("trigger", "Settings_count_delete"),
        ("trigger", "Settings_size_insert"),
        ("trigger", "Settings_size_update"),
        ("trigger", "Settings_size_delete"),
    }
)
"""What diskcache 5.6 makes in a database."""
_PROBE = (
    "SELECT rowid, key, raw, store_time, expire_time, access_time, access_count,"
    " tag, size, mode, filename, value FROM Cache LIMIT 0"
)
"""Fails when the table is not diskcache's."""
_POSITION = "ledger position"
"""The key of the one row that is no result: how far the ledger is in here."""
_PATIENCE_S = 60.0
_FEW, _AT_ONCE = 16, 500
"""Keys that are asked for one by one, and keys of one query (SQLite takes 999 at least)."""
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_ERROR,  # no such table, no such column
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_NOTADB,
    }
)


class TextDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """What diskcache may read and write: text in rows, nothing else, and no file ever."""

    def __init__(self, directory: str, **_settings: object) -> None:
        super().__init__(directory)

    def put(self, key: object) -> tuple[str, bool]:
        """A key as its columns `key` and `raw`."""
        if not isinstance(key, str):
            raise TypeError(f"keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> NoReturn:
        """Refused: listing keys would unpickle those of strangers, and nobody here lists them."""
        raise NotImplementedError

    def store(
        self,
        value: object,
        read: object,
        key: object = diskcache.UNKNOWN,  # noqa: ARG002 - diskcache passes it
    ) -> tuple[int, int, None, str]:
        """A value as its columns `size`, `mode`, `filename` and `value`."""
        if read or not isinstance(value, str):
            raise TypeError(f"values are text, not {type(value).__name__}")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: object, filename: object, value: object, read: object) -> str | None:
        """The text of a row that `store` made; None for any other row."""
        is_ours = mode == MODE_RAW and filename is None and not read
        return value if is_ours and isinstance(value, str) else None

    def filename(self, key: object = None, value: object = None) -> NoReturn:
        """Refused: no value lives in a file."""
        raise NotImplementedError

    def remove(self, file_path: object) -> None:
        """Leaves every file alone: we wrote none, so a row that names one is a stranger's."""


class _Cache(diskcache.Cache):  # type: ignore[misc]  # diskcache has no types
    """A diskcache that leaves no connection behind when it cannot be opened."""

    def __init__(self, folder: str) -> None:
        try:
            super().__init__(folder, timeout=_PATIENCE_S, disk=TextDisk, **_SETTINGS)
        except BaseException:
            self.close()
            raise


@dataclass(slots=True)
class _Opened:
    """An open database; lives on the thread of its `DiskActions`."""

    cache: Any
    file: os.stat_result
    stored: int = 0
    """How far the ledger is in it, as the database says."""
    position: int = 0
    """How far it is in truth."""
    knows_all: bool = False
    """Whether it was compared with the whole ledger."""


class DiskActions:
    """Implements `core.ports.ActionCache`; several processes and threads may share it.

    Opened on first use. `tail` is `FileLedger.tail`: each miss asks it for lines that came since,
    so that an image whose buyer crashed right after its ledger line is not bought again. Methods
    raise `CacheError` when the system refuses. `close` when done.
    """

    def __init__(self, root: str, tail: Tail) -> None:
        self._root = root
        self._folder = os.path.join(root, FOLDER)
        self._lock_path = os.path.join(root, f"{FOLDER}.lock")
        self._tail = tail
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="assetgen-actions")
        self._opened: _Opened | None = None

    def get_many(self, fingerprints: Iterable[str]) -> dict[str, ActionResult]:
        """See the port."""
        wanted = list(dict.fromkeys(fingerprints))
        return self._do(lambda opened: self._look_up(opened, wanted))

    def put(self, fingerprint: str, result: ActionResult) -> None:
        """See the port."""
        text = _encode(fingerprint, result)
        self._do(lambda opened: opened.cache.set(fingerprint, text))

    def put_many(self, results: Mapping[str, ActionResult]) -> None:
        """See the port: one transaction, and one sync."""
        texts = {fp: _encode(fp, result) for fp, result in results.items()}

        def store(opened: _Opened) -> None:
            with opened.cache.transact():
                for fingerprint, text in texts.items():
                    opened.cache.set(fingerprint, text)

        self._do(store)

    def close(self) -> None:
        """Close the database. No other method may be called after this one."""
        if self._opened is not None:
            self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _do(self, operation: Callable[[_Opened], _T]) -> _T:
        return self._thread.submit(self._healing, operation).result()

    def _healing(self, operation: Callable[[_Opened], _T]) -> _T:
        """Run `operation`, a second time with a new database when this one is damaged."""
        try:
            with cache_errors("use", self._folder):
                try:
                    return operation(self._open())
                except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                    if not _is_damage(error):
                        raise
                    self._replace()
                    return operation(self._open())
        except (sqlite3.Error, diskcache.Timeout) as error:
            what = str(error) or "it stays locked, or cannot be written"
            raise CacheError(f"cannot use `{self._folder}`: {what}", hint=HINT) from error

    def _open(self) -> _Opened:
        if self._opened is None:
            if os.path.expandvars(self._folder) != self._folder:
                raise CacheError(  # diskcache would fill it in and write somewhere else
                    f"cannot use `{self._folder}`: a variable's name is part of the path",
                    hint=HINT,
                )
            # One process looks at, replaces or makes the database at a time, so that nobody takes
            # one that is half made for a damaged one.
            with hold(self._lock_path, timeout_s=_PATIENCE_S):
                cache = self._open_alone()
                self._opened = _Opened(cache, os.lstat(_database(self._folder)))
            self._opened.stored = _parse_position(cache.get(_POSITION))
            self._opened.position = self._opened.stored
            self._catch_up(self._opened)
        return self._opened

    def _open_alone(self) -> _Cache:
        if not _is_sound(self._folder):
            set_aside(self._folder, self._root)
        make_folder(self._folder)
        try:
            return _Cache(self._folder)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not _is_damage(error):
                raise
            set_aside(self._folder, self._root)
            make_folder(self._folder)
            return _Cache(self._folder)

    def _replace(self) -> None:
        """Set the damaged database aside, unless another process was faster."""
        damaged = self._opened
        if damaged is None:
            return
        self._opened = None
        with suppress(sqlite3.Error):  # closing tries to tidy up what is damaged
            damaged.cache.close()
        with hold(self._lock_path, timeout_s=_PATIENCE_S), suppress(FileNotFoundError):
            if os.path.samestat(damaged.file, os.lstat(_database(self._folder))):
                set_aside(self._folder, self._root)

    def _look_up(self, opened: _Opened, wanted: Sequence[str]) -> dict[str, ActionResult]:
        found = self._known(opened, wanted)
        if len(found) < len(wanted):
            if not opened.knows_all:
                # A row may be damaged, or lost without a sign. Before anything is bought for that,
                # the whole ledger is asked, once: 10,000 lines take 0.3 s.
                opened.position = 0
                opened.knows_all = True
            news = self._catch_up(opened)
            found |= {fp: news[fp] for fp in wanted if fp not in found and fp in news}
            # Their buyer may have put them in here in between.
            found |= self._known(opened, [fp for fp in wanted if fp not in found])
        return found

    def _known(self, opened: _Opened, wanted: Sequence[str]) -> dict[str, ActionResult]:
        """What the database says, asked past diskcache where that would take one query each."""
        if len(wanted) > _FEW:
            rows = _rows(_database(self._folder), wanted)
            return {fp: result for fp, text in rows.items() if (result := _decode(fp, text))}
        rows = {fp: opened.cache.get(fp) for fp in wanted}
        return {fp: result for fp in wanted if (result := _decode(fp, rows[fp]))}

    def _catch_up(self, opened: _Opened) -> dict[str, ActionResult]:
        """Take over results that came into the ledger since, and return them."""
        lines, position = self._tail(opened.position)
        cache, results = opened.cache, _newest(lines)
        texts = {fp: _encode(fp, result) for fp, result in results.items()}
        news = {fp: text for fp, text in texts.items() if cache.get(fp) != text}
        if news:
            with cache.transact():
                for fingerprint, text in news.items():
                    cache.set(fingerprint, text)
                cache.set(_POSITION, str(position))
            opened.stored = position
        opened.position = position
        return results

    def _close(self) -> None:
        opened = self._opened
        if opened is None:
            return
        self._opened = None
        with suppress(sqlite3.Error, diskcache.Timeout):  # it only saves reading some lines again
            if opened.position != opened.stored:
                opened.cache.set(_POSITION, str(opened.position))
        with suppress(sqlite3.Error):
            opened.cache.close()


class ReadOnlyActions:
    """Implements the reading half of `core.ports.ActionCache` and changes nothing on the disk.

    diskcache writes whenever it opens a database, so this reads the same rows without it. What the
    database does not say, the ledger does. While a build has it open, or after one was killed,
    SQLite may refresh its own index of the log (`cache.db-shm`); it holds nothing that is kept.
    """

    def __init__(self, root: str, tail: Tail) -> None:
        self._root = root
        self._path = _database(os.path.join(root, FOLDER))
        self._tail = tail

    def get_many(self, fingerprints: Iterable[str]) -> dict[str, ActionResult]:
        """See the port."""
        wanted = list(dict.fromkeys(fingerprints))
        found: dict[str, ActionResult] = {}
        position = 0
        # What is damaged or not readable, the ledger knows, and what is missing without a sign.
        with suppress(sqlite3.Error, UnicodeDecodeError):
            rows = _rows(self._path, [_POSITION, *wanted])
            found = {fp: result for fp in wanted if (result := _decode(fp, rows.get(fp)))}
            is_all = len(found) == len(wanted)
            position = _parse_position(rows.get(_POSITION)) if is_all else 0
        newest = _newest(self._tail(position)[0])
        return found | {fp: newest[fp] for fp in wanted if fp in newest}

    def put(self, fingerprint: str, result: ActionResult) -> NoReturn:  # noqa: ARG002 - the port
        """Refused."""
        raise read_only_error(self._root)

    def put_many(self, results: Mapping[str, ActionResult]) -> NoReturn:  # noqa: ARG002 - the port
        """Refused."""
        raise read_only_error(self._root)

    def close(self) -> None:
        """Nothing is open between two calls."""


def _newest(lines: Iterable[LedgerLine]) -> dict[str, ActionResult]:
    return {
        line.fingerprint: line.result
        for line in lines
        if line.result is not None and line.event in GIVES_IMAGE
    }


def _encode(fingerprint: str, result: ActionResult) -> str:
    document = result_document(result)
    fields = {"fingerprint": fingerprint, "key_scheme": KEY_SCHEME, "result": document}
    return sealed(fields)


def _decode(fingerprint: str, text: str | None) -> ActionResult | None:
    fields = None if text is None else parse_json(text)
    if text is None or fields is None or fields.get("fingerprint") != fingerprint:
        return None
    return parse_result(fields.get("result")) if is_sealed(fields, text) else None


def _parse_position(text: str | None) -> int:
    if text is None or not text.isdecimal() or len(text) > MOST_DIGITS:
        return 0
    return int(text)


def _database(folder: str) -> str:
    return os.path.join(folder, DBNAME)


def _is_damage(error: Exception) -> bool:
    """Whether the database is at fault, and not a lock, a full disk or a permission.

    Python's own complaints carry no code: about text that is not UTF-8, or names that are not.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def _is_sound(folder: str) -> bool:
    """Whether diskcache may open what is there: nothing at all, or a database as it makes them."""
    path = _database(folder)
    try:
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return False
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
    except FileNotFoundError:
        return True
    try:
        with closing(_connect(path, "mode=rw")) as connection:
            objects = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
            settings = connection.execute("SELECT key, value FROM Settings").fetchall()
            indexes = connection.execute("PRAGMA index_list(Cache)").fetchall()
            connection.execute(_PROBE)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if not _is_damage(error):
            raise
        return False
    is_unique = any(name == "Cache_key_raw" and unique == 1 for _, name, unique, *_ in indexes)
    return is_unique and set(objects) == _OBJECTS and _are_ours(settings)


def _are_ours(settings: Sequence[tuple[object, object]]) -> bool:
    by_key = dict(settings)
    counters = {key: by_key.pop(key, None) for key in METADATA}
    is_counted = all(type(value) is int for value in counters.values())
    return is_counted and by_key == _SETTINGS and len(settings) == len(by_key) + len(counters)


def _rows(path: str, keys: Iterable[str]) -> dict[str, str]:
    """Texts by key, read without a trace.

    Raises:
        sqlite3.Error: there is no database, or it cannot be read.
    """
    # Without a write-ahead log nobody has it open, and SQLite need not make the files for one.
    how = "mode=ro" if os.path.lexists(f"{path}-wal") else "mode=ro&immutable=1"
    query = (
        "SELECT key, value FROM Cache WHERE key IN (%s) AND raw = 1 AND mode = ? "
        "AND filename IS NULL"
    )
    found: list[tuple[str, object]] = []
    left = list(keys)
    with closing(_connect(path, how)) as connection:
        while left:
            some, left = left[:_AT_ONCE], left[_AT_ONCE:]
            marks = ",".join("?" * len(some))
            found += connection.execute(query % marks, (*some, MODE_RAW)).fetchall()
    return {key: value for key, value in found if isinstance(value, str)}


def _connect(path: str, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(path)}?{how}", uri=True, timeout=_PATIENCE_S)
