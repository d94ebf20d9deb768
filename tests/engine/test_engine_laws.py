"""Laws of building, tried on random projects that are edited at random."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.decision import Verdict
from assetgen.core.model import AssetReference, Generate
from assetgen.core.report import Status
from tests.fakes import FakeProvider, Machine, generated, picture, project_of, sourced
from tests.memory import MemoryActions
from tests.properties import BUILDING

if TYPE_CHECKING:
    from assetgen.core.call import Request
    from assetgen.core.model import Asset, Project
    from assetgen.core.report import Report
    from tests.fakes import Survey

FILES = ("refs/one.png", "refs/two.png")
WORDS = ("a keeper", "a ship", "a lamp")
SUFFIXES = ("png", "webp")


@dataclass(frozen=True, slots=True)
class Declared:
    """One asset as a person keeps it in mind; `reads` are files, or numbers of earlier assets."""

    name: str
    words: str
    reads: tuple[str | int, ...]
    suffix: str
    folder: str = "art"
    take: int = 1

    def asset(self, names: list[str]) -> Asset:
        output = f"{self.folder}/{self.name}.{self.suffix}"
        if not self.words:
            return sourced(self.name, FILES[0], output)
        reads = [read if isinstance(read, str) else f"asset:{names[read]}" for read in self.reads]
        return generated(self.name, self.words, *reads, output=output, take=self.take)


@dataclass(slots=True)
class Story:
    """A project that somebody works on: the manifest as it is now, and the machine it is on."""

    machine: Machine
    declared: list[Declared]
    fresh_names: int = 0
    painted: dict[str, bytes] = field(default_factory=dict)
    """What the user painted over outputs, by path."""

    @property
    def project(self) -> Project:
        names = [one.name for one in self.declared]
        return project_of(*(one.asset(names) for one in self.declared))

    def build(self, survey: Survey | None = None) -> Report:
        self.machine.clock.tick()
        return self.machine.build(self.project, survey=survey)


def coarse(request: Request) -> bytes:
    """Pictures of which some are the same although their words differ."""
    prompt = request.generate.prompt
    kind = "keeper or ship" if prompt in WORDS[:2] else prompt
    read = " ".join(reference.digest for reference in request.references)
    return picture(f"{kind} {request.generate.take} {read}")


def distinct(request: Request) -> bytes:
    return picture(f"for {request.fingerprint}")


def new_machine(paint: bool = False) -> Machine:
    machine = Machine(provider=FakeProvider(paint=coarse if paint else distinct))
    for path in FILES:
        machine.files.put(path, picture(path))
    return machine


READS: st.SearchStrategy[str | int] = st.sampled_from(FILES) | st.integers(0, 3)
DECLARED = st.tuples(
    st.sampled_from(["", *WORDS]),
    st.lists(READS, max_size=2),
    st.sampled_from(SUFFIXES),
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A new project of up to five assets."""
    rows = draw(st.lists(DECLARED, min_size=1, max_size=5))
    declared = [
        Declared(
            name=f"a{number}",
            words=words,
            reads=tuple(read for read in reads if isinstance(read, str) or read < number),
            suffix=suffix,
        )
        for number, (words, reads, suffix) in enumerate(rows)
    ]
    return Story(new_machine(draw(st.booleans())), declared)


# Edits, each a name and a number that says where it hits

MANIFEST_EDITS = (
    "other words",
    "another take",
    "rename",
    "move",
    "other format",
    "remove the last",
    "add one",
    "read nothing",
)
FILE_EDITS = ("change a reference", "touch a reference")
DAMAGES = (
    "delete an output",
    "empty an output",
    "break an output",
    "touch an output",
    "paint an output",
)
LOSSES = ("lose the record", "lose the journal", "lose the action cache")
KINDS = (*MANIFEST_EDITS, *FILE_EDITS, *DAMAGES[:4], *LOSSES)
NUMBERS = st.integers(0, 9)
EDITS = st.lists(st.tuples(st.sampled_from(KINDS), NUMBERS), min_size=1, max_size=3)
HISTORY = st.lists(EDITS, max_size=4)
PAINTED = st.lists(
    st.lists(st.tuples(st.sampled_from([*KINDS, "paint an output"]), NUMBERS), max_size=3),
    max_size=4,
)


