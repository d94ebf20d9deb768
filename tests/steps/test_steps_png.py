"""A plain PNG is proven whole without decoding it, and never one that a decoder would refuse."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zlib_ng import zlib_ng

from assetgen.errors import ImageError
from assetgen.steps import png, proof
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFile import ImageFile

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass(frozen=True)
class Picture:
    """A PNG to be written, with what may be wrong about it."""

    width: int = 5
    height: int = 4
    depth: int = 8
    colour_type: int = 2
    methods: tuple[int, int, int] = (0, 0, 0)
    filters: tuple[int, ...] = (0, 1, 2, 3, 4)
    missing: int = 0
    more: bytes = b""
    is_black: bool = False
    head: bytes = b""
    """What the packed pixels begin with instead of what they should."""
    wrong_checksum: bool = False
    unfinished: int = 0
    behind: bytes = b""
    piece: int = 7
    before: tuple[bytes, ...] = ()
    between: tuple[bytes, ...] = ()
    after: tuple[bytes, ...] = ()

    def written(self) -> bytes:
        bits = self.width * self.depth * CHANNELS.get(self.colour_type, 3)
        row = bytes(0 if self.is_black else n % 251 for n in range((bits + 7) // 8))
        rows = b"".join(
            bytes([self.filters[y % len(self.filters)]]) + row for y in range(self.height)
        )
        stream = zlib.compress(rows[: len(rows) - self.missing] + self.more)
        if self.wrong_checksum:
            stream = stream[:-4] + bytes(4)
        stream = self.head + stream[len(self.head) : len(stream) - self.unfinished] + self.behind
        pieces = [stream[at : at + self.piece] for at in range(0, len(stream), self.piece)]
        header = struct.pack(
            ">IIBBBBB", self.width, self.height, self.depth, self.colour_type, *self.methods
        )
        pixels = [chunk(b"IDAT", piece) for piece in pieces]
        parts = [png.SIGNATURE, chunk(b"IHDR", header), *map(named, self.before), pixels[0]]
        parts += [*map(named, self.between), *pixels[1:], *map(named, self.after)]
        return b"".join([*parts, chunk(b"IEND", b"")])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def named(kind: bytes) -> bytes:
    bodies = {
        b"acTL": struct.pack(">II", 2, 0),
        b"fcTL": struct.pack(">IIIIIHHBB", 0, 3, 2, 0, 0, 1, 1, 0, 0),
        b"tEXt": b"Title\0x",
        b"PLTE": bytes(768),
    }
    return chunk(kind, bodies.get(kind, b""))


PLAIN = [Picture(colour_type=colour_type) for colour_type in (0, 2, 4, 6)]
FLAWED = {
    "a filter that does not exist": Picture(filters=(0, 5)),
    "a row that is missing": Picture(missing=16),
    "a byte that is missing": Picture(missing=1),
    "a byte too many": Picture(more=b"x"),
    "a checksum that does not fit": Picture(wrong_checksum=True),
    "a stream that does not end": Picture(unfinished=4),
    "bytes behind the stream": Picture(behind=b"more"),
    "a palette": Picture(colour_type=3, before=(b"PLTE",)),
    "a palette that is missing": Picture(colour_type=3),
    "sixteen bits": Picture(depth=16),
    "one bit": Picture(depth=1, colour_type=0),
    "a colour type that does not exist": Picture(colour_type=5),
    "a depth that does not exist": Picture(depth=7),
    "seven passes": Picture(methods=(0, 0, 1)),
    "another compression": Picture(methods=(1, 0, 0)),
    "another kind of filters": Picture(methods=(0, 1, 0)),
    "a chunk between the pixels": Picture(between=(b"tEXt",)),
    "a chunk behind the pixels": Picture(after=(b"tEXt",)),
    "an animation": Picture(before=(b"acTL",)),
    "a frame of no animation": Picture(before=(b"fcTL",)),
    "a window that zlib does not have": Picture(head=b"\x88\x1c"),
    "many bytes too many": Picture(more=bytes(9_000_000), piece=1 << 30),
}


@pytest.mark.parametrize("picture", PLAIN, ids=lambda picture: f"colour {picture.colour_type}")
def test_a_plain_picture_is_proven_and_its_pixels_stay_packed(picture: Picture) -> None:
    format_name, image = proof.prove(picture.written())
    assert (format_name, image.size) == ("png", (5, 4))
    assert image.tile, "Pillow empties this list when it decodes"


def test_so_is_one_of_many_megabytes_in_one_chunk() -> None:
    picture = Picture(width=1500, height=1100, piece=1 << 30, filters=(0, 4))
    assert proof.prove(picture.written())[1].tile


def test_and_one_with_words_before_its_pixels() -> None:
    assert proof.prove(Picture(before=(b"tEXt",)).written())[1].tile


@pytest.mark.parametrize("flaw", FLAWED)
def test_what_is_not_plain_is_left_to_the_decoder(flaw: str) -> None:
    data = FLAWED[flaw].written()
    assert not png.is_plainly_whole(png.read_chunks(data))
    assert outcome(proof.prove, data) == outcome(proof.decode, data)


def outcome(read: Callable[[bytes], tuple[str, ImageFile]], data: bytes) -> object:
    try:
        return read(data)[1].size
    except ImageError as error:
        return error.what


@pytest.mark.parametrize("read", [proof.prove, proof.decode], ids=["prove", "decode"])
@pytest.mark.parametrize("size", [2, 1000])
def test_no_more_is_unpacked_than_the_picture_has(
    read: Callable[[bytes], tuple[str, ImageFile]], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = Picture(width=size, height=size, is_black=True, more=bytes(30_000_000), piece=1 << 30)
    make, unpacked = zlib_ng.decompressobj, []

    class Counting:
        def __init__(self) -> None:
            self.real = make()

        def decompress(self, data: bytes, most: int) -> bytes:
            part = self.real.decompress(data, most)
            unpacked.append(len(part))
            return part

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    monkeypatch.setattr(zlib_ng, "decompressobj", Counting)
    outcome(read, bomb.written())
    assert 0 < sum(unpacked) <= 2 * (size * (1 + 3 * size) + 1), "to prove it, and to see its rows"


def test_a_checksum_behind_the_last_row_loses_no_picture() -> None:
    """Pillow does not look at it, and what was bought is there."""
    picture = Picture(is_black=True, wrong_checksum=True, piece=3)
    assert outcome(proof.prove, picture.written()) == (5, 4)


def test_a_file_of_countless_chunks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "MOST_CHUNKS", 40)
    assert outcome(proof.prove, Picture(before=(b"tEXt",) * 30).written()) == (5, 4)
    refused = "the png image has more than 40 chunks"
    assert outcome(proof.prove, Picture(before=(b"tEXt",) * 40).written()) == refused


KINDS = st.lists(
    st.sampled_from([b"tEXt", b"acTL", b"fcTL", b"PLTE", b"IHDR", b"fdAT"]), max_size=2
)
PICTURES = st.builds(
    replace,
    st.sampled_from([*PLAIN, *FLAWED.values()]),
    width=st.integers(2, 9),
    height=st.integers(2, 9),
    filters=st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple),
    missing=st.integers(0, 2),
    unfinished=st.sampled_from([0, 0, 1, 4]),
    is_black=st.booleans(),
    wrong_checksum=st.booleans(),
    head=st.sampled_from([b"", b"", b"\x88\x1c", b"\x78\x01", b"\x18\x19"]),
    piece=st.sampled_from([3, 50, 1000]),
    before=KINDS.map(tuple),
    after=KINDS.map(tuple),
)


@LAWFUL
@given(PICTURES)
def test_nothing_is_proven_that_a_decoder_refuses(picture: Picture) -> None:
    data = picture.written()
    assert outcome(proof.prove, data) == outcome(proof.decode, data)
