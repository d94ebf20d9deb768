"""Texts as they were; `ASSETGEN_REWRITE_GOLDEN=1` writes them anew, and the difference is read."""

from __future__ import annotations

import os
from pathlib import Path


def check_golden(name: str, text: str) -> None:
    """Assert that `text` is what it was."""
    path = Path(__file__).with_name(name)
    if os.environ.get("ASSETGEN_REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
