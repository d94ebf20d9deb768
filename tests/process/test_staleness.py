"""The promises about staleness, each kept by the real command against a real server."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.inside import Inside
from tests.standin import API_KEY, Image, picture

if TYPE_CHECKING:
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

MANIFEST = """\
version: 1
assets:
  hero:
    prompt: A lighthouse keeper
    model: google/gemini-2.5-flash-image
    output: art/hero.png
  hero-side:
    prompt: The same keeper from the left
    model: google/gemini-2.5-flash-image
    reference: asset:hero
    output: art/hero-side.png
  icon:
    prompt: A sword icon
    model: google/gemini-2.5-flash-image
    reference: refs/frame.png
    output: art/icon.png
"""

FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def built(project: Project, cli: Inside, openrouter: OpenRouterStandIn) -> Project:
    """A project of three assets, built once."""
    openrouter.full_size = False
    project.write("refs/frame.png", picture("7"))
    project.write("assets.yaml", MANIFEST)
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 3
    return project


def snapshot(project: Project) -> dict[str, tuple[int, bytes]]:
    files = (path for path in project.root.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def edit(project: Project, old: str, new: str) -> None:
    text = project.read_text("assets.yaml")
    assert old in text
    project.write("assets.yaml", text.replace(old, new))


def verdicts(cli: Inside, *arguments: str) -> dict[str, str]:
    plan = cli("plan", "--json", *arguments).json
    return {asset["name"]: asset["verdict"] for asset in plan["assets"]}


def test_a_second_build_calls_nothing_and_writes_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    before = snapshot(built)
    result = cli("build")
    assert (result.code, result.out, result.err) == (0, "", "up to date\n")
    assert snapshot(built) == before
    assert len(openrouter.generations) == 3


def test_a_second_build_that_looks_at_everything_changes_nothing_either(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    before = snapshot(built)
    result = cli("build", "--json")
    assert result.code == 0
    assert [event["event"] for event in result.events] == ["done"]
    assert snapshot(built) == before
    assert len(openrouter.generations) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("  icon:\n", "  pickup:\n", id="renamed asset"),
        pytest.param("output: art/icon.png", "output: ui/sword.png", id="moved output"),
        pytest.param("  hero:\n", "  hero:\n    description: The one\n", id="new description"),
        pytest.param("  hero:\n", "  hero:\n    tags: [people]\n", id="new tag"),
        pytest.param("  hero:\n", "  hero:\n    max_tokens: 9000\n", id="other limit"),
        pytest.param("version: 1\n", "# a comment\nversion: 1\n", id="comment"),
        pytest.param("version: 1\n", "version: 1\nbudget: {per_build: 0}\n", id="budget"),
    ],
)
def test_an_edit_that_does_not_reach_the_model_costs_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, old: str, new: str
) -> None:
    edit(built, old, new)
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 3
    assert cli("check", env=FREE).code == 0
    assert cli("build").err == "up to date\n"


def test_a_renamed_asset_costs_nothing_in_a_fresh_clone_either(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    edit(built, "  icon:\n", "  pickup:\n")
    result = cli("build", env={**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / "other")})
    assert result.code == 0, result.err


def test_a_moved_output_is_restored_without_the_store_from_where_it_was(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    before = built.read_bytes("art/icon.png")
    edit(built, "output: art/icon.png", "output: ui/sword.png")
    result = cli("build", env={**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / "other")})
    assert result.code == 0, result.err
    assert built.read_bytes("ui/sword.png") == before


def test_a_reordered_manifest_costs_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    head, hero, side, icon = built.read_text("assets.yaml").partition("  hero:")[0], "", "", ""
    body = built.read_text("assets.yaml").removeprefix(head)
    hero, rest = body.split("  hero-side:")
    side, icon = rest.split("  icon:")
    built.write("assets.yaml", f"{head}  icon:{icon}  hero-side:{side}{hero}")
    assert cli("build", env=FREE).code == 0
    assert len(openrouter.generations) == 3


def test_another_base_url_costs_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    built.path(".assetgen/assets.record").unlink()
    result = cli("build", env={"OPENROUTER_BASE_URL": "http://127.0.0.1:9/elsewhere"})
    assert result.code == 0
    assert len(openrouter.generations) == 3


@pytest.mark.parametrize("damage", ["deleted", "emptied", "broken", "cut off"])
def test_a_damaged_output_is_restored_free(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, damage: str
) -> None:
    before = built.read_bytes("art/hero.png")
    path = built.path("art/hero.png")
    if damage == "deleted":
        path.unlink()
    else:
        contents = {"emptied": b"", "broken": b"not a picture", "cut off": before[:-20]}
        path.write_bytes(contents[damage])
    assert cli("check", env=FREE).code == 4
    assert verdicts(cli) == {"hero": "restore", "hero-side": "keep", "icon": "keep"}
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert built.read_bytes("art/hero.png") == before
    assert len(openrouter.generations) == 3


def test_a_hand_edited_output_is_held_and_left_as_it_is(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    painted = picture("99")
    built.write("art/hero.png", painted)
    assert verdicts(cli) == {"hero": "hold", "hero-side": "keep", "icon": "keep"}
    result = cli("build")
    assert result.code == 0
    assert "edited by hand" in result.err
    assert "--force hero" in result.err
    assert built.read_bytes("art/hero.png") == painted
    assert len(openrouter.generations) == 3
    check = cli("check")
    assert check.code == 4
    assert "altered" in check.out


def test_force_replaces_a_hand_edited_output_and_keeps_its_bytes(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    painted = picture("99")
    built.write("art/hero.png", painted)
    result = cli("build", "--force", "hero")
    assert result.code == 0, result.err
    assert built.read_bytes("art/hero.png") != painted
    digest = sha256(painted).hexdigest()
    assert f"sha256:{digest}" in result.err
    kept = [path for path in (tmp_path / "cache").rglob(digest) if path.is_file()]
    assert [path.read_bytes() for path in kept] == [painted]
    # hero anew, and hero-side because hero's image changed
    assert len(openrouter.generations) == 5


def test_an_image_that_was_there_first_is_not_replaced(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("refs/frame.png", picture("7"))
    project.write("assets.yaml", MANIFEST)
    mine = picture("1")
    project.write("art/icon.png", mine)
    result = cli("build")
    assert project.read_bytes("art/icon.png") == mine
    assert "did not make" in result.err
    assert len(openrouter.generations) == 2


def test_what_was_bought_and_is_here_no_longer_is_held_until_rebuy(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "cache")
    built.path("art/icon.png").unlink()
    assert verdicts(cli) == {"hero": "keep", "hero-side": "keep", "icon": "hold"}
    result = cli("build")
    assert result.code == 4
    assert "--rebuy" in result.err
    assert not built.path("art/icon.png").exists()
    assert len(openrouter.generations) == 3
    assert cli("build", "--rebuy").code == 0
    assert len(openrouter.generations) == 4
    assert cli("check").code == 0


def test_a_damaged_blob_is_never_handed_out(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    digest = sha256(built.read_bytes("art/icon.png")).hexdigest()
    (blob,) = (path for path in (tmp_path / "cache").rglob(digest) if "blobs" in path.parts)
    blob.chmod(0o644)
    blob.write_bytes(picture("1234"))
    built.path("art/icon.png").unlink()
    assert cli("build").code == 4
    assert not built.path("art/icon.png").exists()
    assert len(openrouter.generations) == 3


def test_a_touched_reference_changes_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    built.path("refs/frame.png").touch()
    assert verdicts(cli) == {"hero": "keep", "hero-side": "keep", "icon": "keep"}
    assert cli("build", env=FREE).code == 0
    assert len(openrouter.generations) == 3
    before = snapshot(built)
    assert cli("build").err == "up to date\n"
    assert snapshot(built) == before, "the new stamp was not written back"


def test_a_changed_reference_costs_one_call(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    built.write("refs/frame.png", picture("8"))
    plan = cli("plan", "--json").json
    assert [(a["name"], a["verdict"]) for a in plan["assets"]] == [
        ("hero", "keep"),
        ("hero-side", "keep"),
        ("icon", "generate"),
    ]
    assert "refs/frame.png" in plan["assets"][2]["reason"]
    assert cli("build").code == 0
    assert len(openrouter.generations) == 4
    assert openrouter.generations[-1].references == [picture("8")]


def test_an_edited_prompt_costs_one_call_and_the_dependants(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    edit(built, "A lighthouse keeper", "An old lighthouse keeper")
    plan = cli("plan", "--json").json
    assert [a["verdict"] for a in plan["assets"]] == ["generate", "wait", "keep"]
    assert plan["assets"][0]["reason"] == "prompt changed"
    assert "hero" in plan["assets"][1]["reason"]
    assert cli("build").code == 0
    assert len(openrouter.generations) == 5
    assert openrouter.generations[-1].references == [built.read_bytes("art/hero.png")]


def test_going_back_to_an_earlier_prompt_is_free(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    first = built.read_bytes("art/hero.png"), built.read_bytes("art/hero-side.png")
    edit(built, "A lighthouse keeper", "An old lighthouse keeper")
    assert cli("build").code == 0
    edit(built, "An old lighthouse keeper", "A lighthouse keeper")
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert (built.read_bytes("art/hero.png"), built.read_bytes("art/hero-side.png")) == first
    assert len(openrouter.generations) == 5


def test_a_new_image_with_the_same_bytes_stops_the_cascade(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(Image(data=built.read_bytes("art/hero.png")))
    edit(built, "A lighthouse keeper", "A  lighthouse keeper")
    assert verdicts(cli)["hero-side"] == "wait"
    assert cli("build").code == 0
    assert len(openrouter.generations) == 4


def test_a_fresh_clone_is_up_to_date_without_cache_or_key(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(built.root, clone, ignore=shutil.ignore_patterns(".assetgen"))
    env = {**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / "no-cache")}
    check = cli("check", cwd=clone, env=env)
    assert check.code == 0, check.out
    assert not (clone / ".assetgen").exists(), "check wrote something"
    assert not (tmp_path / "no-cache").exists(), "check opened the cache"
    assert cli("build", cwd=clone, env=env).code == 0
    assert cli("build", "--locked", cwd=clone, env=env).code == 0


def test_git_lfs_pointers_are_as_good_as_the_bytes_they_name(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    for name in ("art/hero.png", "art/hero-side.png", "art/icon.png", "refs/frame.png"):
        built.write(name, pointer(built.read_bytes(name)))
    shutil.rmtree(built.path(".assetgen"))
    env = {**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / "no-cache")}
    assert cli("check", env=env).code == 0
    assert cli("build", env=env).code == 0
    edit(built, "A sword icon", "An axe icon")
    result = cli("build", env={"ASSETGEN_CACHE_DIR": str(tmp_path / "no-cache")})
    assert result.code == 4
    assert "git lfs pull" in result.err
    assert len(openrouter.generations) == 3


def pointer(data: bytes) -> str:
    digest = sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"


def git(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )


ADDED = """\
  {name}:
    prompt: A {name}
    model: google/gemini-2.5-flash-image
    output: art/{name}.png
