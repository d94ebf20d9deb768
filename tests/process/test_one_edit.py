"""An edit costs what it concerns, and comes to what building everything anew comes to."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetgen.cli.noop import is_up_to_date
from assetgen.core.events import Broken
from assetgen.core.lock_text import parse_line, parse_lock
from assetgen.core.plan import decide_one
from assetgen.core.stamp import GRANULE_NS
from assetgen.core.value import replace
from assetgen.errors import ManifestFaults
from assetgen.files.lockfile import LockFile
from assetgen.manifest.resolve import resolve
from assetgen.session import Session, Settings
from tests.properties import BUILDING
from tests.standin import picture

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from types import FrameType

    from assetgen.core.events import Event
    from assetgen.core.lock import LockEntry
    from assetgen.core.report import Report
    from assetgen.session.rounds import Rounds

COUNT = 40
ASKED = 2
"""Times that one asset is judged: without what the cache knows of it, and with that."""


def build(root: Path, *, draft: bool = False) -> Report:
    """Build in this process, once what was just written can be told from what comes next."""
    time.sleep(2 * GRANULE_NS / 1e9)
    session = Session(root / "assets.yaml", {"ASSETGEN_CACHE_DIR": str(root.parent / "cache")})
    return asyncio.run(session.build(Settings(draft=draft)))


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Calls of Python functions by name, in all threads."""
    called: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called[frame.f_code.co_name] += 1

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A project of many assets that was built until its record is trusted."""
    root = tmp_path / "project"
    root.mkdir()
    entries = [
        f"  icon-{n}:\n    prompt: Icon {n}\n    output: art/{n}.png\n" for n in range(COUNT)
    ]
    (root / "assets.yaml").write_text(f"version: 1\nprovider: draft\nassets:\n{''.join(entries)}")
    for _ in range(2):
        assert build(root).exit_code == 0
    return root


def edit(root: Path, before: str, after: str) -> None:
    manifest = root / "assets.yaml"
    text = manifest.read_text()
    assert before in text
    manifest.write_text(text.replace(before, after))


def test_one_edit_among_many_is_read_and_judged_alone(many: Path) -> None:
    edit(many, "prompt: Icon 7\n", "prompt: A seven\n")
    with counting() as called:
        report = build(many)
    assert called[decide_one.__name__] == ASKED
    assert called["_resolve_asset"] == 1
    assert called[parse_line.__name__] == 1
    assert report.counts()["generated"] == 1
    assert report.counts()["kept"] == COUNT - 1
    assert [outcome.name for outcome in report.outcomes] == [f"icon-{n}" for n in range(COUNT)]
    assert resolve.__name__ in called


def test_the_next_edit_is_narrow_too_and_then_there_is_nothing_to_do(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (3, 4, 5):
        edit(many, f"    output: art/{number}.png", f"    take: 2\n    output: art/{number}.png")
        with counting() as called:
            assert build(many).counts()["generated"] == 1
        assert called[decide_one.__name__] == ASKED
        monkeypatch.chdir(many)
        assert is_up_to_date(["build"])
        edit(many, f"    take: 2\n    output: art/{number}.png", f"    output: art/{number}.png")
        assert build(many).counts()["restored"] == 1


def test_after_an_edit_that_only_the_lockfile_shows_there_is_nothing_to_do(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(many)
    plain, webp = (f"    output: art/7.{suffix}\n" for suffix in ("png", "webp"))
    edit(many, plain, webp)
    assert build(many).counts()["derived"] == 1
    for before, after in ((webp, plain), (plain, webp), (webp, plain)):
        edit(many, before, after)
        lock = (many / "assets.lock").read_bytes()
        assert build(many).counts()["kept"] == COUNT
        assert (many / "assets.lock").read_bytes() != lock
        assert is_up_to_date(["build"])


@pytest.mark.parametrize("style", ["|+", ">+"])
def test_lines_of_others_that_are_left_out_do_not_belong_to_a_text(many: Path, style: str) -> None:
    note = f"    params:\n      note: {style}\n        seven\n"
    edit(many, "    output: art/7.png\n", f"    output: art/7.png\n{note}")
    with counting() as called:
        assert build(many).counts()["generated"] == 1
    assert called["_resolve_asset"] == 1
    (many / ".assetgen/assets.record").unlink()
    assert build(many).counts()["kept"] == COUNT


def test_drafts_that_an_edit_leaves_alone_are_told_as_drafts(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "hand").mkdir(parents=True)
    (root / "hand/logo.png").write_bytes(picture("logo"))
    names = ("hero", "side", "door", "lamp")
    entries = [f"  {name}:\n    prompt: A {name}\n    output: {name}.png\n" for name in names]
    (root / "assets.yaml").write_text(
        "version: 1\ndefaults: {model: google/gemini-2.5-flash-image}\nassets:\n"
        "  logo: {source: hand/logo.png, output: logo.png}\n" + "".join(entries)
    )
    for _ in range(2):
        assert build(root, draft=True).exit_code == 0
    edit(root, "A side", "A view")
    with counting() as called:
        report = build(root, draft=True)
    assert called[decide_one.__name__] == ASKED
    assert [(one.status.value, one.message) for one in report.outcomes if one.name != "side"] == [
        ("kept", "up to date"),
        *[("kept", "draft")] * 3,
    ]


@pytest.mark.parametrize(
    "path", ["art/5.png", "assets.lock", ".assetgen/assets.record", ".assetgen/assets.outline"]
)
def test_what_else_has_changed_is_looked_at(many: Path, path: str) -> None:
    edit(many, "prompt: Icon 7\n", "prompt: A seven\n")
    (many / path).unlink()
    with counting() as called:
        report = build(many)
    assert called[decide_one.__name__] >= COUNT
    assert report.exit_code == 0
    assert (many / "art/5.png").exists()
    assert len(parse_lock((many / "assets.lock").read_text(), "assets.lock").entries) == COUNT


def test_faults_are_found_as_ever(many: Path) -> None:
    for fields, what in (
        ("prompt: A seven\n    output: art/8.png", "have one output: `art/8.png`"),
        ("prompt: A seven\n    reference: asset:nobody\n    output: art/7.png", "unknown asset"),
        ("prompt: A seven\n    reference: art/8.png\n    output: art/7.png", "is the reference"),
        ('prompt: "A seven\n    output: art/7.png', "not YAML"),
        ("propmt: A seven\n    output: art/7.png", "propmt"),
    ):
        text = (many / "assets.yaml").read_text()
        edit(many, "prompt: Icon 7\n    output: art/7.png", fields)
        with pytest.raises(ManifestFaults) as caught:
            build(many)
        assert what in str(caught.value.faults[0]), fields
        (many / "assets.yaml").write_text(text)


def test_a_lockfile_that_somebody_else_writes_meanwhile_is_merged_and_not_trusted(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lockfile = many / "assets.lock"
    replace_text = LockFile.replace

    def after_somebody(
        self: LockFile, former: str, text: str, changed: Mapping[str, LockEntry]
    ) -> bool:
        lines = lockfile.read_text().split("\n")
        lockfile.write_text("\n".join(line for line in lines if '"icon-9"' not in line))
        return replace_text(self, former, text, changed)

    monkeypatch.setattr(LockFile, "replace", after_somebody)
    edit(many, "prompt: Icon 7\n", "prompt: A seven\n")
    assert build(many).exit_code == 0
    monkeypatch.undo()
    monkeypatch.chdir(many)
    assert not is_up_to_date(["build"])
    assert len(parse_lock(lockfile.read_text(), "assets.lock").entries) == COUNT - 1
    assert build(many).exit_code == 0
    assert len(parse_lock(lockfile.read_text(), "assets.lock").entries) == COUNT


# Watching


@dataclass(slots=True)
class Followed:
    """A watch of a project, look by look."""

    rounds: Rounds
    events: list[Event]

    async def round(self) -> tuple[Counter[str], dict[str, int]]:
        """Look, and run the round that is due; what was called, and how assets came out."""
        await asyncio.sleep(2 * GRANULE_NS / 1e9)
        with counting() as called:
            assert self.rounds.look()
            await self.rounds.run()
        assert self.rounds.report is not None
        return called, {n: count for n, count in self.rounds.report.counts().items() if count}


def follow(root: Path, story: Callable[[Followed], Awaitable[None]]) -> list[Event]:
    async def run() -> list[Event]:
        events: list[Event] = []
        session = Session(root / "assets.yaml", {"ASSETGEN_CACHE_DIR": str(root.parent / "cache")})
        async with session.rounds(Settings(), events.append) as rounds:
            await story(Followed(rounds, events))
            await rounds.finish()
        return events

    return asyncio.run(run())


def test_while_watching_an_edit_is_read_and_judged_alone(many: Path) -> None:
    async def story(watch: Followed) -> None:
        await watch.round()
        for number, words in ((7, "A seven"), (8, "An eight"), (7, "Seven")):
            edit(many, f"output: art/{number}.png", f"output: art/{number}.png # {words}")
            assert not watch.rounds.look(), "a comment is no change"
            edit(many, f"# {words}", f"\n    description: {words}\n    take: {len(words)}")
            called, counts = await watch.round()
            assert counts == {"generated": 1, "kept": COUNT - 1}
            assert called["_resolve_asset"] == 2, "once to look, once to build"
            assert called[decide_one.__name__] == ASKED
            edit(many, f"\n    description: {words}\n    take: {len(words)}", "")
            _, counts = await watch.round()
            assert counts == {"restored": 1, "kept": COUNT - 1}

    follow(many, story)


def test_while_watching_what_goes_beside_an_edit_is_told(many: Path) -> None:
    (many / "refs").mkdir()
    (many / "refs/frame.png").write_bytes(picture("frame"))
    edit(many, "    output: art/9.png", "    reference: refs/frame.png\n    output: art/9.png")

    async def story(watch: Followed) -> None:
        await watch.round()
        edit(many, "prompt: Icon 7\n", "prompt: A seven\n")
        (many / "refs/frame.png").rename(many / "refs/other.png")
        assert not watch.rounds.look()
        edit(many, "refs/frame.png", "refs/other.png")
        _, counts = await watch.round()
        assert counts == {"generated": 2, "kept": COUNT - 2}
        (many / "refs/other.png").write_bytes(picture("another"))
        edit(many, "prompt: Icon 5\n", "prompt: A five\n")
        _, counts = await watch.round()
        assert counts == {"generated": 2, "kept": COUNT - 2}

    events = follow(many, story)
    (broken,) = [event for event in events if isinstance(event, Broken)]
    assert "`refs/frame.png`, which does not exist" in str(broken.faults[0])


# Laws

NAMES = ("hero", "side", "icon", "door", "lamp")
WORDS = st.sampled_from(["a keeper", "a ship", "a lamp"])
READS = st.sampled_from(["", "", "", "refs/one.png", "refs/two.png"])


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a manifest, as a person keeps it in mind."""

    words: str = "a keeper"
    reads: str = ""
    take: int = 1
    suffix: str = "png"
    pinned: bool = False
    comment: str = ""
    steps: str = ""

    def text(self, name: str) -> str:
        fields = [f"    prompt: {self.words}", f"    output: art/{name}.{self.suffix}"]
        fields += [f"    reference: {self.reads}"] if self.reads else []
        fields += [f"    take: {self.take}"] if self.take > 1 else []
        fields += ["    pinned: true"] if self.pinned else []
        fields += [f"    # {self.comment}"] if self.comment else []
        fields += [f"    steps: [{self.steps}]"] if self.steps else []
        return "\n".join([f"  {name}:", *fields, ""])


