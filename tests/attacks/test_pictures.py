"""Every kind of picture through the real path: answer, command line, output, lockfile, store.

Decided, and held here: the bytes that came are what is stored, and what is written when the output
has their format, with whatever they hold beside the picture (orientation, further frames, a tail).
A conversion keeps the picture as a viewer shows it, upright, its first frame, and nothing else.
Bytes that are no whole picture of sane size are refused by name, paid or not, and leave nothing.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Pillow
from PIL import ImageChops, ImageOps, ImageSequence

from assetgen.core.digest import digest_of
from tests.attacks import pictures as made
from tests.attacks.bench import Ended, Meeting, build
from tests.standin import Answer, BadBase64, BrokenImage, HttpUrlImage, Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Good:
    """Bytes that are a picture; `declared` is the type that the answer gives them."""

    data: bytes
    extension: str
    """Of the output that they are written to untouched; empty when there is none."""
    declared: str = "image/png"
    seen: Callable[[Pillow.Image], Pillow.Image] | None = None
    """How Pillow's own reading becomes what a viewer shows; None for `convert("RGBA")`."""


def high_bytes(image: Pillow.Image) -> Pillow.Image:
    """16-bit grey as a viewer shows it."""
    return image.point(lambda value: value / 256, "L")


def upright(image: Pillow.Image) -> Pillow.Image:
    return ImageOps.exif_transpose(image)


def first_frame(image: Pillow.Image) -> Pillow.Image:
    return next(ImageSequence.Iterator(image)).copy()


GOOD: Mapping[str, Good] = {
    "grey-16-bit": Good(made.sixteen_bit_grey(), "png", seen=high_bytes),
    "colour-16-bit": Good(made.sixteen_bit_colour(), "png"),
    "palette-with-transparency": Good(made.palette_with_transparency(), "png"),
    "cmyk-jpeg": Good(made.saved(made.gradient("CMYK"), "JPEG"), "jpg"),
    "grey-jpeg": Good(made.saved(made.gradient("L"), "JPEG"), "jpg"),
    **{
        f"rotated-{orientation}": Good(made.rotated(orientation), "jpg", seen=upright)
        for orientation in (2, 3, 6, 8)
    },
    "animated-gif": Good(made.frames("GIF"), "", seen=first_frame),
    "animated-webp": Good(made.frames("WEBP"), "webp", seen=first_frame),
    "animated-png": Good(made.frames("PNG"), "png", seen=first_frame),
    "png-with-zip": Good(made.with_tail(made.saved(made.gradient(), "PNG"), "zip"), "png"),
    "png-with-html": Good(made.with_tail(made.saved(made.gradient(), "PNG"), "html"), "png"),
    "jpeg-with-zip": Good(made.with_tail(made.saved(made.gradient(), "JPEG"), "zip"), "jpg"),
    "declared-as-jpeg": Good(made.saved(made.gradient(), "PNG"), "png", declared="image/jpeg"),
    "declared-as-html": Good(made.saved(made.gradient(), "PNG"), "png", declared="text/html"),
    "declared-as-svg": Good(made.saved(made.gradient(), "WEBP"), "webp", declared="image/svg+xml"),
    "smallest": Good(made.saved(made.gradient(size=(2, 2)), "PNG"), "png"),
    "avif": Good(made.saved(made.gradient(size=(32, 32)), "AVIF"), "avif"),
    **{f"pngsuite-{name}": Good(data, "png") for name, data in made.pngsuite().items()},
    "pngsuite-basn0g16": Good(made.pngsuite()["basn0g16"], "png", seen=high_bytes),
    "pngsuite-basi0g16": Good(made.pngsuite()["basi0g16"], "png", seen=high_bytes),
}


@dataclass(frozen=True, slots=True)
class Bad:
    """An answer whose image is none, and what is said of it."""

    answer: Answer
    words: str
    attempts: int = 2


def around(data: bytes, declared: str = "image/png") -> Image:
    return Image(data=data, declared=declared)


