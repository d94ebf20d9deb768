"""A body is what was received, wherever it waits."""

from __future__ import annotations

import errno
import io
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.errors import Retry, Unavailable
from assetgen.providers.http import Response
from assetgen.providers.received import HELD_BYTES, Received
from tests.properties import LAWFUL

SIZES = st.lists(st.integers(0, HELD_BYTES * 2), max_size=6)


def chunks_of(sizes: list[int]) -> list[bytes]:
    return [bytes([number + 1]) * size for number, size in enumerate(sizes)]


class Full(io.BytesIO):
    """A file on a disk that takes so many bytes and then, like a real one, a part of what comes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: object, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # what bytes are written from
        fits = min(len(view), self.room, 70_000)
        if not fits:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= fits
        return super().write(view[:fits])


@LAWFUL
@given(SIZES, st.integers(0, HELD_BYTES * 4))
def test_a_body_is_what_came_also_where_the_disk_is_full(sizes: list[int], room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", lambda **_: Full(room))
        received, chunks = Received(), chunks_of(sizes)
        for chunk in chunks:
            received.append(chunk)
        assert received.read() == b"".join(chunks)
        assert received.read() == b"".join(chunks), "and again"
        assert received.size == sum(sizes)


def test_where_no_file_can_be_had_it_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> object:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    received = Received()
    for _ in range(3):
        received.append(b"x" * HELD_BYTES)
    assert received.read() == b"x" * 3 * HELD_BYTES


def test_a_large_body_is_held_by_a_file_that_has_no_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    received = Received()
    for _ in range(20):
        received.append(b"x" * HELD_BYTES)
    assert sum(map(len, received._chunks)) <= HELD_BYTES
    assert received.read() == b"x" * 20 * HELD_BYTES
    received.clear()
    assert received.read() == b""


def test_a_body_that_is_lost_after_all_may_be_billed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: file)
    received = Received()
    received.append(b"x" * 2 * HELD_BYTES)
    file.truncate(10)
    with pytest.raises(Unavailable, match="it may be billed") as caught:
        _ = Response(200, {"x-generation-id": "gen-1"}, received).body
    assert caught.value.retry is Retry.AMBIGUOUS
    assert caught.value.generation_id == "gen-1"
