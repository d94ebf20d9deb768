"""A PNG from the outside: its chunks, and whether all of its pixels are there.

Pillow accepts a file without its end, with damaged chunks or without its last rows; they mean that
bytes were lost on the way. That, and only that, is asked here: what the pixels are is for Pillow.
Sections are those of the PNG specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from isal import isal_zlib

from assetgen.errors import ImageError
from assetgen.steps.refusal import check_size, our_errors, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by colour type (section 11.2.1)."""
_PLAIN = frozenset((8, colour_type, 0, 0, 0) for colour_type in (0, 2, 4, 6))
"""Headers after their sizes: bytes without a palette, in one pass, by the methods that exist."""
_PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
    (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
)  # fmt: skip
"""Adam7: left, top, step across, step down of each pass (section 8.1)."""
_LAST_FILTER = 4
"""What stands before each row is a number from 0 to this one (section 9.2)."""
_INFLATE_BYTES = 4 << 20
"""Most pictures at once: between two pieces a thread queues for the interpreter."""


class _Inflate(Protocol):
    """What zlib and isal call a decompression object."""

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


class Header(NamedTuple):
    """IHDR (section 11.2.1); sizes in pixels, `depth` in bits."""

    width: int
    height: int
    depth: int
    colour_type: int
    compression: int
    filter: int
    interlace: int

    @property
    def pixel_bits(self) -> int:
        """What a pixel takes before it is compressed."""
        return self.depth * _CHANNELS[self.colour_type]


class Chunks(NamedTuple):
    """The chunks of a file that has its end, none of the critical ones damaged."""

    kinds: list[bytes]
    """In the order of the file."""
    header: Header
    pixels: list[memoryview]
    """As they are compressed."""

    @property
    def is_frame(self) -> bool:
        """Whether the pixels are a frame of an animation, which may be smaller than the picture."""
        return b"fcTL" in self.kinds[: self.kinds.index(b"IDAT")] if self.pixels else False


def read_chunks(data: bytes) -> Chunks:
    """Of a file that begins with `SIGNATURE`.

    Raises:
        ImageError: its end is missing, a critical chunk is damaged, or its size is not accepted.
    """
    view = memoryview(data)
    position = len(SIGNATURE)
    kinds, header, pixels = list[bytes](), b"", list[memoryview]()
    while position + 12 <= len(data):
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            break
        kind, body = bytes(view[position + 4 : position + 8]), view[position + 8 : end - 4]
        is_critical = not kind[0] & 0x20
        checksum = int.from_bytes(view[end - 4 : end], "big")
        if is_critical and isal_zlib.crc32(view[position + 4 : end - 4]) != checksum:
            name = printable(kind.decode("latin-1"))
            raise ImageError(f"the png image is damaged: the checksum of `{name}` does not match")
        kinds.append(kind)
        match kind:
            case b"IHDR":
                header = bytes(body)
            case b"IDAT":
                pixels.append(body)
            case b"IEND":
                with our_errors("the png image is damaged"):
                    found = Header(*struct.unpack(">IIBBBBB", header))
                    check_size("png", (found.width, found.height))
                return Chunks(kinds, found, pixels)
            case _:
                pass
        position = end
    raise ImageError("the png image is cut short: its end is missing")


def is_plainly_whole(chunks: Chunks) -> bool:
    """Whether a decoder would find nothing wrong with the pixels, proven without one.

    True only of a picture of plain colours in one pass, whose compressed pixels have a checksum
    that fits, the right number of bytes, and a filter that exists before each row. Any number of
    bits is a colour then. The rest needs a decoder, and is not said to be damaged.
    """
    header = chunks.header
    if header[2:] not in _PLAIN or not _has_plain_order(chunks.kinds):
        return False
    row, seen = 1 + header.width * header.pixel_bits // 8, 0
    inflate = isal_zlib.decompressobj()
    try:
        with our_errors("the pixels cannot be inflated"):
            for part in _inflated(inflate, chunks.pixels):
                if max(part[-seen % row :: row], default=0) > _LAST_FILTER:
                    return False
                seen += len(part)
    except ImageError:
        return False
    return inflate.eof and not inflate.unused_data and seen == row * header.height


def check_pixels(chunks: Chunks) -> None:
    """Refuse compressed pixels that end before the last row, which Pillow shows as black.

    Raises:
        ImageError: they do, or cannot be inflated.
    """
    with our_errors("the png image is damaged"):
        header = chunks.header
        bits = header.pixel_bits
        passes = _PASSES if header.interlace else ((0, 0, 1, 1),)
        missing = sum(
            rows * (1 + (columns * bits + 7) // 8)
            for left, top, step_x, step_y in passes
            if (columns := len(range(left, header.width, step_x)))
            and (rows := len(range(top, header.height, step_y)))
        )
        for part in _inflated(zlib.decompressobj(), chunks.pixels):
            missing -= len(part)
            if missing <= 0:
                return
    raise ImageError("the png image is cut short: its last rows are missing")


def _inflated(inflate: _Inflate, pixels: list[memoryview]) -> Iterator[bytes]:
    """Piece by piece, so that memory stays bounded whatever a file claims."""
    rest = b"".join(pixels)
    while rest:
        yield inflate.decompress(rest, _INFLATE_BYTES)
        rest = inflate.unconsumed_tail


def _has_plain_order(kinds: list[bytes]) -> bool:
    """One header, no animation, and nothing but pixels from the first of them to the end."""
    first = kinds.index(b"IDAT") if b"IDAT" in kinds else len(kinds)
    before, pixels = kinds[:first], kinds[first:-1]
    return (
        kinds[0] == b"IHDR"
        and before.count(b"IHDR") == 1
        and b"acTL" not in before
        and pixels.count(b"IDAT") == len(pixels)
    )
