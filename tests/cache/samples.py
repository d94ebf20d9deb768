"""Values for the tests of the cache, and what is on the disk."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

from assetgen.core.digest import digest_of
from assetgen.core.ledger import LedgerLine
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import replace

ROOT = Path(__file__).parents[2]
"""Where processes start that import these samples."""
IMAGE = b"bytes of an image"


def fingerprint(number: int = 0) -> str:
    return f"{number:064x}"


def call(number: int = 0) -> str:
    return f"{number:032x}"


def result(data: bytes = IMAGE) -> ActionResult:
    return ActionResult(
        image=digest_of(data),
        info=ImageInfo(format="png", width_px=1024, height_px=768),
        model="google/gemini-2.5-flash-image",
        provider="Google",
        generation_id="gen-1",
        cost_usd=Decimal("0.0387"),
        date="2026-11-02",
    )


def sent(number: int = 0) -> LedgerLine:
    return LedgerLine(
        event="sent",
        call=call(number),
        at="2026-11-02T10:00:00Z",
        fingerprint=fingerprint(number),
        key_scheme=1,
        asset="hero",
        model="google/gemini-2.5-flash-image",
        project="lantern-bay",
        size="2K//0",
        estimate_usd=Decimal("0.04"),
    )


def received(number: int = 0, data: bytes = IMAGE) -> LedgerLine:
    return replace(sent(number), event="received", cost_usd=Decimal("0.0387"), result=result(data))


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file under `root`: its mode, its change time in ns, its bytes."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            stat = os.lstat(path)
            with open(path, "rb") as file:
                found[path] = (stat.st_mode, stat.st_ctime_ns, file.read())
    return found