@dataclass(slots=True)
class Manifest:
    """A manifest that somebody works on."""

    entries: dict[str, Entry] = field(default_factory=lambda: dict.fromkeys(NAMES, Entry()))
    model: str = "some/model"

    def text(self) -> str:
        head = f"version: 1\nprovider: draft\ndefaults: {{model: {self.model}}}\nassets:\n"
        return head + "".join(entry.text(name) for name, entry in self.entries.items())


FIELDS = ("words", "words", "words", "take", "reads", "suffix", "pinned", "comment", "steps")
EDITS = st.sampled_from([*FIELDS, "asset", "drop", "add", "model", "touch", "paint", "delete"])


def apply(manifest: Manifest, root: Path, kind: str, data: st.DataObject) -> None:
    """One thing that somebody does; `touch` does nothing but save."""
    name = data.draw(st.sampled_from(sorted(manifest.entries)))
    entry = manifest.entries[name]
    output = root / f"art/{name}.{entry.suffix}"
    if kind in FIELDS:
        manifest.entries[name] = edited(entry, kind, data)
    elif kind == "asset":
        first = next(iter(manifest.entries))
        reads = "" if name == first else f"asset:{first}"
        manifest.entries[name] = replace(entry, reads=reads)
    elif kind == "drop":
        is_read = any(one.reads == f"asset:{name}" for one in manifest.entries.values())
        if not is_read and name != next(iter(manifest.entries)):
            del manifest.entries[name]
    elif kind == "add":
        manifest.entries.setdefault(data.draw(st.sampled_from(NAMES)), Entry())
    elif kind == "model":
        manifest.model = data.draw(st.sampled_from(["some/model", "other/model"]))
    elif kind == "paint" and output.exists():
        output.write_bytes(picture(data.draw(WORDS)))
    elif kind == "delete":
        output.unlink(missing_ok=True)


