"""A PNG from the outside: its chunks, and whether all of its pixels are there.

Pillow accepts a file without its end, with damaged chunks or without its last rows; they mean that
bytes were lost on the way. That, and only that, is asked here: what the pixels are is for Pillow.
Sections are those of the PNG specification, third edition.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from zlib_ng import zlib_ng

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
MOST_CHUNKS = 500_000
"""A picture of the largest size has a tenth of these in pieces of 8 KiB."""
_PACKED_BYTES = 1 << 20
_INFLATED_BYTES = 4 << 20
"""What is inflated at once, packed and unpacked: bounds memory, and holds most pictures in two
pieces. Between two pieces a thread queues for the interpreter."""


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
    """What the chunks of a file say that has its end, none of the critical ones damaged."""

    header: Header
    pixels: list[memoryview]
    """As they are compressed."""
    is_frame: bool
    """Whether the pixels are a frame of an animation, which may be smaller than the picture."""
    is_plain: bool
    """One header, no animation, and nothing but pixels from the first of them to the end."""


def read_chunks(data: bytes) -> Chunks:
    """Of a file that begins with `SIGNATURE`.

    Raises:
        ImageError: its end is missing, a critical chunk is damaged, it has more chunks than a
            picture needs, or its size is not accepted.
    """
    view = memoryview(data)
    position = len(SIGNATURE)
    header, pixels, is_frame, is_plain = b"", list[memoryview](), False, True
    previous, left = b"", MOST_CHUNKS
    while position + 12 <= len(data):
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            break
        left -= 1
        if left < 0:
            raise ImageError(f"the png image has more than {MOST_CHUNKS:,} chunks")
        kind, body = bytes(view[position + 4 : position + 8]), view[position + 8 : end - 4]
        is_critical = not kind[0] & 0x20
        checksum = int.from_bytes(view[end - 4 : end], "big")
        if is_critical and zlib_ng.crc32(view[position + 4 : end - 4]) != checksum:
            name = printable(kind.decode("latin-1"))
            raise ImageError(f"the png image is damaged: the checksum of `{name}` does not match")
        if pixels and previous != b"IDAT":
            is_plain = False
        match kind:
            case b"IHDR":
                is_plain = is_plain and not previous
                header = bytes(body)
            case b"IDAT":
                pixels.append(body)
            case b"acTL" | b"fcTL":
                is_frame = is_frame or (kind == b"fcTL" and not pixels)
                is_plain = False
            case b"IEND":
                with our_errors("the png image is damaged"):
                    found = Header(*struct.unpack(">IIBBBBB", header))
                    check_size("png", (found.width, found.height))
                return Chunks(found, pixels, is_frame, is_plain and bool(pixels))
            case _:
                pass
        previous = kind
        position = end
    raise ImageError("the png image is cut short: its end is missing")


def is_plainly_whole(chunks: Chunks) -> bool:
    """Whether a decoder would find nothing wrong with the pixels, proven without one.

    True only of a picture of plain colours in one pass, whose compressed pixels have a checksum
    that fits, the right number of bytes, and a filter that exists before each row. Any bits are a
    colour then. The rest needs a decoder, and is not said to be damaged. What inflates here is
    what inflates in Pillow, which takes no stream that is refused here, and the other way round.
    """
    header = chunks.header
    if header[2:] not in _PLAIN or not chunks.is_plain:
        return False
    row = 1 + header.width * header.pixel_bits // 8
    seen, inflate, pieces = 0, zlib_ng.decompressobj(), _pieces(chunks.pixels, _PACKED_BYTES)
    try:
        with our_errors("the pixels cannot be inflated"):
            for part in _inflated(inflate, pieces, row * header.height + 1):
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
        # Chunk by chunk, as Pillow does: a checksum behind the last row is no concern of either.
        pieces = _pieces(chunks.pixels, least_bytes=1)
        for part in _inflated(zlib_ng.decompressobj(), pieces, missing):
            missing -= len(part)
    if missing > 0:
        raise ImageError("the png image is cut short: its last rows are missing")


def _inflated(inflate: zlib_ng._Decompress, pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """At most `most` bytes, piece by piece: a file may claim anything."""
    for piece in pieces:
        rest = piece
        while rest:
            part = inflate.decompress(rest, min(most, _INFLATED_BYTES))
            yield part
            most -= len(part)
            if not most or inflate.unused_data:
                return
            rest = inflate.unconsumed_tail


def _pieces(pixels: list[memoryview], least_bytes: int) -> Iterator[bytes]:
    """The bodies of chunks, which are often small, in pieces of at least so many bytes."""
    waiting, size = list[memoryview](), 0
    for body in pixels:
        for start in range(0, len(body), _PACKED_BYTES):
            waiting.append(body[start : start + _PACKED_BYTES])
            size += len(waiting[-1])
            if size >= least_bytes:
                yield b"".join(waiting)
                waiting, size = [], 0
    yield b"".join(waiting)
