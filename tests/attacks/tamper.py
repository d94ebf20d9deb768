"""The command line, run so that something happens at one of its calls that change a disk.

    python tamper.py LOG '{"kind": "rename", "path": "assets.lock", "deed": "kill"}' build

Every call of every thread is counted under one lock and written to LOG, one line each, before it is
made, so the n-th of a kind is the n-th of the process. What SQLite does by itself goes past Python
and is not seen here; `strace` sees it. `decode` changes no disk: it is where the base64 of an
answer is read.

Run by its path, not imported by what it tampers with: it needs nothing but the package.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pybase64

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import ReadableBuffer

    Kind = Literal[
        "open", "mkdir", "write", "fsync", "ftruncate", "link", "rename", "unlink", "decode"
    ]

_PATIENCE_S = 60.0
_write, _open = os.write, os.open


@dataclass(frozen=True, slots=True)
class Moment:
    """The `number`-th call of a `kind` whose path matches, and what happens there.

    `kill` dies before the call, `tear` after half of what it writes; `hold` and `hold_after` wait
    before or after it until the log has been renamed; `fail` lets the call fail with `error`, and
    with `ever` those after it too. Without a deed, calls are only counted.
    """

    deed: Literal["kill", "tear", "hold", "hold_after", "fail", ""] = ""
    kind: Kind = "rename"
    path: str = ""
    number: int = 1
    error: str = "EIO"
    ever: bool = False

    def has_come(self, seen: int) -> bool:
        """Whether the call that is the `seen`-th of those that are meant is one to do it at."""
        return seen == self.number or (self.ever and seen > self.number)


class Calls:
    """Counts calls, and does the deed when its moment has come."""

    def __init__(self, log: str, moment: Moment) -> None:
        self._log = log
        self._moment = moment
        self._out = _open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._seen = 0
        self._lock = threading.Lock()

    def make(
        self, kind: Kind, path: str, call: Callable[[], Any], half: Callable[[], Any] | None = None
    ) -> Any:
        """Note the call and make it; at the moment, do the deed before, amid or after."""
        with self._lock:
            self._note("call", kind, path)
            self._seen += self._is_meant(kind, path)
            is_now = self._is_meant(kind, path) and self._moment.has_come(self._seen)
            if is_now and self._moment.deed == "fail":
                self._note("struck", kind, path)
                number = getattr(errno, self._moment.error)
                raise OSError(number, os.strerror(number), path)
            if is_now and self._moment.deed in {"kill", "tear"}:
                if self._moment.deed == "tear" and half is not None:
                    half()
                self._note("struck", kind, path)
                os.kill(os.getpid(), signal.SIGKILL)
        if is_now and self._moment.deed == "hold":
            self._hold(kind, path)
        result = call()
        if is_now and self._moment.deed == "hold_after":
            self._hold(kind, path)
        return result

    def _is_meant(self, kind: Kind, path: str) -> bool:
        moment = self._moment
        return bool(moment.deed) and kind == moment.kind and bool(re.search(moment.path, path))

    def _note(self, what: str, kind: Kind, path: str) -> None:
        _write(self._out, f"{what} {kind} {path}\n".encode("utf-8", "surrogateescape"))

    def _hold(self, kind: Kind, path: str) -> None:
        self._note("struck", kind, path)
        deadline = time.monotonic() + _PATIENCE_S
        while os.path.exists(self._log) and time.monotonic() < deadline:
            time.sleep(0.005)


def place(path: Any, folder: int | None = None) -> str:
    """The path of a file, also where it is given by a descriptor or relative to one."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    start = os.getcwd() if folder is None else os.readlink(f"/proc/self/fd/{folder}")
    return os.path.normpath(os.path.join(start, os.fsdecode(path)))


class _File(io.FileIO):
    """A file that is written with calls that count."""

    calls: Calls

    def write(self, data: ReadableBuffer, /) -> int:
        whole, write = bytes(data), super().write
        half = whole[: len(whole) // 2]
        written: int = self.calls.make(
            "write", place(self.fileno()), lambda: write(whole), lambda: write(half)
        )
        return written


def tamper(calls: Calls) -> None:
    """Put `calls` between the package and the system."""
    real = {
        name: getattr(os, name)
        for name in ("open", "mkdir", "write", "fsync", "ftruncate", "link", "replace", "rename")
    }
    unlink, fdopen = os.unlink, os.fdopen

    def wrap(name: str, kind: Kind, where: Callable[..., str]) -> None:
        call = real[name]
        setattr(os, name, lambda *a, **k: calls.make(kind, where(*a, **k), lambda: call(*a, **k)))

    def at(path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> str:
        return place(path, dir_fd)

    def to(_: Any, path: Any, *, dst_dir_fd: int | None = None, **__: Any) -> str:
        return place(path, dst_dir_fd)

    for name in ("open", "mkdir", "fsync", "ftruncate"):
        wrap(name, name, at)
    wrap("link", "link", to)
    wrap("replace", "rename", to)
    wrap("rename", "rename", to)

    def counted_unlink(path: Any, *, dir_fd: int | None = None) -> None:
        calls.make("unlink", place(path, dir_fd), lambda: unlink(path, dir_fd=dir_fd))

    def counted_write(file: int, data: bytes) -> Any:
        write = real["write"]
        half = data[: len(data) // 2]
        return calls.make(
            "write", place(file), lambda: write(file, data), lambda: write(file, half)
        )

    def counted_fdopen(file: int, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode != "wb":
            return fdopen(file, mode, *rest, **more)
        return io.BufferedWriter(_File(file, mode))

    for name, counted in (
        ("unlink", counted_unlink),
        ("remove", counted_unlink),
        ("write", counted_write),
        ("fdopen", counted_fdopen),
    ):
        setattr(os, name, counted)
    _File.calls = calls
    _tamper_with_reading(calls)


def _tamper_with_reading(calls: Calls) -> None:
    decode = pybase64.b64decode

    def counted_decode(*a: Any, **k: Any) -> bytes:
        data: bytes = calls.make("decode", "", lambda: decode(*a, **k))
        return data

    pybase64.b64decode = counted_decode


def main() -> int:
    """Run `assetgen` with what follows the log and the moment."""
    log, moment, *arguments = sys.argv[1:]
    del sys.path[0]  # this folder, in which nothing is the package's
    sys.argv = ["assetgen", *arguments]
    from assetgen.__main__ import main as assetgen_main  # noqa: PLC0415 - found only now

    tamper(Calls(log, Moment(**json.loads(moment))))
    return assetgen_main()


if __name__ == "__main__":
    sys.exit(main())
