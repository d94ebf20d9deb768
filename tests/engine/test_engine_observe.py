from __future__ import annotations

import pytest

from assetgen.core.digest import digest_of
from assetgen.core.facts import MISSING, Facts, FileFact, FileState, Question
from assetgen.core.lock import LockEntry
from assetgen.engine.observe import Observer, OfflineOracle, StoreOracle, Supplier
from assetgen.engine.rebuild import rebuilt_lock
from assetgen.errors import OutputError
from tests.fakes import (
    FakeClock,
    FakeFiles,
    FakeImages,
    Machine,
    generated,
    lock_of,
    marked_key,
    picture,
    project_of,
    result_of,
    sourced,
)

HERO = picture("hero")
POINTER = f"version https://git-lfs.github.com/spec/v1\noid {digest_of(HERO)}\nsize 9\n".encode()


class World:
    """Some files, and observers that look at them one after the other."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.files = FakeFiles(self.clock)
        self.images = FakeImages()
        self.before: Observer | None = None

    def put(self, path: str, data: bytes) -> None:
        self.files.put(path, data)

    def observer(self) -> Observer:
        """A new build, which remembers what the last one saw."""
        self.clock.tick()
        seen = self.before.seen if self.before is not None else {}
        self.before = Observer(
            files=self.files,
            inspect=self.images.inspect,
            clock=self.clock,
            marked_key=marked_key,
            recorded=dict(seen),
        )
        return self.before

    def output(self, path: str, *known: bytes) -> FileFact:
        digests = frozenset(digest_of(data) for data in known)
        return self.observer().outputs([path], digests)[path]

    def input(self, path: str) -> FileFact:
        return self.observer().inputs([path])[path]


class TestOutputs:
    @pytest.mark.parametrize(
        ("data", "fact"),
        [
            (HERO, FileFact(FileState.IMAGE, digest_of(HERO))),
            (b"", FileFact(FileState.EMPTY)),
            (b"garbage", FileFact(FileState.UNREADABLE, digest_of(b"garbage"))),
            (POINTER, FileFact(FileState.POINTER, digest_of(HERO))),
        ],
        ids=["image", "empty", "unreadable", "pointer"],
    )
    def test_are_what_their_bytes_are(self, data: bytes, fact: FileFact) -> None:
        world = World()
        world.put("a.png", data)
        assert world.output("a.png") == fact
        assert world.output("a.png") == fact

    def test_may_be_missing(self) -> None:
        world = World()
        assert world.output("a.png") == MISSING
        world.put("a.png", HERO)
        assert world.output("a.png").state is FileState.IMAGE

    def test_may_be_drafts_with_their_key(self) -> None:
        world, key = World(), "0" * 64
        data = picture(f"draft:{key}")
        world.put("a.png", data)
        for _ in range(2):
            assert world.output("a.png") == FileFact(FileState.DRAFT, digest_of(data), key)
        world.put("a.png", data + b" painted over")
        assert world.output("a.png").state is FileState.IMAGE

    def test_that_are_known_are_not_decoded(self) -> None:
        world = World()
        world.put("a.png", HERO)
        world.output("a.png", HERO)
        assert world.images.inspected == 0


class TestReading:
    def test_an_unchanged_file_is_read_once(self) -> None:
        world = World()
        world.put("a.png", HERO)
        for _ in range(3):
            world.output("a.png")
        assert world.files.reads == ["a.png"]

    def test_a_touched_file_is_read_once_more_and_then_trusted_again(self) -> None:
        world = World()
        world.put("a.png", HERO)
        world.output("a.png")
        world.put("a.png", HERO)
        for _ in range(3):
            world.output("a.png")
        assert world.files.reads == ["a.png"] * 2

    def test_a_change_is_seen(self) -> None:
        world = World()
        world.put("a.png", HERO)
        world.output("a.png")
        world.put("a.png", picture("other"))
        assert world.output("a.png").digest == digest_of(picture("other"))
        world.files.remove("a.png")
        assert world.output("a.png") == MISSING

    def test_a_file_that_was_written_just_now_is_read_again_next_time(self) -> None:
        """Its stamp could not tell a change within the same tick of the file system."""
        world = World()
        observer = world.observer()
        world.put("a.png", HERO)
        observer.outputs(["a.png"], frozenset())
        world.output("a.png")
        world.output("a.png")
        assert world.files.reads == ["a.png"] * 2

    def test_a_record_that_says_something_unknown_of_a_file_is_not_believed(self) -> None:
        world = World()
        world.put("a.png", HERO)
        world.output("a.png")
        assert world.before is not None
        world.before.seen["a.png"].kind = "hologram"
        assert world.output("a.png").state is FileState.IMAGE


class TestInputs:
    @pytest.mark.parametrize("data", [HERO, b"", b"any bytes at all"])
    def test_count_by_their_bytes_whatever_they_are(self, data: bytes) -> None:
        world = World()
        world.put("ref.bin", data)
        assert world.input("ref.bin").digest == digest_of(data)

    def test_that_are_pointers_stand_for_what_they_name(self) -> None:
        world = World()
        world.put("ref.png", POINTER)
        assert world.input("ref.png") == FileFact(FileState.POINTER, digest_of(HERO))

    def test_that_have_gone_are_an_error_by_name(self) -> None:
        with pytest.raises(OutputError, match=r"`ref\.png`"):
            World().input("ref.png")

    @pytest.mark.parametrize(
        "data", [b"", b"garbage", picture("draft:" + "0" * 64)], ids=["empty", "garbage", "draft"]
    )
    def test_that_were_outputs_until_now_count_by_their_bytes_too(self, data: bytes) -> None:
        world = World()
        world.put("a.png", data)
        world.output("a.png")
        assert world.input("a.png").digest == digest_of(data)


def entry_of(name: str, data: bytes, fingerprint: str = "f" * 64) -> LockEntry:
    return LockEntry(
        name=name,
        output=f"art/{name}.png",
        digest=digest_of(data),
        fingerprint=fingerprint,
        inputs={},
        result=result_of(data),
    )


class TestSupplier:
    def supplier(self, machine: Machine) -> Supplier:
        facts = Facts(
            lock=lock_of(entry_of("hero", HERO)),
            inputs={"ref.png": FileFact(FileState.IMAGE, digest_of(b"ref"))},
        )
        return Supplier(
            blobs=machine.blobs, files=machine.files, facts=facts, actions=machine.actions
        )

    def test_finds_bytes_in_the_store(self) -> None:
        machine = Machine()
        machine.blobs.put(b"blob")
        assert self.supplier(machine).fetch(digest_of(b"blob")) == b"blob"

    def test_finds_bytes_among_the_outputs_and_inputs_of_the_project(self) -> None:
        machine = Machine()
        machine.files.put("art/hero.png", HERO)
        machine.files.put("ref.png", b"ref")
        assert self.supplier(machine).fetch(digest_of(HERO)) == HERO
        assert self.supplier(machine).fetch(digest_of(b"ref")) == b"ref"

    def test_hands_out_no_other_bytes_than_asked_for(self) -> None:
        machine = Machine()
        machine.files.put("art/hero.png", picture("edited"))
        machine.files.put("ref.png", b"changed")
        supplier = self.supplier(machine)
        assert supplier.fetch(digest_of(HERO)) is None
        assert supplier.fetch(digest_of(b"ref")) is None
        assert supplier.fetch(digest_of(b"nowhere")) is None


QUESTIONS = {
    Question("result", "f" * 64),
    Question("here", digest_of(HERO)),
    Question("ours", digest_of(HERO)),
}


class TestOracles:
    def test_every_question_gets_its_answer_from_the_caches(self) -> None:
        machine = Machine()
        facts = Facts()
        supplier = Supplier(
            blobs=machine.blobs, files=machine.files, facts=facts, actions=machine.actions
        )
        oracle = StoreOracle(actions=machine.actions, blobs=machine.blobs, supplier=supplier)
        oracle.answer(QUESTIONS, facts)
        assert facts.results == {"f" * 64: None}
        assert facts.here == facts.ours == {digest_of(HERO): False}
        machine.blobs.put(HERO)
        machine.actions.put("f" * 64, result_of(HERO))
        oracle.answer(QUESTIONS, facts)
        assert facts.results == {"f" * 64: result_of(HERO)}
        assert facts.here == facts.ours == {digest_of(HERO): True}

    def test_the_user_s_own_bytes_are_here_and_not_ours(self) -> None:
        machine = Machine()
        machine.blobs.keep(HERO)
        facts = Facts()
        supplier = Supplier(
            blobs=machine.blobs, files=machine.files, facts=facts, actions=machine.actions
        )
        StoreOracle(actions=machine.actions, blobs=machine.blobs, supplier=supplier).answer(
            QUESTIONS, facts
        )
        assert facts.here == {digest_of(HERO): True}
        assert facts.ours == {digest_of(HERO): False}

    def test_check_gets_an_answer_to_every_question_without_a_cache(self) -> None:
        facts = Facts()
        OfflineOracle().answer(QUESTIONS, facts)
        assert facts.results == {"f" * 64: None}
        assert facts.here == {digest_of(HERO): True}
        assert facts.ours == {digest_of(HERO): False}


# A lockfile made anew

ASSET = generated("hero", "today")
FINGERPRINT = Machine().plan(project_of(ASSET)).decided["hero"].key.fingerprint


def image(data: bytes) -> FileFact:
    return FileFact(FileState.IMAGE, digest_of(data))


class TestRebuild:
    today = entry_of("hero", picture("today"), FINGERPRINT)
    yesterday = entry_of("hero", picture("yesterday"), "a" * 64)
    tomorrow = entry_of("hero", picture("tomorrow"), "b" * 64)

    def test_takes_the_side_of_a_conflict_that_belongs_to_today_s_inputs(self) -> None:
        for salvaged in ([self.today, self.yesterday], [self.yesterday, self.today]):
            outputs = {"art/hero.png": image(picture("yesterday"))}
            lock = rebuilt_lock(project_of(ASSET), salvaged, outputs, {})
            assert lock == lock_of(self.today)

    def test_takes_the_side_that_belongs_to_the_file_when_no_inputs_fit(self) -> None:
        for salvaged in ([self.tomorrow, self.yesterday], [self.yesterday, self.tomorrow]):
            outputs = {"art/hero.png": image(picture("yesterday"))}
            lock = rebuilt_lock(project_of(ASSET), salvaged, outputs, {})
            assert lock == lock_of(self.yesterday)

    def test_takes_some_side_when_nothing_fits(self) -> None:
        lock = rebuilt_lock(project_of(ASSET), [self.tomorrow, self.yesterday], {}, {})
        assert lock.entries["hero"] in [self.tomorrow, self.yesterday]

    def test_lists_what_belongs_to_no_asset_as_orphans(self) -> None:
        gone = entry_of("gone", picture("gone"))
        lock = rebuilt_lock(project_of(ASSET), [self.today, gone], {}, {})
        assert lock.entries.keys() == {"hero"}
        assert lock.orphans.keys() == {"art/gone.png"}

    def test_of_nothing_is_an_empty_lockfile(self) -> None:
        assert rebuilt_lock(project_of(ASSET), [], {}, {}) == lock_of()

    def test_follows_the_images_that_were_chosen(self) -> None:
        """A dependant belongs to today's inputs when it was made from the chosen image."""
        side = generated("side", "from the left", "asset:hero")
        machine = Machine()
        machine.build(project_of(ASSET, side))
        lock = machine.locks.read()
        right = lock.entries["side"]
        wrong = entry_of("side", picture("wrong"), "a" * 64)
        hero = lock.entries["hero"]
        for salvaged in ([hero, right, wrong], [wrong, right, hero]):
            rebuilt = rebuilt_lock(project_of(side, ASSET), salvaged, {}, {})
            assert rebuilt == lock

    def test_knows_files_and_sources(self) -> None:
        logo = sourced("logo", "hand/logo.png", "art/logo.png")
        framed = generated("framed", "x", "refs/frame.png")
        machine = Machine()
        machine.files.put("hand/logo.png", picture("logo"))
        machine.files.put("refs/frame.png", b"frame")
        machine.build(project_of(logo, framed))
        lock = machine.locks.read()
        others = [entry_of(name, picture("x"), "a" * 64) for name in ("logo", "framed")]
        inputs = {"hand/logo.png": image(picture("logo")), "refs/frame.png": image(b"frame")}
        rebuilt = rebuilt_lock(
            project_of(logo, framed), [*lock.entries.values(), *others], {}, inputs
        )
        assert rebuilt == lock
