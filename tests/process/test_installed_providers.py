"""Providers of installed packages: the worked example, and packages that do not do as they should.

They are installed as a `.dist-info` beside their code.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.inside import Inside
from tests.installed import install, write_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli, Project

EXAMPLE = Path(__file__).parents[2] / "examples/provider"

PAINTER = """\
from decimal import Decimal
from pathlib import Path
from assetgen import Generated, ProviderPlugin

class Painter:
    def __init__(self, environ):
        self.key = environ["PAINTER_KEY"]

    async def generate(self, request):
        return Generated(images=(Path("photo.png").read_bytes(),), cost_usd=Decimal("0.25"))

PLUGIN = ProviderPlugin(
    create=Painter,
    keys=("PAINTER_KEY",),
    estimate_usd=lambda action: Decimal("0.30"),
)
"""
MANIFEST = """\
version: 1
provider: painter
assets:
  hero: {prompt: A keeper, model: oils, output: hero.png}
"""


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages that this Python sees until the test ends."""
    folder = tmp_path / "site"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    forget(folder)


def forget(site: Path) -> None:
    """Let the packages be loaded anew, as the next process would."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{site}{os.sep}"):
            del sys.modules[name]


@pytest.fixture
def example(site: Path, project: Project) -> Project:
    install(EXAMPLE, site)
    project.write("assets.yaml", (EXAMPLE / "project/assets.yaml").read_bytes())
    return project


@pytest.fixture
def painter(site: Path, project: Project, cli: Inside) -> Project:
    """A provider that costs money, with its key set."""
    from tests.standin import picture  # noqa: PLC0415 - only some tests need a photo

    write_module(site, "painter", PAINTER, painter="painter:PLUGIN")
    cli.env["PAINTER_KEY"] = "secret"
    project.write("photo.png", picture("photo"))
    project.write("assets.yaml", MANIFEST)
    return project


def test_the_example_provider_makes_the_images_of_its_project(
    example: Project, cli: Inside
) -> None:
    built = cli("build", env={"OPENROUTER_API_KEY": None})
    assert (built.code, built.err.splitlines()[-1]) == (0, "4 generated")
    with Image.open(example.path("avatars/ada.webp")) as ada:
        assert ada.size == (320, 320)
        worn = {colour for _, colour in ada.convert("RGB").getcolors() or ()}
    with Image.open(example.path("avatars/guild.png")) as guild:
        mean = guild.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert worn == {mean, (255, 255, 255)}, "the guild's colour is read from the reference"
    assert cli("build").err == "up to date\n"
    assert cli("check").code == 0


def test_a_picture_that_can_be_repeated_is_made_again_where_it_is_lost(
    example: Project, cli: Inside, tmp_path: Path
) -> None:
    assert cli("build").code == 0
    lock = example.read_bytes("assets.lock")
    example.path("avatars/guild.png").unlink()
    elsewhere = {"ASSETGEN_CACHE_DIR": str(tmp_path / "another")}
    assert cli("build", env=elsewhere).err.splitlines()[-1] == "1 generated, 3 up to date"
    assert example.read_bytes("assets.lock") == lock


def test_another_version_of_a_provider_makes_its_images_stale(
    example: Project, cli: Inside, site: Path
) -> None:
    assert cli("build", "guild").code == 0
    code = site / "assetgen_identicon/__init__.py"
    code.write_text(code.read_text("utf-8").replace('version="1"', 'version="2"'), "utf-8")
    forget(site)
    assert "renderer changed" in cli("plan", "guild").out
    assert example.path("avatars/guild.png").exists()


def test_what_the_provider_refuses_is_told_in_its_words(example: Project, cli: Inside) -> None:
    text = example.read_text("assets.yaml").replace("image_size: 0.5K", "aspect_ratio: 2:1")
    example.write("assets.yaml", text)
    built = cli("build", "guild")
    assert built.code == 1
    assert "error: guild: identicons are square, not 2:1" in built.err
    assert "hint: remove `aspect_ratio`, or write `1:1`" in built.err


@pytest.mark.usefixtures("painter")
def test_what_costs_money_is_estimated_booked_and_capped(cli: Inside, project: Project) -> None:
    assert "about $0.30" in cli("plan").out
    assert "price of oils: an estimate by provider `painter`" in cli("plan").out
    assert cli("build", "--max-cost", "0.29").code == 5
    built = cli("build")
    assert "spent $0.25" in built.err
    assert project.lock[1]["cost_usd"] == 0.25
    project.path("hero.png").unlink()
    assert "restored hero" in cli("build").err


def test_a_bought_image_that_is_gone_is_not_bought_again_unasked(
    painter: Project, cli: Inside, tmp_path: Path
) -> None:
    assert cli("build").code == 0
    painter.path("hero.png").unlink()
    elsewhere = {"ASSETGEN_CACHE_DIR": str(tmp_path / "another")}
    assert cli("build", env=elsewhere).code == 4


@pytest.mark.usefixtures("painter")
def test_a_missing_key_is_told_before_anything_is_tried(cli: Inside) -> None:
    built = cli("build", env={"PAINTER_KEY": " "})
    assert built.code == 2
    assert "`PAINTER_KEY` is not set" in built.err
    assert cli("build", "--draft", env={"PAINTER_KEY": None}).code == 0


@pytest.mark.usefixtures("painter")
def test_a_nearly_right_name_is_suggested_with_its_place(cli: Inside, project: Project) -> None:
    project.write("assets.yaml", MANIFEST.replace("painter", "paintr"))
    checked = cli("check")
    assert checked.code == 2
    assert "error: unknown provider `paintr`\n  --> assets.yaml:2:11  (provider)" in checked.err
    assert "hint: did you mean `painter`?" in checked.err


def test_a_package_cannot_take_the_place_of_a_built_in_provider(
    painter: Project, cli: Inside, site: Path
) -> None:
    write_module(site, "thief", "raise SystemExit('loaded')", draft="thief:X", openrouter="thief:X")
    painter.write("assets.yaml", MANIFEST.replace("painter", "draft"))
    assert cli("build").code == 0


BROKEN = {
    "no such module": ("", "gone:PLUGIN", "does not load: ModuleNotFoundError"),
    "raises on import": ("1 / 0", "odd:PLUGIN", "does not load: ZeroDivisionError: division"),
    "exits on import": ("raise SystemExit", "odd:PLUGIN", "does not load: SystemExit"),
    "no such name": ("", "odd:PLUGIN", "does not load: AttributeError"),
    "no plugin": ("PLUGIN = 7", "odd:PLUGIN", "is no `assetgen.ProviderPlugin`"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_provider_that_does_not_load_is_one_error_that_names_its_package(
    case: str, site: Path, project: Project, cli: Inside
) -> None:
    code, target, said = BROKEN[case]
    write_module(site, "odd", code, painter=target)
    project.write("assets.yaml", MANIFEST)
    built = cli("build")
    assert built.code == 2
    assert built.err.startswith("error: provider `painter` of `odd 0.1` ")
    assert said in built.err
    assert "Traceback" not in built.err


FAULTS = {
    "cannot be made": ('environ["PAINTER_KEY"]', "1 / 0", 2, "cannot be made: ZeroDivisionError"),
    "breaks": (
        "return Generated",
        "1 / 0; return Generated",
        1,
        "broke: ZeroDivisionError: division",
    ),
    "answers nothing": ("return Generated", "return dict", 1, "dict, which is no `Generated`"),
    "has no image": ('(Path("photo.png").read_bytes(),)', "()", 1, "answered with no image"),
    "bills with a float": ('Decimal("0.25")', "0.25", 1, "the bill 0.25, which is no `Decimal`"),
    "cannot estimate": ('Decimal("0.30")', "1 / 0", 2, "cannot estimate: ZeroDivisionError"),
    "estimates a float": ('Decimal("0.30")', "0.3", 2, "estimates 0.3, which is no `Decimal`"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_provider_that_breaks_fails_its_asset_and_nothing_else(
    case: str, painter: Project, site: Path, cli: Inside
) -> None:
    good, bad, code, said = FAULTS[case]
    assert good in PAINTER
    (site / "painter.py").write_text(PAINTER.replace(good, bad), "utf-8")
    built = cli("build", "--json")
    assert built.code == code
    assert said in (built.err if code == 2 else built.out)
    assert "Traceback" not in built.err
    if code == 1:
        finished = built.events[-2]
        assert finished["status"] == "failed"
        assert finished["cost_usd"] is None, "nobody can say whether it was billed"
        assert built.events[-1]["unknown_bills"] == 1
    assert not painter.path("hero.png").exists()


def test_the_deadline_of_a_call_holds_for_every_provider(
    painter: Project, site: Path, cli: Inside
) -> None:
    waiting = PAINTER.replace(
        "return Generated", "import asyncio; await asyncio.sleep(60); return Generated"
    )
    (site / "painter.py").write_text(waiting, "utf-8")
    painter.write("assets.yaml", MANIFEST.replace("output", "timeout_s: 0.05, output"))
    built = cli("build")
    assert built.code == 1
    assert "no answer from provider `painter` within 0.05 s" in built.err


def test_one_name_in_two_packages_is_an_error_that_names_both(
    painter: Project, site: Path, cli: Inside
) -> None:
    write_module(site, "other", PAINTER, painter="other:PLUGIN")
    built = cli("build")
    assert built.code == 2
    assert "in more than one package: `other 0.1` and `painter 0.1`" in built.err
    assert not painter.path("hero.png").exists()


def test_a_provider_that_cannot_close_costs_no_image(
    painter: Project, site: Path, cli: Inside
) -> None:
    closing = PAINTER.replace(
        "PLUGIN =", "    async def aclose(self):\n        raise OSError('gone')\n\nPLUGIN ="
    )
    (site / "painter.py").write_text(closing, "utf-8")
    built = cli("build")
    assert built.code == 0
    assert "warning: provider `painter` broke while it was closed: OSError: gone" in built.err
    assert painter.path("hero.png").exists()


@pytest.mark.usefixtures("painter")
def test_built_in_providers_look_at_no_package(
    cli: Inside, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = importlib.metadata.entry_points

    def entry_points(**wanted: str) -> object:
        assert wanted.get("group") != "assetgen.providers", "packages were looked at"
        return ask(**wanted)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert cli("check").code == 3, "the trap works"
    project.write("assets.yaml", MANIFEST.replace("painter", "draft"))
    for command in ("plan", "build", "check"):
        assert cli(command).code == 0


def test_an_installed_provider_works_in_a_process_of_its_own(
    example: Project, site: Path, tmp_path: Path
) -> None:
    path = os.pathsep.join(
        [str(site), *filter(None, [os.environ.get("PYTHONPATH")]), str(EXAMPLE.parents[1])]
    )
    done = subprocess.run(
        [sys.executable, "-m", "assetgen", "build", "guild"],
        cwd=example.root,
        env={"PYTHONPATH": path, "ASSETGEN_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 generated")