def edited(entry: Entry, kind: str, data: st.DataObject) -> Entry:
    match kind:
        case "words":
            return replace(entry, words=data.draw(WORDS))
        case "take":
            return replace(entry, take=entry.take % 2 + 1)
        case "reads":
            return replace(entry, reads=data.draw(READS))
        case "suffix":
            return replace(entry, suffix="webp" if entry.suffix == "png" else "png")
        case "pinned":
            return replace(entry, pinned=not entry.pinned)
        case "comment":
            return replace(entry, comment=data.draw(WORDS))
        case _:
            return replace(entry, steps=data.draw(st.sampled_from(["", "{resize: {width: 8}}"])))


def recorded(root: Path) -> dict[str, LockEntry]:
    """The lockfile without what no two runs have in common."""
    lock = parse_lock((root / "assets.lock").read_text(), "assets.lock")
    return {
        entry.output: replace(entry, result=replace(entry.result, date=""))
        for entry in lock.everything()
    }


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "art").iterdir()}


@settings(BUILDING, max_examples=25)
@given(st.lists(st.lists(EDITS, min_size=1, max_size=2), min_size=1, max_size=5), st.data())
def test_building_after_edits_comes_to_what_building_without_a_record_comes_to(
    stories: list[list[str]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, manifest = Path(folder, "one/project"), Manifest()
        (root / "refs").mkdir(parents=True)
        for name in ("one", "two"):
            (root / f"refs/{name}.png").write_bytes(picture(name))
        (root / "assets.yaml").write_text(manifest.text())
        build(root)
        for kinds in stories:
            for kind in kinds:
                apply(manifest, root, kind, data)
            (root / "assets.yaml").write_text(manifest.text())
            twin = Path(folder, "two")
            shutil.rmtree(twin, ignore_errors=True)
            shutil.copytree(root.parent, twin)
            for name in ("record", "outline"):
                (twin / f"project/.assetgen/assets.{name}").unlink(missing_ok=True)
            found, expected = build(root), build(twin / "project")
            statuses = [(one.name, one.status, one.message) for one in found.outcomes]
            assert statuses == [(one.name, one.status, one.message) for one in expected.outcomes]
            assert found.orphans == expected.orphans
            assert recorded(root) == recorded(twin / "project")
            assert files(root) == files(twin / "project")
            done = [is_up_to_date(["-C", str(one), "build"]) for one in (root, twin / "project")]
            assert done[0] == done[1]
