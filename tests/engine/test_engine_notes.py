"""What a build notes in batches: nothing is kept twice, and trouble is told once."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from assetgen.core.events import Warned
from assetgen.engine.notes import BATCH, Notes
from assetgen.errors import CacheError
from tests.fakes import Machine, generated, project_of, until
from tests.memory import MemoryInputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.events import Event


class FullInputs(MemoryInputs):
    def put_many(self, documents: Iterable[bytes]) -> None:
        raise CacheError(f"no space for {len(list(documents))} documents")


def test_notes_are_kept_once_and_what_comes_later_with_the_next_batch() -> None:
    inputs = MemoryInputs()
    notes = Notes(inputs, lambda _: None)
    for document in (b"one", b"two"):
        notes.add(document)
        assert inputs.get(hashlib.sha256(document).hexdigest()) is None
        notes.write()
        assert inputs.get(hashlib.sha256(document).hexdigest()) == document


def test_many_notes_are_kept_before_the_build_ends() -> None:
    documents = [str(number).encode() for number in range(3 * BATCH)]

    def known(inputs: MemoryInputs) -> set[bytes]:
        found = (inputs.get(hashlib.sha256(one).hexdigest()) for one in documents)
        return {one for one in found if one is not None}

    async def building() -> None:
        inputs = MemoryInputs()
        notes = Notes(inputs, lambda _: None)
        for number, document in enumerate(documents):
            notes.add(document)
            notes.write_beside()
            if number < BATCH - 1:
                assert not known(inputs)
        await until(lambda: len(known(inputs)) >= BATCH)
        notes.write()
        assert known(inputs) == set(documents)

    asyncio.run(building())


def test_that_inputs_cannot_be_noted_is_told_once() -> None:
    told: list[Event] = []
    notes = Notes(FullInputs(), told.append)
    for document in (b"one", b"two"):
        notes.add(document)
        notes.write()
    (warned,) = told
    assert isinstance(warned, Warned)
    assert "no space for 1 documents" in warned.message


class BrokenInputs(MemoryInputs):
    def put_many(self, documents: Iterable[bytes]) -> None:
        raise RuntimeError(f"a fault of ours over {len(list(documents))} documents")


def test_whatever_becomes_of_the_notes_the_lockfile_is_written() -> None:
    made = Machine()
    made.inputs = BrokenInputs()
    with pytest.raises(RuntimeError):
        made.build(project_of(generated("hero")))
    assert list(made.locks.read().entries) == ["hero"]


class SlowInputs(MemoryInputs):
    def __init__(self) -> None:
        super().__init__()
        self.is_begun, self.may_go_on = threading.Event(), threading.Event()

    def put_many(self, documents: Iterable[bytes]) -> None:
        self.is_begun.set()
        assert self.may_go_on.wait(10)
        super().put_many(documents)


def test_when_a_build_ends_nothing_of_it_is_still_being_written() -> None:
    async def building() -> None:
        inputs = SlowInputs()
        notes = Notes(inputs, lambda _: None)
        documents = [str(number).encode() for number in range(BATCH)]
        for document in documents:
            notes.add(document)
        notes.write_beside()
        assert await asyncio.to_thread(inputs.is_begun.wait, 10)
        asyncio.get_running_loop().call_later(0.01, inputs.may_go_on.set)
        await notes.finish()
        notes.write()
        assert all(inputs.get(hashlib.sha256(one).hexdigest()) == one for one in documents)

    asyncio.run(building())


def test_a_cut_build_waits_for_what_is_being_written_too() -> None:
    async def building() -> None:
        inputs = SlowInputs()
        notes = Notes(inputs, lambda _: None)
        documents = [str(number).encode() for number in range(BATCH)]
        for document in documents:
            notes.add(document)
        notes.write_beside()
        assert await asyncio.to_thread(inputs.is_begun.wait, 10)
        threading.Timer(0.05, inputs.may_go_on.set).start()
        notes.write()
        assert all(inputs.get(hashlib.sha256(one).hexdigest()) == one for one in documents)

    asyncio.run(building())


def test_a_fault_of_ours_on_the_thread_is_met_when_the_build_ends() -> None:
    async def building() -> None:
        notes = Notes(BrokenInputs(), lambda _: None)
        for number in range(BATCH):
            notes.add(str(number).encode())
        notes.write_beside()
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await notes.finish()

    asyncio.run(building())
