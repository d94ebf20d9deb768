"""What must hold between the assets of a project: one name, one output, and no cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.model import AssetReference, Generate
from assetgen.core.value import Value
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assetgen.manifest.faults import Faults
    from assetgen.manifest.resolve import Resolution, Resolved

_MOST_SHOWN_OF_A_CYCLE = 12
_MOST_CYCLES = 20
"""Cycles that are noted: each takes time in proportion to the manifest."""


class Taken(Value):
    """Paths that are spoken for, folded, behind symbolic links."""

    owners: Mapping[str, str]
    """What the file is in a message: the manifest, a reference …"""
    outputs: Mapping[str, Resolved]
    """The asset whose output it is."""


def check(
    resolution: Resolution, protected: Mapping[str, str], faults: Faults, *, is_complete: bool
) -> Taken:
    """Note every fault between assets.

    Args:
        resolution: the assets.
        protected: what the project's own files are, by path.
        faults: where faults go.
        is_complete: False when a file could not be read, so that names may be missing.

    Returns:
        The paths that nothing else may be written to.
    """
    by_name = _unique_names(resolution.assets, faults)
    taken = _check_outputs(resolution.assets, protected, faults)
    if is_complete:
        _check_references(by_name, resolution, faults)
    _check_cycles(by_name, faults)
    return taken


def _unique_names(assets: Sequence[Resolved], faults: Faults) -> dict[str, Resolved]:
    by_name: dict[str, Resolved] = {}
    for resolved in assets:
        first = by_name.setdefault(resolved.asset.name, resolved)
        if first is not resolved:
            faults.add(
                f"asset name {shown(resolved.asset.name)} is used twice",
                resolved.entry.key(),
                f"the first is at {first.entry.key()}: rename one",
            )
    return by_name


def _check_outputs(
    assets: Sequence[Resolved], protected: Mapping[str, str], faults: Faults
) -> Taken:
    owners = {fold(path): kind for path, kind in protected.items()}
    for resolved in assets:
        for field, *paths in resolved.reads:
            for path in paths:
                kind = f"the {field} of asset {shown(resolved.asset.name)}"
                owners.setdefault(fold(path), kind)
    outputs: dict[str, Resolved] = {}
    for resolved in assets:
        key = fold(resolved.real_output)
        owner = owners.get(key) or owners.get(fold(resolved.asset.output))
        if owner is not None:
            faults.add(
                f"output {shown(resolved.asset.output)} of asset {shown(resolved.entry.name)} "
                f"is {owner}",
                resolved.entry.place("output"),
                "write the image to another path; `asset:NAME` refers to another asset's image"
                if owner.startswith("the reference")
                else "write the image to another path",
            )
        first = outputs.setdefault(key, resolved)
        if first is not resolved and first.asset.name != resolved.asset.name:
            _note_shared_output(first, resolved, faults)
    for key, resolved in outputs.items():
        folder = key.rpartition("/")[0]
        while folder:
            if folder in outputs:
                faults.add(
                    f"output {shown(resolved.asset.output)} needs a folder where asset "
                    f"{shown(outputs[folder].asset.name)} has its output",
                    resolved.entry.place("output"),
                    "rename the folder",
                )
            folder = folder.rpartition("/")[0]
    return Taken(owners, outputs)


def _note_shared_output(first: Resolved, second: Resolved, faults: Faults) -> None:
    where = second.entry.place("output")
    if first.entry is second.entry:
        faults.add(
            f"the matrix of asset {shown(second.entry.name)} gives several assets one output",
            where,
            "put the variables that the name has into `output` too",
        )
        return
    same = first.asset.output == second.asset.output
    what = f"assets {shown(first.asset.name)} and {shown(second.asset.name)} have one output"
    path = shown(second.asset.output)
    written = path if same else f"{shown(first.asset.output)} or {path}"
    faults.add(
        f"{what}: {written}",
        where,
        f"the first is at {first.entry.place('output')}"
        + ("" if same else "; systems that ignore case or Unicode form take both for one file"),
    )


def _check_references(
    by_name: Mapping[str, Resolved], resolution: Resolution, faults: Faults
) -> None:
    """Note references to assets that do not exist, unless one that is refused may be meant."""
    refused = {name.partition("${")[0] for name in resolution.missing if "${" in name}
    candidates = [*by_name, *resolution.missing]
    for use in resolution.references:
        if use.name in by_name or use.name in resolution.missing:
            continue
        if any(use.name[:length] in refused for length in range(len(use.name) + 1)):
            continue
        faults.add(
            f"unknown asset {shown(use.name)} in {use.entry.says('reference')}",
            use.place(),
            faults.did_you_mean(use.name, candidates)
            or "declare it under `assets`; a file is named without `asset:`",
        )


def _check_cycles(by_name: Mapping[str, Resolved], faults: Faults) -> None:
    """Note the first cycles. Iterative, as a chain may be as long as the manifest."""
    done: set[str] = set()
    cycles = 0
    for start in by_name:
        trail: dict[str, Iterator[str]] = {}
        if start not in done:
            trail[start] = iter(by_name[start].asset.reads)
        while trail and cycles < _MOST_CYCLES:
            name = next(reversed(trail))
            following = next(trail[name], None)
            if following is None:
                del trail[name]
                done.add(name)
            elif following in trail:
                cycles += 1
                names = list(trail)
                _note_cycle(names[names.index(following) :], by_name, faults)
            elif following in by_name and following not in done:
                trail[following] = iter(by_name[following].asset.reads)


def _note_cycle(names: list[str], by_name: Mapping[str, Resolved], faults: Faults) -> None:
    order = {name: index for index, name in enumerate(by_name)}
    first = min(range(len(names)), key=lambda index: order[names[index]])
    cycle = [*names[first:], *names[:first], names[first]]
    action = by_name[cycle[0]].asset.action
    where = by_name[cycle[0]].entry.place("reference")
    if isinstance(action, Generate):
        index = action.references.index(AssetReference(cycle[1]))
        where = by_name[cycle[0]].entry.place("reference", (index,))
    if len(cycle) > _MOST_SHOWN_OF_A_CYCLE:
        half = _MOST_SHOWN_OF_A_CYCLE // 2
        cycle = [*cycle[:half], "…", *cycle[-half:]]
    faults.add(
        f"assets refer to each other in a cycle: {' -> '.join(cycle)}",
        where,
        "remove one of these references",
    )
