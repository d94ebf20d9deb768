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


FINISHED = """\
version: 1
defaults: {steps: [trim, {tile: {axes: both, blend: 25}}], expect: {size: 64}}
assets:
  hero:
    prompt: a
    model: a/b
    output: art/hero.png
    steps:
      - remove_background: {ground: "#ff00ff", tolerance: 24, feather: 1, holes: clear}
      - trim
      - trim:
      - crop: {width: 100, height: 80, x: 0, y: 0}
      - resize: {width: 256, height: 256, fit: contain, filter: lanczos, gravity: center}
      - pad: {width: 300, height: 300, margin: 4, color: "#ffffff", gravity: centre}
      - pixelate: {width: 32, height: 32, scale: 4, palette: {colors: 16}}
      - palette: {file: art/pico8.hex, dither: ordered}
      - slice: {columns: 4, rows: 2, frames: 7, output: "a/${frame}.png", anchor: bottom}
    expect: {alpha: true, size: 256x256, max_bytes: 200kB, seamless: true, colors: 16}
    variants:
      widths: [480, 960]
      formats: [avif, jpg]
      quality: {avif: 55}
      output: "public/img/hero-${width}.${hash}.${format}"
atlases:
  ui:
    assets: ["tag:icons", "hero*"]
    output: public/ui.png
    data: {json-hash: public/ui.json, css: public/ui.css, json: public/ui.plain.json}
    animations: {walk: ["walk-*"], run: hero}
exports:
  web: {format: html, output: a.html, assets: ["*"], base: /img/, root: public, sizes: 100vw}
"""


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
        HEAD + "atlases:\nexports:\n" + hero("steps: ~\nexpect: ~\nvariants: ~"),
        FINISHED,
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


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("- trim\n", "- trimm\n"),
        ("crop: {width: 100", "crop: {widht: 100"),
        ("fit: contain", "fit: contains"),
        ("gravity: center", "gravity: middle"),
        ("blend: 25", "blend: 51"),
        ("200kB", "200 apples"),
        ("[480, 960]", "[480, 480]"),
        ("[480, 960]", "[0]"),
        ("formats: [avif, jpg]", "formats: []"),
        ("{avif: 55}", "{png: 55}"),
        ("json-hash:", "json-array:"),
        ("format: html", "format: yaml"),
        ("colors: 16}}", "colors: 1}}"),
        ("axes: both", "axes: z"),
    ],
)
def test_the_schema_refuses_what_finished_pictures_cannot_be(right: str, wrong: str) -> None:
    assert FINISHED.count(right) == 1
    assert not _is_valid(FINISHED.replace(right, wrong))


@pytest.mark.parametrize("case", FIELD_FAULTS)
def test_the_schema_refuses_fields_that_the_loader_refuses(case: str) -> None:
    text = HEAD + hero(FIELD_FAULTS[case][0]).replace("«", "").replace("»", "")
    assert _is_valid(text) == (case in SEEN_BY_THE_LOADER_ONLY)


@pytest.mark.parametrize("case", TOP_FAULTS)
def test_the_schema_refuses_manifests_that_the_loader_refuses(case: str) -> None:
    text = TOP_FAULTS[case][0].replace("«", "").replace("»", "")
    assert _is_valid(text) == (case in SEEN_BY_THE_LOADER_ONLY)
