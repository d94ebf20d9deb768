"""JSON Schemas of what was spent, what is known of models, and what the store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.catalogue import MODELS_VERSION
from assetgen.core.costs import COSTS_VERSION
from assetgen.core.schemas.parts import AMOUNT, COUNT, DIALECT, USD, closed, said
from assetgen.core.store import STORE_VERSION

if TYPE_CHECKING:
    from assetgen.core.model import Json


def costs_json_schema() -> dict[str, Json]:
    """Schema of `costs --json`."""
    sums: dict[str, Json] = {
        "calls": said(COUNT, "Calls that were sent"),
        "images": said(COUNT, "Of these, calls that gave an image"),
        "failed": said(COUNT, "Without an image, and billed nothing or a known sum"),
        "may_be_billed": said(COUNT, "Without an image, and nobody knows whether billed"),
        "unanswered": said(COUNT, "No answer is recorded, as after a crash: may be billed"),
        "unknown_bills": said(COUNT, "Calls of any kind that count by their estimate"),
        "unpriced": said(COUNT, "Of these, without an estimate: they count as nothing"),
        "images_usd": said(AMOUNT, "Bills for images"),
        "failed_usd": said(AMOUNT, "Bills for calls that gave none"),
        "estimated_usd": said(AMOUNT, "Estimates in place of unknown bills"),
        "total_usd": said(AMOUNT, "The sum of the three"),
    }
    project = said(
        {"type": ["string", "null"]}, "Project; null where the ledger does not say which"
    )

    def table(**names: Json) -> Json:
        return {"type": "array", "items": closed({**names, **sums})}

    return {
        "$schema": DIALECT,
        "title": "assetgen costs --json",
        "description": "What was spent, in US dollars; the parts of each list add up to `total`.",
        **closed(
            {
                "version": {"const": COSTS_VERSION},
                "project": said({"type": ["string", "null"]}, "Which one; null for all"),
                "since": said({"type": ["string", "null"]}, "First day; null for all days"),
                "total": closed(sums),
                "by_day": table(day=said({"type": "string"}, "Day of the call, UTC")),
                "by_model": table(model=said({"type": "string"}, "Model that was asked")),
                "by_asset": table(
                    project=project, asset=said({"type": "string"}, "Asset it was for")
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
            "value": said(value, "Null when nobody knows"),
            "from": said(
                {"enum": ["table", "learnt", "catalogue", "default", None]},
                "Who says so: the shipped table, an earlier call, the provider's catalogue",
            ),
            "date": said(date, "Day of the table or of the catalogue"),
        }
        return said(closed(fields), description)

    price: dict[str, Json] = {
        "per_image_usd": said(
            {"type": "object", "additionalProperties": AMOUNT},
            "By image size; the empty one is for a size that is not stated",
        ),
        "per_reference_usd": said(AMOUNT, "For each reference"),
        "basis": said({"type": "string"}, "How the figure came about"),
    }
    model: dict[str, Json] = {
        "id": said({"type": "string"}, "What a manifest writes as `model`"),
        "name": said({"type": ["string", "null"]}, "Its name for people"),
        "image_only": sourced({"type": ["boolean", "null"]}, "Whether it writes no text"),
        "max_references": sourced({"type": ["integer", "null"]}, "References it takes at most"),
        "aspect_ratios": sourced(texts, "Aspect ratios it takes"),
        "image_sizes": sourced(texts, "Image sizes it takes"),
        "max_tokens": sourced({"type": ["integer", "null"]}, "Sent unless the manifest states one"),
        "route": sourced({"enum": ["chat", "images"]}, "Route that is tried first"),
        "price": sourced({"anyOf": [closed(price), {"type": "null"}]}, "List price of an image"),
        "charges": said(
            {"type": "array", "items": {"type": "string"}}, "As the catalogue states them"
        ),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen models --json",
        "description": "What is known about models, and who says so.",
        **closed(
            {
                "version": {"const": MODELS_VERSION},
                "table_date": said({"type": "string"}, "Day of the shipped table"),
                "catalogue_date": said(date, "Day the catalogue was fetched; null for never"),
                "models": {"type": "array", "items": closed(model)},
            }
        ),
    }


def cache_json_schema() -> dict[str, Json]:
    """Schema of `cache size`, `cache verify` and `cache collect` with `--json`."""
    size = said(COUNT, "In bytes")
    text: dict[str, Json] = {"type": ["string", "null"]}
    stored: dict[str, Json] = {
        "kind": said({"enum": ["images", "kept", "incoming", "inputs"]}, "What it is"),
        "key": said({"type": "string"}, "Digest of the bytes; of inputs, the fingerprint"),
        "size_bytes": size,
        "bought": said({"type": "boolean"}, "Whether the ledger has a call that gave it"),
        "project": said(text, "Project that bought it"),
        "asset": said(text, "Asset it was bought for"),
        "model": said(text, "Model it was bought from"),
        "date": said(text, "Day it came, UTC"),
        "cost_usd": said(USD, "What it cost; null when the bill is unknown"),
    }
    holding: dict[str, Json] = {
        "kind": said({"type": "string"}, "What it is"),
        "path": said({"type": "string"}, "Where it is"),
        "count": said(COUNT, "How many files"),
        "size_bytes": size,
    }
    users: dict[str, Json] = {"type": "array", "items": {"type": "string"}}

    def document(action: str, **fields: Json) -> Json:
        path = said({"type": "string"}, "The cache folder")
        head: dict[str, Json] = {
            "version": {"const": STORE_VERSION},
            "action": {"const": action},
            "path": path,
        }
        return closed(head | fields)

    return {
        "$schema": DIALECT,
        "title": "assetgen cache --json",
        "description": "The store of this machine: size, soundness, what is unneeded.",
        "oneOf": [
            document(
                "size",
                holdings={"type": "array", "items": closed(holding)},
                size_bytes=size,
            ),
            document(
                "verify",
                count=said(COUNT, "Files that were read"),
                size_bytes=size,
                damaged={
                    "type": "array",
                    "items": closed(
                        {**stored, "assets": said(users, "Who has it: `LOCKFILE: NAME`")}
                    ),
                },
            ),
            document(
                "collect",
                dry_run=said({"type": "boolean"}, "True without `--yes`"),
                projects=said(users, "Lockfiles of the known projects"),
                leftovers={
                    "type": "array",
                    "items": closed(
                        {**stored, "removed": said({"type": "boolean"}, "Whether it is gone")}
                    ),
                },
                count=said(COUNT, "How many leftovers"),
                size_bytes=size,
                cost_usd=said(AMOUNT, "What they once cost, as far as known"),
                unknown_bills=said(COUNT, "Leftovers whose cost is unknown"),
                removed=said(COUNT, "How many are gone"),
                left=said(
                    closed(
                        {
                            "superseded": said(COUNT, "What a lockfile once named"),
                            "unknown": said(COUNT, "What no known project ever had"),
                            "kept": said(COUNT, "What you made, or had put aside"),
                        }
                    ),
                    "How many stay until the option of this name is given",
                ),
            ),
        ],
    }
