"""The loop and the signs it follows, in one process with real files."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from assetgen.core.events import Event, Round, Warned
from assetgen.session import Session
from assetgen.watch.loop import Watch
from assetgen.watch.notice import NoEventsError, Notices, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PATIENCE_S = 60.0


class Deaf:
    """A file system whose changes nobody tells, as network shares are."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    def follow(self, paths: Iterable[str], root: str) -> bool:
        del paths, root
        return False

    def close(self) -> None:
        pass


class Refusing(Deaf):
    """A system that has no watches left."""

    def follow(self, paths: Iterable[str], root: str) -> bool:
        del paths, root
        raise NoEventsError("no space left for watches")


def drawn(prompt: str) -> str:
    asset = f"{{prompt: {prompt}, aspect_ratio: '1:1', output: hero.png}}"
    return f"version: 1\nprovider: draft\nassets:\n  hero: {asset}\n"


async def followed(
    root: Path, prompts: list[str], notices_of: Callable[[Callable[[], None]], Deaf]
) -> list[Event]:
    """Watch, and write the next manifest after each round; everything that was told."""
    manifest, events = root / "assets.yaml", []
    manifest.write_text(drawn(prompts[0]))
    reached = asyncio.Semaphore(0)
    session = Session(manifest, {"ASSETGEN_CACHE_DIR": str(root / "cache")})

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, Round):
            reached.release()

    async with session.rounds(None, emit) as rounds:
        watch = Watch(rounds, notices_of=notices_of)
        running = asyncio.ensure_future(watch.run())
        for prompt in prompts[1:]:
            await asyncio.wait_for(reached.acquire(), PATIENCE_S)
            manifest.write_text(drawn(prompt))
        await asyncio.wait_for(reached.acquire(), PATIENCE_S)
        watch.stop()
        await running
        assert watch.polls
    return events


def test_a_file_system_without_events_is_found_out_and_polled(tmp_path: Path) -> None:
    events = asyncio.run(followed(tmp_path, ["one", "two", "three"], Deaf))
    assert [e.changed for e in events if isinstance(e, Round)] == [(), ("hero",), ("hero",)]
    (told,) = [e.message for e in events if isinstance(e, Warned)]
    assert told.startswith("changes come without notice here: looking every")


def test_a_system_that_refuses_to_watch_is_polled_from_the_start(tmp_path: Path) -> None:
    events = asyncio.run(followed(tmp_path, ["one", "two"], Refusing))
    assert [e.changed for e in events if isinstance(e, Round)] == [(), ("hero",)]
    (told,) = [e.message for e in events if isinstance(e, Warned)]
    assert "no space left for watches" in told


# Signs


def test_the_folders_followed_are_those_of_the_files_and_all_above_up_to_the_project(
    tmp_path: Path,
) -> None:
    root = tmp_path / "project"
    (root / "refs/deep").mkdir(parents=True)
    (root / "refs/deep/frame.png").touch()
    (root / "store").mkdir()
    (root / "store/real.png").touch()
    (root / "linked.png").symlink_to("store/real.png")
    found = folders_of(
        [str(root / p) for p in ("refs/deep/frame.png", "art/not/yet.png", "linked.png")],
        str(root),
    )
    assert {os.path.relpath(path, root) for path in found} == {".", "refs", "refs/deep", "store"}


def test_a_folder_that_is_replaced_is_followed_anew(tmp_path: Path) -> None:
    (tmp_path / "refs").mkdir()
    path = tmp_path / "refs" / "frame.png"
    woken = threading.Event()
    notices = Notices(woken.set)
    try:
        assert notices.follow([str(path)], str(tmp_path))
        assert not notices.follow([str(path)], str(tmp_path))
        path.write_bytes(b"1")
        assert woken.wait(PATIENCE_S)
        woken.clear()
        (tmp_path / "refs").rename(tmp_path / "former")
        (tmp_path / "refs").mkdir()
        assert woken.wait(PATIENCE_S)
        assert notices.follow([str(path)], str(tmp_path))
        woken.clear()
        path.write_bytes(b"2")
        assert woken.wait(PATIENCE_S)
    finally:
        notices.close()
