"""How many calls are safe with the files that a process may open."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from assetgen.session.descriptors import files_limit, room_for_calls

if TYPE_CHECKING:
    import pytest


def limited(monkeypatch: pytest.MonkeyPatch, limit: int) -> int:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    return room_for_calls()


def test_the_usual_limit_leaves_room_for_what_anybody_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert limited(monkeypatch, 1024) >= 64 * 4
    assert limited(monkeypatch, resource.RLIM_INFINITY) > 1024


def test_a_small_limit_leaves_room_for_few_calls_and_a_tiny_one_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 1 <= limited(monkeypatch, 128) <= 44
    assert limited(monkeypatch, 32) == 0
    assert files_limit() == 32
