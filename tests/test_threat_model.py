"""Each test that the threat model names is there, and each suite about strangers is named in it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
DOCUMENT = (TESTS.parent / "docs/threat-model.md").read_text("utf-8")
NAMED = re.findall(r"^- `(test_\w+)`$", DOCUMENT, flags=re.MULTILINE)
DEFINED = {
    path.name: set(
        re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)
    )
    for path in TESTS.rglob("test_*.py")
}


def test_every_test_that_is_named_exists() -> None:
    assert NAMED
    assert set(NAMED) <= set().union(*DEFINED.values())


def test_no_test_is_named_twice() -> None:
    assert len(NAMED) == len(set(NAMED))


def test_every_suite_about_strangers_is_named() -> None:
    suites = {name: tests for name, tests in DEFINED.items() if name.startswith("test_strangers_")}
    assert suites
    assert all(tests & set(NAMED) for tests in suites.values())
