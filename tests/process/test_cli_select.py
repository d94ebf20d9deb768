"""Which assets a command looks at: names, globs, tags, and a `+` behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inside import Inside

if TYPE_CHECKING:
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

MANIFEST = """\
version: 1
defaults: {model: google/gemini-2.5-flash-image}
assets:
  hero: {prompt: hero, output: hero.png, tags: [people, big]}
  hero-side: {prompt: hero-side, reference: 'asset:hero', output: side.png, tags: [people]}
  poster: {prompt: poster, reference: 'asset:hero-side', output: poster.png, tags: [big]}
  icon-${item}:
    matrix: {item: [sword, shield]}
    prompt: icon-${item}
    output: ${item}.png
    tags: [icons]
"""
ALL = ["hero", "hero-side", "icon-shield", "icon-sword", "poster"]


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def assets(project: Project) -> Project:
    project.write("assets.yaml", MANIFEST)
    return project


def bought(openrouter: OpenRouterStandIn) -> list[str]:
    return sorted(request.prompt for request in openrouter.generations)


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize(
    ("selectors", "made"),
    [
        pytest.param([], ALL, id="everything"),
        pytest.param(["hero"], ["hero"], id="name"),
        pytest.param(["hero-side"], ["hero", "hero-side"], id="name with what it reads"),
        pytest.param(["hero+"], ["hero", "hero-side", "poster"], id="name with its dependants"),
        pytest.param(["poster"], ["hero", "hero-side", "poster"], id="all it reads"),
        pytest.param(["icon-*"], ["icon-shield", "icon-sword"], id="glob"),
        pytest.param(["icon-s[!h]*"], ["icon-sword"], id="glob with a class"),
        pytest.param(["tag:icons"], ["icon-shield", "icon-sword"], id="tag"),
        pytest.param(["tag:people+"], ["hero", "hero-side", "poster"], id="tag with dependants"),
        pytest.param(["icon-sword", "hero"], ["hero", "icon-sword"], id="two"),
        pytest.param(["hero", "hero", "h?ro"], ["hero"], id="the same thrice"),
    ],
)
def test_a_build_makes_what_was_asked_for_and_what_that_reads(
    cli: Inside, openrouter: OpenRouterStandIn, selectors: list[str], made: list[str]
) -> None:
    plan = cli("plan", "--json", *selectors).json
    assert sorted(asset["name"] for asset in plan["assets"]) == made
    result = cli("build", *selectors)
    assert result.code == 0, result.err
    assert bought(openrouter) == made


def test_what_was_not_asked_for_stays_as_it_is(
    assets: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    assert cli("build").code == 0
    before = assets.read_text("assets.lock")
    assets.write("assets.yaml", MANIFEST.replace("prompt: ", "prompt: new "))
    assert cli("build", "icon-sword").code == 0
    assert bought(openrouter) == sorted([*ALL, "new icon-sword"])
    changed = set(assets.read_text("assets.lock").splitlines()) - set(before.splitlines())
    assert len(changed) == 1
    assert "icon-sword" in changed.pop()
    assert cli("check", "icon-sword").code == 0
    assert cli("check").code == 4


def test_a_named_asset_does_not_bring_dependencies_that_are_up_to_date(
    assets: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    assert cli("build").code == 0
    assets.write("assets.yaml", MANIFEST.replace("prompt: poster", "prompt: new poster"))
    plan = cli("plan", "--json", "poster").json
    assert [(a["name"], a["verdict"]) for a in plan["assets"]] == [("poster", "generate")]
    assert cli("build", "poster").code == 0
    assert len(openrouter.generations) == 6


def test_a_build_of_a_part_does_not_pass_for_a_build_of_all(assets: Project, cli: Inside) -> None:
    assert cli("build", "hero").code == 0
    assert not assets.path("poster.png").exists()
    assert cli("build").err != "up to date\n"
    assert assets.path("poster.png").exists()


def test_orphans_are_not_made_of_what_was_not_asked_for(assets: Project, cli: Inside) -> None:
    assert cli("build").code == 0
    result = cli("build", "hero")
    assert result.code == 0
    assert "orphan" not in result.err
    assert cli("check", "--strict", "hero").code == 0
    assert assets.path("poster.png").exists()


@pytest.mark.usefixtures("assets")
@pytest.mark.parametrize(
    ("command", "selector", "hint"),
    [
        (["build"], "hero-sid", "did you mean `hero-side`?"),
        (["build"], "tag:peple", "did you mean `tag:people`?"),
        (["plan"], "zzz*", "`assetgen plan` lists the assets"),
        (["check"], "Hero", "did you mean `hero`?"),
        (["build", "--force"], "poser+", "did you mean `poster`?"),
    ],
)
def test_a_selector_that_matches_nothing_is_exit_2_with_the_nearest(
    cli: Inside, openrouter: OpenRouterStandIn, *, command: list[str], selector: str, hint: str
) -> None:
    result = cli(*command, selector)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: `{selector}` matches no asset\nhint: {hint}\n"
    assert openrouter.requests == []


@pytest.mark.usefixtures("assets")
def test_force_makes_anew_what_its_selectors_match(
    cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    assert cli("build").code == 0
    assert cli("build", "--force", "icon-*", "--force", "tag:none-of-these").code == 2
    assert len(openrouter.generations) == 5
    result = cli("build", "--force", "tag:icons", "--force", "poster")
    assert result.code == 0, result.err
    assert bought(openrouter) == sorted([*ALL, "icon-shield", "icon-sword", "poster"])


@pytest.mark.usefixtures("assets")
def test_force_is_bounded_by_the_selection(cli: Inside, openrouter: OpenRouterStandIn) -> None:
    assert cli("build").code == 0
    assert cli("build", "hero", "--force", "icon-*").code == 0
    assert len(openrouter.generations) == 5
