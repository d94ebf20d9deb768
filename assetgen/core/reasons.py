"""Reasons, in the words of the user: which input changed, what is wrong with an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assetgen.core.facts import FileFact, FileState
from assetgen.core.model import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.fingerprint import Keyed
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Asset


Difference = Literal["same", "changed", "added", "removed"]
ORDER = "order of the references"
"""What has changed when the fingerprint has and no input by itself."""


def what_is_wrong(present: FileFact) -> str:
    """Why the output that is there is not the one that should be."""
    return {
        FileState.MISSING: "the output is missing",
        FileState.EMPTY: "the output is empty",
        FileState.OBSTRUCTED: present.problem,
        FileState.FILE: "the output is not known to be an image",
        FileState.UNREADABLE: "the output is not a readable image",
        FileState.DRAFT: "only a draft is there",
        FileState.IMAGE: "the output is another of its images",
        FileState.POINTER: "the output is a pointer to another of its images",
    }[present.state]


def why_stale(entry: LockEntry | None, keyed: Keyed, present: FileFact) -> str:
    """Why an image must be made: what changed since the recorded one, or that there is none."""
    if entry is not None:
        return changes(entry.inputs, keyed.inputs)
    return "only a draft is there" if present.state is FileState.DRAFT else "not made yet"


def why_held(asset: Asset, *, is_recorded: bool, knows_store: bool) -> str:
    """Why an image is left alone, and the ways on: keeping it, getting the old one, a new one."""
    is_source = isinstance(asset.action, Source)
    keep = f"`assetgen adopt {asset.name}` keeps it as this asset's image"
    if is_source:
        keep = "copy it over the source to keep it"
    word = "brings the source here again" if is_source else "makes a new image"
    anew = f"`assetgen build --force {asset.name}` {word} and puts these bytes in the store"
    if not is_recorded:
        return f"an image that assetgen did not make is there; {keep}; {anew}"
    what = "edited by hand" if knows_store else "not the image that the lockfile names"
    return f"{what}; {keep}; delete the file to get the recorded image back, free; {anew}"


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Names of the inputs that differ: `prompt changed`, `seed added and model changed`.

    With another provider its own inputs come and go, which says nothing more.
    """
    parts: list[str] = []
    differing = differences(then, now)
    for words in ("changed", "added", "removed"):
        names = [name for name, difference in differing.items() if difference == words]
        if names:
            parts.append(f"{_listed(names)} {words}")
    return _listed(parts) if parts else f"{ORDER} changed"


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Difference]:
    """What became of each input, by name, today's first."""
    if then.get("provider") != now.get("provider"):
        then = {name: value for name, value in then.items() if name != "renderer"}
        now = {name: value for name, value in now.items() if name != "renderer"}
    found: dict[str, Difference] = {}
    for name, value in now.items():
        found[name] = "added" if name not in then else "changed"
        if then.get(name) == value:
            found[name] = "same"
    return found | {name: "removed" for name in then if name not in now}


def _listed(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return ", ".join(words[:-1]) + " and " + words[-1]
