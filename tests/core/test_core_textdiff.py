from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.textdiff import Piece, diff_words
from tests.properties import LAWFUL

TEXTS = st.lists(
    st.sampled_from(["a", "ship", "ship,", "at", "dusk", "灯台", " ", "  ", "\n", " [-x-] "]),
    max_size=12,
).map("".join)


def joined(pieces: tuple[Piece, ...], kind: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in {"both", kind})


@given(old=TEXTS, new=TEXTS)
@LAWFUL
def test_both_texts_can_be_put_together_again(old: str, new: str) -> None:
    pieces = diff_words(old, new)
    assert joined(pieces, "old") == old
    assert joined(pieces, "new") == new
    assert all(piece.text for piece in pieces)
    assert (old == new) == all(piece.kind == "both" for piece in pieces)


def test_a_word_that_changed_is_all_that_is_marked() -> None:
    assert diff_words("A tall ship at dusk", "A tall boat at dusk") == (
        Piece("both", "A tall "),
        Piece("old", "ship"),
        Piece("new", "boat"),
        Piece("both", " at dusk"),
    )


def test_words_that_changed_side_by_side_are_one_change() -> None:
    assert diff_words("A tall ship", "A small boat") == (
        Piece("both", "A "),
        Piece("old", "tall ship"),
        Piece("new", "small boat"),
    )


def test_words_that_were_added_at_the_end_are_all_that_is_marked() -> None:
    assert diff_words("A ship", "A ship at dusk") == (
        Piece("both", "A ship"),
        Piece("new", " at dusk"),
    )


def test_long_texts_are_compared_by_lines() -> None:
    lines = [f"line {number} of many words\n" for number in range(1_000)]
    old, new = "".join(lines), "".join([*lines[:500], "another\n", *lines[501:]])
    pieces = diff_words(old, new)
    assert [piece.text for piece in pieces if piece.kind != "both"] == [lines[500], "another\n"]
