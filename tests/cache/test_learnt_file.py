"""What was learnt about models is remembered, and never trusted blindly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.learnt import FileLearnt
from assetgen.errors import CacheError
from tests.cache.samples import tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def learnt(root: Path) -> FileLearnt:
    return FileLearnt(str(root), create=True)


def test_nothing_is_known_at_first_and_asking_makes_nothing(root: Path) -> None:
    assert learnt(root).get("a/b") is None
    assert not root.exists()


def test_the_next_run_knows_what_this_one_learnt(root: Path) -> None:
    first = learnt(root)
    first.set("a/b", image_only=True)
    first.set("c/d", route="images")
    assert first.get("a/b") == {"image_only": True}
    assert learnt(root).get("a/b") == {"image_only": True}
    assert learnt(root).get("c/d") == {"route": "images"}


def test_lessons_add_up_and_the_newest_counts(root: Path) -> None:
    book = learnt(root)
    book.set("a/b", image_only=True)
    book.set("a/b", route="chat")
    book.set("a/b", image_only=False)
    assert learnt(root).get("a/b") == {"image_only": False, "route": "chat"}


def test_what_another_process_learnt_meanwhile_stays(root: Path) -> None:
    one, two = learnt(root), learnt(root)
    assert one.get("a/b") is None
    two.set("a/b", image_only=True)
    one.set("c/d", image_only=False)
    assert learnt(root).get("a/b") == {"image_only": True}
    assert learnt(root).get("c/d") == {"image_only": False}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "\xff", '{"a/b": 1}', '{"a/b": {"image_only": "yes", "route": []}}'],
)
def test_a_file_that_makes_no_sense_counts_as_unknown_and_is_mended(root: Path, text: str) -> None:
    root.mkdir()
    (root / "models.json").write_text(text, encoding="latin-1")
    assert learnt(root).get("a/b") is None
    learnt(root).set("a/b", route="images")
    assert json.loads((root / "models.json").read_text()) == {"a/b": {"route": "images"}}


def test_only_the_file_itself_is_left_behind(root: Path) -> None:
    learnt(root).set("a/b", image_only=True)
    assert sorted(path.name for path in root.iterdir()) == ["models.json", "models.lock"]


def test_for_looking_only_nothing_is_made_or_changed(root: Path) -> None:
    looking = FileLearnt(str(root), create=False)
    with pytest.raises(CacheError, match="opened for reading only"):
        looking.set("a/b", image_only=True)
    assert not root.exists()
    learnt(root).set("a/b", image_only=True)
    before = tree(root)
    assert looking.get("a/b") == {"image_only": True}
    assert tree(root) == before
