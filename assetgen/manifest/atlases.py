"""`atlases` to values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.finish import Atlas
from assetgen.core.pattern import frame_name
from assetgen.errors import ManifestError
from assetgen.manifest import normal
from assetgen.manifest.entry import Spot
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import normal_output
from assetgen.manifest.patterns import data_file, examples, filled_pattern, is_fit, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.finish import SheetFormat
    from assetgen.core.model import ImageFormat
    from assetgen.manifest.entry import Shared
    from assetgen.manifest.members import Members
    from assetgen.manifest.schema_finish import AtlasEntry, SheetDataEntry

SUFFIX: dict[SheetFormat, str] = {"json-hash": ".json", "css": ".css", "json": ".json"}


def resolve_atlases(shared: Shared, members: Members) -> list[Atlas]:
    """The atlases that can be resolved, in manifest order; every fault is noted."""
    found = [
        _resolve(shared, name, entry, members) for name, entry in shared.manifest.atlases.items()
    ]
    return [atlas for atlas in found if atlas is not None]


def spot_of(shared: Shared, section: str, name: str, kind: str) -> Spot:
    """Where an entry of a section of the root manifest is written."""
    says = f"{kind} {shown(name)}"
    return Spot(shared, shared.document, (section, name), says, shared.faults.add)


def is_name(spot: Spot, name: str, kind: str) -> bool:
    """Whether an entry has a name that it may have; notes that it has not."""
    try:
        normal.asset_name(name, kind)
    except ManifestError as error:
        spot.note(error.what, spot.place(key=True), error.hint)
        return False
    return True


def _resolve(shared: Shared, name: str, entry: AtlasEntry, members: Members) -> Atlas | None:
    before = len(shared.faults)
    spot = spot_of(shared, "atlases", name, "atlas")
    is_name(spot, name, "an atlas")
    place = spot.below("assets")
    names = members.find(place, entry.assets)
    if not entry.assets:
        place.refuse("names no asset", 'write it like `["tag:icons", "hero*"]`')
    max_pages = entry.max_pages or 1
    page = _page(spot.below("output"), entry.output, max_pages)
    data = _data(spot.below("data"), entry.data, max_pages) if entry.data is not None else {}
    _check_frames(place, names, members)
    animations = {
        animation: _frames_of(spot.below("animations").below(animation), selectors, names, members)
        for animation, selectors in (entry.animations or {}).items()
    }
    for animation in animations:
        asset = members.by_name.get(animation)
        if asset is not None and animation in names and asset.frames is not None:
            spot.below("animations").below(animation).refuse(
                f"is there already: asset {shown(animation)} is an animation of its own",
                "choose another name",
                key=True,
            )
    if page is None or len(shared.faults) > before:
        return None
    output, image_format = page
    return Atlas(
        name=name,
        members=tuple(names),
        output=output,
        format=image_format,
        data=data,
        trim=entry.trim is not False,
        padding_px=2 if entry.padding is None else entry.padding,
        extrude_px=entry.extrude or 0,
        power_of_two=entry.power_of_two is True,
        max_px=entry.max_size or 2048,
        max_pages=max_pages,
        animations=animations,
        where=spot.place(key=True),
    )


def _page(spot: Spot, text: str, max_pages: int) -> tuple[str, ImageFormat] | None:
    pattern = filled_pattern(spot, text, spot.shared.manifest.vars, ["page"])
    if pattern is None:
        return None
    if max_pages > 1 and not require(spot, pattern, "page", f"may be {max_pages} pages"):
        return None
    found = spot.attempt(lambda: normal_output(pattern.path))
    if found is None or not is_fit(spot, examples(pattern.path, "page", max_pages)):
        return None
    return found


def _data(spot: Spot, entry: SheetDataEntry, max_pages: int) -> dict[SheetFormat, str]:
    """Paths of the data files, in the order of their formats."""
    stated: dict[SheetFormat, str | None] = {
        "json-hash": entry.json_hash,
        "css": entry.css,
        "json": entry.json_plain,
    }
    data: dict[SheetFormat, str] = {}
    for name, text in stated.items():
        if text is None:
            continue
        place = spot.below(name)
        has_pages = name == "json-hash"
        values = spot.shared.manifest.vars
        pattern = filled_pattern(place, text, values, ["page"] if has_pages else [])
        if pattern is None:
            continue
        why = f"may be {max_pages} pages, with a file each"
        if has_pages and max_pages > 1 and not require(place, pattern, "page", why):
            continue
        path = data_file(place, pattern, (SUFFIX[name],))
        if path is not None and is_fit(place, examples(path, "page", max_pages)):
            data[name] = path
    return data


def _frames_of(
    spot: Spot, selectors: Sequence[str], names: Sequence[str], members: Members
) -> tuple[str, ...]:
    """The assets of an animation in the order they are shown."""
    on_atlas = set(names)
    chosen: list[str] = []
    if not selectors:
        spot.refuse("shows nothing", 'write it like `["walk-*"]`')
    for index, found in enumerate(members.find_each(spot, selectors)):
        chosen += [name for name in found if name in on_atlas]
        if found and on_atlas.isdisjoint(found):
            spot.below(index, spot.says).refuse(
                f"names {shown(selectors[index])}, which is not on the atlas",
                "add it to `assets` of the atlas",
            )
    return tuple(chosen)


def _check_frames(spot: Spot, names: Sequence[str], members: Members) -> None:
    """Note two frames of one name: an asset may be called like a frame of another."""
    chosen = set(names)
    for name in names:
        frames = members.by_name[name].frames
        called = (frame_name(name, index) for index in range(frames.count if frames else 0))
        twice = next((frame for frame in called if frame in chosen), None)
        if twice is not None:
            spot.refuse(
                f"brings two frames called {shown(twice)}: the asset, and one of {shown(name)}",
                "rename the asset, or leave it out",
            )
