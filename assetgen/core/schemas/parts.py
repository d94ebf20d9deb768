"""What several JSON Schemas have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.model import Json


DIALECT = "https://json-schema.org/draft/2020-12/schema"
USD: dict[str, Json] = {"type": ["number", "null"], "minimum": 0}
AMOUNT: dict[str, Json] = {"type": "number", "minimum": 0}
COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
TEXT: dict[str, Json] = {"type": "string"}
NULL: dict[str, Json] = {"type": "null"}
DIGEST: dict[str, Json] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def fault() -> Json:
    """The schema of one fault: what, where when it has a place, and what to do."""
    text: dict[str, Json] = {"type": ["string", "null"]}
    number: dict[str, Json] = {"type": ["integer", "null"]}
    return closed(
        {
            "message": {"type": "string"},
            "file": text,
            "line": number,
            "column": number,
            "hint": text,
        }
    )


def said(schema: dict[str, Json], description: str) -> dict[str, Json]:
    """A schema with its description in front."""
    return {"description": description, **schema}


def closed(fields: dict[str, Json]) -> dict[str, Json]:
    """An object that has all of these fields and no other."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
