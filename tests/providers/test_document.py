"""JSON from a stranger means what the standard library takes it for, whichever parser reads it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.providers import document
from assetgen.providers.document import MAX_VALUES, parse_json
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@LAWFUL
@given(VALUES, st.booleans())
def test_a_document_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text.encode("utf-8", "surrogatepass")) == json.loads(
        text, parse_float=Decimal, parse_constant=lambda _: None
    )


@LAWFUL
@given(st.text('{}[],:"\\0123456789.eE+-truefalsn \n\u00e9\x01', max_size=12))
def test_any_text_gives_a_value_or_says_why_not(text: str) -> None:
    assert outcome(parse_json, text) == outcome(document._parse_leniently, text)


def outcome(parse: Callable[[bytes], object], text: str) -> object:
    try:
        return parse(text.encode())
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Decimal("0.1")),
        ("1e-7", Decimal("1e-7")),
        ("1e999999999999999999999", None),
        ("0." + "1" * 200, None),
        ("NaN", None),
        ("[1, -Infinity]", [1, None]),
        ("\ufeff1", 1),
        ('"\\ud800"', "\ud800"),
        (str(2**80), 2**80),
    ],
)
def test_what_json_does_not_know_is_read_all_the_same(text: str, value: object) -> None:
    assert parse_json(text.encode()) == value


def test_a_document_of_too_many_values_is_refused_before_it_is_parsed() -> None:
    few, many = b"1," * (MAX_VALUES - 1), b"1," * MAX_VALUES
    assert len(parse_json(b"[" + few + b"1]")) == MAX_VALUES
    with pytest.raises(ValueError, match="more than 500,000 values"):
        parse_json(b"[" + many + b"1]")


def test_depth_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(b"[" * 100_000)
