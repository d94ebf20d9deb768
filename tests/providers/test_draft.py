from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assetgen.core.call import ReferenceImage, Request
from assetgen.core.digest import digest_of
from assetgen.core.drawing import Drawing, Rectangle, Text
from assetgen.core.fingerprint import DRAFT_RENDERER_VERSION
from assetgen.core.model import AssetReference, FileReference, Generate, Parameters
from assetgen.core.value import replace
from assetgen.errors import Refused
from assetgen.providers.draft import (
    DraftProvider,
    drawing_of,
    placeholder_key,
)
from assetgen.providers.draft.lettering import (
    ADVANCE_PX,
    GLYPH_HEIGHT_PX,
    GLYPH_WIDTH_PX,
    ascii_text,
    cut,
    cut_label,
)
from assetgen.steps.image import PillowImages
from assetgen.steps.paint import font_cell_px

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.model import ImageFormat

IMAGES = PillowImages()
HERO = "A lighthouse keeper, full body, facing the viewer"


def request(
    asset: str = "hero",
    prompt: str = HERO,
    *,
    model: str = "google/gemini-2.5-flash-image",
    ratio: str | None = None,
    size: str | None = None,
    references: Iterable[tuple[str, bytes]] = (),
    take: int = 1,
    format_name: ImageFormat = "png",
) -> Request:
    images = tuple(ReferenceImage(label, digest_of(data), data) for label, data in references)
    return Request(
        asset=asset,
        fingerprint="0" * 64,
        generate=Generate(
            model=model,
            prompt=prompt,
            references=tuple(
                AssetReference(image.label.removeprefix("asset:"))
                if image.label.startswith("asset:")
                else FileReference(image.label)
                for image in images
            ),
            parameters=Parameters(aspect_ratio=ratio, image_size=size),
            take=take,
        ),
        references=images,
        format=format_name,
        timeout_s=1,
    )


def size_of(asked: Request) -> tuple[int, int]:
    drawing = drawing_of(asked)
    return drawing.width_px, drawing.height_px


def pixels(drawing: Drawing) -> bytes:
    return Image.open(BytesIO(IMAGES.paint(drawing, "png"))).tobytes()


def words(drawing: Drawing) -> str:
    """Everything written in `drawing`, a line a line, read from the places of its characters."""
    rows: dict[tuple[int, int], list[Text]] = {}
    for shape in drawing.shapes:
        if isinstance(shape, Text):
            rows.setdefault((shape.y, shape.scale), []).append(shape)
    lines = []
    for (_, scale), characters in sorted(rows.items()):
        line = ""
        for shape in sorted(characters, key=lambda text: text.x):
            column = (shape.x - characters[0].x) // (ADVANCE_PX * scale)
            line = line.ljust(column) + shape.text
        lines.append(line)
    return "\n".join(lines)


def running(drawing: Drawing) -> str:
    return " ".join(words(drawing).split())


