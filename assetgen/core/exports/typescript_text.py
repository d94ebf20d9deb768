"""Assets and atlases as constants of TypeScript: nothing runs, and every name is a type.

Paths are addresses here, as pages use them: percent-encoded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetgen.core.addresses import percent_encoded, under
from assetgen.core.exports.literal import typescript_literal
from assetgen.core.sheet_text import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assetgen.core.finish import Export
    from assetgen.core.listing import ListedAsset, ListedAtlas, ListedFile, Listing
    from assetgen.core.sheet import Frame

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
"""What needs no quotes as a key."""


def typescript_text(export: Export, listing: Listing) -> str:
    """The module."""
    lines = [f"// {GENERATED}", "", *_constant("assets", _assets(export, listing))]
    lines += [
        "",
        "export type AssetName = keyof typeof assets;",
        "export type Asset = (typeof assets)[AssetName];",
        "",
        *_constant("atlases", _atlases(export, listing)),
        "",
        "export type AtlasName = keyof typeof atlases;",
        "export type Atlas = (typeof atlases)[AtlasName];",
    ]
    return "\n".join(lines) + "\n"


def _constant(name: str, entries: Iterable[str]) -> Iterator[str]:
    lines = [f"  {line}" for line in entries]
    if not lines:
        yield f"export const {name} = {{}} as const;"
        return
    yield f"export const {name} = {{"
    yield from lines
    yield "} as const;"


def _assets(export: Export, listing: Listing) -> Iterator[str]:
    for asset in listing.assets:
        yield f"{_key(asset.name)}: {{"
        yield from (f"  {line}" for line in _asset(export, asset))
        yield "},"


def _asset(export: Export, asset: ListedAsset) -> Iterator[str]:
    literal = typescript_literal
    file = asset.file_in(export.root)
    yield f"src: {_address(export, file.path)},"
    yield f"format: {literal(file.format)},"
    yield f"width: {file.width_px},"
    yield f"height: {file.height_px},"
    yield f"description: {literal(asset.description)},"
    yield f"tags: [{', '.join(literal(tag) for tag in asset.tags)}],"
    yield f"color: {'null' if asset.colour is None else literal(asset.colour)},"
    yield f"thumbhash: {'null' if asset.thumbhash is None else literal(asset.thumbhash)},"
    yield from _list("variants", [_file(export, file) for file in asset.variants])
    yield from _list("frames", [_file(export, file) for file in asset.frames])


def _file(export: Export, file: ListedFile) -> str:
    return (
        f"{{ src: {_address(export, file.path)}, format: {typescript_literal(file.format)}, "
        f"width: {file.width_px}, height: {file.height_px} }}"
    )


def _atlases(export: Export, listing: Listing) -> Iterator[str]:
    for atlas in listing.atlases:
        yield f"{_key(atlas.sheet.name)}: {{"
        yield from (f"  {line}" for line in _atlas(export, atlas))
        yield "},"


def _atlas(export: Export, atlas: ListedAtlas) -> Iterator[str]:
    sheet = atlas.sheet
    yield from _list(
        "pages",
        [
            f"{{ src: {_address(export, page.path)}, width: {page.width_px}, "
            f"height: {page.height_px} }}"
            for page in sheet.pages
        ],
    )
    yield from _list(
        "data",
        [
            f"{{ format: {typescript_literal(name)}, src: {_address(export, path)} }}"
            for name, path in atlas.data
        ],
    )
    yield from _mapping("frames", {frame.name: _frame(frame) for frame in sheet.frames})
    yield from _mapping(
        "animations",
        {
            name: f"[{', '.join(typescript_literal(frame) for frame in frames)}]"
            for name, frames in sheet.animations.items()
        },
    )


def _frame(frame: Frame) -> str:
    place = frame.place
    return (
        f"{{ page: {frame.page}, x: {place.x}, y: {place.y}, "
        f"width: {place.width}, height: {place.height}, "
        f"sourceX: {frame.source_x}, sourceY: {frame.source_y}, "
        f"sourceWidth: {frame.source_width}, sourceHeight: {frame.source_height} }}"
    )


def _list(name: str, items: Sequence[str]) -> Iterator[str]:
    if not items:
        yield f"{name}: [],"
        return
    yield f"{name}: ["
    yield from (f"  {item}," for item in items)
    yield "],"


def _mapping(name: str, entries: Mapping[str, str]) -> Iterator[str]:
    if not entries:
        yield f"{name}: {{}},"
        return
    yield f"{name}: {{"
    yield from (f"  {_key(key)}: {value}," for key, value in entries.items())
    yield "},"


def _key(name: str) -> str:
    """`__proto__` would set the prototype, and is computed: a property like any other."""
    if name == "__proto__":
        return '["__proto__"]'
    return name if _IDENTIFIER.fullmatch(name) else typescript_literal(name)


def _address(export: Export, path: str) -> str:
    inside = under(path, export.root, "")
    return typescript_literal(export.base + percent_encoded(inside))
