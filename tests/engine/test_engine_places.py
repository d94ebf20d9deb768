"""Turns at the places where pictures are worked on."""

from __future__ import annotations

import asyncio

import pytest

from assetgen.engine.places import Places


async def use(places: Places, name: str, order: list[str], *, ends: bool) -> None:
    async with places.one(ends=ends):
        order.append(name)
        await asyncio.sleep(0)


def test_what_ends_something_goes_before_what_begins_something() -> None:
    async def run() -> list[str]:
        places, order = Places(1), list[str]()
        async with places.one(ends=False):
            tasks = [
                asyncio.ensure_future(use(places, name, order, ends=name.startswith("end")))
                for name in ("begin 1", "begin 2", "end 1", "end 2")
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(run()) == ["end 1", "end 2", "begin 1", "begin 2"]


def test_no_more_work_at_once_than_there_are_places() -> None:
    async def run() -> int:
        places, inside, most = Places(3), 0, 0

        async def work(number: int) -> None:
            nonlocal inside, most
            async with places.one(ends=bool(number % 2)):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*map(work, range(20)))
        return most

    assert asyncio.run(run()) == 3


@pytest.mark.parametrize("is_given", [False, True], ids=["waiting", "with the place just given"])
def test_who_is_cut_while_waiting_takes_no_place_along(*, is_given: bool) -> None:
    async def run() -> list[str]:
        places, order = Places(1), list[str]()
        async with places.one(ends=False):
            cut = asyncio.ensure_future(use(places, "cut", order, ends=True))
            other = asyncio.ensure_future(use(places, "other", order, ends=False))
            await asyncio.sleep(0)
            if not is_given:
                cut.cancel()
        cut.cancel()
        await asyncio.gather(cut, other, return_exceptions=True)
        await use(places, "after", order, ends=False)
        return order

    assert asyncio.run(asyncio.wait_for(run(), 10)) == ["other", "after"]
