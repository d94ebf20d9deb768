"""What a build leaves behind so that the next one can say `up to date` without reading anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.record import Entry, Head, Record
from assetgen.core.report import Status
from assetgen.core.stamp import Stamp, is_settled
from assetgen.core.step import RemoveBackground
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.ports import Clock, Files
    from assetgen.core.record_kept import KeptRecord
    from assetgen.core.report import Plan, Report
    from assetgen.engine.observe import Observer

_DONE = {
    Status.KEPT,
    Status.RESTORED,
    Status.DERIVED,
    Status.GENERATED,
    Status.DRAFTED,
}


class Inspected(Value):
    """Files that are not images: what their stamps were when they were read, and when that was."""

    stamps: Mapping[str, Stamp | None]
    at_ns: int


def compose(
    *,
    plan: Plan,
    report: Report,
    version: str,
    draft: bool,
    is_as_written: bool,
    read: Inspected,
    lockfile: str,
    folder: str,
    known_at: str,
    observer: Observer,
    files: Files,
    clock: Clock,
) -> Record:
    """The record of a build that has just ended."""
    entries = [_entry(path, stamp, read.at_ns) for path, stamp in read.stamps.items()]
    entries.append(_entry(lockfile, files.stamp(lockfile), int(clock.now() * 1e9)))
    project = plan.project
    in_use = {asset.output for asset in project.assets}
    known = {**observer.recorded, **observer.seen}
    entries += [
        entry for path, entry in sorted(known.items()) if path in observer.seen or path in in_use
    ]
    head = Head(
        version=version,
        manifest=project.manifest,
        folder=folder,
        known=known_at,
        draft=draft,
        complete=is_as_written and plan.is_whole and _is_done(plan, report),
    )
    return Record(head=head, entries=entries)


def recompose(
    former: KeptRecord,
    *,
    plan: Plan,
    report: Report,
    is_as_written: bool,
    read: Inspected,
    lockfile: str,
    known_at: str,
    observer: Observer,
    files: Files,
    clock: Clock,
) -> bytes:
    """The record of a build that looked at some assets only: all others are as `former` says."""
    fresh = {path: _entry(path, stamp, read.at_ns) for path, stamp in read.stamps.items()}
    fresh[lockfile] = _entry(lockfile, files.stamp(lockfile), int(clock.now() * 1e9))
    fresh |= observer.seen
    said = former.head
    head = Head(
        version=said.version,
        manifest=said.manifest,
        folder=said.folder,
        known=known_at,
        draft=said.draft,
        complete=is_as_written and _is_done(plan, report),
    )
    return former.dump(head, fresh)


def _is_done(plan: Plan, report: Report) -> bool:
    """Whether nothing that was looked at is left to do, as far as the project's files tell."""
    return (
        not _uses_remover(plan)
        and not report.stopped_by
        and all(outcome.status in _DONE for outcome in report.outcomes)
    )


def _uses_remover(plan: Plan) -> bool:
    """Whether installed code, whose version no file of the project tells, makes a picture."""
    return any(
        isinstance(step, RemoveBackground) and step.remover
        for asset in plan.project.assets
        for step in asset.steps
    )


def _entry(path: str, stamp: Stamp | None, seen_at_ns: int) -> Entry:
    return Entry(path, stamp, settled=stamp is None or is_settled(stamp, seen_at_ns))
