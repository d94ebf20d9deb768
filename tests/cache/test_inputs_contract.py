"""What every store of readable inputs promises, and what the files add to it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.inputs import FileInputs
from assetgen.errors import CacheError
from tests.cache.samples import fingerprint
from tests.memory import MemoryInputs

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.ports import InputStore

DOCUMENT = '{"prompt":"Ein Wärter, 灯台"}'.encode()
NAME = hashlib.sha256(DOCUMENT).hexdigest()


@pytest.fixture(params=["memory", "file"])
def inputs(request: pytest.FixtureRequest, tmp_path: Path) -> InputStore:
    if request.param == "memory":
        return MemoryInputs()
    return FileInputs(str(tmp_path / "cache"), create=True)


def test_a_document_is_found_by_its_fingerprint(inputs: InputStore) -> None:
    inputs.put_many([DOCUMENT])
    inputs.put_many([DOCUMENT])
    assert inputs.get(NAME) == DOCUMENT


def test_many_documents_are_put_at_once_and_one_that_is_there_stays(inputs: InputStore) -> None:
    inputs.put_many([DOCUMENT])
    others = [b"one", b"two", b"one"]
    inputs.put_many([*others, DOCUMENT])
    for document in (DOCUMENT, *others):
        assert inputs.get(hashlib.sha256(document).hexdigest()) == document


def test_what_was_never_put_is_absent(inputs: InputStore) -> None:
    assert inputs.get(fingerprint(1)) is None


def file_of(root: Path) -> Path:
    return root / "inputs" / NAME[:2] / NAME


@pytest.mark.parametrize("damage", [b"", DOCUMENT[:-1], DOCUMENT + b" ", b"\0" * 100])
def test_a_damaged_document_is_absent_and_can_be_put_again(tmp_path: Path, damage: bytes) -> None:
    inputs = FileInputs(str(tmp_path), create=True)
    inputs.put_many([DOCUMENT])
    file_of(tmp_path).write_bytes(damage)
    assert inputs.get(NAME) is None
    inputs.put_many([DOCUMENT])
    assert inputs.get(NAME) == DOCUMENT


def test_nobody_else_may_read_prompts_and_nothing_is_left_over(tmp_path: Path) -> None:
    FileInputs(str(tmp_path / "cache"), create=True).put_many([DOCUMENT])
    path = file_of(tmp_path / "cache")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert os.listdir(path.parent) == [NAME]


def test_opened_for_reading_nothing_is_made(tmp_path: Path) -> None:
    inputs = FileInputs(str(tmp_path / "cache"), create=False)
    assert inputs.get(NAME) is None
    with pytest.raises(CacheError):
        inputs.put_many([DOCUMENT])
    assert not (tmp_path / "cache").exists()


def test_something_else_in_its_place_is_an_error_of_the_cache(tmp_path: Path) -> None:
    file_of(tmp_path).mkdir(parents=True)
    inputs = FileInputs(str(tmp_path), create=True)
    with pytest.raises(CacheError):
        inputs.put_many([DOCUMENT])
