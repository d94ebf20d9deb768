"""Drafts: placeholders under `--draft`, and the product itself with `provider: draft`."""

from __future__ import annotations

import io
import shutil
from hashlib import sha256
from typing import TYPE_CHECKING

import PIL.Image
import pytest

from tests.inside import Inside
from tests.standin import picture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""
SMALL = "image_size: 0.5K, model: google/gemini-3.1-flash-image"
"""Drafts have the real size, and small ones are drawn sooner."""
MANIFEST = f"""\
version: 1
assets:
  hero: {{prompt: A lighthouse keeper, {SMALL}, aspect_ratio: '2:3', output: art/hero.png}}
  side: {{prompt: From the left, {SMALL}, reference: 'asset:hero', output: art/side.webp}}
  logo: {{source: hand/logo.png, output: public/logo.webp}}
"""
PRODUCT = MANIFEST.replace("version: 1\n", "version: 1\nprovider: draft\n")


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def empty(project: Project) -> Project:
    """A project of which nothing is built."""
    project.write("hand/logo.png", picture("logo"))
    project.write("assets.yaml", MANIFEST)
    return project


@pytest.fixture
def drafted(empty: Project, cli: Inside) -> Project:
    """The same, filled with placeholders."""
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0, result.err
    return empty


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


def shape(data: bytes) -> tuple[str | None, tuple[int, int]]:
    with PIL.Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.format, image.size


def locked(project: Project) -> set[str]:
    """Names in the lockfile; none when there is none."""
    if not project.path("assets.lock").exists():
        return set()
    return {entry["name"] for entry in project.lock if "name" in entry}


def stored(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if len(path.name) == 64}


# Placeholders where there is no image


def test_draft_fills_what_has_no_image_without_key_or_network(
    drafted: Project, openrouter: OpenRouterStandIn
) -> None:
    assert shape(drafted.read_bytes("art/hero.png")) == ("PNG", (416, 624))
    assert shape(drafted.read_bytes("art/side.webp")) == ("WEBP", (512, 512))
    assert drafted.path("public/logo.webp").exists()
    assert openrouter.requests == []


@pytest.mark.parametrize(
    ("fields", "output", "format_name", "size"),
    [
        (f"model: {GEMINI}", "a.png", "PNG", (1024, 1024)),
        (f"model: {GEMINI}, aspect_ratio: '21:9'", "a.jpg", "JPEG", (1536, 672)),
        (f"model: {GEMINI}, aspect_ratio: '4:5'", "a.jpeg", "JPEG", (896, 1152)),
        (f"{SMALL}, aspect_ratio: '9:16'", "a.webp", "WEBP", (384, 672)),
        (f"{SMALL}, aspect_ratio: '1:1'", "a.avif", "AVIF", (512, 512)),
        ("model: google/gemini-3-pro-image, image_size: 2K", "a.png", "PNG", (2048, 2048)),
    ],
)
def test_a_draft_has_exactly_the_size_and_format_that_was_asked_for(
    project: Project,
    cli: Inside,
    *,
    fields: str,
    output: str,
    format_name: str,
    size: tuple[int, int],
) -> None:
    project.write(
        "assets.yaml", f"version: 1\nassets:\n  a: {{prompt: x, {fields}, output: {output}}}\n"
    )
    assert cli("build", "--draft", env=FREE).code == 0
    assert shape(project.read_bytes(output)) == (format_name, size)


def test_plan_tells_drafts_from_purchases(empty: Project, cli: Inside) -> None:
    assert empty.path("assets.yaml").exists()
    paid, free = cli("plan", "--json").json, cli("plan", "--draft", "--json").json
    assert paid["summary"]["images"] == 2
    assert free["summary"]["images"] == 0
    assert free["summary"]["estimate_usd"] == 0
    assert {asset["name"]: asset["verdict"] for asset in free["assets"]} == {
        "hero": "generate",
        "side": "generate",
        "logo": "derive",
    }
    assert "draft" in free["assets"][0]["reason"]
    assert "$" not in cli("plan", "--draft").out