class TestSize:
    @pytest.mark.parametrize(
        ("ratio", "size"),
        [
            (None, (1024, 1024)),
            ("auto", (1024, 1024)),
            ("1:1", (1024, 1024)),
            ("2:3", (832, 1248)),
            ("3:2", (1248, 832)),
            ("3:4", (864, 1184)),
            ("4:3", (1184, 864)),
            ("4:5", (896, 1152)),
            ("5:4", (1152, 896)),
            ("9:16", (768, 1344)),
            ("16:9", (1344, 768)),
            ("21:9", (1536, 672)),
            ("1:4", (512, 2048)),
            ("4:1", (2048, 512)),
            ("1:8", (368, 2944)),
            ("8:1", (2944, 368)),
            ("9:21", (672, 1568)),
        ],
    )
    def test_a_draft_has_the_size_that_models_answer_with(
        self, ratio: str | None, size: tuple[int, int]
    ) -> None:
        assert size_of(request(ratio=ratio)) == size
        info = IMAGES.inspect(IMAGES.paint(drawing_of(request(ratio=ratio)), "png"))
        assert (info.width_px, info.height_px) == size

    @pytest.mark.parametrize(
        ("size", "width"), [("0.5K", 672), ("1K", 1344), ("2K", 2688), ("4K", 5376)]
    )
    def test_the_image_size_scales_it(self, size: str, width: int) -> None:
        assert size_of(request(ratio="16:9", size=size)) == (width, width * 4 // 7)

    @settings(deadline=None)
    @given(st.integers(1, 40), st.integers(1, 40))
    def test_any_other_ratio_is_kept_near_a_megapixel(self, across: int, down: int) -> None:
        width, height = size_of(request(ratio=f"{across}:{down}"))
        assert width / height == pytest.approx(across / down, rel=0.05)
        assert width * height == pytest.approx(1024 * 1024, rel=0.12)

    @pytest.mark.parametrize(
        ("ratio", "size", "what"),
        [
            ("wide", None, "cannot draw aspect ratio `wide`"),
            ("0:1", None, "cannot draw aspect ratio `0:1`"),
            ("1:1", "8K", "has no image size `8K`"),
            ("999:1", None, "px is too large"),
        ],
    )
    def test_what_cannot_be_drawn_is_refused(self, ratio: str, size: str | None, what: str) -> None:
        with pytest.raises(Refused, match=what) as caught:
            drawing_of(request(ratio=ratio, size=size))
        assert caught.value.hint


class TestPixels:
    """A changed digest means a new `DRAFT_RENDERER_VERSION`, and every draft is drawn again."""

    @pytest.mark.parametrize(
        ("asked", "digest"),
        [
            (request(), "c8d72fed23986439"),
            (request(ratio="21:9", size="0.5K", take=2, model=""), "4d6e81284bd033fd"),
            (
                request(
                    "icon-sword",
                    "Une épée — 剣 \u00d72",
                    ratio="9:16",
                    references=[("asset:hero", b"hero"), ("refs/icon-frame.png", b"frame")],
                ),
                "f45e8c6f7d8bc858",
            ),
            (
                request("harbour.panorama_at-dusk", HERO * 90, ratio="8:1", size="2K"),
                "bd0d2cd093ad3a28",
            ),
        ],
        ids=["plain", "wide", "references", "long"],
    )
    def test_they_are_the_same_everywhere(self, asked: Request, digest: str) -> None:
        assert DRAFT_RENDERER_VERSION == 1
        assert hashlib.sha256(pixels(drawing_of(asked))).hexdigest()[:16] == digest

    def test_the_font_has_the_size_that_the_layout_counts_on(self) -> None:
        assert font_cell_px() == (GLYPH_WIDTH_PX, GLYPH_HEIGHT_PX)

    def test_icons_are_told_apart_at_32_pixels(self) -> None:
        names = [f"icon-{i}" for i in range(24)]
        icons = []
        for name in names:
            data = IMAGES.paint(drawing_of(request(name, "An icon", size="0.5K")), "png")
            small = Image.open(BytesIO(data)).convert("RGB").resize((32, 32), Image.Resampling.BOX)
            icons.append(small.tobytes())
        for i, one in enumerate(icons):
            for other in icons[i + 1 :]:
                difference = sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)
                assert difference > 8

    @pytest.mark.parametrize(
        "changed",
        [
            request("hero-2"),
            request(prompt=HERO + "!"),
            request(model="black-forest-labs/flux.2-pro"),
            request(take=2),
            request(ratio="1:1"),
            request(references=[("asset:keeper", b"1")]),
        ],
        ids=["name", "prompt", "model", "take", "ratio", "reference"],
    )
    def test_every_change_that_matters_can_be_seen(self, changed: Request) -> None:
        assert pixels(drawing_of(changed)) != pixels(drawing_of(request()))

    @pytest.mark.parametrize("index", [0, 13])
    def test_another_image_behind_a_reference_can_be_seen(self, index: int) -> None:
        references = [(f"refs/{i}.png", b"before") for i in range(14)]
        before = drawing_of(request(references=references))
        references[index] = (f"refs/{index}.png", b"after")
        after = drawing_of(request(references=references))
        assert words(before) == words(after)
        assert pixels(before) != pixels(after)


