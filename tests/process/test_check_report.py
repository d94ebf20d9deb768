"""`check --report`: what a pull request shows, before and after, and how much it is trusted."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from assetgen.cli.report.markdown import code, prose
from assetgen.core.schemas.build import report_json_schema
from tests.inside import Inside
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Completed, Project

MANIFEST = """\
version: 1
provider: draft
assets:
  hero: {prompt: A keeper, output: art/the hero.png}
  logo: {source: mine.png, output: logo.png}
"""


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def built(project: Project, cli: Inside) -> Project:
    project.write("mine.png", picture("mine"))
    project.write("assets.yaml", MANIFEST)
    assert cli("build").code == 0
    return project


def git(project: Project, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=project.root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(project: Project) -> str:
    if not project.path(".git").exists():
        git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=as it is")
    return git(project, "rev-parse", "HEAD")


def rendered(text: str) -> str:
    page: str = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    return page


def report_json(project: Project, path: str = "report.json") -> Any:
    found = json.loads(project.read_text(path))
    Draft202012Validator(report_json_schema()).validate(found)
    return found


# What is not up to date


def test_a_fresh_project_is_reported_in_one_sentence(built: Project, cli: Inside) -> None:
    assert cli("check", "--report", "report.md").code == 0
    assert built.read_text("report.md").startswith("All 2 assets are up to date.\n")


def test_what_is_stale_is_told_with_place_reason_and_picture(built: Project, cli: Inside) -> None:
    built.write("assets.yaml", MANIFEST.replace("A keeper", "A *tall* | keeper"))
    assert cli("check", "--report", "reports/report.md").code == 4
    lines = built.read_text("reports/report.md").splitlines()
    assert lines[0] == "1 of 2 assets are not up to date."
    cells = ["`hero`", "`assets.yaml:4`", "stale", "prompt changed", "free"]
    assert lines[4] == f"| {' | '.join(cells)} | ![hero](../art/the%20hero.png) |"


def test_what_it_will_cost_is_the_first_thing_told(project: Project, cli: Inside) -> None:
    text = MANIFEST.replace("provider: draft\n", "").replace(
        "A keeper,", "A keeper, model: google/gemini-2.5-flash-image,"
    )
    project.write("mine.png", picture("mine"))
    project.write("assets.yaml", text)
    cli("check", "--report", "report.md")
    assert "2 of 2 assets are not up to date. Making them costs about $0.0" in project.read_text(
        "report.md"
    )


def test_a_program_gets_the_same_and_a_schema_for_it(built: Project, cli: Inside) -> None:
    built.write("logo.png", picture("painted"))
    assert cli("check", "--report", "report.json").code == 4
    report = report_json(built)
    (finding,) = report["findings"]
    assert (finding["name"], finding["state"]) == ("logo", "altered")
    assert (finding["file"], finding["line"], finding["column"]) == ("assets.yaml", 5, 3)
    assert finding["now"] == {"path": "logo.png", "note": ""}
    assert report["base"] is None


def test_an_output_that_is_a_pointer_is_called_one(built: Project, cli: Inside) -> None:
    oid = "0" * 64
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 7\n"
    built.write("art/the hero.png", pointer)
    cli("check", "--report", "report.md")
    assert f"| Git LFS pointer to sha256:{oid} |" in built.read_text("report.md")


@pytest.mark.usefixtures("built")
def test_another_extension_is_refused_before_anything_is_written(
    cli: Inside, project: Project
) -> None:
    result = cli("check", "--report", "report.html")
    assert result.code == 2
    assert "`.md` or `.json`" in result.err
    assert not project.path("report.html").exists()


def test_a_report_replaces_reports_only(built: Project, cli: Inside) -> None:
    built.write("notes.md", "my notes")
    refused = cli("check", "--report", "notes.md")
    assert refused.code == 2
    assert "error: `notes.md` is there already and is no report of assetgen" in refused.err
    assert built.read_text("notes.md") == "my notes"
    for name in ("report.md", "report.json"):
        assert cli("check", "--report", name).code == 0
        assert cli("check", "--report", name).code == 0


# What changed since another commit


def test_changed_images_stand_beside_what_they_were(built: Project, cli: Inside) -> None:
    old_hero = built.read_bytes("art/the hero.png")
    base = commit(built)
    added = "  crest: {prompt: A crest, output: art/crest.webp}\n"
    text = MANIFEST.replace("A keeper", "An old keeper").replace("  logo:", f"{added}  mark:")
    built.write("assets.yaml", text.replace("logo.png", "mark.png"))
    assert cli("build").code == 0
    assert cli("check", "--report", "out/report.md", "--base", "main").code == 0
    text = built.read_text("out/report.md")
    assert "### Images since `main`" in text
    assert "1 new, 1 changed, 1 moved. They cost nothing." in text
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    before, after = re.findall(r"\]\(([^)]*)\)", rows["hero"])
    assert built.path(f"out/{before}").read_bytes() == old_hero
    assert after == "../art/the%20hero.png"
    assert "| new |  | ![crest after](../art/crest.webp) |" in rows["crest"]
    assert rows["mark"].startswith("| `mark` (was `logo`)<br>`logo.png` → `mark.png` | moved | !")
    assert cli("check", "--report", "report.json", "--base", "main~0").code == 0
    found = report_json(built)["base"]
    assert (found["ref"], found["commit"]) == ("main~0", base)
    assert [change["change"] for change in found["changes"]] == ["new", "changed", "moved"]


def test_removed_images_are_shown_as_they_were(built: Project, cli: Inside) -> None:
    commit(built)
    built.write("assets.yaml", MANIFEST.partition("  logo")[0])
    built.path("logo.png").unlink()
    assert cli("build").code == 0
    cli("check", "--report", "report.md", "--base", "HEAD")
    (row,) = (x for x in built.read_text("report.md").splitlines() if x.startswith("| `logo`"))
    (before,) = re.findall(r"\]\(([^)]*)\)", row)
    assert built.read_bytes(before) == built.read_bytes("mine.png")


def test_the_price_of_a_change_is_what_the_lockfile_says(project: Project, cli: Inside) -> None:
    text = "version: 1\ndefaults: {model: google/gemini-2.5-flash-image}\nassets:\n"
    project.write("assets.yaml", f"{text}  hero: {{prompt: A keeper, output: hero.png}}\n")
    assert cli("build").code == 0
    commit(project)
    more = "  twin: {prompt: A twin, output: a.png}\n  same: {prompt: A twin, output: b.png}\n"
    project.write("assets.yaml", project.read_text("assets.yaml") + more)
    assert cli("build").code == 0
    cli("check", "--report", "report.json", "--base", "HEAD")
    found = report_json(project)["base"]
    paid = [line["cost_usd"] for line in project.lock if line.get("name") == "twin"]
    assert found["cost_usd"] == paid[0], "two assets that shared a call paid once"
    cli("check", "--report", "report.md", "--base", "HEAD")
    assert f"2 new. The lockfile says ${paid[0]} for them." in project.read_text("report.md")


def test_a_base_without_a_lockfile_makes_everything_new(built: Project, cli: Inside) -> None:
    built.path("assets.lock").rename(built.root.parent / "kept.lock")
    commit(built)
    (built.root.parent / "kept.lock").rename(built.path("assets.lock"))
    cli("check", "--report", "report.md", "--base", "HEAD")
    text = built.read_text("report.md")
    assert "There was no lockfile then: every image counts as new." in text
    assert "2 new." in text


def test_a_project_in_a_folder_of_its_repository_is_found_there(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    inner = tmp_path / "repository" / "game"
    inner.parent.mkdir()
    built.root.rename(inner)
    here = replace(cli, cwd=inner.parent)
    outer = type(built)(inner.parent)
    commit(outer)
    text = MANIFEST.replace("A keeper", "An old keeper")
    outer.write("game/assets.yaml", text)
    assert here("-C", "game", "build").code == 0
    assert here("-f", "game/assets.yaml", "check", "--report", "r.md", "--base", "HEAD").code == 0
    assert re.search(r"hero before\]\(r-before/[0-9a-f]{16}\.png\)", outer.read_text("r.md"))
    assert "![hero after](game/art/the%20hero.png)" in outer.read_text("r.md")


def test_a_former_pointer_is_called_one(built: Project, cli: Inside) -> None:
    image = built.read_bytes("logo.png")
    digest = next(line["digest"] for line in built.lock if line.get("name") == "logo")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid {digest}\nsize {len(image)}\n"
    built.write("logo.png", pointer)
    commit(built)
    built.write("mine.png", picture("another"))
    assert cli("build").code == 0
    cli("check", "--report", "report.json", "--base", "HEAD")
    found = report_json(built)["base"]
    (change,) = found["changes"]
    assert change["before"]["picture"] == {"path": None, "note": f"Git LFS pointer to {digest}"}
    assert change["after"]["picture"]["path"] == "logo.png"


NO_BASE = {
    "an option": ("--upload-pack=touch x", "`--upload-pack=touch x` is not the name of a commit"),
    "no such commit": ("gone", "there is no commit `gone` in this clone"),
    "a file": ("HEAD:assets.yaml", "there is no commit `HEAD:assets.yaml` in this clone"),
    "nothing": ("", "`` is not the name of a commit"),
}


@pytest.mark.parametrize("case", NO_BASE)
def test_what_is_no_commit_is_told_and_nothing_is_written(
    case: str, built: Project, cli: Inside
) -> None:
    ref, said = NO_BASE[case]
    commit(built)
    result = cli("check", "--report", "report.md", f"--base={ref}")
    assert result.code == 2
    assert said in result.err
    assert not built.path("report.md").exists()


@pytest.mark.usefixtures("built")
def test_without_a_repository_or_without_git_the_way_out_is_told(
    cli: Inside, tmp_path: Path
) -> None:
    asked = ("check", "--report", "report.md", "--base", "HEAD")
    outside = cli(*asked)
    assert outside.code == 2
    assert "is in no git repository" in outside.err
    (tmp_path / "empty").mkdir()
    without = cli(*asked, env={"PATH": str(tmp_path / "empty")})
    assert without.code == 2
    assert "`git` is not on the PATH" in without.err
    alone = cli("check", "--base", "HEAD")
    assert alone.code == 2
    assert "add `--report FILE`" in alone.err


def test_a_lockfile_of_the_base_that_cannot_be_read_is_not_taken_for_ours(
    built: Project, cli: Inside
) -> None:
    lock = built.read_bytes("assets.lock")
    built.write("assets.lock", "<<<<<<< ours\n")
    commit(built)
    built.write("assets.lock", lock)
    result = cli("check", "--report", "report.md", "--base", "HEAD")
    assert result.code == 2
    assert "the lockfile at `HEAD` cannot be read" in result.err
    assert "rebuild" not in result.err


# Strangers


def test_a_link_at_the_place_of_the_report_is_replaced_and_not_followed(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    outside = tmp_path / "precious"
    outside.write_text("mine")
    built.path("report.md").symlink_to(outside)
    assert cli("check", "--report", "report.md").code == 0
    assert outside.read_text() == "mine"
    assert built.read_text("report.md").startswith("All 2")


@pytest.mark.parametrize("link", ["reports", "reports/r-before"])
def test_a_linked_folder_does_not_lead_a_report_out_of_the_project(
    link: str, built: Project, cli: Inside, tmp_path: Path
) -> None:
    commit(built)
    outside = tmp_path / "outside"
    outside.mkdir()
    built.path(link).parent.mkdir(exist_ok=True)
    built.path(link).symlink_to(outside)
    built.write("assets.yaml", MANIFEST.replace("A keeper", "An old keeper"))
    assert cli("build").code == 0
    result = cli("check", "--report", "reports/r.md", "--base", "HEAD")
    assert result.code == 1
    assert "leads out of the project folder through a link" in result.err
    assert list(outside.iterdir()) == []


def test_git_starts_no_program_and_no_transport_of_the_checkout(
    built: Project, cli: Inside
) -> None:
    """A clone's own configuration is not in what is cloned, but it is in an unpacked archive."""
    commit(built)
    trap = built.root.parent / "trap"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.x.smudge"):
        git(built, "config", key, f"touch {trap}; false")
    git(built, "config", "remote.origin.url", f"ext::touch {trap}")
    git(built, "config", "remote.origin.promisor", "true")
    git(built, "config", "extensions.partialClone", "origin")
    git(built, "config", "protocol.ext.allow", "always")
    blob = git(built, "rev-parse", "HEAD:logo.png")
    built.path(f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    built.write("mine.png", picture("another"))
    assert cli("build").code == 0
    cli("check", "--report", "report.md", "--base", "HEAD")
    assert not trap.exists()
    assert "| changed | not in git | ![logo after](logo.png) |" in built.read_text("report.md")


HOSTILE = [
    "a|b|c",
    "a`b",
    "`` a ``",
    "`",
    "\\",
    "\\|",
    "a\\`|b`",
    "<img src=x onerror=alert(1)>",
    "`<b>`<b>",
    "x `a`` b` <i>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "@everyone and #12",
    "x@y.example`z`",
    "https://evil.example/",
    "www.evil.example",
    "**bold** _it_ ~~no~~ # h",
    "&lt;b&gt; &#64;",
    "a\nb\r\n| c |",
    "\x1b[31mred\u202eback",
    " ",
    "<!-- x",
    "mailto:x",
    "`a` and `b|c`",
]


@pytest.mark.parametrize("write", [code, prose])
@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_project_stays_text_and_in_its_cell(text: str, write: object) -> None:
    assert callable(write)
    page = rendered(f"| a | b |\n|---|---|\n| {write(text)} | end |\n")
    cells = re.findall(r"<td>(.*?)</td>", page)
    assert len(cells) == 2
    assert cells[1] == "end"
    assert re.sub(r"</?code>|<!-- -->", "", cells[0]).count("<") == 0
    linked = re.sub(r"<code>.*?</code>", "", cells[0])
    assert not re.search(r"@\w|#\d|https?://|www\.", linked)


# Beside the lines of a pull request

ACTIONS = {"GITHUB_ACTIONS": "true"}


def notes(result: Completed) -> list[str]:
    return [line for line in result.err.splitlines() if line.startswith("::")]


def test_stale_assets_are_annotated_where_they_are_declared(built: Project, cli: Inside) -> None:
    built.write("assets.yaml", MANIFEST.replace("A keeper", "An old keeper"))
    checked = cli("check", "--json", env=ACTIONS)
    assert checked.json["summary"]["generate"] == 1
    assert notes(checked) == [
        "::error title=assetgen%3A hero,file=assets.yaml,line=4,col=3::prompt changed"
    ]
    assert notes(cli("check", env={"CI": "true"})) == []


def test_faults_of_a_manifest_are_annotated_too_each_at_its_place(
    project: Project, cli: Inside
) -> None:
    project.write(
        "sub/a,b:c.yaml", MANIFEST.replace("prompt: A", "promt: 100%\\n").replace("mine", "no")
    )
    workspace = {**ACTIONS, "GITHUB_WORKSPACE": str(project.root)}
    checked = cli("-C", "sub", "-f", "a,b:c.yaml", "check", env=workspace)
    assert checked.code == 2
    first, second = notes(checked)
    assert first.startswith("::error title=assetgen,file=sub/a%2Cb%3Ac.yaml,line=4,col=10::unknown")
    assert first.endswith("%0Adid you mean `prompt`?")
    assert ",line=5,col=" in second


def test_a_damaged_lockfile_is_annotated(built: Project, cli: Inside) -> None:
    built.write("assets.lock", "<<<<<<< ours\n")
    checked = cli("check", env=ACTIONS)
    assert checked.code == 2
    (line,) = notes(checked)
    assert line.startswith("::error title=assetgen,file=assets.lock,line=1,col=1::the lockfile has")


def test_no_text_of_a_project_becomes_a_command_of_its_own(project: Project, cli: Inside) -> None:
    path = "a%0A::warning::x\u2028::add-mask::y.png"
    project.write(
        "assets.yaml", f'version: 1\nassets:\n  hero: {{source: "{path}", output: b.png}}\n'
    )
    (line,) = notes(cli("check", env=ACTIONS))
    assert line.count("::") > 2
    assert "%250A" in line


def test_a_report_opens_no_cache_and_leaves_nothing_but_itself(
    built: Project, cli: Inside, tmp_path: Path
) -> None:
    commit(built)
    before = {path for path, _, _ in os.walk(built.root)}
    env = {"ASSETGEN_CACHE_DIR": str(tmp_path / "never"), "OPENROUTER_API_KEY": None}
    assert cli("check", "--report", "report.md", "--base", "HEAD", env=env).code == 0
    assert not (tmp_path / "never").exists()
    assert {path for path, _, _ in os.walk(built.root)} == before
    assert git(built, "status", "--short") == "?? report.md"
