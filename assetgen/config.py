"""Settings from the environment: every variable that assetgen reads is named here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

API_KEY = "OPENROUTER_API_KEY"
BASE_URL = "OPENROUTER_BASE_URL"
CACHE_DIR = "ASSETGEN_CACHE_DIR"

DEFAULT_BASE_URL = "https://openrouter.ai/api/v1"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says about the provider. The cache folder is read by `cache.folder`."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Settings in `environ`; empty variables count as absent."""
    return Environment(
        api_key=environ.get(API_KEY, "").strip() or None,
        base_url=environ.get(BASE_URL, "").strip().rstrip("/") or DEFAULT_BASE_URL,
    )
