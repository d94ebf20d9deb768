from __future__ import annotations

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from assetgen.core.drawing import Drawing, Rectangle, Text
from assetgen.core.result import ImageInfo
from assetgen.errors import ImageError
from assetgen.steps import png as png_chunks
from assetgen.steps import proof
from assetgen.steps.image import PillowImages
from assetgen.steps.refusal import MAX_SIDE_PX

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.model import ImageFormat

IMAGES = PillowImages()
TARGETS: tuple[ImageFormat, ...] = ("png", "jpeg", "webp", "avif")
PILLOW_NAMES = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}


def gradient(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Image.Image:
    image = Image.new("RGBA", size)
    image.putdata(
        [
            (x * 5 % 256, y * 255 // size[1], 255 - x * 5 % 256, 255 if x > size[0] // 2 else 60)
            for y in range(size[1])
            for x in range(size[0])
        ]
    )
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def noise(mode: str = "RGB", size: tuple[int, int] = (200, 120)) -> Image.Image:
    seed, values = 1, bytearray()
    for _ in range(size[0] * size[1] * len(Image.new(mode, (1, 1)).getbands())):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        values.append(seed >> 16 & 0xFF)
    return Image.frombytes(mode, size, bytes(values))


def encoded(image: Image.Image, format_name: str = "png", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, PILLOW_NAMES[format_name], **options)
    return file.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def mean_colour(image: Image.Image) -> object:
    """Of the part of `gradient` that is opaque: palettes are dithered and AVIF averages colours."""
    return image.resize((1, 1), Image.Resampling.BOX, box=(28, 2, 48, 30)).getpixel((0, 0))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int,
    height: int,
    *,
    depth: int,
    colour_type: int,
    rows: bytes = b"",
    interlace: int = 0,
    extra: bytes = b"",
    compressed: bytes | None = None,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows) if compressed is None else compressed)
        + png_chunk(b"IEND", b"")
    )


