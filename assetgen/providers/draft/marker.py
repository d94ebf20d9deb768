"""The mark on placeholder drafts: bytes after the end of an image that no decoder looks at.

It is an ISO base media box of type `free` (ISO/IEC 14496-12, section 8.1.2), which readers of AVIF
skip; readers of PNG, JPEG and WebP stop before it. It holds the digest of everything in front of
it, so that a file that someone has edited, however slightly, is no longer taken for a placeholder.
"""

from __future__ import annotations

import re

from assetgen.core.digest import digest_of

_PAYLOAD = re.compile(rb"assetgen-draft 1 ([0-9a-f]{64}) (sha256:[0-9a-f]{64})")
_PAYLOAD_BYTES = len("assetgen-draft 1 ") + 64 + len(" sha256:") + 64
_HEADER = (8 + _PAYLOAD_BYTES).to_bytes(4, "big") + b"free"
_TRAILER_BYTES = len(_HEADER) + _PAYLOAD_BYTES
_KEY = re.compile(r"[0-9a-f]{64}")


def mark(data: bytes, key: str) -> bytes:
    """`data`, an image file, marked as the placeholder with this `placeholder_key`.

    Raises:
        ValueError: `key` is not 64 lower-case hexadecimal digits.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a placeholder key: {key!r}")
    return data + _HEADER + f"assetgen-draft 1 {key} {digest_of(data)}".encode("ascii")


def marked_key(data: bytes) -> str | None:
    """The key in the mark of `data`; None without one, or when what is in front was changed."""
    image, trailer = data[:-_TRAILER_BYTES], data[-_TRAILER_BYTES:]
    if not trailer.startswith(_HEADER):
        return None
    match = _PAYLOAD.fullmatch(trailer, len(_HEADER))
    if match is None or match[2].decode("ascii") != digest_of(image):
        return None
    return match[1].decode("ascii")