def apply(story: Story, edits: list[tuple[str, int]]) -> None:
    story.machine.clock.tick()
    for edit, number in edits:
        if edit in MANIFEST_EDITS:
            edit_manifest(story, edit, number)
        else:
            edit_machine(story, edit, number)
    story.machine.clock.tick()


def edit_manifest(story: Story, edit: str, number: int) -> None:
    declared = story.declared
    at = number % len(declared)
    one = declared[at]
    story.fresh_names += 1
    match edit:
        case "other words" if one.words:
            declared[at] = replace(one, words=WORDS[number % len(WORDS)])
        case "another take":
            declared[at] = replace(one, take=1 + number % 3)
        case "rename":
            declared[at] = replace(one, name=f"n{story.fresh_names}")
        case "move":
            declared[at] = replace(one, folder=("art", "ui", "new")[number % 3])
        case "other format":
            declared[at] = replace(one, suffix=SUFFIXES[number % 2])
        case "remove the last" if len(declared) > 1:
            declared.pop()
        case "add one":
            new = Declared(f"n{story.fresh_names}", WORDS[number % 3], (at,), SUFFIXES[number % 2])
            declared.append(new)
        case "read nothing":
            declared[at] = replace(one, reads=())
        case _:
            pass


def edit_machine(story: Story, edit: str, number: int) -> None:
    machine, files = story.machine, story.machine.files
    if edit in DAMAGES:
        damage(story, edit, story.project.assets[number % len(story.declared)].output)
    elif edit in FILE_EDITS:
        path = FILES[number % len(FILES)]
        label = f"{path} {number}"
        files.put(path, picture(label) if edit == "change a reference" else files.peek(path) or b"")
    elif edit == "lose the record":
        machine.recorded = {}
    elif edit == "lose the journal":
        machine.journal.entries = {}
    else:
        # The one on the disk fills itself from the ledger; the one in memory is filled here.
        machine.actions = MemoryActions()
        for line in machine.ledger.lines():
            if line.result is not None:
                machine.actions.put(line.fingerprint, line.result)


def damage(story: Story, edit: str, output: str) -> None:
    files = story.machine.files
    present = files.peek(output)
    if present is None or present in story.painted.values():
        return
    if edit == "delete an output":
        files.remove(output)
    elif edit == "touch an output":
        files.put(output, present)
    elif edit == "paint an output":
        story.painted[output] = picture(f"painted by hand over {output}")
        files.put(output, story.painted[output])
    else:
        files.put(output, b"" if edit == "empty an output" else b"broken")


# The laws

SHARED = {Status.KEPT, Status.RESTORED, Status.DERIVED}
SAID = {
    Verdict.KEEP: {Status.KEPT},
    Verdict.RESTORE: {Status.RESTORED},
    Verdict.DERIVE: {Status.DERIVED},
    Verdict.GENERATE: {Status.GENERATED},
    Verdict.HOLD: {Status.HELD},
    Verdict.WAIT: {*SHARED, Status.GENERATED},
}


@BUILDING
@given(stories(), HISTORY)
def test_what_the_plan_said_is_what_the_build_does(
    story: Story, history: list[list[tuple[str, int]]]
) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        survey = story.machine.plan(story.project)
        before = {path: story.machine.files.peek(path) for path in story.machine.files.paths()}
        story.machine.files.writes.clear()
        story.machine.provider.calls.clear()
        report = story.build(survey)
        outcomes = {outcome.name: outcome.status for outcome in report.outcomes}
        called = story.machine.provider.called()
        for decision in survey.plan.decisions:
            name, output = decision.asset.name, decision.asset.output
            said = SHARED if decision.shares_with is not None else SAID[decision.verdict]
            assert outcomes[name] in said
            if not decision.is_work:
                assert story.machine.files.peek(output) == before.get(output)
                assert output not in story.machine.files.writes
        purchases = {d.asset.name for d in survey.plan.decisions if d.is_purchase}
        assert set(called) <= purchases
        assert report.exit_code == 0


