"""JSON Schemas of what assetgen writes: lockfile, `--json` of each command, events, reports.

The schema of the manifest is in `manifest/schema.py`. The files in `schemas/` are made from these
functions, and a test holds them to it.
"""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core import events
from assetgen.core.catalogue import MODELS_VERSION
from assetgen.core.comparison import ChangeKind
from assetgen.core.costs import COSTS_VERSION
from assetgen.core.decision import Verdict
from assetgen.core.facts import FileState
from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.lock_text import LOCK_VERSION
from assetgen.core.orphan import OrphanState
from assetgen.core.product import KINDS
from assetgen.core.report import Status
from assetgen.core.store import STORE_VERSION
from assetgen.core.value import field_names
from assetgen.errors import AssetgenError

if TYPE_CHECKING:
    from assetgen.core.model import Json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_USD: dict[str, Json] = {"type": ["number", "null"], "minimum": 0}
_AMOUNT: dict[str, Json] = {"type": "number", "minimum": 0}
_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_TEXT: dict[str, Json] = {"type": "string"}
_NULL: dict[str, Json] = {"type": "null"}
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
        "finish": _said(
            {"type": "string"}, "Steps and expectations it was made with, by name and short digest"
        ),
        "output_width_px": _said({"type": "integer", "minimum": 1}, "Width of the output"),
        "output_height_px": _said({"type": "integer", "minimum": 1}, "Height of the output"),
        "convert_version": _said({"type": "integer"}, "How the output was converted from it"),
        "take": _said({"type": "integer", "minimum": 1}, "Raised to ask for another image"),
        "model": _said({"type": "string"}, "Model that made the image"),
        "provider": _said({"type": ["string", "null"]}, "Provider that answered"),
        "generation_id": _said({"type": ["string", "null"]}, "The provider's id of the call"),
        "cost_usd": _said(_USD, "The bill in US dollars; null when it is unknown"),
        "date": _said({"type": "string", "format": "date"}, "Day the image came, UTC"),
    }
    made: list[Json] = ["take", "model", "provider", "generation_id", "cost_usd", "date"]
    finished = {"finish", "output_width_px", "output_height_px", "convert_version"}
    optional = {"orphan", *finished, *map(str, made)}
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
            "if": {"required": ["product"]},
            "then": _lock_product_schema(),
            "else": {
                "type": "object",
                "properties": fields,
                "required": [name for name in fields if name not in optional],
                "dependentRequired": dict.fromkeys(("model", "date"), made),
                "additionalProperties": False,
            },
        },
    }


def _lock_product_schema() -> dict[str, Json]:
    """A line about a product, or about a file that one left behind."""
    name = _said({"type": "string", "pattern": ":"}, "`KIND:NAME` of variants, frames and such")
    texts: dict[str, Json] = {"type": "object", "additionalProperties": {"type": "string"}}
    size: dict[str, Json] = {"type": "integer", "minimum": 1}
    file: dict[str, Json] = {
        "role": _said(_TEXT, "Which of the pictures: width and format, or a number"),
        "digest": _said(_DIGEST, "SHA-256 of the file"),
        "format": _said(_TEXT, "Its format"),
        "width_px": _said(size, "Its width in pixels"),
        "height_px": _said(size, "Its height in pixels"),
    }
    bundle: dict[str, Json] = {
        "files": _said({"type": "array", "items": _closed(file)}, "The pictures"),
        "colour": _said(_TEXT, "Dominant colour of variants"),
        "thumbhash": _said(_TEXT, "ThumbHash of variants, in base64"),
        "has_alpha": _said({"type": "boolean"}, "Whether some of the picture is transparent"),
        "frames": _said({"type": "array"}, "Name, page, place and source of each frame"),
    }
    product: dict[str, Json] = {
        "product": name,
        "key": _said({"type": "string"}, "Key of the images and settings it was made from"),
        "inputs": _said(texts, "Short digest of each of these, to tell which one changed"),
        "bundle": _said(
            {
                "type": "object",
                "properties": bundle,
                "required": ["files"],
                "additionalProperties": False,
            },
            "What was made",
        ),
        "outputs": _said(
            {"type": "object", "additionalProperties": _DIGEST}, "SHA-256 of each file by path"
        ),
    }
    left: dict[str, Json] = {
        "orphan": _said({"const": True}, "Nothing needs the file any more; it may be left"),
        "product": name,
        "output": _said(_TEXT, "Path of the file, relative to the project folder"),
        "digest": _said(_DIGEST, "SHA-256 of the file"),
    }
    return {
        "if": {"required": ["orphan"]},
        "then": _closed(left),
        "else": {
            "type": "object",
            "properties": product,
            "required": ["product", "outputs"],
            "dependentRequired": {"key": ["inputs", "bundle"]},
            "additionalProperties": False,
        },
    }


