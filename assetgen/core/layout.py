"""JSON that people can read and version control can merge: one thing a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.model import Json


def laid_out(value: Json, levels: int, indent: str = "") -> str:
    """`value` as JSON, its outer `levels` spread over lines and the rest of each on one line."""
    if not levels or not value or not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    if isinstance(value, dict):
        pairs = value.items()
        lines = [
            f"{inner}{json.dumps(k, ensure_ascii=False)}: {laid_out(v, levels - 1, inner)}"
            for k, v in pairs
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    lines = [inner + laid_out(item, levels - 1, inner) for item in value]
    return "[\n" + ",\n".join(lines) + f"\n{indent}]"
