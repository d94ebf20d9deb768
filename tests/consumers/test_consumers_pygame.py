"""A game in pygame loads sprites: cut from an atlas by its plain JSON, or frame by frame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.consumers.drawn import GROUND, HEIGHT, WIDTH, assert_same, expected, places
from tests.consumers.pictures import FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pygame

    from tests.conftest import Project


@pytest.fixture
def game(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `pygame`, with a display that nobody sees."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    game = pytest.importorskip("pygame", reason="pygame is not installed")
    game.display.init()
    yield game
    game.display.quit()


@pytest.fixture
def screen(game: Any) -> pygame.Surface:
    screen: pygame.Surface = game.display.set_mode((WIDTH, HEIGHT))
    screen.fill(GROUND)
    return screen


def shown(game: Any, screen: pygame.Surface) -> Image.Image:
    """What is on the screen."""
    return Image.frombytes("RGB", screen.get_size(), game.image.tobytes(screen, "RGB"))


@pytest.mark.parametrize("atlas", ["one", "many"])
def test_sprites_come_from_the_atlas_by_its_plain_json(
    atlas: str, game: Any, screen: pygame.Surface, finished: Project
) -> None:
    folder = finished.path("public")
    sheet: Any = json.loads(finished.read_text(f"public/{atlas}.plain.json"))
    pages = [game.image.load(folder / page["image"]).convert_alpha() for page in sheet["pages"]]
    for name, (x, y) in zip(FRAMES, places(len(FRAMES)), strict=True):
        frame = sheet["frames"][name]
        area = (frame["x"], frame["y"], frame["width"], frame["height"])
        corner = (x + frame["source_x"], y + frame["source_y"])
        screen.blit(pages[frame["page"]], corner, area)
    assert_same(shown(game, screen), expected([finished.path(file) for file in FRAMES.values()]))


def test_an_animation_is_there_as_files_too(
    game: Any, screen: pygame.Surface, finished: Project
) -> None:
    told: Any = json.loads(finished.read_text("public/assets.json"))
    files = [finished.path(file["path"]) for file in told["assets"]["walk"]["frames"]]
    for file, place in zip(files, places(4), strict=True):
        screen.blit(game.image.load(file).convert_alpha(), place)
    assert_same(shown(game, screen), expected(files))
