"""JSON Schemas of what assetgen writes: the lockfile, `plan` and `check --json`, build events.

The schema of the manifest is in `manifest/schema.py`. The files in `schemas/` are made from these
functions, and a test holds them to it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core import events
from assetgen.core.decision import Verdict
from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.lock import LOCK_VERSION
from assetgen.core.report import Status

if TYPE_CHECKING:
    from assetgen.core.model import Json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_USD: dict[str, Json] = {"type": ["number", "null"], "minimum": 0}
_DIGEST: dict[str, Json] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def lock_json_schema() -> dict[str, Json]:
    """Schema of `assets.lock`: an array whose first element is the header."""
    fields: dict[str, Json] = {
        "orphan": _said({"const": True}, "The asset has moved or gone; its file may be left"),
        "name": _said({"type": "string"}, "Name of the asset"),
        "output": _said({"type": "string"}, "Path of the output, relative to the project folder"),
        "digest": _said(_DIGEST, "SHA-256 of the output"),
        "image": _said(_DIGEST, "SHA-256 of the image as it came"),
        "format": _said({"type": "string"}, "Format of the image as it came"),
        "width_px": _said({"type": "integer", "minimum": 1}, "Its width in pixels"),
        "height_px": _said({"type": "integer", "minimum": 1}, "Its height in pixels"),
        "fingerprint": _said(
            {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "Key of the inputs it was made from"
        ),
        "key_scheme": _said({"type": "integer", "maximum": KEY_SCHEME}, "How that key is made"),
        "inputs": _said(
            {"type": "object", "additionalProperties": {"type": "string"}},
            "Short digest of each input, to tell which one changed",
        ),
        "convert_version": _said({"type": "integer"}, "How the output was converted from it"),
        "take": _said({"type": "integer", "minimum": 1}, "Raised to ask for another image"),
        "model": _said({"type": "string"}, "Model that made the image"),
        "provider": _said({"type": ["string", "null"]}, "Provider that answered"),
        "generation_id": _said({"type": ["string", "null"]}, "The provider's id of the call"),
        "cost_usd": _said(_USD, "The bill in US dollars; null when it is unknown"),
        "date": _said({"type": "string", "format": "date"}, "Day the image came, UTC"),
    }
    made: list[Json] = ["take", "model", "provider", "generation_id", "cost_usd", "date"]
    optional = {"orphan", "convert_version", *map(str, made)}
    header: dict[str, Json] = {
        "type": "object",
        "properties": {"assetgen-lock": {"const": LOCK_VERSION}},
        "required": ["assetgen-lock"],
        "additionalProperties": False,
    }
    return {
        "$schema": _DIALECT,
        "title": "assets.lock",
        "description": "Written by assetgen; which image every asset has.",
        "type": "array",
        "prefixItems": [header],
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": fields,
            "required": [name for name in fields if name not in optional],
            "dependentRequired": dict.fromkeys(("model", "date"), made),
            "additionalProperties": False,
        },
    }


def plan_json_schema() -> dict[str, Json]:
    """Schema of `plan --json` and `check --json`."""
    verdicts: list[Json] = [verdict.value for verdict in Verdict]
    asset: dict[str, Json] = {
        "name": _said({"type": "string"}, "Name of the asset"),
        "verdict": _said({"enum": verdicts}, "What a build does with it"),
        "reason": _said({"type": "string"}, "Why, for people"),
        "output": _said({"type": "string"}, "Path of the output, relative to the project folder"),
        "estimate_usd": _said(_USD, "About what it costs; null when no price is known"),
        "estimate_basis": _said({"type": "string"}, "On what ground that is said"),
    }
    count: dict[str, Json] = {"type": "integer", "minimum": 0}
    summary: dict[str, Json] = {
        "assets": _said(count, "Assets listed"),
        **{verdict.value: _said(count, f"Of these, `{verdict.value}`") for verdict in Verdict},
        "images": _said(count, "Images to be bought, at most"),
        "estimate_usd": _said(_USD, "Sum of the known estimates"),
        "unpriced": _said(count, "Images without an estimate"),
        "orphans": _said(
            {"type": "array", "items": {"type": "string"}},
            "Files that moved or removed assets left behind",
        ),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen plan --json",
        "description": "What a build would do; `check --json` has the same form.",
        **_closed(
            {
                "version": {"const": 1},
                "assets": {"type": "array", "items": _closed(asset)},
                "summary": _closed(summary),
            }
        ),
    }


def events_json_schema() -> dict[str, Json]:
    """Schema of one line of `build --json`."""
    kinds = (
        events.Planned,
        events.Started,
        events.Retrying,
        events.Warned,
        events.Finished,
        events.Done,
    )
    return {
        "$schema": _DIALECT,
        "title": "assetgen build --json",
        "description": "One event; a build writes one a line, `done` last.",
        "oneOf": [_event(kind) for kind in kinds],
    }


def _event(kind: type[events.Event]) -> Json:
    types_by_name = typing.get_type_hints(kind, vars(events))
    fields: dict[str, Json] = {"event": {"const": kind.kind}}
    for field in dataclasses.fields(kind):
        fields[field.name] = _type(types_by_name[field.name])
    if "status" in fields:
        fields["status"] = {"enum": [status.value for status in Status]}
    return {"description": (kind.__doc__ or "").partition("\n")[0], **_closed(fields)}


def _type(annotation: object) -> dict[str, Json]:
    """The schema of an event's field."""
    simple: dict[object, dict[str, Json]] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        float: {"type": "number"},
        bool: {"type": "boolean"},
        Decimal: {"type": "number"},
        dict[str, int]: {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    if isinstance(annotation, types.UnionType):
        (inner,) = (arg for arg in typing.get_args(annotation) if arg is not type(None))
        return {"type": [simple[inner]["type"], "null"]}
    return simple[annotation]


def _said(schema: dict[str, Json], description: str) -> dict[str, Json]:
    return {"description": description, **schema}


def _closed(fields: dict[str, Json]) -> dict[str, Json]:
    """An object that has all of these fields and no other."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