def test_placeholders_are_in_neither_lockfile_nor_store_nor_ledger(
    drafted: Project, tmp_path: Path
) -> None:
    assert locked(drafted) == {"logo"}
    digests = {
        sha256(drafted.read_bytes(f"art/{n}")).hexdigest() for n in ("hero.png", "side.webp")
    }
    assert digests.isdisjoint(stored(tmp_path / "cache"))
    assert not (tmp_path / "cache/ledger.jsonl").exists()
    for digest in digests:
        assert digest not in drafted.read_text("assets.lock")


def test_two_projects_draw_the_same_placeholder(
    drafted: Project, cli: Inside, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(drafted.path("assets.yaml"), other)
    shutil.copytree(drafted.path("hand"), other / "hand")
    env = {**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / "other-cache")}
    assert cli("build", "--draft", cwd=other, env=env).code == 0
    assert (other / "art/hero.png").read_bytes() == drafted.read_bytes("art/hero.png")


def test_a_second_draft_build_writes_nothing(drafted: Project, cli: Inside) -> None:
    before = snapshot(drafted)
    result = cli("build", "--draft", env=FREE)
    assert (result.code, result.err) == (0, "up to date\n")
    assert cli("build", "--draft", "--json", env=FREE).code == 0
    assert snapshot(drafted) == before


