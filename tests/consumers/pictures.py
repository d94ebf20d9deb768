"""The pictures of the finished project: noise, so that no pixel can be taken for its neighbour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

MANIFEST = """\
version: 1
provider: draft
assets:
  walk:
    source: hand/walk.png
    output: art/walk.png
    steps: [{slice: {columns: 4, output: "art/walk/${frame}.png"}}]
  icon-${n}:
    matrix: {n: [a, b, 1.c]}
    source: hand/${n}.png
    output: art/icon-${n}.png
    tags: [icons]
  banner:
    prompt: A harbour
    description: The harbour at dawn
    aspect_ratio: 21:9
    output: art/banner.png
    variants:
      widths: [320, 640, 1280]
      formats: [avif, webp, jpeg]
      output: public/img/banner-${width}.${hash}.${format}
atlases:
  one:
    assets: [walk, tag:icons]
    output: public/one.png
    data: {json-hash: public/one.json, css: public/one.css, json: public/one.plain.json}
    animations: {blink: ["icon-b", "icon-a", "icon-b", "icon-1.c"]}
  many:
    assets: [walk, tag:icons]
    output: public/many-${page}.png
    max_size: 96
    max_pages: 9
    extrude: 1
    data:
      json-hash: public/many-${page}.json
      css: public/many.css
      json: public/many.plain.json
  9odd:
    assets: [walk, tag:icons]
    output: "public/odd one #1 50%.png"
    power_of_two: true
    data: {json-hash: "public/odd one.json", css: public/9odd.css}
exports:
  code: {format: typescript, output: src/assets.ts, base: /, atlases: ["*"]}
  data: {format: json, output: public/assets.json}
  program: {format: python, output: game_assets.py}
  html:
    format: html
    assets: [banner]
    output: public/pictures.html
    base: /
    sizes: "(min-width: 50rem) 50vw, 100vw"
"""
FRAMES = {
    **{f"walk-{number}": f"art/walk/{number}.png" for number in range(4)},
    **{f"icon-{name}": f"art/icon-{name}.png" for name in ("a", "b", "1.c")},
}
"""Files by the names of their frames."""


def _noise(seed: int, width: int, height: int, border: tuple[int, int, int, int]) -> Image.Image:
    """Coloured noise inside a transparent border: left, top, right, bottom."""
    left, top, right, bottom = border
    pixels = np.zeros((height, width, 4), np.uint8)
    inside = pixels[top : height - bottom, left : width - right]
    inside[...] = np.random.default_rng(seed).integers(0, 256, inside.shape, np.uint8)
    inside[..., 3] = 255
    return Image.fromarray(pixels)


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _walk() -> Image.Image:
    sheet = Image.new("RGBA", (4 * 32, 48))
    for number in range(4):
        frame = _noise(number, 32, 48, (3 + number, 5, 6 - number, 1 + number))
        sheet.paste(frame, (32 * number, 0))
    return sheet


FILES: dict[str, str | bytes] = {
    "assets.yaml": MANIFEST,
    "hand/walk.png": _png(_walk()),
    "hand/a.png": _png(_noise(10, 40, 40, (0, 0, 0, 0))),
    "hand/b.png": _png(_noise(11, 61, 33, (7, 2, 11, 4))),
    "hand/1.c.png": _png(_noise(12, 70, 70, (1, 9, 0, 0))),
}
