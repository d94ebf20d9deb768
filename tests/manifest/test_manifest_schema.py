"""The JSON Schema that editors read: current, explained, and of one mind with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from assetgen.manifest.faults import Faults
from assetgen.manifest.parse import parse
from assetgen.manifest.scalars import as_json
from assetgen.manifest.schema import AssetEntry, manifest_json_schema
from tests.manifest.support import HEAD, hero
from tests.manifest.test_manifest_fields import DESIGN, FIELD_FAULTS, TOP_FAULTS

CHECKED_IN = Path(__file__).parents[2] / "schemas" / "manifest.schema.json"


def _is_valid(text: str) -> bool:
    document = parse(text.encode(), "assets.yaml", Faults())
    assert document is not None
    validator = jsonschema.Draft202012Validator(manifest_json_schema())
    return validator.is_valid(as_json(document.data))


def test_the_checked_in_schema_is_current() -> None:
    current = json.dumps(manifest_json_schema(), indent=2, sort_keys=False, ensure_ascii=False)
    assert CHECKED_IN.read_text(encoding="utf-8") == current + "\n"


def test_the_schema_is_a_schema_of_draft_2020_12() -> None:
    schema = manifest_json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_every_field_is_explained() -> None:
    def unexplained(schema: dict[str, Any], path: str) -> list[str]:
        found = []
        for name, field in schema.get("properties", {}).items():
            if not field.get("description"):
                found.append(f"{path}.{name}")
        return found

    schema = manifest_json_schema()
    parts = {"": schema, **schema["$defs"]}
    assert [name for path, part in parts.items() for name in unexplained(part, path)] == []
    assert set(schema["$defs"]["AssetEntry"]["properties"]) == set(AssetEntry.model_fields)


@pytest.mark.parametrize(
    "text",
    [
        DESIGN,
        "version: 1\nassets: {}\n",
        "version: 1\nassets:\ndefaults:\nvars:\nstyles:\nbudget:\ninclude:\nproject:\nprovider:\n",
        HEAD + "vars: {a: 012, b: true, c: 1.5, d: x}\n" + hero("tags: [2024]"),
        HEAD + hero("matrix: {a: [1, x, true]}"),
        HEAD + hero("matrix: [{a: 1, b: x}]"),
        HEAD + hero("seed: ~\nstyle: ~\nmodel: ~\nreference: ~\ntags: ~\nmatrix: ~\napi: ~"),
        HEAD + hero("reference: asset:hero\nmodalities: [IMAGE, text]\nparams: {a: {model: 1}}"),
        HEAD + hero("source: a.png\nmodel: ~\ntags: [a]\npinned: true"),
    ],
)
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    assert _is_valid(text)


SEEN_BY_THE_LOADER_ONLY = {
    "empty prompt",
    "aspect ratio",
    "ratio of nothing",
    "image size",
    "quality",
    "modalities without image",
    "tag with a space",
    "refused parameter: MODELS",
    "refused parameter: N",
    "infinite parameter",
    "parameter that is no number",
    "infinite timeout",
    "huge parameter",
    "parameter stated twice",
    "model without author",
    "model like nothing known",
    "model with a space",
    "no model",
    "ratio not taken",
    "size not taken",
    "no ratios taken at all",
    "too many references",
    "no references taken",
    "unknown style",
    "style like nothing known",
    "matrix variable called prompt",
    "matrix variable that is no name",
    "variable that is no name",
    "variable called prompt",
    "name",
    "provider",
    "provider like nothing known",
    "value of a default, at the default",
    "default that the default model does not take",
    "default that an asset's own model does not take",
}
"""What a schema cannot say, or an editor should not: it depends on variables or on the model."""


@pytest.mark.parametrize("case", FIELD_FAULTS)
def test_the_schema_refuses_fields_that_the_loader_refuses(case: str) -> None:
    text = HEAD + hero(FIELD_FAULTS[case][0]).replace("«", "").replace("»", "")
    assert _is_valid(text) == (case in SEEN_BY_THE_LOADER_ONLY)


@pytest.mark.parametrize("case", TOP_FAULTS)
def test_the_schema_refuses_manifests_that_the_loader_refuses(case: str) -> None:
    text = TOP_FAULTS[case][0].replace("«", "").replace("»", "")
    assert _is_valid(text) == (case in SEEN_BY_THE_LOADER_ONLY)
