"""Selectors in a manifest: which assets, or atlases, they stand for."""

from __future__ import annotations

import fnmatch
from functools import cached_property
from typing import TYPE_CHECKING

from assetgen.core.select import matching
from assetgen.manifest.faults import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assetgen.core.model import Asset
    from assetgen.manifest.entry import Spot


class Members:
    """The assets of a project, as selectors name them."""

    def __init__(self, assets: Sequence[Asset], missing: Iterable[str], *, is_complete: bool):
        """`missing` are names of assets that have faults, maybe with `${…}`.

        `is_complete` is False when a file could not be read, so that any name may be missing.
        """
        self.assets = assets
        self._missing = tuple(missing)
        self._is_complete = is_complete

    @cached_property
    def by_name(self) -> dict[str, Asset]:
        """The assets by name."""
        return {asset.name: asset for asset in self.assets}

    def find(self, spot: Spot, selectors: Sequence[str]) -> list[str]:
        """Names that any selector matches, in manifest order, each once; notes what does not."""
        chosen = {name for found in self.find_each(spot, selectors) for name in found}
        return [name for name in self.by_name if name in chosen]

    def find_each(self, spot: Spot, selectors: Sequence[str]) -> list[list[str]]:
        """The names that each selector matches, in manifest order; notes what does not."""
        return [
            self._find_one(spot.below(index, spot.says), selector.strip())
            for index, selector in enumerate(selectors)
        ]

    def _find_one(self, spot: Spot, selector: str) -> list[str]:
        if selector in self.by_name:
            return [selector]
        spot.shared.spend(len(self.assets))
        found = matching(self.assets, selector)
        if found:
            return [name for name in self.by_name if name in found]
        if not self._may_be_missing(selector):
            spot.refuse(
                f"names {shown(selector)}, which matches no asset", self._hint(spot, selector)
            )
        return []

    def _may_be_missing(self, selector: str) -> bool:
        """Whether an asset that has faults may be meant."""
        if not self._is_complete or (selector.startswith("tag:") and self._missing):
            return True
        return any("${" in name or fnmatch.fnmatchcase(name, selector) for name in self._missing)

    def _hint(self, spot: Spot, selector: str) -> str:
        if selector.startswith("tag:"):
            known = sorted({f"tag:{tag}" for asset in self.assets for tag in asset.tags})
        else:
            known = list(self.by_name)
        return (
            spot.shared.faults.did_you_mean(selector, known)
            or "write the name of an asset, a pattern such as `icon-*`, or `tag:NAME`"
        )
