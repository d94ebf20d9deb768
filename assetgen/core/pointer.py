"""Git LFS pointers: small text files that stand for the bytes whose SHA-256 they name.

The format is that of the Git LFS specification, docs/spec.md: lines `version URL`, `oid
sha256:HEX`, `size N`.
"""

from __future__ import annotations

import re

from assetgen.core.digest import Digest

_MAX_BYTES = 1024
_PATTERN = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-[^\n]*\n)*"
    rb"oid (sha256:[0-9a-f]{64})\n"
    rb"size [0-9]+\n"
)


def pointed_digest(data: bytes) -> Digest | None:
    """The digest that a pointer file names, or None when `data` is no pointer."""
    if len(data) > _MAX_BYTES:
        return None
    match = _PATTERN.fullmatch(data)
    return Digest(match[1].decode("ascii")) if match else None
