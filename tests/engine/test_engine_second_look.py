"""Outputs are looked at again while the build goes on, and none is missed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.digest import Digest, digest_of
from assetgen.engine.observe import Observer
from assetgen.engine.second_look import INTERVAL_S, SecondLook
from tests.fakes import FakeClock, FakeFiles, FakeImages, marked_key, picture, until
from tests.properties import LAWFUL

LOCKFILE = "assets.lock"


@dataclass(slots=True)
class Desk:
    """A build that writes, as far as a second look sees it."""

    clock: FakeClock = field(default_factory=FakeClock)
    written: dict[str, Digest] = field(default_factory=dict)
    files: FakeFiles = field(init=False)
    observer: Observer = field(init=False)
    look: SecondLook = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self.files = FakeFiles(self.clock)
        images = FakeImages()
        self.observer = Observer(self.files, images.inspect, self.clock, marked_key)
        self.look = SecondLook(self.written, self.observer, files=self.files, clock=self.clock)

    def write(self, path: str, label: str = "") -> None:
        """Write an output as the build does."""
        data = picture(label or path)
        self.files.put(path, data)
        self.written[path] = digest_of(data)

    def pass_by(self, seconds: float = 2 * INTERVAL_S) -> None:
        """Let time pass, and have a glance."""
        self.clock.tick(seconds)
        self.look.glance()


def test_what_was_written_a_while_ago_is_read_before_the_build_ends() -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("early.png")
        desk.pass_by()
        desk.write("late.png")
        desk.pass_by()
        await until(lambda: desk.files.reads == ["early.png"])

        assert await desk.look.finish(LOCKFILE)
        assert desk.files.reads == ["early.png", "late.png"]

    asyncio.run(building())


async def what_has_begun() -> None:
    """Wait until whatever was handed to a thread is done: here there is one thread."""
    await asyncio.sleep(0)
    await asyncio.to_thread(lambda: None)


def test_what_was_just_written_is_not_yet_believed() -> None:
    async def building() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        desk = Desk()
        desk.clock.tick(2 * INTERVAL_S)
        desk.write("one.png")
        desk.look.glance()
        await what_has_begun()
        assert desk.files.reads == [], "at the first glance after it"
        desk.pass_by(INTERVAL_S / 2)
        await what_has_begun()
        assert desk.files.reads == [], "nor soon after that"
        desk.pass_by()
        await what_has_begun()
        assert desk.files.reads == ["one.png"], "but once it is old enough"

        assert await desk.look.finish(LOCKFILE)
        assert desk.files.reads == ["one.png"]
        assert desk.observer.seen["one.png"].settled

    asyncio.run(building())


def test_what_is_written_once_more_is_looked_at_once_more() -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("one.png", "first")
        for _ in range(2):
            desk.pass_by()
        await until(lambda: desk.files.reads == ["one.png"])
        desk.write("one.png", "second")

        assert await desk.look.finish(LOCKFILE)
        assert desk.observer.seen["one.png"].digest == digest_of(picture("second"))

    asyncio.run(building())


def test_what_somebody_changes_before_it_is_looked_at_is_not_as_it_was_written() -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("one.png")
        desk.write("two.png")
        desk.files.put("one.png", b"edited")

        assert not await desk.look.finish(LOCKFILE)

    asyncio.run(building())


def test_what_goes_before_it_is_looked_at_is_not_as_it_was_written() -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("one.png")
        for _ in range(2):
            desk.pass_by()
        await until(lambda: desk.files.reads == ["one.png"])
        desk.write("two.png")
        desk.files.remove("two.png")

        assert not await desk.look.finish(LOCKFILE)

    asyncio.run(building())


@pytest.mark.parametrize("is_same", [False, True], ids=["edited", "same bytes"])
def test_what_somebody_writes_after_it_was_looked_at_is_looked_at_once_more(
    is_same: bool,
) -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("one.png")
        for _ in range(2):
            desk.pass_by()
        await until(lambda: "one.png" in desk.observer.seen)
        desk.files.put("one.png", picture("one.png") if is_same else b"edited")

        assert await desk.look.finish(LOCKFILE) is is_same
        noted = desk.observer.seen["one.png"]
        assert noted.settled
        assert noted.stamp == desk.files.stamp("one.png")

    asyncio.run(building())


def test_where_times_are_kept_in_seconds_it_is_looked_at_once_more_when_they_can_be_trusted() -> (
    None
):
    async def building() -> None:
        desk = Desk()
        desk.clock.tick(1 - desk.clock.now() % 1)
        desk.files.is_coarse = True
        desk.write("one.png")
        for _ in range(2):
            desk.pass_by()
        await until(lambda: "one.png" in desk.observer.seen)
        assert not desk.observer.seen["one.png"].settled
        desk.clock.tick(3.0)

        assert await desk.look.finish(LOCKFILE)
        assert desk.observer.seen["one.png"].settled

    asyncio.run(building())


def test_a_thread_that_still_writes_when_the_build_has_ended_leaves_it_unfinished() -> None:
    async def building() -> None:
        desk = Desk()
        desk.write("one.png")
        desk.files.before_read = lambda _: desk.write("late.png")

        assert not await desk.look.finish(LOCKFILE)

    asyncio.run(building())


def test_a_build_that_wrote_nothing_reads_nothing_and_waits_for_nothing() -> None:
    async def building() -> None:
        desk = Desk()

        assert await desk.look.finish(LOCKFILE)
        assert desk.files.reads == []
        assert desk.clock.slept == []

    asyncio.run(building())


@LAWFUL
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 5)),
            st.tuples(st.just("edit"), st.integers(0, 5)),
            st.tuples(st.just("pass"), st.sampled_from([0, 10, 120, 400])),
        ),
        max_size=25,
    )
)
def test_whatever_is_written_and_when_each_output_ends_up_looked_at_as_it_was_last_written(
    steps: list[tuple[str, int]],
) -> None:
    async def building() -> None:
        desk = Desk()
        for number, (what, value) in enumerate(steps):
            if what == "pass":
                desk.pass_by(value / 1000)
                await asyncio.sleep(0)
            elif what == "write":
                desk.write(f"{value}.png", f"number {number}")
            elif f"{value}.png" in desk.written:
                desk.files.put(f"{value}.png", picture("edited"))
        is_as_written = await desk.look.finish(LOCKFILE)

        assert set(desk.written) <= set(desk.observer.seen)
        noted = {path: desk.observer.seen[path] for path in desk.written}
        unchanged = {path for path, entry in noted.items() if entry.stamp == desk.files.stamp(path)}
        if is_as_written:
            assert all(noted[path].digest == desk.written[path] for path in unchanged)
        else:
            assert any(
                digest_of(desk.files.peek(path) or b"") != digest
                for path, digest in desk.written.items()
            )
        assert all(entry.settled for entry in noted.values())

    asyncio.run(building())
