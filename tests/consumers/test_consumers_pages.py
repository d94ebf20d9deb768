"""What a page shows of the exported `<picture>` and of CSS sprites, in Chromium."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.consumers.drawn import GROUND, HEIGHT, WIDTH, assert_same, expected, places
from tests.consumers.pictures import FRAMES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from tests.consumers.conftest import Site

SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
    .observe({type: 'layout-shift', buffered: true});
  requestAnimationFrame(() => setTimeout(() => resolve(sum), 100));
})"""


def with_picture(site: Site, name: str, replaced: tuple[str, str] = ("", "")) -> str:
    """The address of a page that holds the exported fragment, as a template would."""
    fragment = (site.root / "public/pictures.html").read_text(encoding="utf-8")
    style = "body { margin: 0 } img { display: block; max-width: 100%; height: auto }"
    page = f"<!doctype html><style>{style}</style>{fragment.replace(*replaced)}<p id=below>text"
    (site.root / f"{name}.html").write_text(page, encoding="utf-8")
    return f"{site.address}/{name}.html"


def chosen_by(page: Page) -> str:
    """The file that the picture shows, once it has come."""
    page.wait_for_function("() => document.querySelector('img').naturalWidth > 0")
    return str(page.evaluate("() => document.querySelector('img').currentSrc"))


@pytest.mark.parametrize(
    ("width_px", "dpr", "loaded"),
    [(320, 1, 320), (320, 2, 640), (500, 1, 640), (412, 2.6, 1280), (800, 1, 640), (1280, 2, 1280)],
    ids=str,
)
def test_a_device_loads_the_width_and_the_format_it_should(
    width_px: int, dpr: float, loaded: int, browser: Browser, site: Site
) -> None:
    context = browser.new_context(
        viewport={"width": width_px, "height": 600}, device_scale_factor=dpr
    )
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(with_picture(site, "picture"))
    chosen = chosen_by(page)
    context.close()
    assert re.fullmatch(rf".*/public/img/banner-{loaded}\.[0-9a-f]{{8}}\.avif", chosen)
    assert [url for url in asked if "banner" in url] == [chosen]


def test_a_browser_without_a_format_loads_the_next_one(page: Page, site: Site) -> None:
    page.goto(with_picture(site, "no-avif", ("image/avif", "image/not-known-here")))
    chosen = chosen_by(page)
    assert chosen.endswith(".webp")


def test_nothing_moves_when_the_picture_comes(page: Page, site: Site) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/banner-*", hold)
    page.goto(with_picture(site, "shift"), wait_until="domcontentloaded")
    below = "() => document.querySelector('#below').getBoundingClientRect().top"
    before = page.evaluate(below)
    assert before > 100
    page.wait_for_timeout(100)
    (route,) = held
    route.continue_()
    page.wait_for_function("() => document.querySelector('img').naturalWidth > 0")
    assert page.evaluate(below) == pytest.approx(before, abs=0.01)
    assert page.evaluate(SHIFTS) == 0


def test_the_place_has_the_dominant_colour_until_then(page: Page, site: Site) -> None:
    page.route("**/banner-*", lambda route: route.abort())
    page.goto(with_picture(site, "colour"))
    colour = page.evaluate("() => getComputedStyle(document.querySelector('img')).backgroundColor")
    wanted = [int(number) for number in re.findall(r"\d+", colour)]
    with Image.open(site.root / "art/banner.png") as picture:
        drawn = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    near = np.abs(drawn - wanted).max(axis=1) < 8
    assert np.count_nonzero(near) > len(drawn) // 10


@pytest.mark.parametrize("atlas", ["one", "many", "9odd"])
def test_css_sprites_show_the_pixels_of_their_sources(atlas: str, page: Page, site: Site) -> None:
    shown = zip(FRAMES, places(len(FRAMES)), strict=True)
    sprites = "".join(
        f'<i class="{atlas} {atlas}-{name}" style="position: absolute; left: {x}px; top: {y}px">'
        "</i>"
        for name, (x, y) in shown
    )
    ground = f"rgb{GROUND}"
    (site.root / f"css-{atlas}.html").write_text(
        f'<!doctype html><link rel=stylesheet href="/public/{atlas}.css">'
        f'<body style="margin: 0; background: {ground}">{sprites}',
        encoding="utf-8",
    )
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(f"/css-{atlas}.html", wait_until="networkidle")
    with Image.open(io.BytesIO(page.screenshot())) as drawn:
        assert_same(drawn.convert("RGB"), expected([site.root / f for f in FRAMES.values()]))
