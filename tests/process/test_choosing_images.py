"""Living with bought images: explain, history, use, adopt and clean, from the command line."""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from assetgen.core.schemas.images import (
    choices_json_schema,
    clean_json_schema,
    explain_json_schema,
    history_json_schema,
)
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

MANIFEST = """\
version: 1
project: bay
defaults: {model: google/gemini-2.5-flash-image}
assets:
  hero: {prompt: 'A lighthouse keeper, full body', output: art/hero.png}
  side: {prompt: Her side, reference: 'asset:hero', output: art/side.webp}
"""
FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""


@pytest.fixture
def built(project: Project, cli: Cli) -> Project:
    """Two images, the second made from the first."""
    project.write("assets.yaml", MANIFEST)
    result = cli("build")
    assert result.code == 0, result.err
    return project


def edit(project: Project, old: str, new: str) -> None:
    text = project.read_text("assets.yaml")
    assert old in text
    project.write("assets.yaml", text.replace(old, new))


def digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def entry(project: Project, name: str) -> Any:
    (found,) = (line for line in project.lock if line.get("name") == name)
    return found


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


# Explain


def test_explain_shows_what_changed_without_key_or_network(built: Project, cli: Cli) -> None:
    edit(built, "keeper, full", "captain, full")
    plan = cli("plan", "hero", "--json", env=FREE).json["assets"][0]
    result = cli("explain", "hero", env=FREE)
    assert (result.code, result.err) == (0, "")
    assert f"hero: generate: {plan['reason']}" in result.out
    assert "A lighthouse [-keeper,-]{+captain,+} full body" in lines(result.out)
    image = entry(built, "hero")
    for words in (image["image"], image["generation_id"], "$0.0387", "128x128 px", image["date"]):
        assert words in result.out, words
    assert "read by: side" in result.out
    assert "\x1b" not in result.out
    document = cli("explain", "hero", "--json", env=FREE).json
    Draft202012Validator(explain_json_schema()).validate(document)
    assert (document["verdict"], document["reason"]) == ("generate", "prompt changed")
    assert [one["name"] for one in document["inputs"] if one["state"] == "changed"] == ["prompt"]


