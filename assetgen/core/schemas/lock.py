"""The JSON Schema of the lockfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.lock_text import LOCK_VERSION
from assetgen.core.schemas.parts import DIALECT, DIGEST, TEXT, USD, closed, said

if TYPE_CHECKING:
    from assetgen.core.model import Json


def lock_json_schema() -> dict[str, Json]:
    """Schema of `assets.lock`: an array whose first element is the header."""
    fields: dict[str, Json] = {
        "orphan": said({"const": True}, "The asset has moved or gone; its file may be left"),
        "name": said({"type": "string"}, "Name of the asset"),
        "output": said({"type": "string"}, "Path of the output, relative to the project folder"),
        "digest": said(DIGEST, "SHA-256 of the output"),
        "image": said(DIGEST, "SHA-256 of the image as it came"),
        "format": said({"type": "string"}, "Format of the image as it came"),
        "width_px": said({"type": "integer", "minimum": 1}, "Its width in pixels"),
        "height_px": said({"type": "integer", "minimum": 1}, "Its height in pixels"),
        "fingerprint": said(
            {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "Key of the inputs it was made from"
        ),
        "key_scheme": said({"type": "integer", "maximum": KEY_SCHEME}, "How that key is made"),
        "inputs": said(
            {"type": "object", "additionalProperties": {"type": "string"}},
            "Short digest of each input, to tell which one changed",
        ),
        "finish": said(
            {"type": "string"}, "Steps and expectations it was made with, by name and short digest"
        ),
        "output_width_px": said({"type": "integer", "minimum": 1}, "Width of the output"),
        "output_height_px": said({"type": "integer", "minimum": 1}, "Height of the output"),
        "convert_version": said({"type": "integer"}, "How the output was converted from it"),
        "take": said({"type": "integer", "minimum": 1}, "Raised to ask for another image"),
        "model": said({"type": "string"}, "Model that made the image"),
        "provider": said({"type": ["string", "null"]}, "Provider that answered"),
        "generation_id": said({"type": ["string", "null"]}, "The provider's id of the call"),
        "cost_usd": said(USD, "The bill in US dollars; null when it is unknown"),
        "date": said({"type": "string", "format": "date"}, "Day the image came, UTC"),
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
        "$schema": DIALECT,
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
    name = said({"type": "string", "pattern": ":"}, "`KIND:NAME` of variants, frames and such")
    texts: dict[str, Json] = {"type": "object", "additionalProperties": {"type": "string"}}
    size: dict[str, Json] = {"type": "integer", "minimum": 1}
    file: dict[str, Json] = {
        "role": said(TEXT, "Which of the pictures: width and format, or a number"),
        "digest": said(DIGEST, "SHA-256 of the file"),
        "format": said(TEXT, "Its format"),
        "width_px": said(size, "Its width in pixels"),
        "height_px": said(size, "Its height in pixels"),
    }
    bundle: dict[str, Json] = {
        "files": said({"type": "array", "items": closed(file)}, "The pictures"),
        "colour": said(TEXT, "Dominant colour of variants"),
        "thumbhash": said(TEXT, "ThumbHash of variants, in base64"),
        "has_alpha": said({"type": "boolean"}, "Whether some of the picture is transparent"),
        "frames": said({"type": "array"}, "Name, page, place and source of each frame"),
    }
    product: dict[str, Json] = {
        "product": name,
        "key": said({"type": "string"}, "Key of the images and settings it was made from"),
        "inputs": said(texts, "Short digest of each of these, to tell which one changed"),
        "bundle": said(
            {
                "type": "object",
                "properties": bundle,
                "required": ["files"],
                "additionalProperties": False,
            },
            "What was made",
        ),
        "outputs": said(
            {"type": "object", "additionalProperties": DIGEST}, "SHA-256 of each file by path"
        ),
    }
    left: dict[str, Json] = {
        "orphan": said({"const": True}, "Nothing needs the file any more; it may be left"),
        "product": name,
        "output": said(TEXT, "Path of the file, relative to the project folder"),
        "digest": said(DIGEST, "SHA-256 of the file"),
    }
    return {
        "if": {"required": ["orphan"]},
        "then": closed(left),
        "else": {
            "type": "object",
            "properties": product,
            "required": ["product", "outputs"],
            "dependentRequired": {"key": ["inputs", "bundle"]},
            "additionalProperties": False,
        },
    }
