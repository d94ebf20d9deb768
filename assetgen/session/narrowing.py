"""Narrows a build to what an edit of the manifest concerns, where everything else is proven done.

The last build left a record of a project with nothing left to do, and an outline of its manifest.
When no file but the manifest has changed since, and in the manifest only entries that leave the
rest of the project as it was, all other assets are up to date by the same proof as in a build with
nothing to do. Only those entries, who reads them and what they read, are then read, judged and
made. In every other case, and in every doubt, the project is looked at as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen._version import __version__
from assetgen.core.lock import Names
from assetgen.core.outline import Outline, declared_by
from assetgen.core.product import products_of
from assetgen.core.record import named_path
from assetgen.core.report import Outcome, Status
from assetgen.core.value import Value, replace
from assetgen.engine.remember import Inspected
from assetgen.errors import AssetgenError, ManifestFaults
from assetgen.files.lockfile_part import open_part
from assetgen.manifest.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Collection

    from assetgen.core.model import Project
    from assetgen.core.outline import Pieces
    from assetgen.core.record_kept import KeptRecord
    from assetgen.core.report import Report
    from assetgen.engine.observe import Observer
    from assetgen.files.lockfile_part import LockFilePart
    from assetgen.session.adapters import Adapters
    from assetgen.session.settings import Settings


class Narrowed(Value):
    """What a build is to look at, and what it need not."""

    project: Project
    """With the assets that are concerned only."""
    read: Inspected
    """The stamp of the manifest."""
    record: KeptRecord
    """Of the last build, which proves all the rest."""
    outline: Outline
    """Of the manifest as it is now."""
    observer: Observer
    lockfile: LockFilePart

    def whole(self, report: Report) -> Report:
        """The report with the assets that were not looked at."""
        done = {outcome.name: outcome for outcome in report.outcomes}
        drafts = self.record.drafts() if self.record.head.draft else frozenset()
        outcomes = [
            done.get(name)
            or Outcome(name, Status.KEPT, output, "draft" if output in drafts else "up to date")
            for name, output, _, _ in self.outline.declared
        ]
        return replace(report, outcomes=tuple(outcomes))


class Edited(Value):
    """What was edited in a manifest."""

    project: Project
    """With the assets that are concerned only; nothing else of it has changed."""
    read: Inspected
    """The stamp of the manifest."""
    outline: Outline
    """Of the manifest as it is now."""

    def applied_to(self, former: Project) -> Project:
        """The whole project as it is now."""
        now = {asset.name: asset for asset in self.project.assets}
        assets = tuple(now.get(asset.name, asset) for asset in former.assets)
        return replace(former, assets=assets, pieces=self.outline.pieces)


def narrow(adapters: Adapters, settings: Settings) -> Narrowed | None:
    """What is concerned by the edits since the last build; None to look at everything."""
    if settings.selectors or settings.force or settings.rebuy or settings.rebuild_lock:
        return None
    try:
        with collector_paused():
            return _narrow(adapters, settings)
    except (AssetgenError, ManifestFaults, OSError, UnicodeError):
        return None  # whoever looks at everything says what is wrong


def _narrow(adapters: Adapters, settings: Settings) -> Narrowed | None:
    record = _proof(adapters, settings)
    outline = adapters.read_outline() if record is not None else None
    if record is None or outline is None or outline.stamp != record[adapters.manifest_name].stamp:
        return None
    found = edited(adapters, outline, record)
    if found is None or products_of(found.project):
        return None
    lockfile = _part_of_lockfile(adapters, record, found)
    if lockfile is None:
        return None
    return Narrowed(
        project=found.project,
        read=found.read,
        record=record,
        outline=found.outline,
        observer=adapters.observer_of(record),
        lockfile=lockfile,
    )


def edited(adapters: Adapters, outline: Outline, known: Collection[str]) -> Edited | None:
    """What has been edited in the manifest since it had this outline; None if that may be all.

    `known` are the files that the project was read from.

    Raises:
        ManifestFaults, UsageError, UnicodeDecodeError: it cannot be read.
    """
    from assetgen.manifest.pieces import cut, reduced  # noqa: PLC0415 - yaml is slow to load

    at_ns = int(adapters.clock.now() * 1e9)
    stamp = adapters.stamp(adapters.manifest_name)
    cuts = cut(adapters.manifest_text())
    pieces = cuts.pieces() if cuts is not None else None
    keys = _concerned(pieces, outline) if pieces is not None else None
    if cuts is None or pieces is None or keys is None or stamp is None:
        return None
    text = reduced(cuts, *keys)
    project = adapters.load(text) if text is not None else None
    if project is None or not _is_alone(project, keys[0], outline, known):
        return None
    read = Inspected({adapters.manifest_name: stamp}, at_ns)
    return Edited(project, read, replace(outline, stamp=stamp, pieces=pieces))


def _proof(adapters: Adapters, settings: Settings) -> KeptRecord | None:
    """The record of a complete build after which nothing but the manifest has changed."""
    record = adapters.read_record()
    if record is None or not _is_of(record, adapters, settings):
        return None
    if record.paths[:1] != [adapters.manifest_name] or adapters.journal.read():
        return None
    return record if adapters.is_unchanged(record) else None


def _is_of(record: KeptRecord, adapters: Adapters, settings: Settings) -> bool:
    head = record.head
    return (
        head.complete
        and head.draft == settings.draft
        and head.version == __version__
        and head.manifest == adapters.manifest_name
        and head.folder == named_path(adapters.folder)
        and bool(head.known)
        and adapters.is_known_at(head.known)
    )


def _concerned(now: Pieces, outline: Outline) -> tuple[frozenset[str], frozenset[str]] | None:
    """Keys of the entries to look at, and of those that differ."""
    then = outline.pieces
    if now.rest != then.rest or list(now.entries) != list(then.entries):
        return None
    changed = {key for key, digest in now.entries.items() if then.entries[key] != digest}
    # A text that says what it said needs an entry all the same, as no manifest is without.
    concerned = outline.concerned(changed or list(now.entries)[:1])
    return None if concerned is None else (concerned, frozenset(changed))


def _is_alone(
    project: Project, concerned: frozenset[str], outline: Outline, known: Collection[str]
) -> bool:
    """Whether the entries concern nobody else: they are to the others what they were."""
    then = [one for one in outline.declared if one.entry in concerned]
    return (
        list(declared_by(project.assets)) == then
        and project.pieces is not None
        and project.plugin is None
        and not project.read_folders
        and all(path in known for path in project.read_files)
    )


def _part_of_lockfile(adapters: Adapters, record: KeptRecord, found: Edited) -> LockFilePart | None:
    """Entries of the project in the lockfile that the record's build has left behind."""
    name = adapters.lockfile_name
    text = adapters.lockfile.text() if name in record else None
    if text is None or adapters.stamp(name) != record[name].stamp:
        return None
    names = [asset.name for asset in found.project.assets]
    declared = Names(frozenset(one.name for one in found.outline.declared))
    return open_part(adapters.lockfile, text, names, declared)
