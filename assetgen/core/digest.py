"""Digests of bytes: SHA-256, always written with the algorithm in front."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(data: bytes) -> Digest:
    """Digest of `data`."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def parse_digest(text: object) -> Digest | None:
    """`text` as a digest, or None when it is not written like one."""
    if isinstance(text, str) and _PATTERN.fullmatch(text):
        return Digest(text)
    return None


def hex_of(digest: Digest) -> str:
    """The 64 hexadecimal digits of `digest`."""
    return digest.removeprefix("sha256:")


def short(digest: str, length: int = 12) -> str:
    """The first digits of a digest or fingerprint, for people."""
    return digest.removeprefix("sha256:")[:length]
