"""JSON Schemas of what is said about single images: explained, chosen, cleaned."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from assetgen.core.decision import Verdict
from assetgen.core.facts import FileState
from assetgen.core.orphan import OrphanState
from assetgen.core.product import KINDS
from assetgen.core.schemas.parts import DIALECT, DIGEST, USD, closed, said

if TYPE_CHECKING:
    from assetgen.core.model import Json


def explain_json_schema() -> dict[str, Json]:
    """Schema of `explain --json`."""
    states: list[Json] = ["same", "changed", "added", "removed", "new", "unknown"]
    names: dict[str, Json] = {"type": "array", "items": {"type": "string"}}
    one: dict[str, Json] = {
        "name": said({"type": "string"}, "As the plan's reasons call it"),
        "state": said(
            {"enum": states},
            "`new`: no image is recorded; `unknown`: what it reads is not made yet",
        ),
        "then": said({}, "What the recorded image was made from; null when not known in words"),
        "now": said({}, "What the manifest and the files say now; null when there is none"),
        "then_digest": said({"type": ["string", "null"]}, "First digits of its digest, then"),
        "now_digest": said({"type": ["string", "null"]}, "First digits of its digest, now"),
    }
    piece: dict[str, Json] = {
        "kind": said({"enum": ["both", "old", "new"]}, "Which of the two prompts has it"),
        "text": said({"type": "string"}, "A run of words"),
    }
    output: dict[str, Json] = {
        "path": said({"type": "string"}, "Relative to the project folder"),
        "state": said({"enum": [state.value for state in FileState]}, "What is there"),
        "digest": said({"anyOf": [DIGEST, {"type": "null"}]}, "SHA-256 of what is there"),
    }
    asset = closed(
        {
            "version": {"const": 1},
            "name": said({"type": "string"}, "Name of the asset"),
            "verdict": said({"enum": [v.value for v in Verdict]}, "As `plan` gives it"),
            "reason": said({"type": "string"}, "Why, for people"),
            "output": closed(output),
            "fingerprint": said(
                {"type": ["string", "null"]}, "Of today's inputs; null while one is unknown"
            ),
            "inputs": {"type": "array", "items": closed(one)},
            "prompt_diff": {"type": "array", "items": closed(piece)},
            "image": said(
                {"anyOf": [closed(_image_fields()), {"type": "null"}]},
                "The image that the lockfile names; null when it names none",
            ),
            "reads": said(names, "Assets whose images it reads"),
            "readers": said(names, "Assets that read its image"),
            "all_readers": said(names, "These, those that read theirs, and so on"),
            "steps": said(
                {"type": "array", "items": closed(_state_fields())},
                "Steps and expectations, against those of the recorded output",
            ),
            "products": said(names, "Variants, frames, atlases and exports made from it"),
        }
    )
    return {
        "$schema": DIALECT,
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
        "name": said({"type": "string"}, "As the plan's reasons call it"),
        "state": said({"enum": states}, "Against what is recorded"),
    }


def _product_explanation_schema(output: dict[str, Json], names: dict[str, Json]) -> Json:
    return closed(
        {
            "version": {"const": 1},
            "name": said({"type": "string"}, "`KIND:NAME`"),
            "kind": said({"enum": [*KINDS]}, "What it is"),
            "verdict": said({"enum": [v.value for v in Verdict]}, "As `plan` gives it"),
            "reason": said({"type": "string"}, "Why, for people"),
            "key": said(
                {"type": ["string", "null"]},
                "Of the images and settings; null while one is unknown, and for an export",
            ),
            "inputs": said(
                {"type": "array", "items": closed(_state_fields())}, "What it is made from"
            ),
            "files": said({"type": "array", "items": closed(output)}, "Its files"),
            "reads": said(names, "Assets and products that it is made from"),
            "readers": said(names, "Products that read it"),
        }
    )


def history_json_schema() -> dict[str, Json]:
    """Schema of `history --json`."""
    fields = _image_fields() | {
        "at": said({"type": ["string", "null"]}, "When it came, UTC"),
        "fingerprint": said({"type": "string"}, "Key of the inputs it was made from"),
        "is_current": said({"type": "boolean"}, "Whether the lockfile names it"),
        "is_of_today": said({"type": "boolean"}, "Whether it was made from today's inputs"),
        "prompt": said({"type": ["string", "null"]}, "Its prompt; null when not known here"),
        "path": said({"type": "string"}, "A file that holds the image"),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen history --json",
        "description": "The images of one asset that are still here, newest first.",
        **closed(
            {
                "version": {"const": 1},
                "name": said({"type": "string"}, "Name of the asset"),
                "images": {"type": "array", "items": closed(fields)},
                "gone": said(
                    {"type": "integer", "minimum": 0}, "Images known of whose bytes are not here"
                ),
            }
        ),
    }


def choices_json_schema() -> dict[str, Json]:
    """Schema of `use --json` and `adopt --json`."""
    one: dict[str, Json] = {
        "name": said({"type": "string"}, "Name of the asset"),
        "output": said({"type": "string"}, "Path of the output, relative to the project folder"),
        "status": said({"enum": ["recorded", "unchanged", "refused"]}, "What became of it"),
        "image": said({"anyOf": [DIGEST, {"type": "null"}]}, "The image it has now"),
        "message": said({"type": "string"}, "Why it was refused, for people"),
        "hint": said({"type": ["string", "null"]}, "What to do about it"),
        "readers": said(
            {"type": "array", "items": {"type": "string"}}, "Assets that read another image now"
        ),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen use --json, assetgen adopt --json",
        "description": "Which image each asset was given.",
        **closed({"version": {"const": 1}, "assets": {"type": "array", "items": closed(one)}}),
    }


def clean_json_schema() -> dict[str, Json]:
    """Schema of `clean --json`."""
    one: dict[str, Json] = {
        "output": said({"type": "string"}, "Path that the asset had"),
        "name": said({"type": "string"}, "Name of the asset"),
        "state": said(
            {"enum": list(typing.get_args(OrphanState))},
            "`removable`: `--yes` removes it; `left`: not touched; `gone`: not there any more",
        ),
        "reason": said({"type": "string"}, "Why it is left, or could not be removed"),
        "digest": said(
            {"anyOf": [DIGEST, {"type": "null"}]},
            "SHA-256 of its bytes, which are kept in the store when it is removed",
        ),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen clean --json",
        "description": "What moved and removed assets left behind.",
        **closed({"version": {"const": 1}, "orphans": {"type": "array", "items": closed(one)}}),
    }


def _image_fields() -> dict[str, Json]:
    """An image and its provenance; a file that was adopted has none."""
    return {
        "digest": said(DIGEST, "SHA-256 of the image as it came"),
        "format": said({"type": "string"}, "Its format"),
        "width_px": said({"type": "integer", "minimum": 1}, "Its width in pixels"),
        "height_px": said({"type": "integer", "minimum": 1}, "Its height in pixels"),
        "model": said({"type": ["string", "null"]}, "Model that made it; null for made by hand"),
        "provider": said({"type": ["string", "null"]}, "Provider that answered"),
        "generation_id": said({"type": ["string", "null"]}, "The provider's id of the call"),
        "cost_usd": said(USD, "The bill in US dollars; null when unknown or made by hand"),
        "date": said({"type": ["string", "null"]}, "Day the image came, UTC"),
    }
