"""The data files of atlases and the texts of exports, from what is known of their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.export_text import export_text
from assetgen.core.finish import Atlas
from assetgen.core.listing import ListedAsset, ListedAtlas, ListedFile, Listing
from assetgen.core.model import FORMAT_OF_SUFFIX
from assetgen.core.pattern import data_path, frame_path, page_path, variant_path
from assetgen.core.product import frame_names
from assetgen.core.sheet import Page, Sheet
from assetgen.core.sheet_text import sheet_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.bundle import Bundle
    from assetgen.core.decision import Decision
    from assetgen.core.finish import Export
    from assetgen.core.model import Asset, ImageFormat
    from assetgen.core.product import Product


def sheet_of(atlas: Atlas, members: Iterable[Asset], bundle: Bundle) -> Sheet:
    """An atlas as data: pages, frames, animations."""
    members = tuple(members)
    shows = {asset.name: frame_names(asset) for asset in members}
    animations = {asset.name: shows[asset.name] for asset in members if asset.frames is not None}
    animations |= {
        name: tuple(frame for asset in shown for frame in shows[asset])
        for name, shown in atlas.animations.items()
    }
    pages = tuple(
        Page(page_path(atlas, number), file.info.width_px, file.info.height_px)
        for number, file in enumerate(bundle.files)
    )
    return Sheet(atlas.name, pages, bundle.frames, animations)


def atlas_texts(atlas: Atlas, members: Iterable[Asset], bundle: Bundle) -> dict[str, str]:
    """The data files of an atlas by path."""
    sheet = sheet_of(atlas, members, bundle)
    return {
        path: text
        for sheet_format, pattern in atlas.data.items()
        for path, text in sheet_files(sheet, sheet_format, pattern)
    }


def export_texts(
    export: Export,
    members: Iterable[Asset],
    decided: Mapping[str, Decision],
    bundles: Mapping[str, Bundle | None],
    atlases: Sequence[Product],
) -> dict[str, str]:
    """The file of an export by path, once everything it tells of is known."""
    listing = Listing(
        assets=tuple(_listed(asset, decided[asset.name], bundles) for asset in members),
        atlases=tuple(_listed_atlas(one, bundles.get(one.name)) for one in atlases),
    )
    return {export.output: export_text(export, listing)}


def _listed(asset: Asset, decision: Decision, bundles: Mapping[str, Bundle | None]) -> ListedAsset:
    info = decision.finished
    if info is None:
        raise AssertionError(f"`{asset.name}` is listed before its output is known")
    frames, variants = bundles.get(f"frames:{asset.name}"), bundles.get(f"variants:{asset.name}")
    return ListedAsset(
        name=asset.name,
        file=ListedFile(asset.output, asset.format, info.width_px, info.height_px),
        description=asset.description,
        tags=asset.tags,
        variants=_variant_files(asset, variants),
        frames=_frame_files(asset, frames),
        colour=variants.colour if variants is not None else None,
        has_alpha=variants is not None and variants.has_alpha,
        thumbhash=variants.thumbhash if variants is not None else None,
    )


def _variant_files(asset: Asset, bundle: Bundle | None) -> tuple[ListedFile, ...]:
    spec = asset.variants
    if spec is None or bundle is None:
        return ()
    listed = []
    for file in bundle.files:
        image_format = _format(file.info.format)
        path = variant_path(spec, file.info.width_px, image_format, file.digest)
        listed.append(ListedFile(path, image_format, file.info.width_px, file.info.height_px))
    return tuple(listed)


def _frame_files(asset: Asset, bundle: Bundle | None) -> tuple[ListedFile, ...]:
    spec = asset.frames
    if spec is None or bundle is None:
        return ()
    return tuple(
        ListedFile(frame_path(spec, number), spec.format, file.info.width_px, file.info.height_px)
        for number, file in enumerate(bundle.files)
    )


def _listed_atlas(product: Product, bundle: Bundle | None) -> ListedAtlas:
    spec = product.spec
    if bundle is None or not isinstance(spec, Atlas):
        raise AssertionError(f"`{product.name}` is listed before its pages are known")
    sheet = sheet_of(spec, product.reads, bundle)
    data = tuple((kind, data_path(pattern, 0)) for kind, pattern in spec.data.items())
    return ListedAtlas(sheet, data)


def _format(name: str) -> ImageFormat:
    return FORMAT_OF_SUFFIX[f".{name}"]
