"""A report as JSON: see `core.schemas.build.report_json_schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.money import json_usd
from assetgen.core.report import decision_json

if TYPE_CHECKING:
    from assetgen.cli.report.content import Content, Finding, Picture, Shown
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Json


def document(content: Content) -> dict[str, Json]:
    """The whole report."""
    return {
        "version": 1,
        "assets": len(content.plan.decisions),
        "findings": [_finding(finding) for finding in content.findings],
        "orphans": [entry.output for entry in content.plan.orphans],
        "base": _base(content),
    }


def _finding(finding: Finding) -> Json:
    where = finding.decision.where
    return {
        **decision_json(finding.decision),
        "state": finding.state,
        "file": finding.file,
        "line": where.line if where is not None else None,
        "column": where.column if where is not None else None,
        "now": _picture(finding.picture),
    }


def _base(content: Content) -> Json:
    base = content.base
    if base is None:
        return None
    comparison = content.comparison
    return {
        "ref": base.ref,
        "commit": base.commit,
        "has_lockfile": base.has_lockfile,
        "changes": [_change(shown) for shown in content.changes],
        "cost_usd": json_usd(comparison.cost_usd),
        "unknown_bills": comparison.unknown_bills,
    }


def _change(shown: Shown) -> Json:
    change = shown.change
    return {
        "name": change.name,
        "change": change.kind.value,
        "before": _side(change.before, shown.before),
        "after": _side(change.after, shown.after),
        "cost_usd": json_usd(change.cost_usd),
    }


def _side(entry: LockEntry | None, picture: Picture) -> Json:
    if entry is None:
        return None
    return {
        "name": entry.name,
        "output": entry.output,
        "digest": entry.digest,
        "picture": _picture(picture),
    }


def _picture(picture: Picture) -> Json:
    return {"path": picture.path, "note": picture.note}
