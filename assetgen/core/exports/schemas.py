"""JSON Schemas of the JSON that other programs read: data of an atlas, and the `json` export."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from assetgen.core.exports.json_text import ASSETS_VERSION
from assetgen.core.finish import SheetFormat
from assetgen.core.model import ImageFormat
from assetgen.core.sheet_text import SHEET_VERSION

if TYPE_CHECKING:
    from assetgen.core.model import Json

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: dict[str, Json] = {"type": "string"}
_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_SIDE: dict[str, Json] = {"type": "integer", "minimum": 1}


def sheet_json_schema() -> dict[str, Json]:
    """Schema of the data file `json` of an atlas."""
    page = _closed(
        {
            "image": _said(_TEXT, "Path of the page, relative to this file"),
            "width": _said(_SIDE, "Width of the page in pixels"),
            "height": _said(_SIDE, "Height of the page in pixels"),
        }
    )
    return {
        "$schema": _DIALECT,
        "title": "assetgen atlas",
        "description": "Where each frame of an atlas is.",
        **_closed(
            {
                "version": {"const": SHEET_VERSION},
                "name": _said(_TEXT, "Name of the atlas"),
                "pages": _said(_list(page), "Its pages; frames count them from 0"),
                "frames": _frames(),
                "animations": _animations(),
            }
        ),
    }


def assets_json_schema() -> dict[str, Json]:
    """Schema of what an export with `format: json` writes."""
    path = "With the export's `base` in front, relative to its `root`"
    file: dict[str, Json] = {
        "path": _said(_TEXT, f"Path of the file. {path}"),
        "format": _said({"enum": list(get_args(ImageFormat))}, "Format of the file"),
        "width": _said(_SIDE, "Width in pixels"),
        "height": _said(_SIDE, "Height in pixels"),
    }
    page: dict[str, Json] = {
        "path": _said(_TEXT, f"Path of the page. {path}"),
        "width": _said(_SIDE, "Width of the page in pixels"),
        "height": _said(_SIDE, "Height of the page in pixels"),
    }
    data: dict[str, Json] = {
        "format": _said({"enum": list(get_args(SheetFormat))}, "What is in the file"),
        "path": _said(_TEXT, f"Path of the data file. {path}"),
    }
    nullable: dict[str, Json] = {"type": ["string", "null"]}
    asset: dict[str, Json] = {
        **file,
        "description": _said(_TEXT, "The asset's description; empty when it has none"),
        "tags": _said(_list(_TEXT), "The asset's tags"),
        "color": _said(
            {**nullable, "pattern": "^#[0-9a-f]{6}$"},
            "Dominant colour; null when it is not known",
        ),
        "thumbhash": _said(nullable, "ThumbHash in base64; null when it is not known"),
        "variants": _said(_list(_closed(file)), "Files for the web, the best format first"),
        "frames": _said(_list(_closed(file)), "Files of its frames in order"),
    }
    atlas: dict[str, Json] = {
        "pages": _said(_list(_closed(page)), "Its pages; frames count them from 0"),
        "data": _said(_list(_closed(data)), "Its data files"),
        "frames": _frames(),
        "animations": _animations(),
    }
    return {
        "$schema": _DIALECT,
        "title": "assetgen export",
        "description": "Written by assetgen for programs that load pictures.",
        **_closed(
            {
                "version": {"const": ASSETS_VERSION},
                "assets": _said(_map(_closed(asset)), "The assets by name"),
                "atlases": _said(_map(_closed(atlas)), "The atlases by name"),
            }
        ),
    }


def _frames() -> dict[str, Json]:
    frame = _closed(
        {
            "page": _said(_COUNT, "Which page it is on, from 0"),
            "x": _said(_COUNT, "Where it begins on the page, in pixels from the left"),
            "y": _said(_COUNT, "Where it begins on the page, in pixels from the top"),
            "width": _said(_SIDE, "Its width on the page in pixels"),
            "height": _said(_SIDE, "Its height on the page in pixels"),
            "source_x": _said(_COUNT, "Where that begins in the whole picture, from the left"),
            "source_y": _said(_COUNT, "Where that begins in the whole picture, from the top"),
            "source_width": _said(_SIDE, "Width of the whole picture, before it was trimmed"),
            "source_height": _said(_SIDE, "Height of the whole picture, before it was trimmed"),
        }
    )
    return _said(_map(frame), "Where each frame is, by its name")


def _animations() -> dict[str, Json]:
    return _said(_map(_list(_TEXT)), "Names of frames in the order they are shown, by animation")


def _closed(fields: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _map(value: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": value}


def _list(item: dict[str, Json]) -> dict[str, Json]:
    return {"type": "array", "items": item}


def _said(schema: dict[str, Json], description: str) -> dict[str, Json]:
    return {**schema, "description": description}
