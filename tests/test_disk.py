"""Bytes that are put into files are all there, whichever way they take to the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen import disk
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZES = [
    0,
    1,
    disk.BLOCK_BYTES,
    disk.LEAST_BYTES - 1,
    disk.LEAST_BYTES,
    disk.LEAST_BYTES + 1,
    2**20 - 1,
    2**20,
    2**20 + disk.BLOCK_BYTES,
    3 * 2**20 + 12_345,
]
"""Around the blocks, the least that goes directly, and the room of one write."""


def written(folder: Path, data: bytes, put: Callable[[int, bytes], None]) -> bytes:
    """What a new file holds after `put`; its descriptor writes as it did before."""
    path = folder / "new"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        before = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        put(descriptor, data)
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) == before
        os.lseek(descriptor, 0, os.SEEK_SET)
        back = disk.read_back(descriptor, len(data) + 1)
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) == before
        assert back == path.read_bytes()
        return back
    finally:
        os.close(descriptor)
        path.unlink()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("put", [disk.write, disk.write_directly])
def test_a_file_of_any_size_holds_just_what_was_written(
    tmp_path: Path, put: Callable[[int, bytes], None], size: int
) -> None:
    data = os.urandom(size)

    assert written(tmp_path, data, put) == data


@LAWFUL
@given(size=st.integers(disk.LEAST_BYTES, 5 * 2**18), seed=st.binary(min_size=1, max_size=64))
def test_what_is_written_after_something_else_holds_nothing_of_it(
    tmp_path_factory: pytest.TempPathFactory, size: int, seed: bytes
) -> None:
    folder = tmp_path_factory.mktemp("files")
    data = (seed * (size // len(seed) + 1))[:size]
    written(folder, b"\xff" * (3 * 2**19), disk.write_directly)

    assert written(folder, data, disk.write_directly) == data


def test_a_file_system_that_writes_nothing_directly_gets_it_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, real = os.urandom(2**20 + 5), fcntl.fcntl

    def refusing(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL and argument & getattr(os, "O_DIRECT", 0):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refusing)

    assert written(tmp_path, data, disk.write_directly) == data


def is_direct(descriptor: int) -> bool:
    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & getattr(os, "O_DIRECT", 0))


@pytest.mark.parametrize("reason", [errno.EINVAL, errno.EOPNOTSUPP, errno.EIO, errno.ENOSPC])
def test_what_cannot_be_written_directly_for_whatever_reason_goes_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    data, real = os.urandom(2**20 + 5), os.write

    def writing(descriptor: int, data: bytes) -> int:
        if is_direct(descriptor):
            raise OSError(reason, os.strerror(reason))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", writing)

    assert written(tmp_path, data, disk.write_directly) == data


@pytest.mark.parametrize("taken", [disk.BLOCK_BYTES, 1_000])
def test_a_file_system_that_stops_writing_directly_gets_the_rest_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    data, real = os.urandom(2**20 + 5), os.write

    def writing(descriptor: int, data: bytes) -> int:
        if not is_direct(descriptor):
            return real(descriptor, data)
        # What a kernel with smaller blocks than ours may take, where `real` takes no odd number.
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~getattr(os, "O_DIRECT", 0))
        return real(descriptor, bytes(data)[:taken])

    monkeypatch.setattr(os, "write", writing)

    assert written(tmp_path, data, disk.write_directly) == data


FORKING = """
import os, sys
from assetgen import disk
folder = sys.argv[1]
def put(name, data):
    descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    disk.write_directly(descriptor, data)
    os.close(descriptor)
put("before", b"b" * 2**20)
begun, done = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    real = os.write
    def write(descriptor, data):
        os.write = real
        real(begun[1], b"x")  # all is in place to be written,
        os.read(done[0], 1)   # and the parent writes something else
        return real(descriptor, data)
    os.write = write
    put("child", b"c" * 2**20)
    os._exit(0)
os.read(begun[0], 1)
put("parent", b"p" * 2**20)
os.write(done[1], b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_processes_that_were_forked_do_not_write_each_others_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FORKING, str(tmp_path)], check=True, timeout=60)

    for name in ("before", "child", "parent"):
        assert (tmp_path / name).read_bytes() == name[0].encode() * 2**20, name


@pytest.mark.parametrize("most", [0, 1, 5_000, 2**20, 2**20 + 4_097])
def test_no_more_is_read_back_than_was_asked_for(tmp_path: Path, most: int) -> None:
    data = os.urandom(2**21)
    path = tmp_path / "large"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert disk.read_back(descriptor, most) == data[:most]
    finally:
        os.close(descriptor)


def test_what_cannot_be_read_directly_is_read_back_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(descriptor: int, _: object) -> int:
        raise OSError(errno.EOPNOTSUPP, f"{os.strerror(errno.EOPNOTSUPP)}: {descriptor}")

    monkeypatch.setattr(os, "readv", refusing)
    data = os.urandom(2**20 + 5)

    assert written(tmp_path, data, disk.write_directly) == data


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def writing(descriptor: int, _: bytes) -> int:
        calls.append(descriptor)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return disk.BLOCK_BYTES

    monkeypatch.setattr(os, "write", writing)

    with pytest.raises(OSError, match="space"):
        written(tmp_path, bytes(2**20), disk.write_directly)
