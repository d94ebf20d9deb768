"""What is held, and what `--locked` leaves alone: no call, no lost bytes, a way on in words."""

from __future__ import annotations

import shutil
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.inside import Inside
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn

MANIFEST = """\
version: 1
defaults: {model: google/gemini-2.5-flash-image}
assets:
  hero: {prompt: A keeper, output: art/hero.png}
  side: {prompt: Her side, reference: 'asset:hero', output: art/side.png}
"""

FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""
PATIENCE_S = 30.0
"""How long something is waited for that should happen at once."""


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def built(project: Project, cli: Inside, openrouter: OpenRouterStandIn) -> Project:
    """Two images, the second made from the first, bought once."""
    project.write("assets.yaml", MANIFEST)
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 2
    return project


def edit(project: Project, old: str, new: str) -> None:
    text = project.read_text("assets.yaml")
    assert old in text
    project.write("assets.yaml", text.replace(old, new))


def planned(cli: Inside, *arguments: str) -> dict[str, dict[str, Any]]:
    """What `plan` says about each asset, by name."""
    return {asset["name"]: asset for asset in cli("plan", "--json", *arguments).json["assets"]}


def verdicts(cli: Inside, *arguments: str) -> dict[str, str]:
    return {name: asset["verdict"] for name, asset in planned(cli, *arguments).items()}


def held_events(result: Completed) -> list[tuple[str, str]]:
    return [
        (event["name"], event["output"])
        for event in result.events
        if event["event"] == "finished" and event["status"] == "held"
    ]


def forget(project: Project, cache: Path) -> None:
    """Make it a fresh clone on a machine that has no store."""
    shutil.rmtree(cache)
    shutil.rmtree(project.path(".assetgen"))


# Images that are not here


@pytest.mark.parametrize("hero", ["converted", "pointer"])
def test_an_asset_that_reads_an_image_which_is_not_here_is_held_before_any_call(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path, hero: str
) -> None:
    output = "art/hero.webp" if hero == "converted" else "art/hero.png"
    project.write("assets.yaml", MANIFEST.replace("art/hero.png", output))
    assert cli("build").code == 0
    if hero == "pointer":
        data = project.read_bytes(output)
        oid = sha256(data).hexdigest()
        spec = "version https://git-lfs.github.com/spec/v1"
        project.write(output, f"{spec}\noid sha256:{oid}\nsize {len(data)}\n")
    forget(project, tmp_path / "cache")
    edit(project, "Her side", "Her other side")
    plan = planned(cli)
    assert {name: asset["verdict"] for name, asset in plan.items()} == {
        "hero": "keep",
        "side": "hold",
    }
    reason = plan["side"]["reason"]
    assert "`hero`" in reason
    assert ("git lfs pull" if hero == "pointer" else "--force hero") in reason
    before = project.read_text("assets.lock")
    result = cli("build")
    assert result.code == 4
    assert "held: side: " in result.err
    assert reason in result.err
    assert len(openrouter.generations) == 2
    assert project.read_text("assets.lock") == before