"""


def add_on_branch(project: Project, cli: Inside, name: str, *, first: bool) -> None:
    assert git(project, "checkout", "-q", "-b", name, "main").returncode == 0
    text = project.read_text("assets.yaml")
    added = ADDED.format(name=name)
    new = text.replace("assets:\n", f"assets:\n{added}") if first else text + added
    project.write("assets.yaml", new)
    assert cli("build").code == 0
    git(project, "add", "-A")
    assert git(project, "commit", "-q", "-m", name).returncode == 0


@pytest.mark.parametrize("names", [("apple", "zebra"), ("pear", "plum")])
def test_git_merges_the_lockfiles_of_two_branches_that_each_add_an_asset(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, names: tuple[str, str]
) -> None:
    built.write(".gitignore", ".assetgen/\n")
    built.write(".gitattributes", "assets.lock merge=union\n")
    git(built, "init", "-q", "-b", "main")
    git(built, "add", "-A")
    git(built, "commit", "-q", "-m", "base")
    add_on_branch(built, cli, names[0], first=True)
    add_on_branch(built, cli, names[1], first=False)
    merge = git(built, "merge", "-q", "-m", "both", names[0])
    assert merge.returncode == 0, merge.stdout + merge.stderr
    assert cli("check", env=FREE).code == 0
    assert cli("build", env=FREE).code == 0
    assert len(openrouter.generations) == 5


def test_conflict_markers_are_an_error_and_rebuild_lock_mends_them_free(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    whole = built.read_text("assets.lock")
    lines = whole.splitlines(keepends=True)
    built.write(
        "assets.lock",
        "".join([lines[0], "<<<<<<< ours\n", *lines[1:3], "=======\n", lines[2], lines[3]])
        + ">>>>>>> theirs\n]\n",
    )
    for command in ("build", "plan", "check"):
        result = cli(command)
        assert result.code == 2
        assert "assets.lock:2:1" in result.err
        assert "--rebuild-lock" in result.err
    result = cli("build", "--rebuild-lock", env=FREE)
    assert result.code == 0, result.err
    assert built.read_text("assets.lock") == whole
    assert cli("check").code == 0
    assert len(openrouter.generations) == 3


def test_a_lost_lockfile_is_written_again_from_the_ledger(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    before = built.read_text("assets.lock")
    built.write("assets.lock", before[:200])
    assert cli("build").code == 2
    result = cli("build", "--rebuild-lock", env=FREE)
    assert result.code == 0, result.err
    assert built.read_text("assets.lock") == before
    built.path("assets.lock").unlink()
    assert cli("build", env=FREE).code == 0
    assert built.read_text("assets.lock") == before
    assert len(openrouter.generations) == 3


def test_a_lost_record_and_a_lost_action_cache_cost_nothing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    shutil.rmtree(built.path(".assetgen"))
    shutil.rmtree(tmp_path / "cache/actions-v1")
    built.path("assets.lock").unlink()
    built.path("art/hero.png").unlink()
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert built.path("art/hero.png").exists()
    assert len(openrouter.generations) == 3


def test_a_pinned_image_is_never_replaced_and_restored_when_missing(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    before = built.read_bytes("art/hero.png")
    edit(built, "prompt: A lighthouse keeper", "pinned: true\n    prompt: Another keeper")
    assert verdicts(cli) == {"hero": "hold", "hero-side": "keep", "icon": "keep"}
    assert cli("build").code == 0
    assert cli("check").code == 0
    built.path("art/hero.png").unlink()
    assert cli("build", env=FREE).code == 0
    assert built.read_bytes("art/hero.png") == before
    assert len(openrouter.generations) == 3


def test_two_assets_with_the_same_inputs_are_one_call_until_take_is_raised(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    asset = "prompt: A cloud, model: google/gemini-2.5-flash-image"
    text = (
        f"version: 1\nassets:\n  a: {{{asset}, output: a.png}}\n  b: {{{asset}, output: b.png}}\n"
    )
    project.write("assets.yaml", text)
    plan = cli("plan", "--json").json
    assert "take" in plan["assets"][1]["reason"]
    assert plan["assets"][1]["estimate_usd"] == 0
    assert cli("build").code == 0
    assert project.read_bytes("a.png") == project.read_bytes("b.png")
    assert len(openrouter.generations) == 1
    project.write("assets.yaml", text.replace("output: b.png", "output: b.png, take: 2"))
    assert cli("build").code == 0
    assert project.read_bytes("a.png") != project.read_bytes("b.png")
    assert len(openrouter.generations) == 2


def test_a_colleague_with_the_store_but_not_the_outputs_gets_them_free(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    before = built.read_bytes("art/hero.png")
    clone = tmp_path / "clone"
    shutil.copytree(built.root, clone, ignore=shutil.ignore_patterns(".assetgen", "art"))
    assert cli("check", "--inputs", cwd=clone, env=FREE).code == 0
    assert cli("build", "--locked", cwd=clone, env=FREE).code == 0
    assert (clone / "art/hero.png").read_bytes() == before


def test_locked_never_buys(built: Project, cli: Inside, openrouter: OpenRouterStandIn) -> None:
    edit(built, "A lighthouse keeper", "Somebody else")
    built.path("art/icon.png").unlink()
    result = cli("build", "--locked")
    assert result.code == 4
    assert built.path("art/icon.png").exists(), "what is free is still restored"
    assert len(openrouter.generations) == 3


def test_an_orphan_is_named_and_never_deleted(built: Project, cli: Inside) -> None:
    text = built.read_text("assets.yaml")
    built.write("assets.yaml", text[: text.index("  icon:")])
    result = cli("build")
    assert result.code == 0
    assert "art/icon.png" in result.err
    assert built.path("art/icon.png").exists()
    assert "art/icon.png" in cli("check").out
    assert cli("check").code == 0
    assert cli("check", "--strict").code == 4


@pytest.mark.usefixtures("built")
def test_the_key_is_in_no_file_that_a_build_writes(cli: Inside, tmp_path: Path) -> None:
    cli("build", "--force", "hero", "--json")
    secret = API_KEY.encode()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


def test_the_lockfile_holds_provenance_and_no_path_of_the_machine(
    built: Project, openrouter: OpenRouterStandIn
) -> None:
    text = built.read_text("assets.lock")
    entry = next(line for line in built.lock if line.get("name") == "hero")
    assert entry["cost_usd"] == 0.0387
    assert entry["model"] == "google/gemini-2.5-flash-image"
    assert entry["generation_id"].startswith("gen-")
    assert entry["provider"]
    assert str(built.root) not in text
    assert openrouter.base_url not in text
    assert Path("art/hero.png").as_posix() == entry["output"]


def test_a_lockfile_that_is_no_text_is_kept_and_mended(
    built: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    before = built.read_text("assets.lock")
    damaged = before.encode()[:-40] + b"\xff\xfe"
    built.write("assets.lock", damaged)
    assert cli("build").code == 2
    result = cli("build", "--rebuild-lock", env=FREE)
    assert result.code == 0, result.err
    assert built.read_text("assets.lock") == before
    digest = sha256(damaged).hexdigest()
    assert f"sha256:{digest}" in result.err
    assert [path.read_bytes() for path in (tmp_path / "cache").rglob(digest)] == [damaged]
    assert len(openrouter.generations) == 3


def test_outputs_that_another_encoder_wrote_here_are_fresh_for_check_too(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("refs/frame.png", picture("7"))
    project.write("assets.yaml", MANIFEST.replace("art/icon.png", "art/icon.webp"))
    assert cli("build").code == 0
    # As if a teammate's encoder had written other bytes from the same image:
    entry = next(line for line in project.lock if line.get("name") == "icon")
    lock = project.read_text("assets.lock").replace(entry["digest"], "sha256:" + "0" * 64)
    project.write("assets.lock", lock)
    assert cli("build", env=FREE).code == 0
    assert cli("check", env=FREE).code == 0
    assert project.read_text("assets.lock") == lock
    assert len(openrouter.generations) == 3
