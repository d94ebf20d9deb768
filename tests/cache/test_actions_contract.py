"""What every action cache promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.actions import DiskActions
from assetgen.core.value import replace
from tests.cache.samples import fingerprint, result
from tests.memory import MemoryActions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assetgen.core.ports import ActionCache


@pytest.fixture(params=["memory", "disk"])
def actions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ActionCache]:
    if request.param == "memory":
        yield MemoryActions()
        return
    disk = DiskActions(str(tmp_path / "cache"), lambda position: ([], position))
    yield disk
    disk.close()


def test_a_result_comes_back_as_it_was(actions: ActionCache) -> None:
    actions.put(fingerprint(), result())
    assert actions.get_many([fingerprint()]) == {fingerprint(): result()}


def test_what_is_not_known_is_left_out(actions: ActionCache) -> None:
    assert actions.get_many([]) == {}
    assert actions.get_many([fingerprint(1)]) == {}
    actions.put(fingerprint(1), result())
    assert set(actions.get_many([fingerprint(1), fingerprint(2)])) == {fingerprint(1)}


def test_the_newest_result_counts(actions: ActionCache) -> None:
    actions.put(fingerprint(), result(b"one"))
    actions.put(fingerprint(), result(b"two"))
    assert actions.get_many([fingerprint()]) == {fingerprint(): result(b"two")}


def test_an_unknown_price_stays_unknown(actions: ActionCache) -> None:
    unknown = replace(result(), cost_usd=None, provider=None, generation_id=None)
    actions.put(fingerprint(), unknown)
    assert actions.get_many([fingerprint()]) == {fingerprint(): unknown}


def test_many_are_asked_for_at_once_and_twice(actions: ActionCache) -> None:
    results = {fingerprint(n): result(str(n).encode()) for n in range(50)}
    for name, value in results.items():
        actions.put(name, value)
    assert actions.get_many(iter([*results, *results])) == results


def test_threads_may_share_it(actions: ActionCache) -> None:
    results = {fingerprint(n): result(str(n).encode()) for n in range(40)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(actions.put, results, results.values()))
        answers = list(threads.map(lambda _: actions.get_many(results), range(8)))
    assert answers == [results] * 8


def test_results_may_come_together(actions: ActionCache) -> None:
    many = {fingerprint(number): result(b"%d" % number) for number in range(5)}
    actions.put(fingerprint(1), result(b"older"))
    actions.put_many({})
    actions.put_many(many)
    assert actions.get_many(many) == many
