"""The one encoding of a value that keys are made from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.model import Json

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
"""Made once: `json.dumps` makes another for each value."""


def canonical(value: Json) -> bytes:
    """The one encoding of `value`: JSON in UTF-8, keys sorted, no spaces."""
    return _ENCODER.encode(value).encode("utf-8")
