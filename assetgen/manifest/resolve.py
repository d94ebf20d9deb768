"""Validated manifest files to the assets of a project: pure, with every fault noted.

What must be known about files is asked through `Files`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from assetgen.core.model import Asset, Generate, Source
from assetgen.core.value import Value
from assetgen.errors import ManifestError
from assetgen.manifest import normal
from assetgen.manifest.action import generate_action, source_action, stated_texts
from assetgen.manifest.entry import (
    NAME_OF_THE_ASSET,
    AssetUse,
    Entry,
    FileRead,
    Filling,
    Shared,
    TooMuchError,
)
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.matrix import combinations, count, varying
from assetgen.manifest.paths import check_not_private, normal_output
from assetgen.manifest.steps import Steps, resolve_steps
from assetgen.manifest.template import names_in
from assetgen.manifest.variants import resolve_expect, resolve_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assetgen.core.model import ImageFormat
    from assetgen.manifest.parse import Document
    from assetgen.manifest.schema import AssetEntry

MOST_ASSETS = 200_000

_NO_STEPS = Steps()


class Part(Value):
    """The entries of one manifest file, and the names of those that are refused already."""

    document: Document
    entries: Mapping[str, AssetEntry]
    refused: frozenset[str]


class Resolved(Value):
    """An asset, the entry it comes from, and the real paths of its files."""

    asset: Asset
    entry: Entry
    real_output: str
    """Behind symbolic links, relative to the project folder."""
    reads: tuple[FileRead, ...]
    """Files it reads: the field, the path, and the real path."""


class Resolution(Value):
    """All assets that could be resolved, and what is known of those that could not."""

    assets: Sequence[Resolved]
    missing: frozenset[str]
    """Names of those that could not, maybe with `${…}`."""
    references: Sequence[AssetUse]
    """References to assets, also of assets that could not be resolved."""


def resolve(shared: Shared, parts: Iterable[Part]) -> Resolution:
    """The assets of `parts` in file order. What keeps an asset from being one is noted."""
    resolved: list[Resolved] = []
    missing: set[str] = set()
    references: list[AssetUse] = []
    entries: list[Entry] = []
    for part in parts:
        missing |= part.refused
        for name, fields in part.entries.items():
            own = {field: getattr(fields, field) for field in fields.model_fields_set}
            entries.append(Entry(shared, part.document, name, fields, own))
    if not _is_countable(shared, entries):
        return Resolution((), frozenset(), ())
    for entry in entries:
        try:
            for outcome in _resolve_entry(entry, references):
                if isinstance(outcome, str):
                    missing.add(outcome)
                else:
                    resolved.append(outcome)
        except TooMuchError:
            shared.faults.add(
                "the texts of all assets together are too long",
                entry.key(),
                "shorten the prompts or the matrices",
            )
            return Resolution((), frozenset(), ())
    return Resolution(resolved, frozenset(missing), references)


def _is_countable(shared: Shared, entries: Sequence[Entry]) -> bool:
    total = 0
    for entry in entries:
        total += count(entry.fields.matrix)
        if total > MOST_ASSETS:
            name = "matrix" if entry.fields.matrix is not None else "output"
            shared.faults.add(
                f"asset {shown(entry.name)} brings the project to more than {MOST_ASSETS:,} assets",
                entry.place(name, key=True),
                "split the project into several manifests",
            )
            return False
    return True


def _resolve_entry(entry: Entry, references: list[AssetUse]) -> Iterator[Resolved | str]:
    """Each asset of `entry`, or the name of one that cannot be resolved.

    References to assets are added to `references`.
    """
    names: set[str] = set()
    common = entry.shared.manifest.vars
    for combination in combinations(entry.fields.matrix):
        filling = Filling(entry, {**common, **combination} if combination else common)
        name = _asset_name(filling)
        if name is None:
            yield entry.name
            continue
        if name in names:
            _note_repeated_name(filling, name)
            continue
        names.add(name)
        resolved = _resolve_asset(filling, name)
        references += filling.uses
        yield name if resolved is None else resolved


def _asset_name(filling: Filling) -> str | None:
    entry = filling.entry
    path = ("assets", entry.name)
    text = filling.fill(
        entry.name, filling.variables, "the name", entry.document, path, is_key=True
    )
    if text is None:
        return None
    try:
        return normal.asset_name(text)
    except ManifestError as error:
        filling.fault(error.what, entry.key(), error.hint)
        return None


def _note_repeated_name(filling: Filling, name: str) -> None:
    entry = filling.entry
    used = {variable for _, variable in names_in(entry.name)}
    unused = [f"${{{v}}}" for v in varying(entry.fields.matrix) if v not in used]
    filling.fault(
        f"the matrix of asset {shown(entry.name)} makes the name {shown(name)} more than once",
        entry.key(),
        f"put {listed(unused)} into the name" if unused else "a combination is there twice",
    )


def _resolve_asset(filling: Filling, name: str) -> Resolved | None:
    entry = filling.entry
    action: Generate | Source | None = None
    if entry.fields.prompt is not None and entry.fields.source is not None:
        filling.fault(
            f"asset {shown(entry.name)} has both `prompt` and `source`",
            entry.place("source", key=True),
            "keep `prompt` for an image that a model makes, `source` for one made by hand",
        )
    elif entry.fields.source is not None:
        action = source_action(filling)
    elif entry.fields.prompt is not None:
        action = generate_action(filling)
    else:
        filling.fault(
            f"asset {shown(entry.name)} has neither `prompt` nor `source`",
            entry.key(),
            "say what the image shows in `prompt`, or name the file made by hand in `source`",
        )
    output = _output(filling, name)
    steps, expect, variants = _NO_STEPS, None, None
    if entry.value("steps") is not None:
        steps = resolve_steps(filling, name)
    if entry.value("expect") is not None:
        expect = resolve_expect(filling, output[1] if output is not None else "png", steps.size)
    if entry.value("variants") is not None:
        variants = resolve_variants(filling, name)
    tags = _tags(filling)
    description = filling.text("description")
    if filling.failed or action is None or output is None:
        return None
    path, image_format, real = output
    asset = Asset(
        name=name,
        action=action,
        output=path,
        format=image_format,
        pinned=_is_pinned(entry),
        tags=tags,
        description=(description or "").strip(),
        steps=steps.steps,
        expect=expect,
        frames=steps.frames,
        variants=variants,
        where=entry.key(),
    )
    return Resolved(asset, entry, real, tuple(filling.reads))


def _output(filling: Filling, name: str) -> tuple[str, ImageFormat, str] | None:
    """Normal path, format and real path of the output; None after a fault."""
    stated = filling.entry.fields.output
    text: str | None = stated
    if "$" in stated:
        values = {NAME_OF_THE_ASSET: name, **filling.variables}
        text = filling.spot("output").fill(stated, values)
    else:
        filling.entry.shared.spend(0)
    found = filling.attempt("output", lambda: normal_output(text)) if text is not None else None
    if found is None:
        return None
    path, image_format = found
    real = filling.entry.shared.files.real(path)
    if real is None:
        filling.refuse(
            "output",
            f"names {shown(path)}, which leads out of the project through a symbolic link",
            "everything read or written stays in the manifest's folder",
        )
        return None
    if real != path:
        filling.attempt("output", lambda: check_not_private(real))
    return path, image_format, real


def _is_pinned(entry: Entry) -> bool:
    """A default protects bought images; a file made by hand is pinned only where it says so."""
    if entry.fields.source is not None:
        return entry.own.get("pinned") is True
    return entry.value("pinned") is True


def _tags(filling: Filling) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for index, text in enumerate(stated_texts(filling, "tags")):
        filled = filling.filled("tags", text, (index,))
        if filled is not None:
            tag = filling.attempt("tags", partial(normal.tag, filled), (index,))
            tags[tag or ""] = None
    return tuple(tags)
