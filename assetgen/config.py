"""The provider's settings from the environment; `cache.folder` reads where the cache is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

API_KEY = "OPENROUTER_API_KEY"
BASE_URL = "OPENROUTER_BASE_URL"

DEFAULT_BASE_URL = "https://openrouter.ai/api/v1"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says about the provider."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str = DEFAULT_BASE_URL


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Settings in `environ`; empty variables count as absent."""
    return Environment(
        api_key=environ.get(API_KEY, "").strip() or None,
        base_url=environ.get(BASE_URL, "").strip().rstrip("/") or DEFAULT_BASE_URL,
    )
