"""Selectors: `NAME`, `tag:TAG`, `GLOB`, each with a `+` behind it for the dependants too."""

from __future__ import annotations

import difflib
import fnmatch
from typing import TYPE_CHECKING

from assetgen.core.product import KINDS
from assetgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assetgen.core.model import Asset
    from assetgen.core.product import Product


def select(assets: Sequence[Asset], selectors: Iterable[str]) -> frozenset[str]:
    """Names of the assets that any selector matches.

    Raises:
        UsageError: a selector matches nothing.
    """
    chosen: set[str] = set()
    for selector in selectors:
        pattern = selector.removesuffix("+")
        found = matching(assets, pattern)
        if not found:
            raise UsageError(f"`{selector}` matches no asset", hint=_nearest(assets, pattern))
        chosen |= with_dependants(assets, found) if selector.endswith("+") else found
    return frozenset(chosen)


def select_all(
    assets: Sequence[Asset], products: Sequence[Product], selectors: Iterable[str]
) -> tuple[frozenset[str], tuple[Product, ...]]:
    """Names of the assets that any selector matches, and the products that come with them.

    `atlas:ui`, `export:*`, `variants:hero` select products. What belongs to one asset comes with
    it, and an atlas or export with what it is made from only by its own name or by `NAME+`.

    Raises:
        UsageError: a selector matches nothing.
    """
    chosen: set[str] = set()
    named: set[str] = set()
    spread: set[str] = set()
    for selector in selectors:
        pattern = selector.removesuffix("+")
        if pattern.partition(":")[0] in KINDS:
            named |= select_products(products, [pattern])
            continue
        found = select(assets, [selector])
        chosen |= found
        spread |= found if selector.endswith("+") else set()
    made: dict[str, Product] = {}
    needed = set(named)
    for product in reversed(products):
        readers = {asset.name for asset in product.reads}
        belongs = product.kind in {"frames", "variants"} and product.owner in chosen
        if product.name in needed or belongs or readers & spread:
            made[product.name] = product
            needed |= set(product.after)
    return frozenset(chosen), tuple(p for p in products if p.name in made)


def select_products(products: Sequence[Product], selectors: Iterable[str]) -> frozenset[str]:
    """Names of the products that `KIND:NAME` or `KIND:GLOB` matches, and no others.

    Raises:
        UsageError: a selector matches nothing.
    """
    known = [product.name for product in products]
    chosen: set[str] = set()
    for selector in selectors:
        matched = {name for name in known if fnmatch.fnmatchcase(name, selector)}
        if not matched:
            raise UsageError(f"`{selector}` matches nothing", hint=_near(selector, known))
        chosen |= matched
    return frozenset(chosen)


def matching(assets: Sequence[Asset], pattern: str) -> set[str]:
    """Names of the assets that `NAME`, `tag:TAG` or `GLOB` matches."""
    if pattern.startswith("tag:"):
        tag = pattern.removeprefix("tag:")
        return {a.name for a in assets if any(fnmatch.fnmatchcase(t, tag) for t in a.tags)}
    return {a.name for a in assets if fnmatch.fnmatchcase(a.name, pattern)}


def _nearest(assets: Sequence[Asset], pattern: str) -> str:
    if pattern.startswith("tag:"):
        known = sorted({f"tag:{tag}" for asset in assets for tag in asset.tags})
    else:
        known = [asset.name for asset in assets]
    return _near(pattern, known)


def _near(pattern: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(pattern, known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return "`assetgen plan` lists the assets"


def with_dependants(assets: Iterable[Asset], names: Iterable[str]) -> set[str]:
    """`names` and every asset that reads one of them, directly or not."""
    readers: dict[str, list[str]] = {}
    for asset in assets:
        for name in asset.reads:
            readers.setdefault(name, []).append(asset.name)
    return _closure(names, readers)


def with_dependencies(assets: Iterable[Asset], names: Iterable[str]) -> set[str]:
    """`names` and every asset that one of them reads, directly or not."""
    return _closure(names, {asset.name: list(asset.reads) for asset in assets})


def _closure(names: Iterable[str], edges: dict[str, list[str]]) -> set[str]:
    reached = set(names)
    pending = list(reached)
    while pending:
        for name in edges.get(pending.pop(), ()):
            if name not in reached:
                reached.add(name)
                pending.append(name)
    return reached


def in_build_order(assets: Sequence[Asset]) -> list[Asset]:
    """`assets` with every asset behind those it reads, otherwise in the given order.

    The manifest layer has refused cycles; an asset that reads one outside `assets` is ready.
    """
    by_name = {asset.name: asset for asset in assets}
    ordered: dict[str, Asset] = {}
    for first in assets:
        stack = [first]
        while stack:
            asset = stack[-1]
            waiting = [
                by_name[name] for name in asset.reads if name in by_name and name not in ordered
            ]
            if asset.name in ordered or not waiting:
                ordered.setdefault(asset.name, asset)
                stack.pop()
            else:
                stack.extend(reversed(waiting))
    return list(ordered.values())
