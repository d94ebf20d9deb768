"""What a build notes in batches: nothing is kept twice, and trouble is told once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from assetgen.core.events import Warned
from assetgen.engine.notes import Notes
from assetgen.errors import CacheError
from tests.fakes import Machine, generated, project_of
from tests.memory import MemoryActions, MemoryInputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.events import Event
    from assetgen.core.result import ActionResult

HERO, SIDE = generated("hero", "A hero"), generated("side", "A side")


class CountingActions(MemoryActions):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[set[str]] = []
        self.alone: list[str] = []

    def put_many(self, results: Mapping[str, ActionResult]) -> None:
        self.batches.append(set(results))
        super().put_many(results)

    def put(self, fingerprint: str, result: ActionResult) -> None:
        self.alone.append(fingerprint)
        super().put(fingerprint, result)


class FullInputs(MemoryInputs):
    def put_many(self, documents: Iterable[bytes]) -> None:
        raise CacheError(f"no space for {len(list(documents))} documents")


def test_notes_are_kept_once_and_what_comes_later_with_the_next_batch() -> None:
    inputs = MemoryInputs()
    notes = Notes(inputs, MemoryActions(), lambda _: None)
    for document in (b"one", b"two"):
        notes.add_inputs(document)
        assert inputs.get(hashlib.sha256(document).hexdigest()) is None
        notes.write()
        assert inputs.get(hashlib.sha256(document).hexdigest()) == document


def test_that_inputs_cannot_be_noted_is_told_once() -> None:
    told: list[Event] = []
    notes = Notes(FullInputs(), MemoryActions(), told.append)
    for document in (b"one", b"two"):
        notes.add_inputs(document)
        notes.write()
    (warned,) = told
    assert isinstance(warned, Warned)
    assert "no space for 1 documents" in warned.message


def test_results_of_drafts_are_noted_in_one_go_and_known_to_the_next_build() -> None:
    made, actions = Machine(), CountingActions()
    made.actions = actions
    project = project_of(HERO, SIDE, provider="draft")
    made.build(project)
    (batch,) = actions.batches
    assert len(batch) == 2
    assert actions.alone == []
    for asset in (HERO, SIDE):
        made.files.remove(asset.output)
    drawn = len(made.provider.calls)
    assert made.build(project).counts()["restored"] == 2
    assert len(made.provider.calls) == drawn


def test_the_result_of_a_paid_call_is_noted_at_once() -> None:
    made, actions = Machine(), CountingActions()
    made.actions = actions
    made.build(project_of(HERO, SIDE))
    assert len(actions.alone) == 2
    assert actions.batches == []
