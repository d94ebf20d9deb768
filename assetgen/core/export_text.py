"""What code imports, as text: one of four formats, from the same listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.exports.html_text import html_text
from assetgen.core.exports.json_text import json_text
from assetgen.core.exports.python_text import python_text
from assetgen.core.exports.typescript_text import typescript_text

if TYPE_CHECKING:
    from assetgen.core.finish import Export
    from assetgen.core.listing import Listing


def export_text(export: Export, listing: Listing) -> str:
    """The text of an export; the same listing gives the same text."""
    match export.format:
        case "json":
            return json_text(export, listing)
        case "typescript":
            return typescript_text(export, listing)
        case "python":
            return python_text(export, listing)
        case "html":
            return html_text(export, listing)
