"""The content of a report, before it becomes Markdown or JSON: findings, changes, pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath
from assetgen.cli.report.state import is_fresh, state_of
from assetgen.core.comparison import Comparison
from assetgen.core.model import FORMAT_OF_SUFFIX
from assetgen.core.pointer import pointed_digest
from assetgen.core.value import Value

if TYPE_CHECKING:
    from assetgen.cli.report.files import ReportFiles
    from assetgen.core.comparison import Change
    from assetgen.core.lock import LockEntry
    from assetgen.core.report import AnyDecision, Plan
    from assetgen.session.base import Base

_MOST_OF_A_POINTER = 1024


class Picture(Value):
    """A picture, or why it is not shown."""

    path: str | None
    """Relative to the report, with `/` between its parts."""
    note: str = ""


NO_PICTURE = Picture(None)


class Finding(Value):
    """An asset that is not up to date."""

    decision: AnyDecision
    state: str
    file: str | None
    """Where the manifest declares it, relative to the project folder."""
    picture: Picture


class Shown(Value):
    """A change since the base, with its pictures."""

    change: Change
    before: Picture
    after: Picture


class Content(Value):
    """All that a report says."""

    plan: Plan
    findings: tuple[Finding, ...]
    base: Base | None
    changes: tuple[Shown, ...]
    """Since the base; of the chosen assets, where not all were chosen."""

    @property
    def comparison(self) -> Comparison:
        """The changes without their pictures."""
        return Comparison(tuple(shown.change for shown in self.changes))


def compose(plan: Plan, base: Base | None, files: ReportFiles) -> Content:
    """Put a report together; pictures of the base are written beside it.

    Raises:
        OutputError: they cannot be.
    """
    stale = [decision for decision in plan.everything if not is_fresh(decision)]
    chosen = {decision.name for decision in plan.decisions}
    changes = base.comparison.changes if base is not None else ()
    return Content(
        plan=plan,
        findings=tuple(_finding(decision, plan.project.root, files) for decision in stale),
        base=base,
        changes=tuple(
            Shown(
                change=change,
                before=_former(change.before, base, files),
                after=_present(change.after.output, plan.project.root, files)
                if change.after is not None
                else NO_PICTURE,
            )
            for change in changes
            if plan.is_whole or change.name in chosen
        ),
    )


def _finding(decision: AnyDecision, root: str, files: ReportFiles) -> Finding:
    where = decision.where
    return Finding(
        decision=decision,
        state=state_of(decision),
        file=os.path.relpath(where.file, root) if where is not None else None,
        picture=_present(decision.output, root, files),
    )


def _present(output: str, root: str, files: ReportFiles) -> Picture:
    """The output as it is now; one that leads out of the project is not looked at."""
    try:
        with Beneath(root).open_regular(output) as file:
            head = file.read(_MOST_OF_A_POINTER + 1)
    except (FileNotFoundError, NotADirectoryError):
        return NO_PICTURE
    except (OSError, ValueError):
        return Picture(None, "cannot be read")
    return _pointer(head) or Picture(files.link(os.path.join(root, output)))


def _former(entry: LockEntry | None, base: Base | None, files: ReportFiles) -> Picture:
    """The output as it was at the base."""
    if entry is None or base is None:
        return NO_PICTURE
    data = base.read(entry.output)
    if data is None:
        return Picture(None, "not in git")
    suffix = os.path.splitext(entry.output)[1].lower()
    if suffix not in FORMAT_OF_SUFFIX:
        return Picture(None, "not a picture")
    return _pointer(data) or Picture(files.keep(data, suffix))


def _pointer(data: bytes) -> Picture | None:
    """What stands for a picture whose bytes are in Git LFS."""
    digest = pointed_digest(data)
    return Picture(None, f"Git LFS pointer to {digest}") if digest is not None else None
