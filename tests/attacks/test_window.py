"""The window: how long an answer that has arrived is nowhere but in memory."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest

from tests.attacks.support import cache_of, manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

HARMLESS_S = 30.0
"""Only what hangs is more; the figures are for the document."""


@pytest.mark.parametrize(
    "count", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in (64, 200))]
)
def test_from_the_last_byte_of_an_answer_to_its_bytes_on_the_disk(
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    count: int,
    record_property: Callable[[str, object], None],
) -> None:
    """From the last byte of an answer to its bytes on the disk it takes a fraction of a second"""
    openrouter.full_size = True
    project.write("assets.yaml", manifest(*(f"a{number}" for number in range(count))))
    lag_s = time.time() - time.monotonic()
    result = cli("build", "-j", "1", timeout_s=20 * HARMLESS_S)
    assert result.code == 0, result.err
    blobs = sorted(
        (path for path in (cache_of(cli).root / "blobs").rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_mtime_ns,
    )
    # A folder changes last when its blob gets its name there, which is after it was synced.
    windows_ms = [
        1000 * (blob.parent.stat().st_mtime - (ended + lag_s))
        for blob, ended in zip(blobs, openrouter.ended_at, strict=True)
        if len(list(blob.parent.iterdir())) == 1
    ]
    assert windows_ms
    assert all(window < 1000 * HARMLESS_S for window in windows_ms)
    record_property(
        "measured",
        f"median {statistics.median(windows_ms):.0f} ms, longest {max(windows_ms):.0f} ms "
        f"of {len(windows_ms)} images, one at a time",
    )
    record_property("rounds", len(windows_ms))
