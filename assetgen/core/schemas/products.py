"""JSON Schemas of the JSON that other programs read: data of an atlas, and the `json` export."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from assetgen.core.exports.json_text import ASSETS_VERSION
from assetgen.core.finish import SheetFormat
from assetgen.core.model import ImageFormat
from assetgen.core.schemas.parts import COUNT, DIALECT, TEXT, closed, said
from assetgen.core.sheet_text import SHEET_VERSION

if TYPE_CHECKING:
    from assetgen.core.model import Json

_SIDE: dict[str, Json] = {"type": "integer", "minimum": 1}


def sheet_json_schema() -> dict[str, Json]:
    """Schema of the data file `json` of an atlas."""
    page = closed(
        {
            "image": said(TEXT, "Path of the page, relative to this file"),
            "width": said(_SIDE, "Width of the page in pixels"),
            "height": said(_SIDE, "Height of the page in pixels"),
        }
    )
    return {
        "$schema": DIALECT,
        "title": "assetgen atlas",
        "description": "Where each frame of an atlas is.",
        **closed(
            {
                "version": {"const": SHEET_VERSION},
                "name": said(TEXT, "Name of the atlas"),
                "pages": said(_list(page), "Its pages; frames count them from 0"),
                "frames": _frames(),
                "animations": _animations(),
            }
        ),
    }


def assets_json_schema() -> dict[str, Json]:
    """Schema of what an export with `format: json` writes."""
    path = "With the export's `base` in front, relative to its `root`"
    file: dict[str, Json] = {
        "path": said(TEXT, f"Path of the file. {path}"),
        "format": said({"enum": list(get_args(ImageFormat))}, "Format of the file"),
        "width": said(_SIDE, "Width in pixels"),
        "height": said(_SIDE, "Height in pixels"),
    }
    page: dict[str, Json] = {
        "path": said(TEXT, f"Path of the page. {path}"),
        "width": said(_SIDE, "Width of the page in pixels"),
        "height": said(_SIDE, "Height of the page in pixels"),
    }
    data: dict[str, Json] = {
        "format": said({"enum": list(get_args(SheetFormat))}, "What is in the file"),
        "path": said(TEXT, f"Path of the data file. {path}"),
    }
    nullable: dict[str, Json] = {"type": ["string", "null"]}
    asset: dict[str, Json] = {
        **file,
        "description": said(TEXT, "The asset's description; empty when it has none"),
        "tags": said(_list(TEXT), "The asset's tags"),
        "color": said(
            {**nullable, "pattern": "^#[0-9a-f]{6}$"},
            "Dominant colour; null when it is not known",
        ),
        "thumbhash": said(nullable, "ThumbHash in base64; null when it is not known"),
        "variants": said(_list(closed(file)), "Files for the web, the best format first"),
        "frames": said(_list(closed(file)), "Files of its frames in order"),
    }
    atlas: dict[str, Json] = {
        "pages": said(_list(closed(page)), "Its pages; frames count them from 0"),
        "data": said(_list(closed(data)), "Its data files"),
        "frames": _frames(),
        "animations": _animations(),
    }
    return {
        "$schema": DIALECT,
        "title": "assetgen export",
        "description": "Written by assetgen for programs that load pictures.",
        **closed(
            {
                "version": {"const": ASSETS_VERSION},
                "assets": said(_map(closed(asset)), "The assets by name"),
                "atlases": said(_map(closed(atlas)), "The atlases by name"),
            }
        ),
    }


def _frames() -> dict[str, Json]:
    frame = closed(
        {
            "page": said(COUNT, "Which page it is on, from 0"),
            "x": said(COUNT, "Where it begins on the page, in pixels from the left"),
            "y": said(COUNT, "Where it begins on the page, in pixels from the top"),
            "width": said(_SIDE, "Its width on the page in pixels"),
            "height": said(_SIDE, "Its height on the page in pixels"),
            "source_x": said(COUNT, "Where that begins in the whole picture, from the left"),
            "source_y": said(COUNT, "Where that begins in the whole picture, from the top"),
            "source_width": said(_SIDE, "Width of the whole picture, before it was trimmed"),
            "source_height": said(_SIDE, "Height of the whole picture, before it was trimmed"),
        }
    )
    return said(_map(frame), "Where each frame is, by its name")


def _animations() -> dict[str, Json]:
    return said(_map(_list(TEXT)), "Names of frames in the order they are shown, by animation")


def _map(value: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": value}


def _list(item: dict[str, Json]) -> dict[str, Json]:
    return {"type": "array", "items": item}
