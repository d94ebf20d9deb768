"""A lockfile made anew from what is left of a damaged one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.fingerprint import key_of
from assetgen.core.lock import Changes, Lock, merged, names_of, united
from assetgen.core.model import FileReference, Source
from assetgen.core.select import in_build_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.digest import Digest
    from assetgen.core.facts import FileFact
    from assetgen.core.lock import LockEntry, ProductEntry
    from assetgen.core.model import Asset, Project


def rebuilt_lock(
    project: Project,
    salvaged: Sequence[LockEntry],
    outputs: Mapping[str, FileFact],
    inputs: Mapping[str, FileFact],
    products: Iterable[ProductEntry] = (),
) -> Lock:
    """The best of the salvaged entries for each asset; the rest become orphans.

    Both sides of a merge conflict may be among them: the entry that belongs to today's inputs is
    taken, else the one that belongs to the file that is there, else the last. What no entry tells
    is found by the build that follows, in the action cache.
    """
    by_name: dict[str, list[LockEntry]] = {}
    for entry in salvaged:
        if not entry.is_orphan:
            by_name.setdefault(entry.name, []).append(entry)
    chosen: dict[str, LockEntry] = {}
    for asset in in_build_order(project.assets):
        candidates = by_name.get(asset.name)
        if candidates:
            wanted = _fingerprint(asset, project, chosen, inputs)
            present = outputs[asset.output].digest if asset.output in outputs else None
            chosen[asset.name] = max(
                candidates,
                key=lambda entry: (entry.fingerprint == wanted, entry.digest == present),
            )
    everything = Lock(
        entries={entry.name: entry for entry in salvaged if not entry.is_orphan},
        orphans={entry.output: entry for entry in salvaged if entry.is_orphan},
        products=united(products)[0],
    )
    return merged(everything, Changes(chosen), names_of(project))


def _fingerprint(
    asset: Asset,
    project: Project,
    chosen: Mapping[str, LockEntry],
    inputs: Mapping[str, FileFact],
) -> str | None:
    """Today's fingerprint, or None while an image it depends on is unknown."""
    action = asset.action
    read: list[Digest | None]
    if isinstance(action, Source):
        read = [inputs[action.path].digest]
    else:
        read = [
            inputs[reference.path].digest
            if isinstance(reference, FileReference)
            else _image_of(reference.name, chosen)
            for reference in action.references
        ]
    digests = [digest for digest in read if digest is not None]
    if len(digests) < len(read):
        return None
    version = project.plugin.version if project.plugin is not None else ""
    return key_of(asset, project.provider, digests, version).fingerprint


def _image_of(name: str, chosen: Mapping[str, LockEntry]) -> Digest | None:
    entry = chosen.get(name)
    return entry.result.image if entry is not None else None
