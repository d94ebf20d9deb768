"""Assets and atlases as JSON, by `schemas/assets.schema.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.addresses import under
from assetgen.core.layout import laid_out
from assetgen.core.sheet_text import frames_document

if TYPE_CHECKING:
    from assetgen.core.finish import Export
    from assetgen.core.listing import ListedAsset, ListedAtlas, ListedFile, Listing
    from assetgen.core.model import Json

ASSETS_VERSION = 1
"""Raise it when a reader must know."""


def json_text(export: Export, listing: Listing) -> str:
    """The listing; paths are those of files, with the export's base in front."""
    document: dict[str, Json] = {
        "version": ASSETS_VERSION,
        "assets": {asset.name: _asset(export, asset) for asset in listing.assets},
        "atlases": {atlas.sheet.name: _atlas(export, atlas) for atlas in listing.atlases},
    }
    return laid_out(document, 4) + "\n"


def _asset(export: Export, asset: ListedAsset) -> dict[str, Json]:
    return {
        **_file(export, asset.file_in(export.root)),
        "description": asset.description,
        "tags": list(asset.tags),
        "color": asset.colour,
        "thumbhash": asset.thumbhash,
        "variants": [_file(export, file) for file in asset.variants],
        "frames": [_file(export, file) for file in asset.frames],
    }


def _file(export: Export, file: ListedFile) -> dict[str, Json]:
    return {
        "path": under(file.path, export.root, export.base),
        "format": file.format,
        "width": file.width_px,
        "height": file.height_px,
    }


def _atlas(export: Export, atlas: ListedAtlas) -> dict[str, Json]:
    sheet = atlas.sheet
    return {
        "pages": [
            {
                "path": under(page.path, export.root, export.base),
                "width": page.width_px,
                "height": page.height_px,
            }
            for page in sheet.pages
        ],
        "data": [
            {"format": name, "path": under(path, export.root, export.base)}
            for name, path in atlas.data
        ],
        "frames": frames_document(sheet),
        "animations": {name: list(frames) for name, frames in sheet.animations.items()},
    }
