from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.select import in_build_order, select, with_dependants, with_dependencies
from assetgen.errors import UsageError
from tests.fakes import generated, sourced
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from assetgen.core.model import Asset

ASSETS = [
    sourced("logo"),
    generated("hero", tags=("people",)),
    generated("hero-side", "x", "asset:hero"),
    generated("banner", "x", "asset:hero-side", "asset:logo"),
    generated("icon-sword", tags=("icons", "items")),
    generated("icon-shield", tags=("icons",)),
]


@pytest.mark.parametrize(
    ("selectors", "chosen"),
    [
        (["hero"], {"hero"}),
        (["hero", "logo"], {"hero", "logo"}),
        (["icon-*"], {"icon-sword", "icon-shield"}),
        (["*"], {asset.name for asset in ASSETS}),
        (["icon-s[hx]*"], {"icon-shield"}),
        (["her?"], {"hero"}),
        (["tag:icons"], {"icon-sword", "icon-shield"}),
        (["tag:it*"], {"icon-sword"}),
        (["hero+"], {"hero", "hero-side", "banner"}),
        (["logo+", "icon-sword"], {"logo", "banner", "icon-sword"}),
        (["tag:people+"], {"hero", "hero-side", "banner"}),
        ([], set()),
    ],
)
def test_a_selector_names_assets(selectors: list[str], chosen: set[str]) -> None:
    assert select(ASSETS, selectors) == chosen


@pytest.mark.parametrize("selector", ["HERO", "Icon-*", "tag:Icons"])
def test_names_and_tags_are_matched_as_they_are_written(selector: str) -> None:
    with pytest.raises(UsageError):
        select(ASSETS, [selector])


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("hreo", "did you mean `hero`?"),
        ("hreo+", "did you mean `hero`?"),
        ("tag:icon", "did you mean `tag:icons`?"),
        ("zzzzzz", "`assetgen plan` lists the assets"),
        ("", "`assetgen plan` lists the assets"),
        ("+", "`assetgen plan` lists the assets"),
    ],
)
def test_a_selector_that_matches_nothing_is_a_usage_error_with_the_nearest(
    selector: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        select(ASSETS, ["hero", selector])
    assert caught.value.what == f"`{selector}` matches no asset"
    assert caught.value.hint == hint


def test_dependencies_come_along_all_the_way_down() -> None:
    assert with_dependencies(ASSETS, {"banner"}) == {"banner", "hero-side", "hero", "logo"}


def test_dependants_come_along_all_the_way_up() -> None:
    assert with_dependants(ASSETS, {"logo"}) == {"logo", "banner"}


def test_assets_are_ordered_behind_what_they_read_and_otherwise_left_as_they_are() -> None:
    names = [asset.name for asset in in_build_order(list(reversed(ASSETS)))]
    assert names == ["icon-shield", "icon-sword", "hero", "hero-side", "logo", "banner"]


def test_an_asset_that_reads_one_outside_the_selection_is_ready() -> None:
    assert in_build_order(ASSETS[2:3]) == ASSETS[2:3]


@pytest.mark.parametrize("order", ["forwards", "backwards", "shuffled"])
def test_a_chain_of_ten_thousand_is_ordered_without_recursion(order: str) -> None:
    chain = [generated("a0")]
    chain += [generated(f"a{n}", "x", f"asset:a{n - 1}") for n in range(1, 10_000)]
    given_order = list(chain)
    if order == "backwards":
        given_order.reverse()
    elif order == "shuffled":
        random.Random(1).shuffle(given_order)  # noqa: S311 - any order will do
    assert in_build_order(given_order) == chain
    assert len(with_dependencies(chain, {"a9999"})) == 10_000
    assert len(with_dependants(chain, {"a0"})) == 10_000


@st.composite
def graphs(draw: st.DrawFn) -> list[Asset]:
    """Acyclic projects, listed in any order."""
    assets: list[Asset] = []
    for number in range(draw(st.integers(0, 12))):
        reads = draw(st.lists(st.sampled_from(assets), max_size=3)) if assets else []
        assets.append(generated(f"a{number}", "x", *(f"asset:{read.name}" for read in reads)))
    return draw(st.permutations(assets))


@LAWFUL
@given(graphs())
def test_build_order_keeps_every_asset_once_and_behind_all_that_it_reads(
    assets: list[Asset],
) -> None:
    ordered = in_build_order(assets)
    assert sorted(a.name for a in ordered) == sorted(a.name for a in assets)
    place = {asset.name: n for n, asset in enumerate(ordered)}
    assert all(place[read] < place[asset.name] for asset in assets for read in asset.reads)


@LAWFUL
@given(graphs())
def test_an_order_that_is_right_already_is_not_touched(assets: list[Asset]) -> None:
    ordered = in_build_order(assets)
    assert in_build_order(ordered) == ordered
