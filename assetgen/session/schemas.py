"""The JSON Schema of every document that people or programs exchange with assetgen, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.schemas.build import events_json_schema, plan_json_schema, report_json_schema
from assetgen.core.schemas.images import (
    choices_json_schema,
    clean_json_schema,
    explain_json_schema,
    history_json_schema,
)
from assetgen.core.schemas.lock import lock_json_schema
from assetgen.core.schemas.products import assets_json_schema, sheet_json_schema
from assetgen.core.schemas.store import cache_json_schema, costs_json_schema, models_json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from assetgen.core.model import Json


def _manifest_json_schema() -> dict[str, Json]:
    from assetgen.manifest.schema import manifest_json_schema  # noqa: PLC0415 - loads pydantic

    return manifest_json_schema()


SCHEMAS: Mapping[str, Callable[[], dict[str, Json]]] = {
    "manifest": _manifest_json_schema,
    "lock": lock_json_schema,
    "plan": plan_json_schema,
    "events": events_json_schema,
    "report": report_json_schema,
    "explain": explain_json_schema,
    "history": history_json_schema,
    "choices": choices_json_schema,
    "clean": clean_json_schema,
    "costs": costs_json_schema,
    "models": models_json_schema,
    "cache": cache_json_schema,
    "assets": assets_json_schema,
    "sheet": sheet_json_schema,
}
"""Those in `schemas/NAME.schema.json`."""
