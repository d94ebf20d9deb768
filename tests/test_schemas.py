"""schemas/*.json are what the code says, and what the command really writes fits them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from assetgen.core.schemas.build import events_json_schema, plan_json_schema
from assetgen.core.schemas.lock import lock_json_schema
from assetgen.session.schemas import SCHEMAS

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

ROOT = Path(__file__).parents[1]

MANIFEST = """\
version: 1
assets:
  hero: {prompt: A keeper, model: google/gemini-2.5-flash-image, output: hero.png}
  side:
    prompt: Her side
    model: google/gemini-2.5-flash-image
    reference: asset:hero
    output: side.webp
  logo: {source: mine.png, output: logo.png}
"""


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_is_what_the_code_says(name: str) -> None:
    path = ROOT / f"schemas/{name}.schema.json"
    text = json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("ASSETGEN_REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name]())


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_that_a_person_reads_is_described(name: str) -> None:
    missing: list[str] = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, field in node.get("properties", {}).items():
                is_clear = "const" in field or "$ref" in field or name == "events"
                nested = "properties" in field or "properties" in field.get("items", {})
                if not is_clear and not nested and "description" not in field:
                    missing.append(f"{path}.{key}")
            for key, value in node.items():
                if key not in {"if", "then", "else"}:
                    walk(value, f"{path}.{key}")
        elif isinstance(node, list):
            for item in node:
                walk(item, path)

    walk(SCHEMAS[name](), name)
    assert not missing


def test_what_the_command_writes_fits_its_schema(project: Project, cli: Cli) -> None:
    from tests.standin import picture  # noqa: PLC0415 - only this test draws

    project.write("mine.png", picture("logo"))
    project.write("assets.yaml", MANIFEST)
    plan = Draft202012Validator(plan_json_schema())
    events = Draft202012Validator(events_json_schema())
    plan.validate(cli("plan", "--json").json)
    for event in cli("build", "--json").events:
        events.validate(event)
    plan.validate(cli("check", "--json").json)
    project.write("assets.yaml", MANIFEST.replace("output: side.webp", "output: moved.webp"))
    assert cli("build").code == 0
    assert any(line.get("orphan") for line in project.lock)
    Draft202012Validator(lock_json_schema()).validate(project.lock)
