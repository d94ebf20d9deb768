"""Every command and every program in the documents does what the text around it says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    """The commands of a block, without comments."""
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


def block_with(language: str, text: str, document: str = README) -> str:
    (found,) = (block for block in blocks(document, language) if text in block)
    return found


def run_assetgen(cli: Cli, block: str) -> list[Completed]:
    """Run the `assetgen` commands of a block one after another; all of them must succeed."""
    results = []
    for words in commands(block):
        if words[0] == "export":
            continue
        assert words[0] == "assetgen", words
        results.append(cli(*words[1:]))
        assert results[-1].code == 0, (words, results[-1].err)
    return results


def test_ci_runs_the_commands_of_the_readme() -> None:
    """They install the package, which takes a network: `.ci/run` takes them from the README."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    install, test = [b for b in blocks(README, "sh") if b.startswith("python3 -m venv")]
    for block in (install, test):
        (line,) = block.strip().splitlines()
        prefix = " ".join(line.split()[:4])
        assert f"^{prefix} ".replace(".", r"\.") in script


def test_every_block_of_the_readme_is_run_by_a_test_here() -> None:
    tested = ["python3 -m venv", "assetgen init", "assetgen explain", "export OPENROUTER_API_KEY"]
    for block in blocks(README, "sh"):
        assert any(block.startswith(start) for start in tested), block


def test_the_tour_goes_as_told(cli: Cli, project: Project) -> None:
    *_, first, second = run_assetgen(cli, block_with("sh", "assetgen init"))
    assert first.err.endswith("5 generated\n")
    assert second.err == "up to date\n"
    manifest = project.read_text("assets.yaml")
    for line in block_with("yaml", "hero-side").splitlines():
        assert line.partition("#")[0].rstrip() in manifest
    project.write("assets.yaml", manifest.replace("A lighthouse keeper", "An old keeper"))
    plan = cli("plan").out
    for line in block_with("text", "prompt changed").splitlines():
        assert line.split() in [row.split() for row in plan.splitlines()]


def test_the_finished_assets_of_the_readme_come_out_as_told(cli: Cli, project: Project) -> None:
    manifest = block_with("yaml", "remove_background")
    project.write("assets.yaml", f"version: 1\nprovider: draft\n{manifest}")
    built = cli("build")
    assert built.code == 0, built.err
    frames = json.loads(project.read_text("public/sprites.json"))["frames"]
    assert sorted(frames) == ["pickup-key", "pickup-rope", "pickup-shell"]
    assert len(list(project.path("public/img").iterdir())) == 6
    assert 'width="960"' in project.read_text("parts/banner.html")
    assert "export const assets" in project.read_text("src/assets.ts")
    assert cli("build").err == "up to date\n"


def test_the_commands_about_one_asset_work(cli: Cli) -> None:
    assert cli("init").code == 0
    assert cli("build").code == 0
    explained, history = run_assetgen(cli, block_with("sh", "assetgen explain"))
    assert "art/hero.png" in explained.out
    assert "the lockfile names it" in history.out


def test_the_commands_with_a_key_work(
    cli: Cli, project: Project, openrouter: OpenRouterStandIn
) -> None:
    assert cli("init").code == 0
    draft = project.read_text("assets.yaml")
    project.write("assets.yaml", draft.replace("provider: draft", "provider: openrouter"))
    run_assetgen(cli, block_with("sh", "export OPENROUTER_API_KEY"))
    assert len(openrouter.generations) == 5
    for line in block_with("yaml", "assetgen check").splitlines():
        words = shlex.split(line.removeprefix("- run: .venv/bin/"), comments=True)
        assert cli(*words[1:]).code == 0


def test_the_program_in_the_readme_runs(cli: Cli, project: Project) -> None:
    assert cli("init").code == 0
    (program,) = blocks(README, "python")
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.root,
        env=dict(cli.env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "hero generate not made yet" in result.stdout


def test_the_exit_codes_in_the_readme_are_those_of_the_command(cli: Cli) -> None:
    told = re.findall(r"^\| (\d+) \| ", README, flags=re.MULTILINE)
    text = cli("--help").out
    assert told
    for code in told:
        assert re.search(rf"\b{code} \w", text)


@pytest.mark.parametrize("name", ["game", "web"])
def test_an_example_builds_as_its_readme_says(name: str, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "examples" / name
    ignored = shutil.ignore_patterns(".assetgen", "*.lock", *BUILT[name])
    shutil.copytree(ROOT / "examples" / name, folder, ignore=ignored)
    text = (folder / "README.md").read_text(encoding="utf-8")
    here = replace(cli, cwd=folder)
    build, *then = blocks(text, "sh")
    run_assetgen(here, build)
    for words in (words for block in then for words in commands(block)):
        assert words[0] == "python3"
        if words[1:3] != ["-m", "http.server"]:
            subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True, timeout=60)
    plan = here("plan", "--json").json
    assert plan["summary"]["assets"] == {"game": 19, "web": 6}[name]
    for asset in plan["assets"][: plan["summary"]["assets"]]:
        with Image.open(folder / asset["output"]) as picture:
            picture.load()
    if name == "web":
        assert_every_file_of_the_page_is_there(folder / "public")
    assert here("build", *(["--draft"] if name == "web" else [])).err == "up to date\n"


BUILT = {"game": ["built"], "web": ["art", "parts", "public"]}


def assert_every_file_of_the_page_is_there(public: Path) -> None:
    page = (public / "index.html").read_text(encoding="utf-8")
    assert "<!-- picture" not in page
    sources = re.findall(r' src="([^"]+)"', page)
    for candidates in re.findall(r'srcset="([^"]+)"', page):
        sources += [candidate.split()[0] for candidate in candidates.split(", ")]
    assert len(sources) == 4 * 9 + 6 + 6
    assert [source for source in sources if not (public / source).is_file()] == []


def test_our_own_art_is_planned_with_prices(cli: Cli, project: Project) -> None:
    shutil.copy(ROOT / "assets.yaml", project.path("assets.yaml"))
    plan = cli("plan", "--json").json
    assert plan["summary"]["unpriced"] == 0
    assert 0.1 < plan["summary"]["estimate_usd"] < 1
    assert cli("build", "--draft").code == 0
    with Image.open(project.path("docs/art/banner.png")) as banner:
        assert banner.size == (1536, 672)


def test_the_banner_in_the_readme_is_what_the_tool_draws_today(cli: Cli, project: Project) -> None:
    shutil.copy(ROOT / "assets.yaml", project.path("assets.yaml"))
    assert cli("build", "--draft", "banner").code == 0
    with (
        Image.open(project.path("docs/art/banner.png")) as drawn,
        Image.open(ROOT / "docs/art/banner.png") as shown,
    ):
        assert drawn.convert("RGB").tobytes() == shown.convert("RGB").tobytes()


DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_sends_anyone_to_an_unrelated_package(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(pip|pipx|uv|uvx|poetry|pdm)( \S+)* assetgen(?!-build|/)\b", text)
