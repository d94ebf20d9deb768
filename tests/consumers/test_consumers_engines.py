"""PixiJS and Phaser load atlases from `data: {json-hash: …}` and draw the source's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.consumers.drawn import GROUND, HEIGHT, WIDTH, assert_same, expected, of_data_url, places
from tests.consumers.pictures import FRAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.consumers.conftest import Site

GROUND_NUMBER = int.from_bytes(bytes(GROUND))
PIXI = """async ({sheet, shows, width, height, ground}) => {
  const app = new PIXI.Application();
  await app.init({width, height, background: ground, antialias: false, autoStart: false,
    preference: 'webgl', preserveDrawingBuffer: true});
  const loaded = await PIXI.Assets.load(sheet);
  for (const {name, animation, index, x, y} of shows) {
    const sprite = animation === undefined
      ? new PIXI.Sprite(PIXI.Assets.get(name))
      : new PIXI.AnimatedSprite(loaded.animations[animation]);
    if (animation !== undefined) sprite.gotoAndStop(index);
    sprite.position.set(x, y);
    app.stage.addChild(sprite);
  }
  app.render();
  return app.canvas.toDataURL();
}"""
PHASER = """({key, pages, shows, width, height, ground}) => new Promise((resolve, reject) => {
  const load = function () {
    this.load.on('loaderror', file => reject(new Error(file.src)));
    pages.forEach(({image, data}, page) => {
      if (pages.length === 1) this.load.atlas(key, image, data);
      else this.load.image(`page-${page}`, image).json(`data-${page}`, data);
    });
  };
  const create = function () {
    if (pages.length > 1) {
      const images = pages.map((_, page) => this.textures.get(`page-${page}`).getSourceImage());
      const data = pages.map((_, page) => this.cache.json.get(`data-${page}`));
      this.textures.addAtlasJSONHash(key, images, data);
    }
    const animations = this.textures.get(key).customData.animations ?? {};
    for (const [name, frames] of Object.entries(animations)) {
      this.anims.create({key: name, frames: frames.map(frame => ({key, frame}))});
    }
    for (const {name, animation, index, x, y} of shows) {
      const sprite = this.add.sprite(x, y, key, name).setOrigin(0, 0);
      if (animation !== undefined) {
        sprite.anims.play({key: animation, startFrame: index});
        sprite.anims.pause();
      }
    }
    this.game.renderer.snapshot(image => resolve(image.src));
  };
  new Phaser.Game({type: Phaser.WEBGL, width, height, backgroundColor: ground, banner: false,
    audio: {noAudio: true}, pixelArt: true, scene: {preload: load, create}});
})"""

Show = dict[str, Any]


def frames() -> tuple[list[Show], list[str]]:
    """What to show of an atlas: every frame, and the files they come from."""
    shows: list[Show] = [
        {"name": name, "x": x, "y": y}
        for name, (x, y) in zip(FRAMES, places(len(FRAMES)), strict=True)
    ]
    return shows, list(FRAMES.values())


def animation(name: str, shown: Sequence[str]) -> tuple[list[Show], list[str]]:
    """The same for all images of an animation."""
    shows: list[Show] = [
        {"animation": name, "index": index, "x": x, "y": y}
        for index, (x, y) in enumerate(places(len(shown)))
    ]
    return shows, [FRAMES[frame] for frame in shown]


ONE_PAGE = {
    "frames": frames(),
    "slice": animation("walk", ["walk-0", "walk-1", "walk-2", "walk-3"]),
    "animation": animation("blink", ["icon-b", "icon-a", "icon-b", "icon-1.c"]),
}


def pixi(page: Page, npm_packages: Path, sheet: str, shows: list[Show]) -> str:
    page.add_script_tag(path=npm_packages / "pixi.js/dist/pixi.min.js")
    return str(
        page.evaluate(
            PIXI,
            {
                "sheet": sheet,
                "shows": shows,
                "width": WIDTH,
                "height": HEIGHT,
                "ground": GROUND_NUMBER,
            },
        )
    )


def phaser(
    page: Page, npm_packages: Path, key: str, pages: Sequence[str], shows: list[Show]
) -> str:
    page.add_script_tag(path=npm_packages / "phaser/dist/phaser.min.js")
    files = [{"image": f"/public/{name}.png", "data": f"/public/{name}.json"} for name in pages]
    return str(
        page.evaluate(
            PHASER,
            {
                "key": key,
                "pages": files,
                "shows": shows,
                "width": WIDTH,
                "height": HEIGHT,
                "ground": GROUND_NUMBER,
            },
        )
    )


@pytest.mark.parametrize("what", ONE_PAGE)
def test_pixi_draws_an_atlas_pixel_by_pixel(
    what: str, page: Page, site: Site, npm_packages: Path
) -> None:
    shows, files = ONE_PAGE[what]
    drawn = of_data_url(pixi(page, npm_packages, "/public/one.json", shows))
    assert_same(drawn, expected([site.root / file for file in files]))


def test_pixi_draws_an_atlas_of_several_pages_from_its_first_file(
    page: Page, site: Site, npm_packages: Path
) -> None:
    assert len(pages_of(site)) > 1
    shows, files = frames()
    drawn = of_data_url(pixi(page, npm_packages, "/public/many-0.json", shows))
    assert_same(drawn, expected([site.root / file for file in files]))


def test_pixi_finds_a_page_whatever_its_file_is_called(
    page: Page, site: Site, npm_packages: Path
) -> None:
    shows, files = frames()
    drawn = of_data_url(pixi(page, npm_packages, "/public/odd%20one.json", shows))
    assert_same(drawn, expected([site.root / file for file in files]))


@pytest.mark.parametrize("what", ONE_PAGE)
def test_phaser_draws_an_atlas_pixel_by_pixel(
    what: str, page: Page, site: Site, npm_packages: Path
) -> None:
    shows, files = ONE_PAGE[what]
    drawn = of_data_url(phaser(page, npm_packages, "one", ["one"], shows))
    assert_same(drawn, expected([site.root / file for file in files]))


def test_phaser_draws_an_atlas_of_several_pages(page: Page, site: Site, npm_packages: Path) -> None:
    shows, files = frames()
    drawn = of_data_url(phaser(page, npm_packages, "many", pages_of(site), shows))
    assert_same(drawn, expected([site.root / file for file in files]))


def pages_of(site: Site) -> list[str]:
    """The names of the pages of the atlas that has several."""
    return sorted(path.stem for path in (site.root / "public").glob("many-*.png"))
