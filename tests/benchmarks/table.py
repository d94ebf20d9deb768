"""Rows to the Markdown table of `docs/performance.md`."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what was measured, what came out, and what it is held to."""

    what: str
    found: str
    bar: str = ""
    is_met: bool | None = None
    """None where there is no bar."""
    seen: str = ""
    """The times behind a ratio."""

    def __str__(self) -> str:
        verdict = {True: "met", False: "**missed**", None: ""}[self.is_met]
        return f"| {self.what} | {self.found} | {self.bar} | {verdict} | {self.seen} |"


HEAD = "| what | found | bar | | seen |\n|---|---|---|---|---|"


def at_most(value: float, bar: float) -> bool:
    """Whether a figure keeps its bar, as precisely as both are printed."""
    return round(value, 2) <= bar


def tables(found: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """One table a bar, with the machine and the day above it."""
    said = f"*{machine()}, {datetime.now(UTC):%Y-%m-%d}*"
    return {
        bar: "\n".join([said, "", HEAD, *(str(row) for row in rows)]) for bar, rows in found.items()
    }


def write_into(page: Path, found: Mapping[str, str]) -> None:
    """Put tables between the markers that bear their names; others stay."""
    text = page.read_text("utf-8")
    for bar, table in found.items():
        begin, end = f"<!-- measured: {bar} -->", f"<!-- end: {bar} -->"
        if begin not in text or end not in text:
            raise ValueError(f"{page} has no place for `{bar}`: it lacks {begin}")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    page.write_text(text, "utf-8")


def machine() -> str:
    """What the figures were read on."""
    cores = len(os.sched_getaffinity(0))
    return f"{platform.system()} {platform.machine()}, {cores} cores, {_python()}"


def _python() -> str:
    return f"CPython {platform.python_version()}"
