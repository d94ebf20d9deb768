"""Finished assets with the real command: steps, variants, atlases, exports of a whole project."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from assetgen.core.schemas.build import plan_json_schema
from assetgen.core.schemas.images import explain_json_schema
from assetgen.core.schemas.lock import lock_json_schema
from tests.inside import Inside

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

MANIFEST = """\
version: 1
provider: draft
assets:
  hero:
    prompt: A keeper
    aspect_ratio: 1:1
    output: art/hero.webp
    steps:
      - resize: {width: 96, height: 64, fit: cover}
    expect: {size: 96x64}
    variants:
      widths: [32, 64]
      formats: [webp, png]
      output: "public/hero-${width}.${hash}.${format}"
  walk:
    prompt: A walking keeper
    output: art/walk.png
    steps:
      - resize: {width: 64, height: 32, fit: fill}
      - slice: {columns: 4, rows: 2, output: "art/walk/${frame}.png"}
atlases:
  ui: {assets: [walk, hero], output: public/ui.png, data: {json-hash: public/ui.json}}
exports:
  web: {format: json, output: public/assets.json, assets: ["*"], atlases: ["*"]}
"""
PRODUCTS = ["variants:hero", "frames:walk", "atlas:ui", "export:web"]


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def built(project: Project, cli: Inside) -> Project:
    project.write("assets.yaml", MANIFEST)
    done = cli("build")
    assert done.code == 0, done.err
    return project


def files(project: Project) -> dict[str, bytes]:
    """What the project has under `art` and `public`."""
    found = [p for top in ("art", "public") for p in project.path(top).rglob("*") if p.is_file()]
    return {str(path.relative_to(project.root)): path.read_bytes() for path in found}


def size(project: Project, path: str) -> tuple[int, int]:
    return Image.open(BytesIO(project.read_bytes(path))).size


def edit(project: Project, old: str, new: str) -> None:
    assert old in MANIFEST
    project.write("assets.yaml", MANIFEST.replace(old, new))


class TestBuild:
    def test_everything_is_there_in_the_size_that_was_asked_for(self, built: Project) -> None:
        found = files(built)
        assert size(built, "art/hero.webp") == (96, 64)
        assert {f"art/walk/{n}.png" for n in range(8)} <= found.keys()
        assert size(built, "art/walk/7.png") == (16, 16)
        widths = sorted(p.split("-")[1].split(".")[0] for p in found if p.startswith("public/hero"))
        assert widths == ["32", "32", "64", "64"]
        told = json.loads(found["public/assets.json"])
        assert told["assets"]["hero"]["width"] == 96

    def test_a_second_build_and_check_find_nothing_to_do(self, built: Project, cli: Inside) -> None:
        before, lock = files(built), built.read_bytes("assets.lock")
        assert cli("build").err == "up to date\n"
        assert cli("check").code == 0
        assert files(built) == before
        assert built.read_bytes("assets.lock") == lock

    def test_documents_fit_their_schemas(self, built: Project, cli: Inside) -> None:
        Draft202012Validator(lock_json_schema()).validate(built.lock)
        built.path("public/ui.json").unlink()
        plan = cli("plan", "--json").json
        Draft202012Validator(plan_json_schema()).validate(plan)
        assert {one["name"] for one in plan["assets"]} == {"hero", "walk", *PRODUCTS}
        for name in ["hero", *PRODUCTS]:
            explained = cli("explain", name, "--json").json
            Draft202012Validator(explain_json_schema()).validate(explained)

    @pytest.mark.usefixtures("built")
    def test_a_fresh_clone_is_up_to_date_without_the_cache(
        self, cli: Inside, tmp_path: Path
    ) -> None:
        assert cli("check", env={"ASSETGEN_CACHE_DIR": str(tmp_path / "none")}).code == 0
        done = cli("build", env={"ASSETGEN_CACHE_DIR": str(tmp_path / "none")})
        assert (done.code, done.err) == (0, "up to date\n")

    def test_a_changed_step_makes_what_follows_and_nothing_else(
        self, built: Project, cli: Inside
    ) -> None:
        edit(built, "width: 96, height: 64, fit: cover", "width: 96, height: 64, fit: contain")
        planned = {one["name"]: one["verdict"] for one in cli("plan", "--json").json["assets"]}
        assert planned["hero"] == "derive"
        assert (planned["walk"], planned["frames:walk"]) == ("keep", "keep")
        assert cli("plan").out.count("step `resize` changed") == 1
        assert cli("build").code == 0
        assert cli("check").code == 0


class TestNothingToDoNotices:
    @pytest.mark.parametrize(
        "path", ["art/walk/3.png", "public/ui.png", "public/ui.json", "public/assets.json"]
    )
    def test_a_deleted_file(self, built: Project, cli: Inside, path: str) -> None:
        before = files(built)
        built.path(path).unlink()
        assert cli("check").code == 4
        assert cli("build").code == 0
        assert files(built) == before

    def test_an_edited_file_which_it_leaves_alone(self, built: Project, cli: Inside) -> None:
        built.write("public/assets.json", "{}\n")
        done = cli("build")
        assert done.code == 0
        assert "held: export:web" in done.err
        assert built.read_text("public/assets.json") == "{}\n"
        assert cli("check").code == 4

    def test_a_palette_that_changes(self, project: Project, cli: Inside) -> None:
        project.write("art/two.hex", "000000\nffffff\n")
        text = MANIFEST.replace("    expect: {size: 96x64}\n", "")
        text = text.replace("fit: cover}", "fit: cover}\n      - palette: {file: art/two.hex}")
        project.write("assets.yaml", text)
        assert cli("build").code == 0
        before = project.read_bytes("art/hero.webp")
        project.write("art/two.hex", "ff0000\n00ff00\n")
        assert cli("check").code == 4
        assert cli("build").code == 0
        assert project.read_bytes("art/hero.webp") != before


class TestSelecting:
    def test_an_atlas_brings_along_what_it_is_made_from(
        self, project: Project, cli: Inside
    ) -> None:
        project.write("assets.yaml", MANIFEST)
        assert cli("build", "atlas:ui").code == 0
        assert {"public/ui.png", "public/ui.json", "art/hero.webp"} <= files(project).keys()
        assert "public/assets.json" not in files(project)

    def test_an_asset_brings_what_belongs_to_it(self, project: Project, cli: Inside) -> None:
        project.write("assets.yaml", MANIFEST)
        assert cli("build", "walk").code == 0
        assert set(files(project)) == {"art/walk.png", *(f"art/walk/{n}.png" for n in range(8))}

    def test_a_product_that_is_not_there_is_named(self, built: Project, cli: Inside) -> None:
        done = cli("build", "atlas:up")
        assert done.code == 2
        assert "did you mean `atlas:ui`?" in done.err
        assert files(built)


class TestLeftBehind:
    def test_files_of_a_former_picture_are_cleaned(self, built: Project, cli: Inside) -> None:
        old = {path for path in files(built) if path.startswith("public/hero")}
        edit(built, "fit: cover", "fit: fill")
        assert cli("build").code == 0
        assert old <= files(built).keys()
        assert cli("check", "--strict").code == 4
        assert cli("clean", "--yes").code == 0
        assert not old & files(built).keys()
        assert cli("check", "--strict").code == 0

    def test_what_a_removed_atlas_and_export_wrote_is_cleaned(
        self, built: Project, cli: Inside
    ) -> None:
        built.write("assets.yaml", MANIFEST[: MANIFEST.index("atlases:")])
        assert cli("build").code == 0
        assert cli("clean", "--yes").code == 0
        assert not {"public/ui.png", "public/ui.json", "public/assets.json"} & files(built).keys()

    def test_one_that_was_edited_stays(self, built: Project, cli: Inside) -> None:
        built.write("public/ui.json", "{}\n")
        built.write("assets.yaml", MANIFEST[: MANIFEST.index("atlases:")])
        assert cli("build").code == 0
        cli("clean", "--yes")
        assert built.read_text("public/ui.json") == "{}\n"


class TestDrafts:
    def test_are_finished_like_images_and_replaced_by_them(
        self, project: Project, cli: Inside
    ) -> None:
        paid = MANIFEST.replace(
            "provider: draft\n", "defaults: {model: google/gemini-2.5-flash-image}\n"
        )
        project.write("assets.yaml", paid)
        done = cli("build", "--draft")
        assert done.code == 0, done.err
        assert size(project, "art/hero.webp") == (96, 64)
        assert json.loads(project.read_text("public/assets.json"))["assets"]["hero"]["width"] == 96
        assert cli("check").code == 4
        drafts = files(project)
        assert cli("build", "--draft").code == 0
        assert files(project) == drafts
        done = cli("build")
        assert done.code == 0, done.err
        assert cli("check").code == 0
        assert project.read_bytes("art/hero.webp") != drafts["art/hero.webp"]


class TestFailing:
    def test_what_is_not_as_expected_fails_and_costs_nothing_more(
        self, project: Project, cli: Inside
    ) -> None:
        project.write("assets.yaml", MANIFEST.replace("size: 96x64", "max_bytes: 10"))
        done = cli("build")
        assert done.code == 1
        assert "expected at most 10 bytes" in done.err
        assert not project.path("art/hero.webp").exists()
        project.write("assets.yaml", MANIFEST)
        assert cli("build").code == 0

    def test_bad_input_is_told_before_anything_is_made(self, project: Project, cli: Inside) -> None:
        project.write("assets.yaml", MANIFEST.replace("resize:", "resise:", 1))
        done = cli("build")
        assert done.code == 2
        assert "did you mean `resize`?" in done.err
        assert sorted(os.listdir(project.root)) == ["assets.yaml"]


class TestCache:
    def test_what_is_made_again_free_may_be_collected(self, built: Project, cli: Inside) -> None:
        edit(built, "fit: cover", "fit: fill")
        assert cli("build").code == 0
        assert cli("clean", "--yes").code == 0
        for path in Path(cli.env["ASSETGEN_CACHE_DIR"]).rglob("*"):
            if path.is_file():
                os.utime(path, (0, 0))
        found = cli("cache", "collect", "--yes", "--json").json
        assert found["removed"] >= 5  # the former output, and four variants
        assert found["left"]["unknown"] == 0
        assert cli("build").code == 0
        assert cli("check").code == 0
