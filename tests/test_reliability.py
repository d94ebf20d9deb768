"""The list of promises in `docs/reliability.md` is that of the attack suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reliability import (
    ATTACKS,
    BEGIN,
    DOCUMENT,
    END,
    Promise,
    documented,
    promises,
    rewritten,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_document_lists_what_the_suites_promise_and_nothing_else() -> None:
    made = promises()
    assert made
    told = documented(DOCUMENT.read_text("utf-8"))
    remedy = 'run `pytest -m "" tests/attacks/MODULE --write-reliability` for what is missing here'
    assert set(told) == set(made), remedy


def test_every_module_of_attacks_is_a_chapter_of_the_document() -> None:
    """Also those of the wire and of pictures: read from the folder, not from what was run"""
    chapters = {promise.chapter for promise in documented(DOCUMENT.read_text("utf-8"))}
    modules = list(ATTACKS.glob("test_*.py"))
    assert len(chapters) == len(modules)


def test_no_promise_is_made_twice() -> None:
    made = promises()
    assert len(set(made)) == len(made)


def test_a_promise_is_the_docstring_of_a_test_or_else_its_name(tmp_path: Path) -> None:
    tmp_path.joinpath("test_wire.py").write_text(
        '"""The wire.\n\nMore about it."""\n'
        "def helper() -> None: ...\n"
        "def test_a_cut_answer_is_asked_for_once_more() -> None: ...\n"
        'def test_b() -> None:\n    """No key | no header\n    leaves the host."""\n'
    )
    assert promises(tmp_path) == [
        Promise("The wire", "a cut answer is asked for once more"),
        Promise("The wire", "No key | no header leaves the host"),
    ]


def test_a_promise_that_was_never_tried_says_so() -> None:
    tried, untried = Promise("One", "a"), Promise("Two", "b | c")
    text = rewritten(f"{BEGIN}\n{END}\n", {tried: "| a | 1 | kept | then |"}, [tried, untried])
    assert documented(text) == {
        tried: "| a | 1 | kept | then |",
        untried: "| b \\| c | 0 | never tried |  |",
    }
    assert rewritten(text, {}, [tried, untried]) == text


def test_a_run_rewrites_its_own_rows_and_drops_promises_that_are_no_longer_made() -> None:
    kept, tried, gone = Promise("One", "a | b"), Promise("Two", "c"), Promise("Two", "d")
    first = rewritten(
        f"# Title\n{BEGIN}\n{END}\nafter\n",
        {
            kept: "| a \\| b | 1 | kept | then |",
            tried: "| c | 1 | kept | then |",
            gone: "| d | 1 | kept | then |",
        },
        [kept, tried, gone],
    )
    assert set(documented(first)) == {kept, tried, gone}
    second = rewritten(first, {tried: "| c | 200 | kept | now |"}, [kept, tried])
    assert documented(second) == {
        kept: "| a \\| b | 1 | kept | then |",
        tried: "| c | 200 | kept | now |",
    }
    assert second.startswith("# Title\n")
    assert second.endswith("\nafter\n")
