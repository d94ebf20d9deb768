"""`assetgen models`, and what a fetched catalogue changes for plan, build and check."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from assetgen.core.catalogue import models_json
from assetgen.core.schemas.store import models_json_schema
from assetgen.session import Session
from assetgen.session.models import models
from tests.standin import API_KEY
from tests.standin.catalogue import FLAT, IMAGE_MODELS, MODELS, TALKING
from tests.standin.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

NOWHERE = {"OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere", "OPENROUTER_API_KEY": None}
GEMINI = "google/gemini-2.5-flash-image"


def manifest(ratio: str) -> str:
    return (
        "version: 1\nassets:\n"
        f"  flat: {{prompt: flat, model: {FLAT.id}, output: flat.png, aspect_ratio: '{ratio}'}}\n"
    )


def test_the_table_is_told_without_network_key_or_cache(cli: Cli, tmp_path: Path) -> None:
    listed = cli("models", env=NOWHERE)
    assert (listed.code, listed.err) == (0, "")
    (row,) = (line for line in listed.out.splitlines() if line.startswith(f"{GEMINI} "))
    assert row.split() == [*(GEMINI, "image+text", "$0.0387", "3", "1K", "10", "chat", "table")]
    assert "never fetched here; `assetgen models --refresh` does" in listed.out
    missing = cli("models", "gemini-2.5", env=NOWHERE)
    assert missing.code == 2
    assert f"did you mean `{GEMINI}`" in missing.err
    assert not (tmp_path / "cache").exists()


def test_a_fetched_catalogue_is_kept_and_says_what_no_table_knows(
    cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    openrouter.catalogue.faults[f"{IMAGE_MODELS}/{TALKING.id}/endpoints"] = Reply(status=404)
    fetched = cli("models", "--refresh", "standing/*", env={"OPENROUTER_API_KEY": None})
    assert fetched.code == 0
    assert f"does not tell the details of {TALKING.id}" in fetched.err
    assert [line.split()[0] for line in fetched.out.splitlines()[1:3]] == [FLAT.id, TALKING.id]
    known = models(FLAT.id, cli.env)
    document: Any = models_json(known.sheets, known.table_date, known.catalogue_date)
    Draft202012Validator(models_json_schema()).validate(document)
    (model,) = document["models"]
    assert (model["name"], model["image_only"]["from"]) == (FLAT.name, "catalogue")
    assert model["price"]["value"]["per_image_usd"] == {"": 0.05}
    assert model["price"]["date"] == document["catalogue_date"]
    details = cli("models", FLAT.id, env=NOWHERE).out
    for words in ("image only (catalogue of ", "at most 2 (catalogue of ", "$0.05 per image"):
        assert words in details


def test_build_and_plan_use_the_catalogue_and_check_decides_without_it(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    path = project.write("assets.yaml", manifest("16:9"))
    date = cli("models", "--refresh", "--json").json["catalogue_date"]
    planned = cli("plan").out
    assert "about $0.05" in planned
    assert f"list price: $0.05 per image (catalogue of {date})" in planned
    openrouter.model(FLAT.id, image_only=True)
    assert asyncio.run(Session(path, cli.env).build()).exit_code == 0
    assert [request.modalities for request in openrouter.generations] == [["image"]]

    project.write("assets.yaml", manifest("3:4"))
    refused = cli("build")
    assert refused.code == 2
    assert f"takes no `aspect_ratio` `3:4` (catalogue of {date})" in refused.err
    assert not Session(path, cli.env).check().is_up_to_date
    assert len(openrouter.generations) == 1


def test_a_catalogue_that_cannot_be_had_changes_nothing_and_shows_no_key(
    cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    openrouter.catalogue.faults = {MODELS: Reply(status=500, body=API_KEY.encode())}
    failed = cli("models", "--refresh")
    assert (failed.code, failed.out) == (1, "")
    assert "answered with HTTP 500" in failed.err
    assert API_KEY not in failed.err
    assert not (tmp_path / "cache").exists()
    assert all("authorization" not in request.headers for request in openrouter.requests)
