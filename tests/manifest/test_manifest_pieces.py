"""A manifest of which only some entries are read says of these what the whole says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.manifest.faults import Faults
from assetgen.manifest.parse import parse
from assetgen.manifest.pieces import cut, pieces_of, reduced
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from assetgen.core.outline import Pieces
    from assetgen.manifest.scalars import Data

HEAD = "# icons\nversion: 1\nassets:\n"
PLAIN = HEAD + "  hero:\n    prompt: A keeper\n    output: hero.png\n  side: {output: side.png}\n"


def pieces(text: str) -> Pieces | None:
    document = parse(text.encode(), "assets.yaml", Faults())
    assert document is not None
    return pieces_of(document)


def data_of(text: str) -> dict[str, Data]:
    faults = Faults()
    document = parse(text.encode(), "assets.yaml", faults)
    assert document is not None
    assert not len(faults)
    assert isinstance(document.data, dict)
    return document.data


def entries_of(text: str) -> dict[str, Data]:
    found = data_of(text)["assets"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (PLAIN, ["hero", "side"]),
        (HEAD + "  \"a-${n}\":\n    output: x\n  'b': {}\n", ["a-${n}", "b"]),
        (HEAD + "\n# a comment\n  a: {}\n\n    # another\n  b: {}\nbudget: {}\n", ["a", "b"]),
        (HEAD + "    a: {}\n    b:\n      output: x\n", ["a", "b"]),
        (HEAD + "  a:\n    prompt: |\n      one\n\n      # two\n  b: {}", ["a", "b"]),
        (HEAD + "  a:\n    prompt: one\n      two\n\n      three\n  b: {}\n# end\n", ["a", "b"]),
        (HEAD + "  a: {prompt: red & blue * green}\n", ["a"]),
    ],
    ids=range(7),
)
def test_each_entry_is_a_piece(text: str, keys: list[str]) -> None:
    found = pieces(text)
    assert found is not None
    assert list(found.entries) == keys


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + '  a: {prompt: "one\n  b: two"}\n  c: {}\n', id="quotes over a cut"),
        pytest.param(HEAD + '  a: {prompt: "one\nb: two"}\n', id="quotes over the end"),
        pytest.param(HEAD + "  a: {prompt: x,\n  b: y}\n", id="braces over a cut"),
        pytest.param(HEAD + "  a: &all {output: x}\n  b: *all\n", id="an alias"),
        pytest.param("version: 1\nassets: {a: {}}\n", id="entries in braces"),
        pytest.param("assets:\n  a: {}\nversion: 1\n", id="on the first line"),
        pytest.param(HEAD + "  ? a\n  : {}\n", id="a key with a question mark"),
        pytest.param(HEAD + "  a: {}\r\n  b: {}\r\n", id="other line breaks"),
        pytest.param('x: "\nassets:\n  a: {}\n"\n', id="a text that looks alike"),
        pytest.param(HEAD + "  a: {}\n...\n", id="an end of the document"),
        pytest.param("version: 1\n", id="no entries"),
        pytest.param(HEAD, id="an empty section"),
    ],
)
def test_what_may_not_stand_alone_is_not_taken_apart(text: str) -> None:
    assert pieces(text) is None


def test_an_edited_entry_has_another_digest_and_no_other_has() -> None:
    before, after = pieces(PLAIN), pieces(PLAIN.replace("A keeper", "A ship"))
    assert before is not None
    assert after is not None
    assert before.rest == after.rest
    assert before.entries["hero"] != after.entries["hero"]
    assert before.entries["side"] == after.entries["side"]


@pytest.mark.parametrize("edit", ["version: 2", "version: 1 # why"])
def test_an_edit_outside_of_the_entries_shows(edit: str) -> None:
    before, after = pieces(PLAIN), pieces(PLAIN.replace("version: 1", edit))
    assert before is not None
    assert after is not None
    assert before.rest != after.rest
    assert before.entries == after.entries


@pytest.mark.parametrize(
    "piece",
    [
        '  hero: "\n',
        "  hero: {\n",
        "  hero: {prompt: 'it\n",
        "  hero: {}\n   x: {}\n",
        "  hero: {}\n    - x\n",
        "  hero: *side\n",
        "  hero: {a: 1, a: 2}\n",
    ],
    ids=str,
)
def test_an_edit_that_does_not_stand_alone_is_not_read_alone(piece: str) -> None:
    # What follows would end the quotes: read with it, this would be YAML.
    edited = HEAD + piece + "  side: {}\nbudget: '\"' #}'\n"
    cuts = cut(edited)
    assert cuts is not None
    assert reduced(cuts, {"hero"}, {"hero"}) is None


def test_places_stay_what_they_are() -> None:
    text = PLAIN + "  last:\n    output: last.png\nbudget: {}\n"
    cuts = cut(text)
    assert cuts is not None
    left = reduced(cuts, {"last"}, {"last"})
    assert left is not None
    lines = text.split("\n")
    found = left.split("\n")
    assert len(found) == len(lines)
    assert [n for n, line in enumerate(found) if line.strip("#")] == [
        n for n, line in enumerate(lines) if line and not 3 <= n <= 6
    ]


VALUES = st.sampled_from(
    [
        " {output: x.png}",
        "\n    prompt: one two\n    output: y.png",
        "\n    prompt: |\n      one\n\n        two",
        "\n    prompt: >-\n      one\n      # no comment\n\n",
        "\n    params:\n      note: |+\n        one\n\n",
        "\n    params:\n      note: >1+\n        one",
        "\n    prompt: 'one\n      two'",
        '\n    prompt: "one: \\"\n\n  two"',
        '\n    prompt: "one\n  b: two"',
        "\n    tags: [a,\n  b]",
        "\n  # a comment\n    output: z",
        "",
        " one\n    two",
    ]
)
BETWEEN = st.sampled_from(["\n", "\n\n", "\n# c\n", "\n  # d\n", "\n    # e\n"])
TAIL = st.sampled_from(["", "budget: {per_build: 1}\n", "# end\n", "x: 'y'\n\n", "vars:\n  a: b\n"])


@st.composite
def manifests(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from(["a", "b", "c", "d-1", '"e${n}"', "'f'"]), unique=True))
    parts = [f"  {key}:{draw(VALUES)}{draw(BETWEEN)}" for key in keys]
    return HEAD + "".join(parts) + draw(TAIL)


@LAWFUL
@given(manifests(), st.data())
def test_some_entries_read_alone_are_what_they_are_in_the_whole(
    text: str, data: st.DataObject
) -> None:
    document = parse(text.encode(), "", Faults())
    if document is None or pieces_of(document) is None:
        return
    cuts = cut(text)
    assert cuts is not None
    keys = list(cuts.pieces().entries)
    wanted = set(data.draw(st.lists(st.sampled_from(keys), min_size=1)))
    left = reduced(cuts, wanted, ())
    assert left is not None
    whole = data_of(text)
    assert entries_of(left) == {key: v for key, v in entries_of(text).items() if key in wanted}
    assert {**data_of(left), "assets": None} == {**whole, "assets": None}


@LAWFUL
@given(manifests(), manifests(), st.data())
def test_an_edited_text_is_what_its_pieces_say(
    before: str, after: str, data: st.DataObject
) -> None:
    """One entry of a sound text is replaced by any of another; what stands alone is sound."""
    document = parse(before.encode(), "", Faults())
    if document is None or pieces_of(document) is None:
        return
    old, new = cut(before), cut(after)
    assert old is not None
    if new is None:
        return
    key, start, end = data.draw(st.sampled_from(list(old.bounds())))
    _, other_start, other_end = data.draw(st.sampled_from(list(new.bounds())))
    fields = after[other_start:other_end].partition(":")[2]
    edited = f"{before[:start]}  '{key}':{fields}{before[end:]}"
    cuts = cut(edited)
    left = reduced(cuts, {key}, {key}) if cuts is not None else None
    if cuts is None or left is None:
        return
    found = parse(edited.encode(), "", Faults())
    assert found is not None
    assert pieces_of(found) == cuts.pieces()
    assert entries_of(left)[key] == entries_of(edited)[key]