class TestWords:
    @pytest.mark.parametrize("ratio", ["1:1", "2:3", "9:16", "21:9", "8:1", "1:8"])
    @pytest.mark.parametrize("size", ["0.5K", "1K"])
    def test_a_person_can_read_what_the_image_will_be(self, ratio: str, size: str) -> None:
        asked = request(
            ratio=ratio,
            size=size,
            take=3,
            references=[("asset:keeper", b"1"), ("refs/a.png", b"2")],
        )
        drawing = drawing_of(asked)
        text = running(drawing)
        assert "hero" in text
        assert HERO in text
        assert "asset:keeper" in text
        assert "refs/a.png" in text
        assert asked.generate.model in text.replace(" ", "")
        assert f"{ratio}, {drawing.width_px} x {drawing.height_px} px, take 3" in text
        assert "DRAFT" in text

    @pytest.mark.parametrize("ratio", ["1:1", "9:16", "16:9", "8:1", "1:8", "40:1", "1:40"])
    @pytest.mark.parametrize("prompt", ["", HERO, "lantern " * 3000, "x" * 20_000, "灯台" * 4000])
    def test_no_word_leaves_the_picture(self, ratio: str, prompt: str) -> None:
        name = "a-rather_long.name-for-an-asset-" * 3 + "end"
        references = [(f"refs/{'deep/' * 30}{i}.png", b"") for i in range(14)]
        drawing = drawing_of(request(name, prompt, ratio=ratio, references=references))
        for shape in drawing.shapes:
            if isinstance(shape, Text):
                assert 0 <= shape.x <= drawing.width_px - GLYPH_WIDTH_PX * shape.scale
                assert 0 <= shape.y <= drawing.height_px - GLYPH_HEIGHT_PX * shape.scale

    def test_a_long_prompt_says_how_much_of_it_is_missing(self) -> None:
        prompt = " ".join(f"word{i}" for i in range(2000))
        text = running(drawing_of(request(prompt=prompt)))
        start = text.index("word0 ")
        shown, _, rest = text[start:].partition("... (+")
        assert prompt.startswith(shown)
        assert rest.startswith(f"{len(prompt) - len(shown)} characters)")
        assert len(shown) > 1000

    def test_a_long_name_is_shown_whole(self) -> None:
        name = "-".join(["lantern"] * 20)
        assert name in words(drawing_of(request(name))).replace("\n", "")

    def test_references_without_room_are_counted(self) -> None:
        references = [(f"refs/{i}.png", b"") for i in range(14)]
        text = running(drawing_of(request(references=references)))
        shown = text.count("from refs/")
        assert f"from {14 - shown} more references" in text

    def test_a_long_path_keeps_its_end(self) -> None:
        label = "refs/" + "folder/" * 40 + "frame.png"
        text = running(drawing_of(request(references=[(label, b"")])))
        assert "..." in text
        assert "folder/frame.png" in text
        assert cut_label("refs/frame.png", 2) == "..."

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("Œuvre d\u2019été — “naïve”… 2\u00d73", 'OEuvre d\'ete - "naive"... 2x3'),
            ("Straße, Łódź, Ærø", "Strasse, Lodz, AEro"),
            ("中 文", "[4E2D] [6587]"),
            ("\U0001f3ee", "[1F3EE]"),
            ("e\u0301", "e"),
            ("\uff21\ufb01", "Afi"),
            ("a\tb\r\nc\u00a0d\u2003e", "a b c d e"),
            ("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07", "red bell"),
            ("zero\u200bwidth\u202e\ud800", "zerowidth"),
        ],
    )
    def test_other_scripts_are_spelled_as_far_as_they_can_be(self, text: str, written: str) -> None:
        assert ascii_text(text) == written

    @settings(deadline=None, max_examples=200)
    @given(st.text())
    def test_every_text_becomes_printable_ascii(self, text: str) -> None:
        written = ascii_text(text)
        assert written.isascii()
        assert written.isprintable() or not written
        assert ascii_text(written) == written

    @given(
        st.text(alphabet="ab ", max_size=300).map(ascii_text),
        st.integers(1, 40),
        st.integers(-2, 6),
    )
    def test_a_cut_text_fits_and_counts_right(self, text: str, columns: int, rows: int) -> None:
        lines = cut(text, columns, rows)
        assert len(lines) <= max(0, rows)
        assert all(len(line) <= columns for line in lines)

    @settings(deadline=None, max_examples=50)
    @given(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", fullmatch=True),
        st.text(max_size=2000),
        st.sampled_from(["1:1", "2:3", "16:9", "8:1", "1:8", "40:1"]),
        st.sampled_from(["0.5K", "1K"]),
    )
    def test_every_request_can_be_painted(
        self, asset: str, prompt: str, ratio: str, size: str
    ) -> None:
        drawing = drawing_of(request(asset, prompt, ratio=ratio, size=size))
        assert IMAGES.paint(drawing, "png")
        for shape in drawing.shapes:
            if isinstance(shape, Rectangle):
                assert shape.width > 0
                assert shape.height > 0