class TestInspecting:
    @pytest.mark.parametrize("format_name", PILLOW_NAMES)
    def test_bytes_decide_the_format(self, format_name: str) -> None:
        data = encoded(gradient(), format_name)
        assert IMAGES.inspect(data) == ImageInfo(format=format_name, width_px=48, height_px=32)

    @pytest.mark.parametrize("format_name", PILLOW_NAMES)
    def test_bytes_after_the_end_are_ignored(self, format_name: str) -> None:
        data = encoded(gradient(), format_name) + b"\0\0\0\x0cfreeabcd"
        assert IMAGES.inspect(data).format == format_name

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_size_is_the_one_a_viewer_shows(self, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        info = IMAGES.inspect(encoded(gradient(), "jpeg", exif=exif))
        assert (info.width_px, info.height_px) == ((32, 48) if orientation >= 5 else (48, 32))

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    def test_broken_metadata_does_not_refuse_a_picture(self) -> None:
        data = encoded(gradient(), "jpeg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\0")
        assert IMAGES.inspect(data).width_px == 48

    def test_only_the_first_frame_of_an_animation_counts(self) -> None:
        data = encoded(gradient(), "gif", save_all=True, append_images=[gradient("L")])
        assert IMAGES.inspect(data) == ImageInfo(format="gif", width_px=48, height_px=32)

    @pytest.mark.parametrize("size", [(2, 2), (9, 5), (16, 16)])
    def test_an_interlaced_png_is_read(self, size: tuple[int, int]) -> None:
        width, height = size
        adam7 = (
            *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
            *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
        )
        rows = b"".join(
            bytes(1 + len(range(left, width, across)))
            for left, top, across, down in adam7
            if left < width
            for _ in range(top, height, down)
        )
        data = png(width, height, depth=8, colour_type=0, rows=rows, interlace=1)
        assert IMAGES.inspect(data).width_px == width

    def test_many_threads_may_ask_at_once(self) -> None:
        data = [encoded(gradient(), name) for name in PILLOW_NAMES] * 8
        with ThreadPoolExecutor(8) as pool:
            assert [info.format for info in pool.map(IMAGES.inspect, data)] == [*PILLOW_NAMES] * 8


PNG_KINDS = [
    *((depth, 0, 1) for depth in (1, 2, 4, 8, 16)),
    *((depth, 3, 1) for depth in (1, 2, 4, 8)),
    *((depth, kind, samples) for depth in (8, 16) for kind, samples in ((2, 3), (4, 2), (6, 4))),
]
"""Depth, colour type, samples of a pixel: all that PNG knows (3rd edition, table 12)."""


class TestRefusing:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "empty"),
            (
                b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
                "SVG answers are not",
            ),
            (b"\xef\xbb\xbf  <svg/>", "SVG answers are not supported in version 1"),
            (b"<!DOCTYPE html><html><svg/></html>", "an HTML page"),
            (b"<Error><Code>NoSuchKey</Code></Error>", "XML or HTML"),
            (b'{"error": {"code": 502}}', r'JSON, not an image: {"error": {"code": 502}}'),
            (b"Sorry, I cannot draw that.", "text, not an image: Sorry, I cannot draw that."),
            ("日本語の答え".encode() * 300, "text, not an image: 日本語"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer"),
            (b"BM" + bytes(60), "a BMP image"),
            (b"II*\0" + bytes(60), "a TIFF image"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a media file of brand `mp42`"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a media file of brand `heic`"),
            (b"\x89PN", "no known image: they begin with 89 50 4e"),
            (bytes(range(64)), "no known image"),
            (b"\x1b[31mred", "no known image"),
        ],
    )
    def test_what_is_no_image_is_called_by_its_name(self, data: bytes, words: str) -> None:
        with pytest.raises(ImageError) as caught:
            IMAGES.inspect(data)
        assert words in caught.value.what
        assert caught.value.what.isprintable()

    def test_a_git_lfs_pointer_says_how_to_get_the_image(self) -> None:
        with pytest.raises(ImageError) as caught:
            IMAGES.inspect(b"version https://git-lfs.github.com/spec/v1\n")
        assert caught.value.hint == "run `git lfs pull` to get the image"

    @pytest.mark.parametrize("format_name", ["png", "jpeg", "webp", "avif"])
    def test_every_truncation_is_refused(self, format_name: str) -> None:
        data = encoded(gradient(size=(12, 8)), format_name)
        for end in range(len(data)):
            with pytest.raises(ImageError):
                IMAGES.inspect(data[:end])

    def test_a_gif_without_all_its_pixels_is_refused(self) -> None:
        data = encoded(noise(), "gif")
        with pytest.raises(ImageError, match="gif image is damaged or cut short"):
            IMAGES.inspect(data[: len(data) // 2])

    def test_a_png_without_its_end_says_so(self) -> None:
        with pytest.raises(ImageError, match="its end is missing"):
            IMAGES.inspect(encoded(gradient())[:-12])

    def test_a_png_with_a_flipped_byte_of_pixels_is_refused(self) -> None:
        data = bytearray(encoded(gradient()))
        data[data.index(b"IDAT") + 20] ^= 1
        with pytest.raises(ImageError, match="checksum of `IDAT` does not match"):
            IMAGES.inspect(bytes(data))

    @pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 1)])
    def test_a_side_of_one_pixel_is_no_picture(self, size: tuple[int, int]) -> None:
        with pytest.raises(ImageError, match=f"holds no picture: it is {size[0]}x{size[1]} px"):
            IMAGES.inspect(encoded(Image.new("RGB", size)))

    @pytest.mark.parametrize(
        ("width", "height"), [(MAX_SIDE_PX + 1, 2), (12_000, 12_000), (60_000, 60_000)]
    )
    def test_a_decompression_bomb_is_refused_by_its_header(self, width: int, height: int) -> None:
        data = png(width, height, depth=8, colour_type=2, rows=b"")
        with pytest.raises(ImageError, match=f"too large: {width}x{height} px") as caught:
            IMAGES.inspect(data)
        assert caught.value.hint == "at most 16384 px a side and 100 megapixels"

    def test_a_png_with_too_few_rows_is_refused(self) -> None:
        with pytest.raises(ImageError, match="its last rows are missing"):
            IMAGES.inspect(png(8, 8, depth=8, colour_type=0, rows=bytes(9 * 8 - 1)))

    @pytest.mark.parametrize(("depth", "colour_type", "samples"), PNG_KINDS)
    @pytest.mark.parametrize("missing_bytes", [1, 50, 200, 1000])
    def test_so_is_one_whose_stream_ends_early_and_well(
        self, depth: int, colour_type: int, samples: int, missing_bytes: int
    ) -> None:
        """Pillow leaves such rows black or says so, by how its buffer is filled just then."""
        row = b"\0" + b"\xff" * ((160 * depth * samples + 7) // 8)
        extra = png_chunk(b"PLTE", bytes([9]) * 3 * 2 ** min(depth, 8)) if colour_type == 3 else b""
        whole = row * 100

        def of(rows: bytes) -> bytes:
            return png(160, 100, depth=depth, colour_type=colour_type, rows=rows, extra=extra)

        assert IMAGES.inspect(of(whole)).height_px == 100
        with pytest.raises(ImageError, match="its last rows are missing"):
            IMAGES.inspect(of(whole[:-missing_bytes]))

    def test_so_is_one_that_is_only_the_last_row_of_an_animation(self) -> None:
        last = struct.pack(">IIIIIHHBB", 0, 8, 1, 0, 7, 1, 1, 0, 0)
        frame = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + png_chunk(b"fcTL", last)
        data = png(8, 8, depth=8, colour_type=0, rows=b"\0" + b"\xff" * 8, extra=frame)
        with pytest.raises(ImageError, match="its last rows are missing"):
            IMAGES.inspect(data)

    def test_a_picture_is_inflated_once_unless_its_last_row_may_be_missing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        check = png_chunks.check_pixels

        def watched(chunks: png_chunks.Chunks) -> None:
            seen.append(chunks)
            check(chunks)

        monkeypatch.setattr(png_chunks, "check_pixels", watched)
        proof.decode(encoded(gradient()))
        assert not seen
        proof.decode(encoded(Image.new("RGB", (48, 32))))
        assert len(seen) == 1

    def test_a_png_whose_pixels_are_not_compressed_data_is_refused(self) -> None:
        data = png(8, 8, depth=8, colour_type=0, compressed=b"no zlib stream")
        with pytest.raises(ImageError, match="png image is damaged"):
            IMAGES.inspect(data)


SAMPLES = [encoded(gradient(size=(24, 16)), name) for name in PILLOW_NAMES]


class TestHostileBytes:
    @settings(deadline=None)
    @given(st.sampled_from([b"", *(sample[:16] for sample in SAMPLES)]), st.binary(max_size=300))
    def test_any_bytes_are_an_image_or_an_image_error(self, start: bytes, rest: bytes) -> None:
        with suppress(ImageError):
            IMAGES.inspect(start + rest)

    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(SAMPLES),
        st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
    )
    def test_a_mutated_image_is_an_image_or_an_image_error(
        self, sample: bytes, changes: list[tuple[int, int]]
    ) -> None:
        data = bytearray(sample)
        for position, value in changes:
            data[position % len(data)] = value
        with suppress(ImageError):
            IMAGES.inspect(bytes(data))
            for target in TARGETS:
                IMAGES.convert(bytes(data), target)

    @settings(max_examples=300, deadline=None)
    @given(
        size=st.tuples(st.integers(0, 40), st.integers(0, 40)),
        depth=st.sampled_from([0, 1, 2, 4, 8, 16, 255]),
        kind=st.tuples(st.integers(0, 7), st.integers(0, 2)),
        rows=st.binary(max_size=400).map(lambda part: part * 40),
        extra=st.tuples(
            st.sampled_from(
                [b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"zTXt", b"gAMA"]
            ),
            st.binary(max_size=40),
        ),
    )
    def test_a_png_with_odd_contents_and_right_checksums_is_too(
        self,
        *,
        size: tuple[int, int],
        depth: int,
        kind: tuple[int, int],
        rows: bytes,
        extra: tuple[bytes, bytes],
    ) -> None:
        data = png(
            *size,
            depth=depth,
            colour_type=kind[0],
            interlace=kind[1],
            rows=rows,
            extra=png_chunk(*extra),
        )
        with suppress(ImageError):
            info = IMAGES.inspect(data)
            assert IMAGES.inspect(IMAGES.convert(data, "webp")).width_px == info.width_px


