"""The attack suites as a list of promises: `docs/reliability.md` is written from their runs.

Every module `tests/attacks/test_*.py` is a chapter, named by the first line of its docstring. Every
test in it is a promise: the first line of its docstring, or else its name. How often a promise was
tried is the number of its cases; a test that goes several rounds by itself says so with
`record_property("rounds", n)`, and one that measures something adds it with
`record_property("measured", "…")`.

`pytest -m "" tests/attacks --write-reliability` runs everything and writes the table. Rows of
promises that a run did not touch stay as they are, so one module can be run by itself. A promise
that no run has touched yet has its row too, which says so.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
ATTACKS = Path(__file__).parent / "attacks"
DOCUMENT = ROOT / "docs/reliability.md"
BEGIN = "<!-- written by `pytest --write-reliability`: begin -->"
END = "<!-- written by `pytest --write-reliability`: end -->"
_HEAD = ("| promise | times tried | result | last run |", "| --- | ---: | --- | --- |")
_CELLS = 4
_NEVER = "never tried"


@dataclass(frozen=True, slots=True)
class Promise:
    """One test of an attack suite."""

    chapter: str
    text: str


@dataclass(slots=True)
class _Trials:
    """What became of a promise in this run."""

    times: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: set[str] = field(default_factory=set)
    measured: list[str] = field(default_factory=list)

    def row(self, text: str, today: str) -> str:
        """The row of the table."""
        if self.failed:
            result = f"**broken** {self.failed} times"
        elif self.times:
            result = "kept"
        else:
            result = "not tried: " + "; ".join(sorted(self.reasons))
        if self.times and self.skipped:
            result += f"; {self.skipped} not tried: " + "; ".join(sorted(self.reasons))
        if self.measured:
            result += "; " + "; ".join(self.measured)
        return _row(text, f"{self.times:,}", result, today)


def never_tried(promise: Promise) -> str:
    """The row of a promise that no run has touched."""
    return _row(promise.text, "0", _NEVER, "")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def promises(folder: Path = ATTACKS) -> list[Promise]:
    """Everything that the suites promise, in order of modules and lines, read from the source."""
    found: list[Promise] = []
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        chapter = _first_line(ast.get_docstring(tree)) or path.stem
        found += [
            Promise(chapter, _text_of(node.name, ast.get_docstring(node)))
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
    return found


def documented(text: str) -> dict[Promise, str]:
    """The rows between the markers of the document, by promise."""
    rows: dict[Promise, str] = {}
    chapter = ""
    for line in _written(text):
        if line.startswith("### "):
            chapter = line.removeprefix("### ")
        elif line.startswith("| ") and line not in _HEAD:
            cells = re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |"))
            if len(cells) == _CELLS:
                rows[Promise(chapter, cells[0].replace("\\|", "|"))] = line
    return rows


def rewritten(text: str, new_rows: dict[Promise, str], order: Sequence[Promise]) -> str:
    """The document with a row for each promise of `order`, of which `new_rows` are new.

    Rows of promises that are no longer made are dropped; one that was never tried says so.
    """
    rows = documented(text) | new_rows
    lines: list[str] = []
    chapter = ""
    for promise in order:
        if promise.chapter != chapter:
            chapter = promise.chapter
            lines += ["", f"### {chapter}", "", *_HEAD]
        lines.append(rows.get(promise) or never_tried(promise))
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join([BEGIN, *lines, "", END]) + after


def _written(text: str) -> Iterable[str]:
    return text.partition(BEGIN)[2].partition(END)[0].splitlines()


def _first_line(docstring: str | None) -> str:
    """The first paragraph of a docstring on one line, without its full stop."""
    paragraph = (docstring or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).removesuffix(".")


def _text_of(name: str, docstring: str | None) -> str:
    return _first_line(docstring) or name.removeprefix("test_").replace("_", " ")


# The pytest plugin: `tests/conftest.py` names this module


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-reliability",
        action="store_true",
        help="write what became of each promise of tests/attacks into docs/reliability.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-reliability") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(), "reliability-writer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each attack its promise, which travels in its report, also between processes."""
    for item in items:
        if isinstance(item, pytest.Function) and ATTACKS in item.path.parents:
            chapter = _first_line(item.module.__doc__) or item.path.stem
            text = _text_of(item.originalname, item.function.__doc__)
            item.user_properties.append(("promise", (chapter, text)))


class _Writer:
    """Collects results and writes the document when the run is over."""

    def __init__(self) -> None:
        self._trials: dict[Promise, _Trials] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        promised = properties.get("promise")
        if not isinstance(promised, (tuple, list)):
            return
        chapter, text = map(str, promised)
        trials = self._trials.setdefault(Promise(chapter, text), _Trials())
        if report.skipped:
            trials.skipped += 1
            trials.reasons.add(_reason(report))
        elif report.failed:
            trials.failed += 1
        if report.when == "call" and not report.skipped:
            trials.times += int(str(properties.get("rounds", 1)))
            trials.measured += [
                str(value) for name, value in report.user_properties if name == "measured"
            ]

    def pytest_sessionfinish(self) -> None:
        today = dt.datetime.now(dt.UTC).date().isoformat()
        rows = {p: trials.row(p.text, today) for p, trials in self._trials.items()}
        text = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(rewritten(text, rows, promises()), "utf-8")


def _reason(report: pytest.TestReport) -> str:
    found = report.longrepr
    return str(found[2]).removeprefix("Skipped: ") if isinstance(found, tuple) else "skipped"
