"""The examples as a person meets them: the game is played, the page is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Cli
from tests.consumers.conftest import ROOT, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

MADE = shutil.ignore_patterns(".assetgen", "built", "parts", "public", "*.lock")


def built(name: str, folder: Path, *options: str) -> Path:
    """A copy of an example, built by the real command."""
    example = folder / name
    shutil.copytree(ROOT / "examples" / name, example, ignore=MADE)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "ASSETGEN_CACHE_DIR": str(folder / "cache"),
    }
    result = Cli(example, env)("build", *options, timeout_s=180)
    assert result.code == 0, result.err
    return example


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    """A page that shouts when a script fails or a file is not there."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    yield page
    context.close()
    assert wrong == []


def test_the_game_can_be_played(opened: Page, tmp_path: Path) -> None:
    with serving(built("game", tmp_path)) as address:
        opened.goto(address)
        says = opened.locator("#says")
        opened.wait_for_function(
            "() => document.querySelector('#says').textContent.startsWith('6')"
        )
        before = opened.locator("#game").screenshot()
        assert opened.locator(".missing").count() == 6
        opened.keyboard.down("ArrowLeft")
        opened.keyboard.down("ArrowUp")
        opened.wait_for_function(
            "() => document.querySelector('#says').textContent.startsWith('5')"
        )
        opened.keyboard.up("ArrowLeft")
        opened.keyboard.up("ArrowUp")
        assert says.text_content() == "5 things are still out there."
        assert opened.locator(".missing").count() == 5
        assert opened.locator("#game").screenshot() != before
        assert opened.locator("#title").evaluate("image => image.naturalWidth") == 640


def test_the_page_shows_all_its_pictures_in_the_best_format(opened: Page, tmp_path: Path) -> None:
    example = built("web", tmp_path, "--draft")
    subprocess.run([sys.executable, "page.py"], cwd=example, check=True)
    with serving(example / "public") as address:
        opened.goto(address)
        pictures = opened.locator("picture img")
        assert pictures.count() == 6
        for index in range(6):
            pictures.nth(index).scroll_into_view_if_needed()
        opened.wait_for_function(
            "() => [...document.images].every(image => image.naturalWidth > 0)"
        )
        shown = pictures.evaluate_all("images => images.map(image => image.currentSrc)")
        assert sorted({source.rpartition(".")[2] for source in shown}) == ["avif", "png"]
        assert all("-128." in source for source in shown if "founder" in source)
        assert pictures.nth(1).get_attribute("alt") == "Fishing boats in the harbour"