CORNER = gradient("P").getpixel((0, 0))
"""The palette index of the top left pixel."""

MODES: dict[str, Callable[[], bytes]] = {
    "RGB": lambda: encoded(gradient()),
    "RGBA": lambda: encoded(gradient("RGBA")),
    "L": lambda: encoded(gradient("L")),
    "LA": lambda: encoded(gradient("RGBA").convert("LA")),
    "1": lambda: encoded(gradient("1")),
    "P": lambda: encoded(gradient("P")),
    "P with transparency": lambda: encoded(gradient("P"), transparency=CORNER),
    "RGB with a colour key": lambda: encoded(gradient(), transparency=(0, 0, 255)),
    "16-bit": lambda: encoded(Image.new("I;16", (48, 32), 0x8000)),
    "CMYK": lambda: encoded(gradient("CMYK"), "jpeg"),
    "GIF": lambda: encoded(gradient("P"), "gif", transparency=CORNER),
    "grey JPEG": lambda: encoded(gradient("L"), "jpeg"),
    "WebP": lambda: encoded(gradient("RGBA"), "webp"),
    "AVIF": lambda: encoded(gradient("RGBA"), "avif", max_threads=1),
}


class TestConverting:
    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("source", MODES)
    def test_every_kind_of_picture_becomes_every_format(
        self, source: str, target: ImageFormat
    ) -> None:
        data = MODES[source]()
        converted = IMAGES.convert(data, target)
        assert IMAGES.inspect(converted) == ImageInfo(format=target, width_px=48, height_px=32)
        assert IMAGES.convert(data, target) == converted
        original = decoded(data)
        if source not in {"16-bit", "CMYK"}:
            wanted = original.convert("RGBA")
            if target == "jpeg":
                ground = Image.new("RGBA", wanted.size, "white")
                wanted = Image.alpha_composite(ground, wanted)
            found = decoded(converted).convert("RGBA")
            assert mean_colour(found) == pytest.approx(mean_colour(wanted), abs=12)

    @pytest.mark.parametrize(
        "source", ["RGBA", "P with transparency", "RGB with a colour key", "GIF"]
    )
    @pytest.mark.parametrize("target", ["png", "webp"])
    def test_lossless_sources_keep_every_pixel_and_their_alpha(
        self, source: str, target: ImageFormat
    ) -> None:
        data = MODES[source]()
        wanted, found = decoded(data).convert("RGBA"), decoded(IMAGES.convert(data, target))
        assert found.mode == "RGBA"
        assert found.tobytes() == wanted.tobytes()

    def test_transparent_becomes_white_in_jpeg(self) -> None:
        data = encoded(Image.new("RGBA", (8, 8), (200, 0, 0, 0)))
        assert decoded(IMAGES.convert(data, "jpeg")).getpixel((4, 4)) == (255, 255, 255)

    def test_16_bit_grey_is_scaled_and_not_clipped(self) -> None:
        data = encoded(Image.new("I;16", (8, 8), 0x4000))
        assert decoded(IMAGES.convert(data, "webp")).convert("L").getpixel((0, 0)) == 0x40

    def test_16_bit_grey_keeps_its_colour_key_and_only_that(self) -> None:
        row = b"\0" + struct.pack(">2H", 0x4000, 0x4001)
        key = png_chunk(b"tRNS", struct.pack(">H", 0x4000))
        data = png(2, 2, depth=16, colour_type=0, rows=row * 2, extra=key)
        found = decoded(IMAGES.convert(data, "png"))
        assert [found.getpixel((x, 0)) for x in (0, 1)] == [(64, 64, 64, 0), (64, 64, 64, 255)]

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_picture_is_turned_upright(self, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = gradient()
        data = encoded(stored, exif=exif)
        found = decoded(IMAGES.convert(data, "webp"))
        corner = {1: (0, 0), 2: (47, 0), 3: (47, 31), 4: (0, 31)}
        turned = {5: (0, 0), 6: (0, 31), 7: (47, 31), 8: (47, 0)}
        assert found.size == ((32, 48) if orientation >= 5 else (48, 32))
        assert found.getpixel((0, 0)) == stored.getpixel((corner | turned)[orientation])
        assert found.getexif().get(0x0112) is None

    def test_only_a_fitting_colour_profile_survives_of_the_metadata(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        exif = Image.Exif()
        exif[0x010E] = "a secret place"
        data = encoded(gradient(), "jpeg", exif=exif, icc_profile=profile, comment=b"a secret word")
        for target in TARGETS:
            converted = IMAGES.convert(data, target)
            assert b"secret" not in converted
            assert decoded(converted).info.get("icc_profile") == profile
        grey = encoded(gradient("L"), "jpeg", icc_profile=profile)
        assert "icc_profile" not in decoded(IMAGES.convert(grey, "png")).info

    def test_a_broken_colour_profile_does_not_refuse_a_picture(self) -> None:
        data = encoded(gradient("CMYK"), "jpeg", icc_profile=b"no profile at all" * 20)
        assert IMAGES.inspect(IMAGES.convert(data, "png")).width_px == 48

    def test_a_size_that_the_format_cannot_hold_is_refused(self) -> None:
        data = encoded(Image.new("L", (MAX_SIDE_PX, 2)))
        with pytest.raises(ImageError, match="the png image cannot be converted to webp"):
            IMAGES.convert(data, "webp")


class TestShrinking:
    def test_what_fits_is_left_alone(self) -> None:
        data = encoded(gradient())
        assert IMAGES.shrink(data, len(data)) is data

    @pytest.mark.parametrize(("mode", "format_name"), [("RGB", "jpeg"), ("RGBA", "png")])
    def test_what_does_not_fit_gets_smaller_until_it_does(
        self, mode: str, format_name: str
    ) -> None:
        data = encoded(noise(mode))
        shrunk = IMAGES.shrink(data, 8_000)
        info = IMAGES.inspect(shrunk)
        assert len(shrunk) <= 8_000
        assert info.format == format_name
        assert info.width_px / info.height_px == pytest.approx(200 / 120, rel=0.1)
        assert IMAGES.shrink(data, 8_000) == shrunk

    def test_an_alpha_channel_that_hides_nothing_is_not_kept(self) -> None:
        image = noise()
        image.putalpha(255)
        assert IMAGES.inspect(IMAGES.shrink(encoded(image), 8_000)).format == "jpeg"

    def test_the_impossible_is_refused(self) -> None:
        with pytest.raises(ImageError, match="200x120 px image cannot be scaled down to 10 bytes"):
            IMAGES.shrink(encoded(noise()), 10)


class TestPainting:
    def test_shapes_are_painted_in_order_and_cut_at_the_edges(self) -> None:
        drawing = Drawing(
            width_px=4,
            height_px=2,
            background=(1, 2, 3),
            shapes=(
                Rectangle(-5, -5, 7, 6, (9, 9, 9)),
                Rectangle(1, 0, 1, 9, (7, 7, 7)),
                Rectangle(3, 1, 50, 50, (5, 5, 5)),
                Rectangle(9, 9, 2, 2, (6, 6, 6)),
            ),
        )
        image = decoded(IMAGES.paint(drawing, "png"))
        reds = [image.getpixel((x, y)) for y in range(2) for x in range(4)]
        assert [red[0] for red in reds if isinstance(red, tuple)] == [9, 7, 1, 1, 1, 7, 1, 5]

    def test_text_has_square_pixels_of_its_scale(self) -> None:
        def painted(scale: int) -> Image.Image:
            text = Text(x=2 * scale, y=scale, scale=scale, colour=(0, 0, 0), text="Ag")
            drawing = Drawing(18 * scale, 14 * scale, (255, 255, 255), (text,))
            return decoded(IMAGES.paint(drawing, "png"))

        once = painted(1)
        assert painted(3).tobytes() == once.resize((54, 42), Image.Resampling.NEAREST).tobytes()
        assert once.convert("L").getextrema() == (0, 255)

    def test_text_may_leave_the_picture(self) -> None:
        texts = tuple(Text(x, y, 2, (0, 0, 0), "W") for x in (-6, 7) for y in (-9, 7))
        assert IMAGES.paint(Drawing(12, 12, (255, 255, 255), texts), "png")

    def test_text_that_the_font_does_not_have_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="printable ASCII"):
            IMAGES.paint(Drawing(9, 9, (0, 0, 0), (Text(0, 0, 1, (0, 0, 0), "é"),)), "png")

    def test_webp_holds_the_same_pixels_as_png(self) -> None:
        drawing = Drawing(40, 20, (10, 200, 30), (Text(1, 1, 1, (250, 0, 90), "pixels"),))
        png_pixels = decoded(IMAGES.paint(drawing, "png")).tobytes()
        assert decoded(IMAGES.paint(drawing, "webp")).convert("RGB").tobytes() == png_pixels