def test_a_converted_image_that_is_not_here_can_be_made_anew_as_the_reason_says(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    project.write("assets.yaml", MANIFEST.replace("art/hero.png", "art/hero.webp"))
    assert cli("build").code == 0
    forget(project, tmp_path / "cache")
    edit(project, "Her side", "Her other side")
    result = cli("build", "--force", "hero")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 4
    assert cli("check").code == 0


# Edited by hand


def test_what_depends_on_a_hand_edited_image_stays_as_the_lockfile_says(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    lock, side = built.read_text("assets.lock"), built.read_bytes("art/side.png")
    edit(built, "A keeper", "An old keeper")
    assert cli("build", "hero").code == 0
    assert len(openrouter.generations) == 3
    # A branch on which the new prompt has not been built, and somebody has painted over hero
    painted = picture("99")
    built.write("assets.lock", lock)
    built.write("art/hero.png", painted)
    assert verdicts(cli) == {"hero": "hold", "side": "keep"}
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert built.read_bytes("art/hero.png") == painted
    assert built.read_bytes("art/side.png") == side
    assert len(openrouter.generations) == 3


def test_the_free_way_out_of_a_hand_edit_is_told_first_and_works(
    built: Project, cli: Inside
) -> None:
    before = built.read_bytes("art/hero.png")
    built.write("art/hero.png", picture("99"))
    for said in (planned(cli)["hero"]["reason"], cli("build").err, cli("plan").out):
        free, _, paid = said.partition("--force hero")
        assert "delete the file" in free
        assert paid
    built.path("art/hero.png").unlink()
    assert cli("build", env=FREE).code == 0
    assert built.read_bytes("art/hero.png") == before


def test_the_free_way_out_of_an_edit_during_the_build_is_told_first_and_works(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", MANIFEST.partition("  side:")[0])
    openrouter.hold()
    process = cli.outside.start("build")
    openrouter.wait_for_generations(1, PATIENCE_S)
    painted = picture("99")
    project.write("art/hero.png", painted)
    openrouter.release()
    result = cli.outside.finish(process)
    assert result.err.count("held: hero: ") == 1
    (hint,) = (line for line in result.err.splitlines() if line.startswith("hint: "))
    assert "free" in hint.partition("--force hero")[0]
    assert "--force hero" in hint
    assert project.read_bytes("art/hero.png") == painted
    project.path("art/hero.png").unlink()
    assert cli("build", env=FREE).code == 0
    assert project.path("art/hero.png").exists()
    assert len(openrouter.generations) == 1


def test_the_free_way_to_what_is_not_here_is_told_first(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    forget(built, tmp_path / "cache")
    built.path("art/side.png").unlink()
    free, _, paid = planned(cli)["side"]["reason"].partition("--rebuy")
    assert "get the file back" in free
    assert paid


# Told once, to people and to programs


def test_each_held_asset_is_an_event(built: Project, cli: Inside, tmp_path: Path) -> None:
    built.write("art/hero.png", picture("99"))
    result = cli("build", "--json")
    assert result.code == 0
    assert held_events(result) == [("hero", "art/hero.png")]
    built.path("art/side.png").unlink()
    shutil.rmtree(tmp_path / "cache")
    result = cli("build", "--json")
    assert result.code == 4
    assert sorted(held_events(result)) == [("hero", "art/hero.png"), ("side", "art/side.png")]
    assert result.events[-1]["event"] == "done"
    assert result.events[-1]["counts"] == {"held": 2}


def test_each_held_asset_is_printed_once(built: Project, cli: Inside, tmp_path: Path) -> None:
    built.write("art/hero.png", picture("99"))
    built.path("art/side.png").unlink()
    shutil.rmtree(tmp_path / "cache")
    result = cli("build")
    assert result.code == 4
    assert result.err.count("held: hero: ") == 1
    assert result.err.count("held: side: ") == 1


# Obstructed


def test_a_folder_at_one_output_holds_that_asset_and_no_other(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", MANIFEST.replace(", reference: 'asset:hero'", ""))
    project.write("art/hero.png/notes.txt", "mine")
    assert verdicts(cli) == {"hero": "hold", "side": "generate"}
    result = cli("build")
    assert result.code == 4
    assert result.err.count("held: hero: ") == 1
    assert "art/hero.png" in result.err
    assert project.path("art/side.png").exists()
    assert project.read_text("art/hero.png/notes.txt") == "mine"
    assert len(openrouter.generations) == 1
    assert cli("check").code == 4
    shutil.rmtree(project.path("art/hero.png"))
    assert cli("build").code == 0
    assert len(openrouter.generations) == 2


# Pinned


def test_a_pinned_image_is_not_replaced_although_its_asset_is_renamed_and_changed(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    text = MANIFEST.partition("  side:")[0].replace("output:", "pinned: true, output:")
    project.write("assets.yaml", text)
    assert cli("build").code == 0
    before = project.read_bytes("art/hero.png")
    project.write("assets.yaml", text.replace("hero: {prompt: A", "heroine: {prompt: Another"))
    assert verdicts(cli) == {"heroine": "hold"}
    result = cli("build")
    assert result.code == 0, result.err
    assert project.read_bytes("art/hero.png") == before
    assert len(openrouter.generations) == 1
    again = cli("build")
    assert again.code == 0, again.err
    assert len(openrouter.generations) == 1


# Locked, and drafts as the product


DRAFTS = """\
version: 1
provider: draft
assets:
  a: {prompt: A, output: a.png}
"""


def test_locked_makes_nothing_that_the_draft_provider_would_have_to_draw(
    project: Project, cli: Inside
) -> None:
    project.write("assets.yaml", DRAFTS)
    result = cli("build", "--locked")
    assert result.code == 4
    assert not project.path("a.png").exists()
    assert not project.path("assets.lock").exists()


def test_locked_leaves_the_lockfile_of_drafts_as_it_is(project: Project, cli: Inside) -> None:
    project.write("assets.yaml", DRAFTS)
    assert cli("build").code == 0
    lock, image = project.read_bytes("assets.lock"), project.read_bytes("a.png")
    project.write("assets.yaml", DRAFTS.replace("prompt: A", "prompt: B"))
    result = cli("build", "--locked")
    assert result.code == 4
    assert project.read_bytes("a.png") == image
    assert project.read_bytes("assets.lock") == lock


def test_a_draft_needs_no_bytes_behind_a_git_lfs_pointer(project: Project, cli: Inside) -> None:
    oid = "1" * 64
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 123\n"
    project.write("ref.png", pointer)
    project.write("assets.yaml", DRAFTS.replace("prompt: A", "prompt: A, reference: ref.png"))
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert project.path("a.png").exists()
    assert cli("check", env=FREE).code == 0
