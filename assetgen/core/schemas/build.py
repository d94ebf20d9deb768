"""JSON Schemas of what is planned, checked and told while building."""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core import events
from assetgen.core.comparison import ChangeKind
from assetgen.core.decision import Verdict
from assetgen.core.product import KINDS
from assetgen.core.report import Status
from assetgen.core.schemas.parts import COUNT, DIALECT, DIGEST, NULL, TEXT, USD, closed, fault, said
from assetgen.core.value import field_names
from assetgen.errors import AssetgenError

if TYPE_CHECKING:
    from assetgen.core.model import Json


def plan_json_schema() -> dict[str, Json]:
    """Schema of `plan --json` and `check --json`."""
    asset, count = _decision_fields(), COUNT
    summary: dict[str, Json] = {
        "assets": said(count, "Assets listed"),
        "products": said(count, "Variants, frames, atlases and exports listed behind them"),
        **{verdict.value: said(count, f"Of these, `{verdict.value}`") for verdict in Verdict},
        "images": said(count, "Images to be bought, at most"),
        "estimate_usd": said(USD, "Sum of the known estimates"),
        "unpriced": said(count, "Images without an estimate"),
        "orphans": said(
            {"type": "array", "items": {"type": "string"}},
            "Files that moved or removed assets left behind",
        ),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen plan --json",
        "description": "What a build would do; `check --json` has the same form.",
        **closed(
            {
                "version": {"const": 1},
                "assets": {"type": "array", "items": closed(asset)},
                "summary": closed(summary),
            }
        ),
    }


def report_json_schema() -> dict[str, Json]:
    """Schema of `check --report FILE.json`."""
    nullable: dict[str, Json] = {"type": ["string", "null"]}
    place: dict[str, Json] = {"type": ["integer", "null"], "minimum": 1}
    states: list[Json] = ["stale", "altered"]
    picture = closed(
        {
            "path": said(nullable, "Relative to the report, as a URL; null when it is not shown"),
            "note": said(TEXT, "Why it is not shown, if there is more to say"),
        }
    )
    finding: dict[str, Json] = {
        **_decision_fields(),
        "state": said({"enum": states}, "What is wrong, in one word"),
        "file": said(nullable, "Where it is declared, relative to the project folder"),
        "line": said(place, "Line there, from 1"),
        "column": said(place, "Column there, from 1"),
        "now": said(picture, "The output as it is"),
    }
    side = closed(
        {
            "name": said(TEXT, "Name of the asset on this side"),
            "output": said(TEXT, "Path of the output, relative to the project folder"),
            "digest": said(DIGEST, "SHA-256 of the output, as the lockfile says"),
            "picture": said(picture, "The picture"),
        }
    )
    kinds: list[Json] = [kind.value for kind in ChangeKind]
    change: dict[str, Json] = {
        "name": said(TEXT, "Name of the asset"),
        "change": said({"enum": kinds}, "What happened to its image"),
        "before": {"description": "As it was; null for a new one", "anyOf": [side, NULL]},
        "after": {"description": "As it is; null for a removed one", "anyOf": [side, NULL]},
        "cost_usd": said(USD, "The bill of a new image; null when it is unknown"),
    }
    base: dict[str, Json] = {
        "ref": said(TEXT, "As it was given with `--base`"),
        "commit": said(TEXT, "The commit that names"),
        "has_lockfile": said({"type": "boolean"}, "Whether there was a lockfile"),
        "changes": {"type": "array", "items": closed(change)},
        "cost_usd": said({"type": "number", "minimum": 0}, "Sum of the known bills"),
        "unknown_bills": said(COUNT, "Images whose bill is unknown"),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen check --report",
        "description": "What is not up to date, and what changed since another commit.",
        **closed(
            {
                "version": {"const": 1},
                "assets": said(COUNT, "Assets looked at"),
                "findings": {"type": "array", "items": closed(finding)},
                "orphans": said(
                    {"type": "array", "items": TEXT},
                    "Files that moved or removed assets left behind",
                ),
                "base": {
                    "description": "What is compared with; null without `--base`",
                    "anyOf": [closed(base), NULL],
                },
            }
        ),
    }


def _decision_fields() -> dict[str, Json]:
    verdicts: list[Json] = [verdict.value for verdict in Verdict]
    return {
        "name": said({"type": "string"}, "Name of the asset; `variants:NAME` and such of products"),
        "kind": said({"enum": ["asset", *KINDS]}, "What it is"),
        "verdict": said({"enum": verdicts}, "What a build does with it"),
        "reason": said({"type": "string"}, "Why, for people"),
        "output": said(
            {"type": "string"},
            "Path of the output, relative to the project folder; a pattern where there are several",
        ),
        "estimate_usd": said(USD, "About what it costs; null when no price is known"),
        "estimate_basis": said({"type": "string"}, "On what ground that is said"),
    }


def events_json_schema() -> dict[str, Json]:
    """Schema of one line of `build --json` or `watch --json`."""
    kinds = (
        events.Planned,
        events.Started,
        events.Retrying,
        events.Warned,
        events.Finished,
        events.Done,
        events.Stored,
        events.Broken,
        events.Round,
    )
    return {
        "$schema": DIALECT,
        "title": "assetgen build --json, assetgen watch --json",
        "description": "One event; both commands write one a line, `done` last.",
        "oneOf": [_event(kind) for kind in kinds],
    }


def _event(kind: type[events.Event]) -> Json:
    types_by_name = typing.get_type_hints(kind, vars(events))
    fields: dict[str, Json] = {"event": {"const": kind.kind}}
    for name in field_names(kind):
        fields[name] = _type(types_by_name[name])
    if "status" in fields:
        fields["status"] = {"enum": [status.value for status in Status]}
    return {"description": (kind.__doc__ or "").partition("\n")[0], **closed(fields)}


def _type(annotation: object) -> dict[str, Json]:
    """The schema of an event's field."""
    simple: dict[object, dict[str, Json]] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        float: {"type": "number"},
        bool: {"type": "boolean"},
        Decimal: {"type": "number"},
        dict[str, int]: {"type": "object", "additionalProperties": {"type": "integer"}},
        tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
        tuple[AssetgenError, ...]: {"type": "array", "minItems": 1, "items": fault()},
    }
    if isinstance(annotation, types.UnionType):
        (inner,) = (arg for arg in typing.get_args(annotation) if arg is not type(None))
        return {"type": [simple[inner]["type"], "null"]}
    return simple[annotation]