def test_explain_in_a_fresh_clone_names_what_changed_by_digests(
    built: Project, cli: Cli, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(built.path(".assetgen"))
    edit(built, "keeper, full", "captain, full")
    result = cli("explain", "hero", env=FREE)
    assert result.code == 0
    assert "only digests are known" in result.out
    assert f"sha256:{entry(built, 'hero')['inputs']['prompt']}…" in result.out
    assert "A lighthouse captain, full body" in result.out
    assert not (tmp_path / "cache").exists(), "explaining writes nothing"


def test_a_lockfile_that_commands_terminals_does_not(built: Project, cli: Cli) -> None:
    text = built.read_text("assets.lock").replace('"model": "google', '"model": "\\u001b[2Jgoogle')
    built.write("assets.lock", text)
    result = cli("explain", "hero")
    assert result.code == 0
    assert "[2Jgoogle" in result.out
    assert "\x1b" not in result.out + result.err


def test_a_name_or_digest_that_cannot_be_one_is_exit_2(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", MANIFEST)
    for arguments in (["history", "h*"], ["use", "hero", "sha256:"]):
        result = cli(*arguments)
        assert (result.code, result.out) == (2, ""), arguments
        assert "\nhint: " in result.err
    assert not project.path("assets.lock").exists()


# History and use


@pytest.fixture
def twice(built: Project, cli: Cli) -> Project:
    """`hero` was bought from two prompts; `side` from each of them."""
    edit(built, "keeper, full", "captain, full")
    assert cli("build").code == 0
    return built


def test_history_and_use_bring_an_older_image_back_for_free(
    twice: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    bought = len(openrouter.generations)
    document = cli("history", "hero", "--json", env=FREE).json
    Draft202012Validator(history_json_schema()).validate(document)
    newest, oldest = document["images"]
    assert [newest["is_current"], oldest["is_current"]] == [True, False]
    assert oldest["prompt"] == "A lighthouse keeper, full body"
    assert oldest["cost_usd"] == 0.0387
    with open(oldest["path"], "rb") as file:
        assert digest(file.read()) == oldest["digest"]
    listed = cli("history", "hero", env=FREE)
    short = oldest["digest"].removeprefix("sha256:")[:8]
    assert short in listed.out
    assert "prompt then: A lighthouse keeper, full body" in listed.out

    used = cli("use", "hero", short, env=FREE)
    assert used.code == 0, used.err
    assert newest["digest"] in used.err, "the bytes that were replaced are named"
    assert digest(twice.read_bytes("art/hero.png")) == oldest["digest"]
    recorded = entry(twice, "hero")
    assert recorded["image"] == oldest["digest"]
    assert recorded["generation_id"] == oldest["generation_id"]
    assert cli("build").err.endswith("1 restored, 1 up to date\n")
    assert len(openrouter.generations) == bought
    os.unlink(newest["path"])
    assert "1 more image is known of and no longer in the store" in cli("history", "hero").out
    refused = cli("use", "hero", newest["digest"])
    assert (refused.code, refused.out) == (2, "")
    assert "no longer in the store" in refused.err


def test_bytes_that_a_forced_image_replaced_come_back_by_the_digest_that_was_told(
    built: Project, cli: Cli
) -> None:
    mine = picture("painted")
    built.write("art/hero.png", mine)
    forced = cli("build", "--force", "hero")
    assert f"the former bytes are kept as {digest(mine)}" in forced.err
    used = cli("use", "hero", digest(mine), env=FREE)
    assert used.code == 0, used.err
    assert built.read_bytes("art/hero.png") == mine
    assert entry(built, "hero")["image"] == digest(mine)


# Adopt


def test_an_edited_image_is_adopted_and_its_readers_follow(built: Project, cli: Cli) -> None:
    painted = picture("by hand")
    built.write("art/hero.png", painted)
    held = cli("plan", "--json").json["assets"][0]
    assert held["verdict"] == "hold"
    assert "`assetgen adopt hero`" in held["reason"]
    assert "`assetgen build --force hero`" in held["reason"]
    result = cli("adopt", "hero", env=FREE)
    assert result.code == 0, result.err
    assert digest(painted) in result.out
    assert "side" in result.err
    assert "model" not in entry(built, "hero")
    plan = {a["name"]: a["verdict"] for a in cli("plan", "--json").json["assets"]}
    assert plan == {"hero": "keep", "side": "generate"}


def test_a_draft_that_is_forced_over_an_adopted_picture_is_what_the_lockfile_says(
    project: Project, cli: Cli
) -> None:
    project.write("assets.yaml", MANIFEST.replace("project: bay", "project: bay\nprovider: draft"))
    assert cli("build").code == 0
    drawn = digest(project.read_bytes("art/hero.png"))
    project.write("art/hero.png", picture("painted"))
    assert cli("adopt", "hero").code == 0
    assert cli("build").code == 0
    forced = cli("build", "--force", "hero")
    assert digest(project.read_bytes("art/hero.png")) == drawn
    assert entry(project, "hero")["digest"] == drawn
    assert "generated side" in forced.err or "restored side" in forced.err
    assert cli("check").code == 0
    assert cli("build").err == "up to date\n"


def test_new_words_for_the_same_picture_are_adopted_for_free(
    built: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    before = entry(built, "side")
    edit(built, "Her side", "The keeper from her side")
    document = cli("adopt", "*", "--json", env=FREE).json
    Draft202012Validator(choices_json_schema()).validate(document)
    assert [one["status"] for one in document["assets"]] == ["unchanged", "recorded"]
    after = entry(built, "side")
    assert after["fingerprint"] != before["fingerprint"]
    for field in ("digest", "image", "model", "generation_id", "cost_usd", "date"):
        assert after[field] == before[field], field
    assert cli("build").err == "up to date\n"
    assert len(openrouter.generations) == 2


def test_what_cannot_be_adopted_is_told_one_by_one_and_the_rest_is_adopted(
    project: Project, cli: Cli
) -> None:
    project.write("assets.yaml", MANIFEST + "  logo: {source: mine.png, output: logo.png}\n")
    project.write("mine.png", picture("mine"))
    project.write("art/hero.png", picture("hero"))
    project.write("art/side.webp", b"no picture")
    result = cli("adopt", "*", env=FREE)
    assert result.code == 1
    assert result.out.startswith("recorded  hero  art/hero.png  sha256:")
    assert "error: side: `art/side.webp` is not a readable image\nhint: " in result.err
    assert "error: logo: the image of `logo` is the file `mine.png`\nhint: " in result.err
    assert [line["name"] for line in project.lock[1:]] == ["hero"]


# Clean


def test_clean_lists_then_removes_what_assetgen_wrote_and_nothing_else(
    built: Project, cli: Cli, tmp_path: Path
) -> None:
    made = built.read_bytes("art/side.webp")
    edit(built, "  side:", "  #side:")
    listed = cli("clean", env=FREE)
    assert (listed.code, listed.out) == (0, "remove  art/side.webp  made for `side`\n")
    assert built.path("art/side.webp").exists()
    document = cli("clean", "--json", env=FREE).json
    Draft202012Validator(clean_json_schema()).validate(document)
    cleaned = cli("clean", "--yes", env=FREE)
    assert cleaned.code == 0
    assert f"kept in the store as {digest(made)}" in cleaned.out
    assert not built.path("art/side.webp").exists()
    hexadecimal = digest(made).removeprefix("sha256:")
    blob = tmp_path / "cache/blobs" / hexadecimal[:2] / hexadecimal
    assert blob.read_bytes() == made
    assert [line.get("name") for line in built.lock[1:]] == ["hero"]
    again = cli("clean", "--yes", env=FREE)
    assert (again.code, again.out, again.err) == (0, "", "nothing to clean\n")
