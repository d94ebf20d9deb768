"""Answers are read in turn, and nobody waits for one that does not come on."""

from __future__ import annotations

import asyncio

import pytest

from assetgen.providers import turns as module
from assetgen.providers.turns import AT_ONCE, Turns


def test_turns_are_had_in_the_order_in_which_they_are_asked_for() -> None:
    async def reading() -> list[int]:
        turns, order = Turns(), list[int]()

        async def read(number: int) -> None:
            async with turns.one():
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(read(number) for number in range(20)))
        return order

    assert asyncio.run(reading()) == list(range(20))


def test_no_more_are_read_at_once_than_there_are_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 60.0)

    async def reading() -> int:
        turns, busy, most = Turns(), 0, 0

        async def read() -> None:
            nonlocal busy, most
            async with turns.one():
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0)
                busy -= 1

        await asyncio.gather(*(read() for _ in range(20)))
        return most

    assert asyncio.run(reading()) == AT_ONCE


def test_whoever_is_slow_keeps_nobody_waiting_and_is_not_interrupted() -> None:
    async def reading() -> list[str]:
        turns, told = Turns(), list[str]()
        is_through = asyncio.Event()

        async def slow() -> None:
            async with turns.one():
                await is_through.wait()
                told.append("slow")

        async def quick() -> None:
            async with turns.one():
                told.append("quick")
            is_through.set()

        await asyncio.gather(*(slow() for _ in range(3 * AT_ONCE)), quick())
        return told

    assert asyncio.run(reading()) == ["quick", *["slow"] * (3 * AT_ONCE)]


def test_a_turn_that_is_over_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reading() -> None:
        turns = Turns()
        is_through = asyncio.Event()

        async def slow() -> None:
            async with turns.one():
                await is_through.wait()

        readers = [asyncio.ensure_future(slow()) for _ in range(2 * AT_ONCE)]
        async with turns.one():
            is_through.set()
        await asyncio.gather(*readers)
        # All have ended: as many turns are free as there were, and not one more.
        monkeypatch.setattr(module, "LONGEST_S", 60.0)
        held = [turns.one() for _ in range(AT_ONCE)]
        for turn in held:
            await turn.__aenter__()
        another = asyncio.ensure_future(turns.one().__aenter__())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not another.done()
        await held.pop().__aexit__(None, None, None)
        await another
        for turn in held:
            await turn.__aexit__(None, None, None)

    asyncio.run(reading())


def test_who_is_cancelled_while_waiting_or_reading_takes_no_turn_with_him() -> None:
    async def reading() -> None:
        turns = Turns()
        never = asyncio.Event()

        async def read() -> None:
            async with turns.one():
                await never.wait()

        readers = [asyncio.ensure_future(read()) for _ in range(2 * AT_ONCE)]
        await asyncio.sleep(0)
        for reader in readers:
            reader.cancel()
        for ended in await asyncio.gather(*readers, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError)
        async with turns.one(), turns.one():
            pass

    asyncio.run(reading())


def test_a_reader_that_fails_gives_its_turn_back() -> None:
    async def reading() -> None:
        turns = Turns()
        for _ in range(2 * AT_ONCE):
            with pytest.raises(OSError, match="lost"):
                async with turns.one():
                    raise OSError("lost")

    asyncio.run(asyncio.wait_for(reading(), 10))
