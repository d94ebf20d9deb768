"""Pictures that a model, a gateway or an attacker may answer with: odd but good, and bad."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNGSUITE = Path(__file__).parent / "pngsuite.zip"
SIDE = 12


# Good ones


def gradient(mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE + 4)) -> Image.Image:
    """A picture in which no two corners are alike."""
    width, height = size
    image = Image.new("RGB", size)
    image.putdata(
        [(x * 20 % 256, y * 15 % 256, x * y % 256) for y in range(height) for x in range(width)]
    )
    return image.convert(mode)


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def sixteen_bit_grey() -> bytes:
    """Grey with 16 bits a pixel; every high byte differs from its low byte."""
    values = [(n * 641) % 65536 for n in range(SIDE * SIDE)]
    packed = struct.pack(f"<{len(values)}H", *values)
    return saved(Image.frombytes("I;16", (SIDE, SIDE), packed), "PNG")


def sixteen_bit_colour() -> bytes:
    """RGB with 16 bits a sample, which only a hand-made file has here."""
    row = b"\x00" + b"".join(
        struct.pack(">3H", n * 5000 % 65536, n * 999, 4242) for n in range(SIDE)
    )
    return png(struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0), zlib.compress(row * SIDE))


def palette_with_transparency() -> bytes:
    """Eight bits of palette, two of its colours see-through."""
    image = gradient().quantize(16)
    return saved(image, "PNG", transparency=bytes([0, 128, *[255] * 14]))


def frames(file_format: str) -> bytes:
    """An animation of three frames, each of another colour."""
    first, *others = [Image.new("RGB", (SIDE, SIDE), c) for c in ("red", "lime", "blue")]
    options: dict[str, object] = {"save_all": True, "append_images": others, "duration": 50}
    return saved(
        first, file_format, **(options | ({"lossless": True} if file_format == "WEBP" else {}))
    )


def rotated(orientation: int) -> bytes:
    """A JPEG that is to be turned to be seen as it is meant."""
    image = gradient(size=(16, 32))
    exif = image.getexif()
    exif[0x0112] = orientation
    return saved(image, "JPEG", exif=exif, quality=95, subsampling=0)


def with_tail(picture: bytes, kind: str) -> bytes:
    """A file that is a picture from its start and something else from its end."""
    if kind == "html":
        return picture + b"<html><script>alert(1)</script></html>"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.txt", "not a picture")
    return picture + archive.getvalue()


# Bad ones


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, its checksum right."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(header: bytes, pixels: bytes) -> bytes:
    """A PNG of these two chunks."""
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def claiming(width: int, height: int, file_format: str) -> bytes:
    """A small file that says it is huge."""
    if file_format == "png":
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return png(header, zlib.compress(bytes(1000)))
    if file_format == "gif":
        whole = saved(gradient("P"), "GIF")
        return whole[:6] + struct.pack("<HH", width, height) + whole[10:]
    whole = saved(gradient(), "JPEG")
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


def cut(file_format: str, part: float = 0.6, **options: object) -> bytes:
    """The first part of a picture."""
    whole = saved(gradient(size=(64, 64)), file_format, **options)
    return whole[: int(len(whole) * part)]


# PngSuite


def pngsuite() -> Mapping[str, bytes]:
    """The good files of PngSuite by name, those that the project carries."""
    with zipfile.ZipFile(PNGSUITE) as archive:
        return {
            name.removesuffix(".png"): archive.read(name)
            for name in archive.namelist()
            if name.endswith(".png")
        }


@dataclass(frozen=True, slots=True)
class _Header:
    """Fields of IHDR that PngSuite's broken files have wrong."""

    depth: int | None = None
    colour: int | None = None


def broken_pngsuite(suite: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """PngSuite's broken files, made from its good ones by the damage that it describes."""
    grey, colour, bits = suite["basn0g08"], suite["basn2c08"], suite["basn0g01"]
    return {
        "xs1n0g01": bytes([bits[0] & 0x7F]) + bits[1:],
        "xs2n0g01": bits[:1] + b"Q" + bits[2:],
        "xs4n0g01": bits[:3] + b"g" + bits[4:],
        "xs7n0g01": bits[:6] + b"\x00" + bits[7:],
        "xcrn0g04": bits.replace(b"\r\n", b"\r"),
        "xlfn0g04": bits.replace(b"\r\n", b"\n"),
        "xhdn0g08": _with_chunk(grey, b"IHDR", is_checksum_right=False),
        "xcsn0g01": _with_chunk(bits, b"IDAT", is_checksum_right=False),
        "xc1n0g08": _with_header(grey, _Header(colour=1)),
        "xc9n2c08": _with_header(colour, _Header(colour=9)),
        "xd0n2c08": _with_header(colour, _Header(depth=0)),
        "xd3n2c08": _with_header(colour, _Header(depth=3)),
        "xd9n2c08": _with_header(colour, _Header(depth=99)),
        "xdtn0g01": _without_chunk(bits, b"IDAT"),
    }


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length


def _with_chunk(data: bytes, damaged: bytes, *, is_checksum_right: bool) -> bytes:
    made = SIGNATURE
    for kind, body in _chunks(data):
        whole = chunk(kind, body)
        is_whole = kind != damaged or is_checksum_right
        made += whole if is_whole else whole[:-1] + bytes([whole[-1] ^ 1])
    return made


def _with_header(data: bytes, wrong: _Header) -> bytes:
    made = SIGNATURE
    for kind, body in _chunks(data):
        if kind == b"IHDR":
            fields = list(struct.unpack(">IIBBBBB", body))
            fields[2] = fields[2] if wrong.depth is None else wrong.depth
            fields[3] = fields[3] if wrong.colour is None else wrong.colour
            made += chunk(kind, struct.pack(">IIBBBBB", *fields))
        else:
            made += chunk(kind, body)
    return made


def _without_chunk(data: bytes, missing: bytes) -> bytes:
    return SIGNATURE + b"".join(chunk(k, body) for k, body in _chunks(data) if k != missing)