@BUILDING
@given(stories(), HISTORY)
def test_a_second_build_does_nothing(story: Story, history: list[list[tuple[str, int]]]) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        story.build()
        machine = story.machine
        machine.clock.tick()
        for record in (machine.provider.calls, machine.files.writes, machine.files.reads):
            record.clear()
        text, journal, lines = machine.locks.text, machine.journal.read(), machine.ledger.lines()
        report = story.build()
        assert set(report.named(Status.KEPT)) == {one.name for one in story.declared}
        assert machine.provider.calls == []
        assert machine.files.writes == []
        assert set(machine.files.reads) <= set(FILES)
        assert machine.locks.text == text
        assert machine.journal.read() == journal
        assert machine.ledger.lines() == lines
        assert machine.record is not None
        assert machine.record.head.complete


@BUILDING
@given(stories(), HISTORY)
def test_building_step_by_step_ends_where_building_from_scratch_does(
    story: Story, history: list[list[tuple[str, int]]]
) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        story.build()
    scratch = Machine(provider=FakeProvider(paint=story.machine.provider.paint))
    for path in FILES:
        scratch.files.put(path, story.machine.files.peek(path) or b"")
    scratch.build(story.project)
    step_by_step, at_once = story.machine.locks.read(), scratch.locks.read()
    assert {
        (entry.name, entry.output, entry.fingerprint, entry.digest, entry.result.image)
        for entry in step_by_step.entries.values()
    } == {
        (entry.name, entry.output, entry.fingerprint, entry.digest, entry.result.image)
        for entry in at_once.entries.values()
    }
    for asset in story.project.assets:
        assert story.machine.files.peek(asset.output) == scratch.files.peek(asset.output)


@BUILDING
@given(stories(), HISTORY)
def test_no_image_is_ever_bought_twice(story: Story, history: list[list[tuple[str, int]]]) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        story.build()
    bought = [request.fingerprint for request in story.machine.provider.calls]
    assert len(bought) == len(set(bought))


@BUILDING
@given(stories(), HISTORY)
def test_a_dependant_is_made_again_only_when_an_image_it_reads_has_changed(
    story: Story, history: list[list[tuple[str, int]]]
) -> None:
    story.build()
    for edits in history:
        before = story.machine.locks.read().entries
        project = story.project
        references = {path: story.machine.files.peek(path) for path in FILES}
        apply(story, edits)
        story.machine.provider.calls.clear()
        story.build()
        after = story.machine.locks.read().entries
        unchanged = {asset.name for asset in project.assets} & {
            asset.name for asset in story.project.assets if asset in project.assets
        }
        for request in story.machine.provider.calls:
            if request.asset not in unchanged:
                continue
            files_changed = any(
                references[path] != story.machine.files.peek(path)
                for path in FILES
                if path in map(str, request.generate.references)
            )
            images_changed = any(
                name not in before or before[name].result.image != after[name].result.image
                for name in _read_assets(request.generate)
            )
            assert files_changed or images_changed


def _read_assets(action: Generate) -> list[str]:
    return [read.name for read in action.references if isinstance(read, AssetReference)]


@BUILDING
@given(stories(), HISTORY)
def test_no_image_that_was_ever_bought_is_lost(
    story: Story, history: list[list[tuple[str, int]]]
) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        story.build()
    for line in story.machine.ledger.lines():
        if line.result is not None:
            assert story.machine.blobs.has(line.result.image)


@BUILDING
@given(stories(), EDITS)
def test_a_fresh_clone_is_up_to_date_and_loses_nothing_when_it_is_worked_on(
    story: Story, edits: list[tuple[str, int]]
) -> None:
    story.build()
    clone = Story(story.machine.fresh_clone(), list(story.declared))
    survey = clone.machine.plan(clone.project)
    assert set(survey.verdicts().values()) == {"keep"}
    outputs = {
        path: clone.machine.files.peek(path)
        for path in clone.machine.files.paths() - {*FILES, "assets.yaml"}
    }
    manifest_edits = [edit for edit in edits if edit[0] in MANIFEST_EDITS]
    apply(clone, manifest_edits)
    clone.build()
    for data in outputs.values():
        assert data is not None
        assert clone.machine.is_known(data)


@BUILDING
@given(stories(), PAINTED)
def test_what_somebody_painted_stays_as_it_is(
    story: Story, history: list[list[tuple[str, int]]]
) -> None:
    for edits in [[], *history]:
        apply(story, edits)
        report = story.build()
        assert report.exit_code in {0, 4}
        for path, data in story.painted.items():
            assert story.machine.files.peek(path) == data
