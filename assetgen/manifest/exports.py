"""`exports` to values."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from assetgen.core.finish import Export
from assetgen.manifest.atlases import is_name, spot_of
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.paths import normal_folder
from assetgen.manifest.patterns import data_file, filled_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assetgen.core.finish import Atlas, ExportFormat
    from assetgen.manifest.entry import Shared, Spot
    from assetgen.manifest.members import Members
    from assetgen.manifest.schema_finish import ExportEntry

SUFFIXES: dict[ExportFormat, tuple[str, ...]] = {
    "json": (".json",),
    "typescript": (".ts", ".mts"),
    "python": (".py",),
    "html": (".html", ".htm"),
}
MOST_CHARACTERS = 2_000

_UNFIT_IN_BASE = re.compile(r"[^!-~]|[\"'<>\\`]")
"""Not printable ASCII, or what no address holds as it is (RFC 3986, section 2)."""


def resolve_exports(shared: Shared, members: Members, atlases: Sequence[Atlas]) -> list[Export]:
    """The exports that can be resolved, in manifest order; every fault is noted."""
    found = [
        _resolve(shared, name, entry, members, atlases)
        for name, entry in shared.manifest.exports.items()
    ]
    return [export for export in found if export is not None]


def _resolve(
    shared: Shared, name: str, entry: ExportEntry, members: Members, atlases: Sequence[Atlas]
) -> Export | None:
    before = len(shared.faults)
    spot = spot_of(shared, "exports", name, "export")
    is_name(spot, name, "an export")
    if entry.assets is None:
        names = list(members.by_name)
    else:
        names = members.find(spot.below("assets"), entry.assets)
    chosen = _atlases(spot, entry, atlases)
    output = _output(spot.below("output"), entry)
    base = _base(spot.below("base"), entry.base)
    root = _root(spot.below("root"), entry.root)
    sizes = _sizes(spot.below("sizes"), entry)
    if not names and not chosen and len(shared.faults) == before:
        spot.refuse("tells of nothing", "name assets or atlases in it", key=True)
    if output is None or root is None or len(shared.faults) > before:
        return None
    return Export(
        name=name,
        format=entry.format,
        output=output,
        members=tuple(names),
        atlases=tuple(chosen),
        base=base,
        root=root,
        sizes=sizes,
        where=spot.place(key=True),
    )


def _atlases(spot: Spot, entry: ExportEntry, atlases: Sequence[Atlas]) -> list[str]:
    known = [atlas.name for atlas in atlases]
    if entry.format == "html":
        if entry.atlases:
            spot.below("atlases").refuse(
                "means nothing in `html`", "remove it: an atlas is no picture of a page", key=True
            )
        return []
    if entry.atlases is None:
        return known
    refused = [name for name in _all_names(spot) if name not in known]
    chosen: set[str] = set()
    for index, selector in enumerate(entry.atlases):
        pattern = selector.strip()
        found = fnmatch.filter(known, pattern)
        chosen.update(found)
        if not found and not fnmatch.filter(refused, pattern):
            place = spot.below("atlases").below(index, f"`atlases` of {spot.says}")
            place.refuse(
                f"names {shown(pattern)}, which matches no atlas",
                spot.shared.faults.did_you_mean(pattern, known) or _there_are(known),
            )
    return [name for name in known if name in chosen]


def _all_names(spot: Spot) -> Iterable[str]:
    """Names of all atlases, also of those that are refused."""
    data = spot.document.data
    section = data.get("atlases") if isinstance(data, dict) else None
    return section if isinstance(section, dict) else ()


def _there_are(known: Sequence[str]) -> str:
    return f"atlases are {listed(known)}" if known else "declare it under `atlases`"


def _output(spot: Spot, entry: ExportEntry) -> str | None:
    pattern = filled_pattern(spot, entry.output, spot.shared.manifest.vars, ())
    path = data_file(spot, pattern, SUFFIXES[entry.format]) if pattern is not None else None
    if path is not None and path.lower().endswith((".d.ts", ".d.mts")):
        spot.refuse(
            f"names {shown(path)}, which holds declarations only",
            "the export has values: let it end in `.ts` alone",
        )
        return None
    return path


def _base(spot: Spot, text: str | None) -> str:
    base = (spot.fill(text, spot.shared.manifest.vars) or "").strip() if text is not None else ""
    if not base:
        return ""
    if _UNFIT_IN_BASE.search(base) or len(base) > MOST_CHARACTERS:
        spot.refuse(f"is {shown(base)}, which is no address", "write it like `/img/`")
    elif not base.endswith("/"):
        spot.refuse(f"is {shown(base)}, which does not end in `/`", f"write {shown(base + '/')}")
    return base


def _root(spot: Spot, text: str | None) -> str | None:
    """The folder that paths are relative to; None after a fault."""
    if text is None:
        return ""
    filled = spot.fill(text, spot.shared.manifest.vars)
    return spot.attempt(lambda: normal_folder(filled)) if filled is not None else None


def _sizes(spot: Spot, entry: ExportEntry) -> str:
    if entry.sizes is None:
        return ""
    if entry.format != "html":
        spot.refuse(
            f"means nothing in {shown(entry.format)}", "remove it: it is for `html`", key=True
        )
        return ""
    return " ".join((spot.fill(entry.sizes, spot.shared.manifest.vars) or "").split())