def plan_json_schema() -> dict[str, Json]:
    """Schema of `plan --json` and `check --json`."""
    asset, count = _decision_fields(), _COUNT
    summary: dict[str, Json] = {
        "assets": _said(count, "Assets listed"),
        "products": _said(count, "Variants, frames, atlases and exports listed behind them"),
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


def report_json_schema() -> dict[str, Json]:
    """Schema of `check --report FILE.json`."""
    nullable: dict[str, Json] = {"type": ["string", "null"]}
    place: dict[str, Json] = {"type": ["integer", "null"], "minimum": 1}
    states: list[Json] = ["stale", "altered"]
    picture = _closed(
        {
            "path": _said(nullable, "Relative to the report, as a URL; null when it is not shown"),
            "note": _said(_TEXT, "Why it is not shown, if there is more to say"),
        }
    )
    finding: dict[str, Json] = {
        **_decision_fields(),
        "state": _said({"enum": states}, "What is wrong, in one word"),
        "file": _said(nullable, "Where it is declared, relative to the project folder"),
        "line": _said(place, "Line there, from 1"),
        "column": _said(place, "Column there, from 1"),
        "now": _said(picture, "The output as it is"),
    }
    side = _closed(
        {
            "name": _said(_TEXT, "Name of the asset on this side"),
            "output": _said(_TEXT, "Path of the output, relative to the project folder"),
            "digest": _said(_DIGEST, "SHA-256 of the output, as the lockfile says"),
            "picture": _said(picture, "The picture"),
        }
    )
    kinds: list[Json] = [kind.value for kind in ChangeKind]
    change: dict[str, Json] = {
        "name": _said(_TEXT, "Name of the asset"),
        "change": _said({"enum": kinds}, "What happened to its image"),
        "before": {"description": "As it was; null for a new one", "anyOf": [side, _NULL]},
        "after": {"description": "As it is; null for a removed one", "anyOf": [side, _NULL]},
        "cost_usd": _said(_USD, "The bill of a new image; null when it is unknown"),
    }
    base: dict[str, Json] = {
        "ref": _said(_TEXT, "As it was given with `--base`"),
        "commit": _said(_TEXT, "The commit that names"),
        "has_lockfile": _said({"type": "boolean"}, "Whether there was a lockfile"),
        "changes": {"type": "array", "items": _closed(change)},
        "cost_usd": _said({"type": "number", "minimum": 0}, "Sum of the known bills"),
        "unknown_bills": _said(_COUNT, "Images whose bill is unknown"),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen check --report",
        "description": "What is not up to date, and what changed since another commit.",
        **_closed(
            {
                "version": {"const": 1},
                "assets": _said(_COUNT, "Assets looked at"),
                "findings": {"type": "array", "items": _closed(finding)},
                "orphans": _said(
                    {"type": "array", "items": _TEXT},
                    "Files that moved or removed assets left behind",
                ),
                "base": {
                    "description": "What is compared with; null without `--base`",
                    "anyOf": [_closed(base), _NULL],
                },
            }
        ),
    }


def _decision_fields() -> dict[str, Json]:
    verdicts: list[Json] = [verdict.value for verdict in Verdict]
    return {
        "name": _said(
            {"type": "string"}, "Name of the asset; `variants:NAME` and such of products"
        ),
        "kind": _said({"enum": ["asset", *KINDS]}, "What it is"),
        "verdict": _said({"enum": verdicts}, "What a build does with it"),
        "reason": _said({"type": "string"}, "Why, for people"),
        "output": _said(
            {"type": "string"},
            "Path of the output, relative to the project folder; a pattern where there are several",
        ),
        "estimate_usd": _said(_USD, "About what it costs; null when no price is known"),
        "estimate_basis": _said({"type": "string"}, "On what ground that is said"),
    }


def explain_json_schema() -> dict[str, Json]:
    """Schema of `explain --json`."""
    states: list[Json] = ["same", "changed", "added", "removed", "new", "unknown"]
    names: dict[str, Json] = {"type": "array", "items": {"type": "string"}}
    one: dict[str, Json] = {
        "name": _said({"type": "string"}, "As the plan's reasons call it"),
        "state": _said(
            {"enum": states},
            "`new`: no image is recorded; `unknown`: what it reads is not made yet",
        ),
        "then": _said({}, "What the recorded image was made from; null when not known in words"),
        "now": _said({}, "What the manifest and the files say now; null when there is none"),
        "then_digest": _said({"type": ["string", "null"]}, "First digits of its digest, then"),
        "now_digest": _said({"type": ["string", "null"]}, "First digits of its digest, now"),
    }
    piece: dict[str, Json] = {
        "kind": _said({"enum": ["both", "old", "new"]}, "Which of the two prompts has it"),
        "text": _said({"type": "string"}, "A run of words"),
    }
    output: dict[str, Json] = {
        "path": _said({"type": "string"}, "Relative to the project folder"),
        "state": _said({"enum": [state.value for state in FileState]}, "What is there"),
        "digest": _said({"anyOf": [_DIGEST, {"type": "null"}]}, "SHA-256 of what is there"),
    }
    asset = _closed(
        {
            "version": {"const": 1},
            "name": _said({"type": "string"}, "Name of the asset"),
            "verdict": _said({"enum": [v.value for v in Verdict]}, "As `plan` gives it"),
            "reason": _said({"type": "string"}, "Why, for people"),
            "output": _closed(output),
            "fingerprint": _said(
                {"type": ["string", "null"]}, "Of today's inputs; null while one is unknown"
            ),
            "inputs": {"type": "array", "items": _closed(one)},
            "prompt_diff": {"type": "array", "items": _closed(piece)},
            "image": _said(
                {"anyOf": [_closed(_image_fields()), {"type": "null"}]},
                "The image that the lockfile names; null when it names none",
            ),
            "reads": _said(names, "Assets whose images it reads"),
            "readers": _said(names, "Assets that read its image"),
            "all_readers": _said(names, "These, those that read theirs, and so on"),
            "steps": _said(
                {"type": "array", "items": _closed(_state_fields())},
                "Steps and expectations, against those of the recorded output",
            ),
            "products": _said(names, "Variants, frames, atlases and exports made from it"),
        }
    )
    return {
        "$schema": _DIALECT,
        "title": "assetgen explain --json",
        "description": "One asset: its inputs then and now, its image, its neighbours; or one "
        "product: what it is made from, and its files.",
        "if": {"required": ["kind"]},
        "then": _product_explanation_schema(output, names),
        "else": asset,
    }


def _state_fields() -> dict[str, Json]:
    states: list[Json] = ["same", "changed", "added", "removed"]
    return {
        "name": _said({"type": "string"}, "As the plan's reasons call it"),
        "state": _said({"enum": states}, "Against what is recorded"),
    }


def _product_explanation_schema(output: dict[str, Json], names: dict[str, Json]) -> Json:
    return _closed(
        {
            "version": {"const": 1},
            "name": _said({"type": "string"}, "`KIND:NAME`"),
            "kind": _said({"enum": [*KINDS]}, "What it is"),
            "verdict": _said({"enum": [v.value for v in Verdict]}, "As `plan` gives it"),
            "reason": _said({"type": "string"}, "Why, for people"),
            "key": _said(
                {"type": ["string", "null"]},
                "Of the images and settings; null while one is unknown, and for an export",
            ),
            "inputs": _said(
                {"type": "array", "items": _closed(_state_fields())}, "What it is made from"
            ),
            "files": _said({"type": "array", "items": _closed(output)}, "Its files"),
            "reads": _said(names, "Assets and products that it is made from"),
            "readers": _said(names, "Products that read it"),
        }
    )


def history_json_schema() -> dict[str, Json]:
    """Schema of `history --json`."""
    fields = _image_fields() | {
        "at": _said({"type": ["string", "null"]}, "When it came, UTC"),
        "fingerprint": _said({"type": "string"}, "Key of the inputs it was made from"),
        "is_current": _said({"type": "boolean"}, "Whether the lockfile names it"),
        "is_of_today": _said({"type": "boolean"}, "Whether it was made from today's inputs"),
        "prompt": _said({"type": ["string", "null"]}, "Its prompt; null when not known here"),
        "path": _said({"type": "string"}, "A file that holds the image"),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen history --json",
        "description": "The images of one asset that are still here, newest first.",
        **_closed(
            {
                "version": {"const": 1},
                "name": _said({"type": "string"}, "Name of the asset"),
                "images": {"type": "array", "items": _closed(fields)},
                "gone": _said(
                    {"type": "integer", "minimum": 0}, "Images known of whose bytes are not here"
                ),
            }
        ),
    }


def choices_json_schema() -> dict[str, Json]:
    """Schema of `use --json` and `adopt --json`."""
    one: dict[str, Json] = {
        "name": _said({"type": "string"}, "Name of the asset"),
        "output": _said({"type": "string"}, "Path of the output, relative to the project folder"),
        "status": _said({"enum": ["recorded", "unchanged", "refused"]}, "What became of it"),
        "image": _said({"anyOf": [_DIGEST, {"type": "null"}]}, "The image it has now"),
        "message": _said({"type": "string"}, "Why it was refused, for people"),
        "hint": _said({"type": ["string", "null"]}, "What to do about it"),
        "readers": _said(
            {"type": "array", "items": {"type": "string"}}, "Assets that read another image now"
        ),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen use --json, assetgen adopt --json",
        "description": "Which image each asset was given.",
        **_closed({"version": {"const": 1}, "assets": {"type": "array", "items": _closed(one)}}),
    }


def clean_json_schema() -> dict[str, Json]:
    """Schema of `clean --json`."""
    one: dict[str, Json] = {
        "output": _said({"type": "string"}, "Path that the asset had"),
        "name": _said({"type": "string"}, "Name of the asset"),
        "state": _said(
            {"enum": list(typing.get_args(OrphanState))},
            "`removable`: `--yes` removes it; `left`: not touched; `gone`: not there any more",
        ),
        "reason": _said({"type": "string"}, "Why it is left, or could not be removed"),
        "digest": _said(
            {"anyOf": [_DIGEST, {"type": "null"}]},
            "SHA-256 of its bytes, which are kept in the store when it is removed",
        ),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen clean --json",
        "description": "What moved and removed assets left behind.",
        **_closed({"version": {"const": 1}, "orphans": {"type": "array", "items": _closed(one)}}),
    }


def _image_fields() -> dict[str, Json]:
    """An image and its provenance; a file that was adopted has none."""
    return {
        "digest": _said(_DIGEST, "SHA-256 of the image as it came"),
        "format": _said({"type": "string"}, "Its format"),
        "width_px": _said({"type": "integer", "minimum": 1}, "Its width in pixels"),
        "height_px": _said({"type": "integer", "minimum": 1}, "Its height in pixels"),
        "model": _said({"type": ["string", "null"]}, "Model that made it; null for made by hand"),
        "provider": _said({"type": ["string", "null"]}, "Provider that answered"),
        "generation_id": _said({"type": ["string", "null"]}, "The provider's id of the call"),
        "cost_usd": _said(_USD, "The bill in US dollars; null when unknown or made by hand"),
        "date": _said({"type": ["string", "null"]}, "Day the image came, UTC"),
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
        "$schema": _DIALECT,
        "title": "assetgen build --json, assetgen watch --json",
        "description": "One event; both commands write one a line, `done` last.",
        "oneOf": [_event(kind) for kind in kinds],
    }


def costs_json_schema() -> dict[str, Json]:
    """Schema of `costs --json`."""
    sums: dict[str, Json] = {
        "calls": _said(_COUNT, "Calls that were sent"),
        "images": _said(_COUNT, "Of these, calls that gave an image"),
        "failed": _said(_COUNT, "Without an image, and billed nothing or a known sum"),
        "may_be_billed": _said(_COUNT, "Without an image, and nobody knows whether billed"),
        "unanswered": _said(_COUNT, "No answer is recorded, as after a crash: may be billed"),
        "unknown_bills": _said(_COUNT, "Calls of any kind that count by their estimate"),
        "unpriced": _said(_COUNT, "Of these, without an estimate: they count as nothing"),
        "images_usd": _said(_AMOUNT, "Bills for images"),
        "failed_usd": _said(_AMOUNT, "Bills for calls that gave none"),
        "estimated_usd": _said(_AMOUNT, "Estimates in place of unknown bills"),
        "total_usd": _said(_AMOUNT, "The sum of the three"),
    }
    project = _said(
        {"type": ["string", "null"]}, "Project; null where the ledger does not say which"
    )

    def table(**names: Json) -> Json:
        return {"type": "array", "items": _closed({**names, **sums})}

    return {
        "$schema": _DIALECT,
        "title": "assetgen costs --json",
        "description": "What was spent, in US dollars; the parts of each list add up to `total`.",
        **_closed(
            {
                "version": {"const": COSTS_VERSION},
                "project": _said({"type": ["string", "null"]}, "Which one; null for all"),
                "since": _said({"type": ["string", "null"]}, "First day; null for all days"),
                "total": _closed(sums),
                "by_day": table(day=_said({"type": "string"}, "Day of the call, UTC")),
                "by_model": table(model=_said({"type": "string"}, "Model that was asked")),
                "by_asset": table(
                    project=project, asset=_said({"type": "string"}, "Asset it was for")
                ),
                "by_project": table(project=project),
            }
        ),
    }


def models_json_schema() -> dict[str, Json]:
    """Schema of `models --json`."""
    date: dict[str, Json] = {"type": ["string", "null"]}
    texts: dict[str, Json] = {"type": ["array", "null"], "items": {"type": "string"}}

    def sourced(value: dict[str, Json], description: str) -> Json:
        fields: dict[str, Json] = {
            "value": _said(value, "Null when nobody knows"),
            "from": _said(
                {"enum": ["table", "learnt", "catalogue", "default", None]},
                "Who says so: the shipped table, an earlier call, the provider's catalogue",
            ),
            "date": _said(date, "Day of the table or of the catalogue"),
        }
        return _said(_closed(fields), description)

    price: dict[str, Json] = {
        "per_image_usd": _said(
            {"type": "object", "additionalProperties": _AMOUNT},
            "By image size; the empty one is for a size that is not stated",
        ),
        "per_reference_usd": _said(_AMOUNT, "For each reference"),
        "basis": _said({"type": "string"}, "How the figure came about"),
    }
    model: dict[str, Json] = {
        "id": _said({"type": "string"}, "What a manifest writes as `model`"),
        "name": _said({"type": ["string", "null"]}, "Its name for people"),
        "image_only": sourced({"type": ["boolean", "null"]}, "Whether it writes no text"),
        "max_references": sourced({"type": ["integer", "null"]}, "References it takes at most"),
        "aspect_ratios": sourced(texts, "Aspect ratios it takes"),
        "image_sizes": sourced(texts, "Image sizes it takes"),
        "max_tokens": sourced({"type": ["integer", "null"]}, "Sent unless the manifest states one"),
        "route": sourced({"enum": ["chat", "images"]}, "Route that is tried first"),
        "price": sourced({"anyOf": [_closed(price), {"type": "null"}]}, "List price of an image"),
        "charges": _said(
            {"type": "array", "items": {"type": "string"}}, "As the catalogue states them"
        ),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen models --json",
        "description": "What is known about models, and who says so.",
        **_closed(
            {
                "version": {"const": MODELS_VERSION},
                "table_date": _said({"type": "string"}, "Day of the shipped table"),
                "catalogue_date": _said(date, "Day the catalogue was fetched; null for never"),
                "models": {"type": "array", "items": _closed(model)},
            }
        ),
    }


def cache_json_schema() -> dict[str, Json]:
    """Schema of `cache size`, `cache verify` and `cache collect` with `--json`."""
    size = _said(_COUNT, "In bytes")
    text: dict[str, Json] = {"type": ["string", "null"]}
    stored: dict[str, Json] = {
        "kind": _said({"enum": ["images", "kept", "incoming", "inputs"]}, "What it is"),
        "key": _said({"type": "string"}, "Digest of the bytes; of inputs, the fingerprint"),
        "size_bytes": size,
        "bought": _said({"type": "boolean"}, "Whether the ledger has a call that gave it"),
        "project": _said(text, "Project that bought it"),
        "asset": _said(text, "Asset it was bought for"),
        "model": _said(text, "Model it was bought from"),
        "date": _said(text, "Day it came, UTC"),
        "cost_usd": _said(_USD, "What it cost; null when the bill is unknown"),
    }
    holding: dict[str, Json] = {
        "kind": _said({"type": "string"}, "What it is"),
        "path": _said({"type": "string"}, "Where it is"),
        "count": _said(_COUNT, "How many files"),
        "size_bytes": size,
    }
    users: dict[str, Json] = {"type": "array", "items": {"type": "string"}}

    def document(action: str, **fields: Json) -> Json:
        path = _said({"type": "string"}, "The cache folder")
        head: dict[str, Json] = {
            "version": {"const": STORE_VERSION},
            "action": {"const": action},
            "path": path,
        }
        return _closed(head | fields)

    return {
        "$schema": _DIALECT,
        "title": "assetgen cache --json",
        "description": "The store of this machine: size, soundness, what is unneeded.",
        "oneOf": [
            document(
                "size",
                holdings={"type": "array", "items": _closed(holding)},
                size_bytes=size,
            ),
            document(
                "verify",
                count=_said(_COUNT, "Files that were read"),
                size_bytes=size,
                damaged={
                    "type": "array",
                    "items": _closed(
                        {**stored, "assets": _said(users, "Who has it: `LOCKFILE: NAME`")}
                    ),
                },
            ),
            document(
                "collect",
                dry_run=_said({"type": "boolean"}, "True without `--yes`"),
                projects=_said(users, "Lockfiles of the known projects"),
                leftovers={
                    "type": "array",
                    "items": _closed(
                        {**stored, "removed": _said({"type": "boolean"}, "Whether it is gone")}
                    ),
                },
                count=_said(_COUNT, "How many leftovers"),
                size_bytes=size,
                cost_usd=_said(_AMOUNT, "What they once cost, as far as known"),
                unknown_bills=_said(_COUNT, "Leftovers whose cost is unknown"),
                removed=_said(_COUNT, "How many are gone"),
                left=_said(
                    _closed(
                        {
                            "superseded": _said(_COUNT, "What a lockfile once named"),
                            "unknown": _said(_COUNT, "What no known project ever had"),
                            "kept": _said(_COUNT, "What you made, or had put aside"),
                        }
                    ),
                    "How many stay until the option of this name is given",
                ),
            ),
        ],
    }


def _event(kind: type[events.Event]) -> Json:
    types_by_name = typing.get_type_hints(kind, vars(events))
    fields: dict[str, Json] = {"event": {"const": kind.kind}}
    for name in field_names(kind):
        fields[name] = _type(types_by_name[name])
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
        tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
        tuple[AssetgenError, ...]: {"type": "array", "minItems": 1, "items": _fault()},
    }
    if isinstance(annotation, types.UnionType):
        (inner,) = (arg for arg in typing.get_args(annotation) if arg is not type(None))
        return {"type": [simple[inner]["type"], "null"]}
    return simple[annotation]


def _fault() -> Json:
    """The schema of one fault: what, where when it has a place, and what to do."""
    text: dict[str, Json] = {"type": ["string", "null"]}
    number: dict[str, Json] = {"type": ["integer", "null"]}
    return _closed(
        {
            "message": {"type": "string"},
            "file": text,
            "line": number,
            "column": number,
            "hint": text,
        }
    )


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
