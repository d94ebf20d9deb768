"""The command line from outside: help, exit codes, what goes to which stream, and faults."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

import assetgen
from tests.standin import API_KEY, Refusal, picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
COMMANDS = ("init", "build", "plan", "check")
MANIFEST = f"""\
version: 1
assets:
  hero:
    prompt: A lighthouse keeper
    model: {GEMINI}
    output: art/hero.png
  logo:
    source: hand/logo.png
    output: public/logo.png
"""


@pytest.fixture
def two(project: Project) -> Project:
    """A project of an image to be bought and one made by hand."""
    project.write("hand/logo.png", picture("logo"))
    project.write("assets.yaml", MANIFEST)
    return project


def files(project: Project) -> set[str]:
    found = (path for path in project.root.rglob("*") if path.is_file())
    return {path.relative_to(project.root).as_posix() for path in found}


# Help


def test_help_names_every_command_selector_and_exit_code(cli: Cli) -> None:
    result = cli("--help")
    assert (result.code, result.err) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^ +{command} ", result.out, re.MULTILINE), command
    for word in ("tag:TAG", "GLOB", "-C DIR", "-f FILE", "130 interrupted", "5 stopped by"):
        assert word in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(cli: Cli, command: str) -> None:
    result = cli(command, "--help")
    assert (result.code, result.err) == (0, "")
    assert f"usage: assetgen {command}" in result.out


def test_the_help_of_build_names_every_option_of_the_contract(cli: Cli) -> None:
    help_ = cli("build", "--help").out
    options = "--draft --locked --force --rebuy --max-cost -j --timeout --fail-fast --rebuild-lock"
    for option in [*options.split(), "--json"]:
        assert option in help_, option
    for default in ("default 8", "default 300"):
        assert default in help_


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    result = cli("--version")
    assert (result.code, result.out) == (0, f"assetgen {assetgen.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["bild"], id="unknown command"),
        pytest.param(["build", "--sideways"], id="unknown option"),
        pytest.param(["build", "-j", "0"], id="no calls at once"),
        pytest.param(["build", "-j", "many"], id="no number"),
        pytest.param(["build", "--timeout", "0"], id="no time"),
        pytest.param(["build", "--timeout", "nan"], id="no time either"),
        pytest.param(["init", "--template", "film"], id="unknown template"),
        pytest.param(["-C", "nowhere", "build"], id="no such folder"),
        pytest.param(["-f", "nowhere.yaml", "build"], id="no such manifest"),
    ],
)
def test_a_command_line_that_cannot_be_acted_on_is_exit_2(
    two: Project, cli: Cli, openrouter: OpenRouterStandIn, arguments: list[str]
) -> None:
    before = files(two)
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "error: " in result.err
    assert files(two) == before
    assert openrouter.requests == []


def test_without_a_manifest_the_way_to_one_is_shown(project: Project, cli: Cli) -> None:
    for command in ("build", "plan", "check"):
        result = cli(command)
        assert (result.code, result.out) == (2, "")
        assert "assets.yaml" in result.err
        assert "`assetgen init`" in result.err
    assert files(project) == set()


# Streams and exit codes


@pytest.mark.usefixtures("two")
def test_a_build_talks_on_stderr_and_leaves_stdout_alone(cli: Cli) -> None:
    result = cli("build")
    assert (result.code, result.out) == (0, "")
    for words in ("generating up to 1 image", "generated hero", "derived logo", "spent $0.0387"):
        assert words in result.err


def test_a_failed_build_is_exit_1_and_says_why_on_stderr(
    two: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(Refusal("Not that one."))
    result = cli("build")
    assert (result.code, result.out) == (1, "")
    assert "error: hero: the model refused: Not that one." in result.err
    assert "\nhint: " in result.err
    assert two.path("public/logo.png").exists()


@pytest.mark.usefixtures("two")
def test_plan_and_check_are_data_on_stdout(cli: Cli) -> None:
    plan = cli("plan")
    assert (plan.code, plan.err) == (0, "")
    assert re.search(
        r"^generate +hero +art/hero\.png +about \$0\.0387 +not made yet$", plan.out, re.MULTILINE
    )
    check = cli("check")
    assert (check.code, check.err) == (4, "")
    assert "hero" in check.out
    assert cli("build").code == 0
    plan, check = cli("plan"), cli("check")
    assert (plan.code, plan.err, check.code, check.err) == (0, "", 0, "")
    assert "2 up to date" in plan.out
    assert "up to date" in check.out


def test_plan_answers_by_its_exit_code_when_asked(two: Project, cli: Cli) -> None:
    assert cli("plan").code == 0
    assert cli("plan", "--exit-code").code == 4
    assert cli("build").code == 0
    assert cli("plan", "--exit-code").code == 0
    two.path("art/hero.png").unlink()
    assert cli("plan", "--exit-code").code == 4


def test_plan_and_check_write_nothing(two: Project, cli: Cli, tmp_path: Path) -> None:
    before = files(two)
    cli("plan")
    cli("check")
    assert files(two) == before
    assert not (tmp_path / "cache").exists()
    assert list((tmp_path / "home").iterdir()) == []


def test_a_fault_of_ours_is_exit_3_with_a_traceback_only_when_asked(
    two: Project, cli: Cli, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "yaml.py").write_text("raise RuntimeError('a screw is loose')\n")
    env = {"PYTHONPATH": f"{broken}{os.pathsep}{cli.env['PYTHONPATH']}"}
    result = cli("build", env=env)
    assert (result.code, result.out) == (3, "")
    assert "error: unexpected: RuntimeError: a screw is loose" in result.err
    assert "Traceback" not in result.err
    assert "--verbose" in result.err
    assert "Traceback" in cli("--verbose", "build", env=env).err
    assert "art" not in {path.split("/")[0] for path in files(two)}


# The key


@pytest.mark.parametrize("key", [None, "", "   "])
def test_without_a_key_nothing_is_attempted(
    two: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path, key: str | None
) -> None:
    before = files(two)
    result = cli("build", env={"OPENROUTER_API_KEY": key})
    assert (result.code, result.out) == (2, "")
    assert "`OPENROUTER_API_KEY` is not set" in result.err
    assert "`--draft`" in result.err
    assert openrouter.requests == []
    assert files(two) == before
    assert not (tmp_path / "cache/ledger.jsonl").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENROUTER_API_KEY", "sk-or-geheimnis\u00fc"),
        ("OPENROUTER_BASE_URL", "openrouter.ai"),
        ("OPENROUTER_BASE_URL", "ftp://127.0.0.1/api/v1"),
    ],
)
def test_a_key_or_address_that_cannot_be_one_is_told_before_anything_is_tried(
    two: Project, cli: Cli, openrouter: OpenRouterStandIn, variable: str, value: str
) -> None:
    before = files(two)
    result = cli("build", env={variable: value})
    assert (result.code, result.out) == (2, "")
    assert f"`{variable}`" in result.err
    assert "geheimnis" not in result.err
    assert openrouter.requests == []
    assert files(two) == before


@pytest.mark.usefixtures("two")
def test_the_key_is_needed_only_where_something_must_be_bought(cli: Cli) -> None:
    without = {"OPENROUTER_API_KEY": None}
    assert cli("plan", env=without).code == 0
    assert cli("check", env=without).code == 4
    assert cli("build", "logo", env=without).code == 0
    assert cli("build", "--locked", env=without).code == 4
    assert cli("build", "--draft", env=without).code == 0


@pytest.mark.usefixtures("two")
def test_no_message_shows_the_key(cli: Cli, openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Refusal(f"Your key {API_KEY} may not do that"))
    for arguments in (["build"], ["--verbose", "build", "--json"], ["plan"], ["check"]):
        result = cli(*arguments)
        assert API_KEY not in result.out + result.err


# Where


def test_another_folder_and_another_manifest_are_worked_on(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    (project.root / "games/one").mkdir(parents=True)
    project.write("games/one/art.yaml", MANIFEST)
    project.write("games/one/hand/logo.png", picture("logo"))
    options = ("-C", "games", "-f", "one/art.yaml")
    result = cli(*options, "build")
    assert result.code == 0, result.err
    made = {"art.lock", "art/hero.png", "public/logo.png"}
    assert {f"games/one/{name}" for name in made} <= files(project)
    assert not project.path(".assetgen").exists()
    assert not project.path("games/.assetgen").exists()
    assert cli(*options, "build").err == "up to date\n"
    folder = project.path("games/one")
    assert cli("-f", "art.yaml", "build", cwd=folder).err == "up to date\n"
    assert cli("-f", str(folder / "art.yaml"), "build", cwd=tmp_path).err == "up to date\n"
    assert len(openrouter.generations) == 1


def test_two_manifests_in_one_folder_keep_to_themselves(
    two: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    two.write("more.yaml", MANIFEST.replace("art/", "more/").replace("public/", "more/"))
    assert cli("build").code == 0
    result = cli("-f", "more.yaml", "build")
    assert result.code == 0, result.err
    assert {"assets.lock", "more.lock", "more/hero.png"} <= files(two)
    assert len(openrouter.generations) == 1, "one image, bought for both"
    for options in ([], ["-f", "more.yaml"]):
        assert cli(*options, "check", "--strict").code == 0
        assert cli(*options, "build").err == "up to date\n"


# Faults of the manifest


def test_a_fault_is_shown_with_its_place_its_line_and_a_caret(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", MANIFEST.replace("    prompt: A", "    promt: A"))
    result = cli("build")
    assert (result.code, result.out) == (2, "")
    assert (
        "error: unknown field `promt` in asset `hero`\n"
        "  --> assets.yaml:4:5  (assets.hero.promt)\n"
        "4 |     promt: A lighthouse keeper\n"
        "  |     ^^^^^\n"
        "hint: did you mean `prompt`?\n"
    ) in result.err


@pytest.mark.parametrize("command", ["build", "plan", "check"])
def test_all_faults_come_together_in_the_order_of_the_file(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, command: str
) -> None:
    project.write(
        "assets.yaml",
        "version: 1\n"
        "colour: red\n"
        "assets:\n"
        "  hero:\n"
        "    prompt: A keeper of the ${plaice}\n"
        f"    model: {GEMINI}\n"
        "    output: ../hero.png\n"
        "  side:\n"
        "    prompt: The same\n"
        f"    model: {GEMINI}\n"
        "    reference: asset:heroe\n"
        "    output: art/side.gif\n",
    )
    result = cli(command)
    assert (result.code, result.out) == (2, "")
    places = [int(line) for line in re.findall(r"--> assets\.yaml:(\d+):\d+", result.err)]
    assert places == sorted(places)
    assert places == [2, 5, 7, 11, 12]
    assert result.err.count("error: ") == 6
    assert result.err.endswith("error: 5 faults in the manifest\n")
    assert openrouter.requests == []


def test_the_caret_stands_under_the_fault_also_behind_letters_beyond_ascii(
    project: Project, cli: Cli
) -> None:
    line = f"  hero: {{prompt: 'Grüße', model: {GEMINI}, ouput: a.png, output: b.png}}"
    project.write("assets.yaml", f"version: 1\nassets:\n{line}\n")
    result = cli("plan")
    assert result.code == 2
    _, source, caret = re.findall(r"^(?:\d+|  ?)(?: \| | -->)(.*)$", result.err, re.MULTILINE)[:3]
    assert source == line
    assert source[caret.index("^") :].startswith("ouput")
    assert caret.count("^") == len("ouput")


def test_a_manifest_that_is_no_yaml_is_a_fault_with_a_place(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", "version: 1\nassets: {hero: [\n")
    result = cli("build")
    assert (result.code, result.out) == (2, "")
    assert re.search(r"--> assets\.yaml:\d+:\d+", result.err)
    assert "Traceback" not in result.err


# Pipes


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "arguments",
    [["plan"], ["plan", "--json"], ["check"], ["--help"], ["build", "--help"], ["--version"]],
    ids=" ".join,
)
def test_a_reader_that_has_seen_enough_is_no_error(cli: Cli, arguments: list[str]) -> None:
    process = cli.start(*arguments)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.wait()
    assert said == ""
    assert process.returncode == cli(*arguments).code


def test_a_reader_of_events_that_leaves_costs_no_image(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    assets = [f"  {n}: {{prompt: {n}, model: {GEMINI}, output: {n}.png}}\n" for n in "abc"]
    project.write("assets.yaml", "version: 1\nassets:\n" + "".join(assets))
    openrouter.hold()
    process = cli.start("build", "-j", "2", "--json")
    openrouter.wait_for_generations(2)
    assert process.stdout is not None
    process.stdout.close()
    openrouter.release()
    assert process.stderr is not None
    said = process.stderr.read()
    process.wait()
    assert "Traceback" not in said
    assert cli("build").code == 0
    assert sorted(request.prompt for request in openrouter.generations) == ["a", "b", "c"]