BAD: Mapping[str, Bad] = {
    "zero-bytes": Bad(around(b""), "empty"),
    "one-pixel": Bad(around(made.saved(made.gradient(size=(1, 1)), "PNG")), "1x1"),
    "one-row": Bad(around(made.saved(made.gradient(size=(9, 1)), "PNG")), "9x1"),
    "huge-png": Bad(BrokenImage("bomb"), "20000x20000"),
    "huge-jpeg": Bad(around(made.claiming(20_000, 20_000, "jpeg")), "20000x20000"),
    "huge-gif": Bad(around(made.claiming(20_000, 20_000, "gif")), "20000x20000"),
    "long-png": Bad(around(made.claiming(2, 1_000_000, "png")), "2x1000000"),
    "png-of-no-width": Bad(around(made.claiming(0, 9, "png")), "png"),
    "svg": Bad(BrokenImage("svg"), "SVG", attempts=1),
    "svg-declared-png": Bad(
        around(b'<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>'),
        "SVG",
        attempts=1,
    ),
    "html": Bad(BrokenImage("html"), "HTML"),
    "address": Bad(HttpUrlImage("http://203.0.113.9/image.png"), "never fetched"),
    "bad-base64": Bad(BadBase64(), "base64"),
    "json": Bad(around(b'{"error": "quota"}'), "JSON"),
    "text": Bad(around(b"I cannot draw that"), "text"),
    "zip": Bad(around(made.with_tail(b"", "zip")), "ZIP"),
    "pdf": Bad(around(b"%PDF-1.7 ..."), "PDF"),
    "bmp": Bad(around(made.saved(made.gradient(), "BMP")), "BMP"),
    "tiff": Bad(around(made.saved(made.gradient(), "TIFF")), "TIFF"),
    "noise": Bad(around(bytes(range(255, 0, -1))), "no known image"),
    "signature-only": Bad(around(made.SIGNATURE), "cut short"),
    "cut-png": Bad(around(made.cut("PNG")), "cut short"),
    "cut-jpeg": Bad(around(made.cut("JPEG")), "jpeg"),
    "cut-webp": Bad(around(made.cut("WEBP")), "webp"),
    "cut-avif": Bad(around(made.cut("AVIF")), "avif"),
    "cut-gif": Bad(around(made.cut("GIF")), "gif"),
    "cut-animated-webp": Bad(around(made.frames("WEBP")[:-20]), "webp"),
    "cut-animated-png": Bad(around(made.frames("PNG")[:-20]), "cut short"),
    **{
        f"pngsuite-{name}": Bad(around(data), "")
        for name, data in made.broken_pngsuite(made.pngsuite()).items()
    },
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    meetings: dict[str, Meeting] = {}
    for name, case in GOOD.items():
        answer = Image(data=case.data, declared=case.declared)
        if case.extension:
            meetings[f"{name}-as-it-came"] = Meeting(answer, extension=case.extension)
        other = "webp" if case.extension == "png" else "png"
        meetings[f"{name}-converted"] = Meeting(answer, extension=other)
    return build(tmp_path_factory.mktemp("good"), meetings)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    meetings = {name: Meeting(case.answer) for name, case in BAD.items()}
    return build(tmp_path_factory.mktemp("bad"), meetings)


def shown(data: bytes, case: Good) -> Pillow.Image:
    """The picture as a viewer shows it, by Pillow's own reading of the bytes that came."""
    image = Pillow.open(io.BytesIO(data))
    image.load()
    return (case.seen(image) if case.seen is not None else image).convert("RGBA")


def is_alike(one: Pillow.Image, other: Pillow.Image) -> bool:
    """Equal pixels, colours under full transparency included."""
    same_size = one.size == other.size
    return same_size and ImageChops.difference(one, other).getbbox(alpha_only=False) is None


@pytest.mark.parametrize("name", [name for name, case in GOOD.items() if case.extension])
def test_a_picture_in_the_format_of_its_output_is_written_as_it_came(
    good: Ended, name: str
) -> None:
    case, asset = GOOD[name], f"{name}-as-it-came"
    assert good.finished[asset]["status"] == "generated", good.finished[asset]
    assert good.output(asset, case.extension).read_bytes() == case.data


@pytest.mark.parametrize("name", GOOD)
def test_a_converted_picture_is_what_a_viewer_shows_and_nothing_else(
    good: Ended, name: str
) -> None:
    case, asset = GOOD[name], f"{name}-converted"
    assert good.finished[asset]["status"] == "generated", good.finished[asset]
    written = good.output(asset, "webp" if case.extension == "png" else "png").read_bytes()
    image = Pillow.open(io.BytesIO(written))
    assert getattr(image, "n_frames", 1) == 1
    assert not image.getexif()
    assert b"evil.txt" not in written
    assert b"<script>" not in written
    assert is_alike(image.convert("RGBA"), shown(case.data, case))


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_is_stored_and_recorded_as_it_came_in_the_size_a_viewer_shows(
    good: Ended, name: str
) -> None:
    case = GOOD[name]
    entry = good.lock[f"{name}-converted"]
    assert entry["image"] == digest_of(case.data)
    assert (entry["width_px"], entry["height_px"]) == shown(case.data, case).size
    assert case.data in good.stored.values()


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused_by_name(bad: Ended, name: str) -> None:
    case = BAD[name]
    assert bad.finished[name]["status"] == "failed"
    assert case.words in bad.finished[name]["message"]
    assert len(bad.requests[name]) == case.attempts
    assert all(line["event"] == "failed" for line in bad.ledger[name])


def test_what_is_no_picture_leaves_nothing_but_its_bill(bad: Ended) -> None:
    assert bad.result.code == 1
    assert bad.stored == {}
    assert bad.lock == {}
    assert not (bad.root / "art").exists()
    billed = {name for name, lines in bad.ledger.items() if any(x["may_be_billed"] for x in lines)}
    assert billed == set(BAD)