def test_a_draft_build_does_not_pass_for_a_real_one(
    drafted: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 2
    assert locked(drafted) == {"hero", "side", "logo"}
    assert cli("build", "--draft").code == 0
    assert cli("build").err == "up to date\n"


def test_check_and_plan_report_drafts(drafted: Project, cli: Inside) -> None:
    check = cli("check", env=FREE)
    assert check.code == 4
    assert "2 of 3 assets not up to date" in check.out
    assert "draft" in check.out
    assert cli("plan", "--exit-code", env=FREE).code == 4
    assert verdicts(cli) == {"hero": "generate", "side": "wait", "logo": "keep"}
    drafted.path("art/hero.png").unlink()
    drafted.path("art/side.webp").unlink()
    assert cli("check", "logo").code == 0


def test_the_real_image_replaces_a_placeholder_without_a_word_about_it(
    drafted: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    draft = drafted.read_bytes("art/hero.png")
    result = cli("build")
    assert result.code == 0, result.err
    assert "held" not in result.err
    assert "kept as" not in result.err
    real = drafted.read_bytes("art/hero.png")
    assert real != draft
    assert sha256(draft).hexdigest() not in stored(tmp_path / "cache")
    assert cli("check", env=FREE).code == 0
    # what hero's dependant was made from is the real hero
    assert openrouter.generations[-1].references == [real]


def test_a_changed_prompt_changes_its_placeholder_and_no_other(
    drafted: Project, cli: Inside
) -> None:
    before = drafted.read_bytes("art/hero.png"), drafted.read_bytes("art/side.webp")
    edit(drafted, "A lighthouse keeper", "A harbour pilot")
    assert verdicts(cli, "--draft") == {"hero": "generate", "side": "keep", "logo": "keep"}
    assert cli("build", "--draft", env=FREE).code == 0
    after = drafted.read_bytes("art/hero.png"), drafted.read_bytes("art/side.webp")
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_lost_placeholder_is_drawn_again(drafted: Project, cli: Inside) -> None:
    before = drafted.read_bytes("art/hero.png")
    drafted.path("art/hero.png").unlink()
    assert cli("build", "--draft", env=FREE).code == 0
    assert drafted.read_bytes("art/hero.png") == before


@pytest.mark.parametrize("how", ["repainted", "a byte more", "saved again"])
def test_a_placeholder_that_somebody_edited_is_held_like_any_hand_made_image(
    drafted: Project, cli: Inside, openrouter: OpenRouterStandIn, how: str
) -> None:
    draft = drafted.read_bytes("art/hero.png")
    with PIL.Image.open(io.BytesIO(draft)) as image:
        painted = image.convert("RGB")
    if how == "repainted":
        painted.putpixel((5, 5), (255, 0, 255))
    file = io.BytesIO()
    painted.save(file, "PNG")
    edited = draft + b"\n" if how == "a byte more" else file.getvalue()
    drafted.write("art/hero.png", edited)
    for arguments in (["build", "--draft"], ["build"]):
        result = cli(*arguments)
        assert "held: hero" in result.err
        assert "--force hero" in result.err
        assert drafted.read_bytes("art/hero.png") == edited
    assert [r for r in openrouter.generations if r.prompt == "A lighthouse keeper"] == []


def test_an_image_that_was_there_first_is_no_placeholder(empty: Project, cli: Inside) -> None:
    mine = picture("mine")
    empty.write("art/hero.png", mine)
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0
    assert "held: hero" in result.err
    assert empty.read_bytes("art/hero.png") == mine
    assert empty.path("art/side.webp").exists()


# Real images are left alone


@pytest.fixture
def real(empty: Project, cli: Inside) -> Project:
    """The same project with real images."""
    assert cli("build").code == 0
    return empty


def test_draft_leaves_a_stale_real_image_alone_and_says_so(
    real: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    image, lock = real.read_bytes("art/hero.png"), real.read_text("assets.lock")
    edit(real, "A lighthouse keeper", "A harbour pilot")
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0, result.err
    assert "hero: prompt changed; `--draft` leaves real images alone" in result.err
    assert real.read_bytes("art/hero.png") == image
    assert real.read_text("assets.lock") == lock
    assert len(openrouter.generations) == 2
    assert verdicts(cli) == {"hero": "generate", "side": "wait", "logo": "keep"}


def test_draft_fills_only_the_gap_beside_real_images(real: Project, cli: Inside) -> None:
    before = snapshot(real)
    with real.path("assets.yaml").open("a") as file:
        file.write(f"  new: {{prompt: New, {SMALL}, reference: 'asset:hero', output: new.png}}\n")
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0, result.err
    assert "drafted new" in result.err
    changed = {path for path, seen in snapshot(real).items() if before.get(path) != seen}
    outside = {path for path in changed if "/.assetgen/" not in path}
    assert outside == {str(real.path("new.png")), str(real.path("assets.yaml"))}
    assert locked(real) == {"hero", "side", "logo"}


def test_draft_restores_a_real_image_that_is_known_rather_than_drawing_one(
    real: Project, cli: Inside
) -> None:
    image = real.read_bytes("art/hero.png")
    real.path("art/hero.png").unlink()
    assert cli("build", "--draft", env=FREE).code == 0
    assert real.read_bytes("art/hero.png") == image


def test_draft_stands_in_for_an_image_that_was_bought_elsewhere(
    real: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    lock = real.read_text("assets.lock")
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(real.path("art"))
    assert verdicts(cli) == {"hero": "hold", "side": "hold", "logo": "keep"}
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0, result.err
    assert shape(real.read_bytes("art/hero.png")) == ("PNG", (416, 624))
    assert real.read_text("assets.lock") == lock
    assert cli("check").code == 4
    assert cli("build").code == 4, "what was bought is not bought again unasked"
    assert len(openrouter.generations) == 2


# Drafts as the product


@pytest.fixture
def product(project: Project, cli: Inside) -> Project:
    """A project whose provider is `draft`, built once."""
    project.write("hand/logo.png", picture("logo"))
    project.write("assets.yaml", PRODUCT)
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert "free" in result.err
    return project


def test_drafts_as_the_product_are_locked_and_checked_like_any_image(
    product: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    assert locked(product) == {"hero", "side", "logo"}
    (hero,) = (entry for entry in product.lock if entry.get("name") == "hero")
    assert hero["digest"] == f"sha256:{sha256(product.read_bytes('art/hero.png')).hexdigest()}"
    assert hero["cost_usd"] == 0
    assert cli("check", env=FREE).code == 0
    before = snapshot(product)
    assert cli("build", env=FREE).err == "up to date\n"
    assert cli("build", "--json", env=FREE).code == 0
    assert snapshot(product) == before
    assert openrouter.requests == []


def test_drafts_as_the_product_go_stale_by_their_inputs_and_nothing_else(
    product: Project, cli: Inside
) -> None:
    edit(product, "  hero: {", "  hero: {description: The one, tags: [people], ")
    assert set(verdicts(cli).values()) == {"keep"}
    edit(product, "A lighthouse keeper", "A harbour pilot")
    before = product.read_bytes("art/hero.png"), product.read_bytes("art/side.webp")
    assert verdicts(cli) == {"hero": "generate", "side": "wait", "logo": "keep"}
    assert cli("check").code == 4
    assert cli("build", env=FREE).code == 0
    after = product.read_bytes("art/hero.png"), product.read_bytes("art/side.webp")
    assert after[0] != before[0]
    assert cli("check", env=FREE).code == 0


def test_a_draft_that_is_the_product_is_held_once_it_was_edited_by_hand(
    product: Project, cli: Inside
) -> None:
    painted = picture("painted")
    product.write("art/hero.png", painted)
    result = cli("build", env=FREE)
    assert result.code == 0
    assert "edited by hand" in result.err
    assert product.read_bytes("art/hero.png") == painted
    assert cli("check").code == 4


def test_a_lost_draft_of_the_product_comes_back_the_same_with_or_without_the_store(
    product: Project, cli: Inside, tmp_path: Path
) -> None:
    before = product.read_bytes("art/hero.png")
    for cache in ("cache", "another-cache"):
        product.path("art/hero.png").unlink()
        env = {**FREE, "ASSETGEN_CACHE_DIR": str(tmp_path / cache)}
        assert cli("build", env=env).code == 0
        assert product.read_bytes("art/hero.png") == before
        assert cli("check", env=env).code == 0


def test_the_draft_option_changes_nothing_where_drafts_are_the_product(
    product: Project, cli: Inside
) -> None:
    lock = product.read_text("assets.lock")
    product.path("art/hero.png").unlink()
    assert cli("build", "--draft", env=FREE).code == 0
    assert product.read_text("assets.lock") == lock
    assert cli("check").code == 0


def test_a_product_of_drafts_needs_no_model(project: Project, cli: Inside) -> None:
    project.write(
        "assets.yaml",
        "version: 1\nprovider: draft\nassets:\n"
        "  a: {prompt: A lamp, image_size: 0.5K, output: a.png}\n",
    )
    result = cli("build", env=FREE)
    assert result.code == 0, result.err
    assert shape(project.read_bytes("a.png")) == ("PNG", (512, 512))
    assert cli("check", env=FREE).code == 0


def test_moving_from_drafts_to_a_real_provider_buys_the_images_and_back_is_free(
    product: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    drafts = product.read_bytes("art/hero.png")
    edit(product, "provider: draft\n", "provider: openrouter\n")
    plan = cli("plan", "--json").json
    assert plan["summary"]["images"] == 2
    result = cli("build")
    assert result.code == 0, result.err
    assert len(openrouter.generations) == 2
    assert product.read_bytes("art/hero.png") != drafts
    edit(product, "provider: openrouter\n", "provider: draft\n")
    assert cli("build", env=FREE).code == 0
    assert product.read_bytes("art/hero.png") == drafts
    edit(product, "provider: draft\n", "provider: openrouter\n")
    assert cli("build", env=FREE).code == 0
    assert len(openrouter.generations) == 2


def test_a_step_that_cannot_be_done_to_a_draft_is_left_out_of_it(
    cli: Inside, empty: Project
) -> None:
    steps = "steps: [{remove_background: {ground: '#ff00ff'}}, {resize: {width: 64, height: 48}}]"
    empty.write("assets.yaml", MANIFEST.replace("output: art/hero", f"{steps}, output: art/hero"))
    result = cli("build", "--draft", env=FREE)
    assert result.code == 0, result.err
    assert "warning: hero: a step was left out of the draft: the ground `#ff00ff` is" in result.err
    with PIL.Image.open(empty.path("art/hero.png")) as drawn:
        assert drawn.size == (64, 48)
