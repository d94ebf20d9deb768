"""Builds of one manifest, one after another, for whoever follows it while people work.

    async with session.rounds(settings, emit) as rounds:
        while rounds.look():           # something to build from, and it differs from the last round
            ...                        # `await rounds.run()`, and `rounds.open()` once it is quiet

`look` decides by content: what was only touched, or written by a round itself, changes nothing.
When to look, and when paid calls may start, is decided in `core/pace.py`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.events import Broken, Done, Finished, Retrying, Round
from assetgen.core.outline import outline_of
from assetgen.core.report import Status
from assetgen.core.stamp import is_settled
from assetgen.core.value import Value, replace
from assetgen.engine.halt import Gate, Halt
from assetgen.engine.remember import Inspected
from assetgen.errors import AssetgenError, ManifestFaults
from assetgen.session.narrowing import edited
from assetgen.session.shift import Shift, Turn
from assetgen.session.survey import choose, input_paths
from assetgen.session.survey import load as load_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.events import Event
    from assetgen.core.facts import FileFact
    from assetgen.core.model import Project
    from assetgen.core.outline import Outline
    from assetgen.core.ports import Emit
    from assetgen.core.record import Entry
    from assetgen.core.report import Report
    from assetgen.core.stamp import Stamp
    from assetgen.session.adapters import Adapters
    from assetgen.session.listener import Listener
    from assetgen.session.settings import Settings

BuildOnce = Callable[[Turn, "Emit"], Awaitable["Report"]]

EXIT_INTERRUPTED = 130
_UNMADE = {Status.HELD, Status.STALE, Status.FAILED, Status.OVER_BUDGET, Status.BLOCKED}


class Basis(Value):
    """Everything a round is planned from, by content."""

    project: Project
    """With the chosen assets only, and without the files it was read from."""
    inputs: Mapping[str, FileFact]
    lock_text: str | None

    def differences(self, former: Basis | None) -> tuple[str, ...]:
        """Names of assets and files that are not what they were; the manifest where it is that."""
        if former is None:
            return ()
        now = {asset.name: asset for asset in self.project.assets}
        then = {asset.name: asset for asset in former.project.assets}
        found = [name for name in (*now, *then) if now.get(name) != then.get(name)]
        found += [
            path for path in self.inputs if self.inputs[path] != former.inputs.get(path)
            and path in former.inputs
        ]  # fmt: skip
        if self.project != former.project and not found:
            found.append(self.project.manifest)
        if self.lock_text != former.lock_text:
            found.append("the lockfile")
        return tuple(dict.fromkeys(found))


class Whole(Value):
    """A project as it was read, so that of an edited one only the edits need be."""

    project: Project
    read: Inspected
    outline: Outline


@dataclass(slots=True)
class Rounds:
    """One round at a time; caps count over all of them."""

    adapters: Adapters
    settings: Settings
    shift: Shift
    build: BuildOnce
    listener: Listener
    number: int = 0
    report: Report | None = None
    """Of the last round that came to its end."""
    _stamps: dict[str, tuple[Stamp | None, bool]] = field(default_factory=dict)
    """What was looked at, and whether an unchanged stamp proves it unchanged."""
    _whole: Whole | None = None
    """The project of the last look, if that ended well and edits of it can be told."""
    _seen: tuple[Basis, tuple[Project, Inspected]] | None = None
    """What the next round is made from."""
    _settled: Basis | None = None
    """What the running or last round was made from; None once that one was dropped."""
    _reported: Basis | None = None
    """What the last round that came to its end was made from."""
    _fault: str = ""
    """What was wrong when looked at last."""
    _turn: Turn | None = None
    _spent_before: Decimal = Decimal(0)
    _orphans: frozenset[str] = frozenset()
    """Files that the last round named."""
    _told: dict[str, str] = field(default_factory=dict)
    """How an asset came out that was not made, as it was told: not again before that changes."""
    _is_first_look: bool = True

    # Looking

    def look(self) -> bool:
        """Read everything a build is planned from. Returns whether a round is due.

        What cannot be read as a project is told once, and drops what has not started.

        Raises:
            UsageError: at the first look, a selector matches nothing in a project that is sound.
                Later on that is a fault like others: the asset may be on its way to another name.
        """
        former = self._fault
        is_first, self._is_first_look = self._is_first_look, False
        self._fault, self._seen = "", None
        if is_first and self.settings.selectors:
            self._check_selectors()
        try:
            self._seen = self._read()
        except AssetgenError as error:
            self._fault = repr(error) + str(error)
            self.drop()
            if self._fault != former:
                faults = error.faults if isinstance(error, ManifestFaults) else (error,)
                self.listener(Broken(faults))
            return False
        return bool(former) or self._seen[0] != self._settled

    def _check_selectors(self) -> None:
        try:
            project, _ = load_project(self.adapters)
        except AssetgenError:
            return  # is told where everything is read
        choose(project, self.settings)

    @property
    def has_moved(self) -> bool:
        """Whether anything may not be as it was when looked at last; reads stamps only."""
        return any(
            not settled or self.adapters.stamp(path) != stamp
            for path, (stamp, settled) in self._stamps.items()
        )

    @property
    def is_broken(self) -> bool:
        """Whether what was looked at last is no project."""
        return self._seen is None

    @property
    def root(self) -> str:
        """The project folder, as an absolute path."""
        return self.adapters.root

    @property
    def followed(self) -> list[str]:
        """Files and folders that a round depends on, as absolute paths; also missing ones."""
        return [os.path.join(self.root, path) for path in self._stamps]

    def _read(self) -> tuple[Basis, tuple[Project, Inspected]]:
        adapters = self.adapters
        at_ns = int(adapters.clock.now() * 1e9)
        first = {path: adapters.stamp(path) for path in self._always()}
        try:
            text = adapters.lockfile.text()
            adapters.lockfile.read()
            loaded = self._load()
            project, read = loaded
            chosen, _, _ = choose(project, self.settings)
        except ManifestFaults as error:
            paths = {path: adapters.stamp(path) for path in error.looked_at}
            self._follow({**paths, **first}, at_ns)
            raise
        except AssetgenError:
            kept = {path: stamp for path, (stamp, _) in self._stamps.items()}
            self._follow({**kept, **first}, at_ns)
            raise
        self._follow({**read.stamps, **first}, at_ns)
        read_by_assets = input_paths(chosen)
        observer = adapters.observer(use_record=bool(read_by_assets))
        try:
            inputs = observer.inputs(read_by_assets)
        finally:
            self._follow_inputs(observer.seen, read_by_assets)
        former = self._settled or self._reported
        if text == adapters.lockfile.written and former is not None:
            text = former.lock_text  # what rounds write is no news to them
        return Basis(
            project=replace(project, assets=tuple(chosen), read_files=(), read_folders=()),
            inputs=inputs,
            lock_text=text,
        ), loaded

    def _load(self) -> tuple[Project, Inspected]:
        """The project: as it was read last, with what was edited since, if that tells all."""
        whole, self._whole = self._whole, None
        again = None
        if whole is not None and not self.settings.selectors:  # which follow not all that is read
            again = self._reloaded(whole)
        if again is None:
            project, read = load_project(self.adapters)
            stamp = read.stamps[self.adapters.manifest_name]
            outline = outline_of(project, stamp) if stamp is not None else None
            again = Whole(project, read, outline) if outline is not None else None
        else:
            project, read = again.project, again.read
        self._whole = again
        return project, read

    def _reloaded(self, whole: Whole) -> Whole | None:
        others = {p: found for p, found in self._stamps.items() if p not in self._always()}
        if any(not ok or self.adapters.stamp(p) != stamp for p, (stamp, ok) in others.items()):
            return None
        try:
            found = edited(self.adapters, whole.outline, whole.project.read_files)
        except (AssetgenError, ManifestFaults, UnicodeError):
            return None  # reading all of it says what is wrong
        if found is None:
            return None
        read = Inspected({**whole.read.stamps, **found.read.stamps}, found.read.at_ns)
        return Whole(found.applied_to(whole.project), read, found.outline)

    def _always(self) -> tuple[str, str]:
        return self.adapters.manifest_name, self.adapters.lockfile_name

    def _follow(self, stamps: Mapping[str, Stamp | None], at_ns: int) -> None:
        self._stamps = {
            path: (stamp, stamp is None or is_settled(stamp, at_ns))
            for path, stamp in stamps.items()
        }

    def _follow_inputs(self, seen: Mapping[str, Entry], paths: Iterable[str]) -> None:
        for path in paths:
            entry = seen.get(path)
            self._stamps[path] = (entry.stamp, entry.settled) if entry else (None, False)

    # Building

    async def run(self) -> None:
        """Build from what was looked at last; paid calls wait for `open`."""
        if self._seen is None:
            raise AssertionError("a round needs a project")
        basis, loaded = self._seen
        turn = self._turn = Turn(Halt(), Gate(is_open=False), loaded)
        self._settled = basis
        try:
            report = await self.build(turn, self._emit_of(turn))
        except AssetgenError as error:
            self._settled = None
            self.listener(Broken((error,)))
            return
        finally:
            self._turn = None
        if turn.halt.is_dropped:
            return
        self.report = report
        if not turn.halt.is_interrupt:
            self._settled = replace(
                basis, lock_text=self.adapters.lockfile.written or basis.lock_text
            )
            self._tell(report, basis)

    def open(self) -> None:
        """Let paid calls start."""
        if self._turn is not None:
            self._turn.gate.open()

    @property
    def waits_to_pay(self) -> bool:
        """Whether a round runs whose paid calls may not start yet."""
        return self._turn is not None and not self._turn.gate.is_open

    def drop(self) -> None:
        """The running round is out of date: what has not started is left, calls end in the store.

        Whatever comes of it, the next look finds a round due.
        """
        self._settled = None
        if self._turn is not None:
            self._turn.halt.drop("something changed")

    # Ending

    def interrupt(self) -> None:
        """Finish the calls under way and keep what they give; start nothing more."""
        if self._turn is not None:
            self._turn.halt.set("interrupted", is_interrupt=True)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs."""
        return self._turn is None and self.shift.under_way.is_empty

    async def finish(self) -> None:
        """Wait for the calls that are under way, and say goodbye."""
        await self.shift.under_way.finish()
        spent, unknown = self.shift.purse.spent, self.shift.under_way.unknown_bills
        counts = _counts(self.report) if self.report is not None else {}
        self.listener(Done(EXIT_INTERRUPTED, counts, spent, unknown))

    # Telling

    def _emit_of(self, turn: Turn) -> Emit:
        """Tells what a round tells, without what it leaves to the next one."""
        retried: set[str] = set()

        def emit(event: Event) -> None:
            if isinstance(event, Retrying):
                retried.add(event.name)
            if isinstance(event, Finished):
                if event.status == Status.STOPPED.value and turn.halt.is_dropped:
                    return
                if self._is_told(event) and event.name not in retried:
                    return
            self.listener(event)

        return emit

    def _is_told(self, event: Finished) -> bool:
        """Whether this asset came out as when it was last told, and has cost nothing since."""
        if Status(event.status) not in _UNMADE:
            self._told.pop(event.name, None)
            return False
        outcome = f"{event.status}: {event.message}"
        former, self._told[event.name] = self._told.get(event.name), outcome
        return former == outcome and event.cost_usd == 0

    def _tell(self, report: Report, basis: Basis) -> None:
        self.number += 1
        spent = self.shift.purse.spent
        self.listener(
            Round(
                number=self.number,
                changed=basis.differences(self._reported),
                exit_code=report.exit_code,
                counts=_counts(report),
                held=tuple(report.named(Status.HELD)),
                orphans=tuple(path for path in report.orphans if path not in self._orphans),
                spent_usd=spent - self._spent_before,
                session_usd=spent,
            )
        )
        self._spent_before = spent
        self._orphans = frozenset(report.orphans)
        self._reported = self._settled or basis


def _counts(report: Report) -> dict[str, int]:
    return {name: count for name, count in report.counts().items() if count}
