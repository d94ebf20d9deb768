"""Assets and atlases as frozen constants of Python: the standard library only, and fully typed.

Paths are those of files here, as programs open them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.addresses import under
from assetgen.core.exports.literal import python_literal
from assetgen.core.sheet_text import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assetgen.core.finish import Export
    from assetgen.core.listing import ListedAsset, ListedAtlas, ListedFile, Listing
    from assetgen.core.sheet import Frame

_CLASSES = '''\
@dataclass(frozen=True, slots=True)
class File:
    """One picture file; sizes are in pixels."""

    path: str
    format: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset: its file, and what was made from it."""

    name: AssetName
    file: File
    description: str
    tags: tuple[str, ...]
    color: str | None
    thumbhash: str | None
    variants: tuple[File, ...]
    frames: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One picture of an atlas."""

    path: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Where one picture is on a page of an atlas, and what was trimmed."""

    page: int
    x: int
    y: int
    width: int
    height: int
    source_x: int
    source_y: int
    source_width: int
    source_height: int


@dataclass(frozen=True, slots=True)
class Atlas:
    """One atlas: data files are pairs of format and path."""

    name: AtlasName
    pages: tuple[Page, ...]
    data: tuple[tuple[str, str], ...]
    frames: Mapping[str, Frame]
    animations: Mapping[str, tuple[str, ...]]
'''


def python_text(export: Export, listing: Listing) -> str:
    """The module."""
    asset_names = [asset.name for asset in listing.assets]
    atlas_names = [atlas.sheet.name for atlas in listing.atlases]
    words = {"Final", *(["Literal"] if asset_names or atlas_names else [])}
    words |= set() if asset_names and atlas_names else {"Never"}
    lines = [
        f"# {GENERATED}",
        '"""Pictures of the project, and where they are."""',
        "",
        "from collections.abc import Mapping",
        "from dataclasses import dataclass",
        "from types import MappingProxyType",
        f"from typing import {', '.join(sorted(words))}",
        "",
        *_names("AssetName", asset_names),
        *_names("AtlasName", atlas_names),
        "",
        "",
        *_CLASSES.splitlines(),
        "",
        "",
        *_constant("ASSETS", "AssetName, Asset", _assets(export, listing)),
        "",
        *_constant("ATLASES", "AtlasName, Atlas", _atlases(export, listing)),
    ]
    return "\n".join(lines) + "\n"


def _names(name: str, names: Sequence[str]) -> Iterator[str]:
    if not names:
        yield f"{name} = Never"
        return
    yield f"{name} = Literal["
    yield from (f"    {python_literal(each)}," for each in names)
    yield "]"


def _constant(name: str, types: str, entries: Iterable[str]) -> Iterator[str]:
    yield f"{name}: Final[Mapping[{types}]] = MappingProxyType("
    lines = [f"        {line}" for line in entries]
    yield from ["    {", *lines, "    }"] if lines else ["    {}"]
    yield ")"


def _assets(export: Export, listing: Listing) -> Iterator[str]:
    for asset in listing.assets:
        yield f"{python_literal(asset.name)}: Asset("
        yield from (f"    {line}" for line in _asset(export, asset))
        yield "),"


def _asset(export: Export, asset: ListedAsset) -> Iterator[str]:
    literal = python_literal
    yield f"name={literal(asset.name)},"
    yield f"file={_file(export, asset.file_in(export.root))},"
    yield f"description={literal(asset.description)},"
    yield f"tags={_tuple(literal(tag) for tag in asset.tags)},"
    yield f"color={None if asset.colour is None else literal(asset.colour)},"
    yield f"thumbhash={None if asset.thumbhash is None else literal(asset.thumbhash)},"
    yield from _tuple_lines("variants", [_file(export, file) for file in asset.variants])
    yield from _tuple_lines("frames", [_file(export, file) for file in asset.frames])


def _file(export: Export, file: ListedFile) -> str:
    return (
        f"File({_path(export, file.path)}, {python_literal(file.format)}, "
        f"{file.width_px}, {file.height_px})"
    )


def _atlases(export: Export, listing: Listing) -> Iterator[str]:
    for atlas in listing.atlases:
        yield f"{python_literal(atlas.sheet.name)}: Atlas("
        yield from (f"    {line}" for line in _atlas(export, atlas))
        yield "),"


def _atlas(export: Export, atlas: ListedAtlas) -> Iterator[str]:
    sheet = atlas.sheet
    yield f"name={python_literal(sheet.name)},"
    pages = [
        f"Page({_path(export, page.path)}, {page.width_px}, {page.height_px})"
        for page in sheet.pages
    ]
    yield from _tuple_lines("pages", pages)
    data = [f"({python_literal(name)}, {_path(export, path)})" for name, path in atlas.data]
    yield from _tuple_lines("data", data)
    frames = [f"{python_literal(frame.name)}: {_frame(frame)}" for frame in sheet.frames]
    yield from _mapping_lines("frames", frames)
    animations = [
        f"{python_literal(name)}: {_tuple(python_literal(frame) for frame in frames)}"
        for name, frames in sheet.animations.items()
    ]
    yield from _mapping_lines("animations", animations)


def _frame(frame: Frame) -> str:
    place = frame.place
    numbers = (
        frame.page, place.x, place.y, place.width, place.height,
        frame.source_x, frame.source_y, frame.source_width, frame.source_height,
    )  # fmt: skip
    return f"Frame({', '.join(map(str, numbers))})"


def _tuple(items: Iterable[str]) -> str:
    listed = list(items)
    return f"({', '.join(listed)}{',' if len(listed) == 1 else ''})"


def _tuple_lines(name: str, items: Sequence[str]) -> Iterator[str]:
    if not items:
        yield f"{name}=(),"
        return
    yield f"{name}=("
    yield from (f"    {item}," for item in items)
    yield "),"


def _mapping_lines(name: str, entries: Sequence[str]) -> Iterator[str]:
    if not entries:
        yield f"{name}=MappingProxyType({{}}),"
        return
    yield f"{name}=MappingProxyType("
    yield from ("    {", *(f"        {entry}," for entry in entries), "    }")
    yield "),"


def _path(export: Export, path: str) -> str:
    return python_literal(under(path, export.root, export.base))