class TestPlaceholderKey:
    @pytest.mark.parametrize(
        "changed",
        [
            request("hero-2"),
            request(prompt="lantern " * 3000),
            request(prompt="lantern " * 2999 + "lanterm "),
            request(model="other"),
            request(take=2),
            request(ratio="16:9"),
            request(size="2K"),
            request(references=[("asset:a", b"1")]),
            request(references=[("asset:a", b"2")]),
            request(references=[("asset:b", b"2")]),
            request(format_name="webp"),
        ],
    )
    def test_it_changes_with_everything_that_is_shown(self, changed: Request) -> None:
        assert placeholder_key(changed) != placeholder_key(request())

    def test_it_does_not_change_with_what_is_not_shown(self) -> None:
        other = replace(request(), fingerprint="1" * 64, timeout_s=9, allow_cached=False)
        assert placeholder_key(other) == placeholder_key(request())

    def test_it_is_the_same_everywhere(self) -> None:
        asked = request(references=[("asset:a", b"1")])
        assert (
            placeholder_key(asked)
            == "2cd2b120ade07d04910592995b62fa35dae78ebdb764fe0ea69eba78fc9c48c1"
        )


class TestProvider:
    @pytest.mark.parametrize("format_name", ["png", "jpeg", "webp", "avif"])
    def test_it_answers_offline_in_the_right_format_and_size_for_free(
        self, format_name: ImageFormat
    ) -> None:
        asked = request(ratio="2:3", format_name=format_name)
        answer = asyncio.run(DraftProvider(IMAGES).generate(asked))
        info = IMAGES.inspect(answer.images[0])
        assert (info.format, info.width_px, info.height_px) == (format_name, 832, 1248)
        assert len(answer.images) == 1
        assert answer.cost_usd == Decimal(0)
        assert answer.provider == "draft"
        assert answer.model == "google/gemini-2.5-flash-image"

    @pytest.mark.parametrize("format_name", ["png", "jpeg", "webp", "avif"])
    def test_the_same_request_gives_the_same_bytes(self, format_name: ImageFormat) -> None:
        async def twice() -> list[bytes]:
            asked = request(size="0.5K", format_name=format_name)
            provider = DraftProvider(IMAGES)
            answers = await asyncio.gather(*(provider.generate(asked) for _ in range(2)))
            return [answer.images[0] for answer in answers]

        first, second = asyncio.run(twice())
        assert first == second

    def test_no_model_is_needed(self) -> None:
        answer = asyncio.run(DraftProvider(IMAGES).generate(request(model="", size="0.5K")))
        assert answer.model == "draft"

    def test_drafts_can_be_thought_about_without_the_image_library(self) -> None:
        code = "import sys, assetgen.providers.draft; sys.exit('PIL' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
