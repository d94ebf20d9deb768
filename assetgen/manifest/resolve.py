"""Validated manifest files to the assets of a project: pure, with every fault noted.

What must be known about files is asked through `Files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from assetgen.core.model import (
    Asset,
    AssetReference,
    FileReference,
    Generate,
    Limits,
    Parameters,
    Source,
)
from assetgen.errors import ManifestError
from assetgen.manifest import normal
from assetgen.manifest.entry import Entry, Filling, Shared, TooMuchError
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.matrix import combinations, count, varying
from assetgen.manifest.paths import is_address, normal_output, normal_path
from assetgen.manifest.schema import NOT_FOR_A_SOURCE
from assetgen.manifest.template import MOST_CHARACTERS, names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assetgen.core.model import Json, Reference, Route
    from assetgen.errors import Location
    from assetgen.manifest.parse import Document
    from assetgen.manifest.schema import AssetEntry

MOST_ASSETS = 200_000
_STATED_PARAMETERS = ("aspect_ratio", "image_size", "quality", "background", "seed")


@dataclass(frozen=True, slots=True)
class Part:
    """The entries of one manifest file, and the names of those that are refused already."""

    document: Document
    entries: Mapping[str, AssetEntry]
    refused: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resolved:
    """An asset, the entry it comes from, and the real paths of its files."""

    asset: Asset
    entry: Entry
    real_output: str
    """Behind symbolic links, relative to the project folder."""
    reads: tuple[tuple[str, str, str], ...]
    """Files it reads: the field, the path, and the real path."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """All assets that could be resolved, and the names, maybe with `${…}`, of those that not."""

    assets: Sequence[Resolved]
    missing: frozenset[str]


def resolve(shared: Shared, parts: Iterable[Part]) -> Resolution:
    """The assets of `parts` in file order. What keeps an asset from being one is noted."""
    resolved: list[Resolved] = []
    missing: set[str] = set()
    entries: list[Entry] = []
    for part in parts:
        missing |= part.refused
        for name, fields in part.entries.items():
            own = {field: getattr(fields, field) for field in fields.model_fields_set}
            entries.append(Entry(shared, part.document, name, fields, own))
    if not _is_countable(shared, entries):
        return Resolution((), frozenset())
    for entry in entries:
        try:
            for outcome in _resolve_entry(entry):
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
            return Resolution((), frozenset())
    return Resolution(resolved, frozenset(missing))


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


def _resolve_entry(entry: Entry) -> Iterator[Resolved | str]:
    """Each asset of `entry`, or the name of one that cannot be resolved."""
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
        yield name if resolved is None else resolved


def _asset_name(filling: Filling) -> str | None:
    entry = filling.entry
    path = ("assets", entry.name)
    text = filling.fill(entry.name, filling.variables, "the name", entry.document, path)
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
    reads: list[tuple[str, str, str]] = []
    if entry.fields.prompt is not None and entry.fields.source is not None:
        filling.fault(
            f"asset {shown(entry.name)} has both `prompt` and `source`",
            entry.place("source", key=True),
            "keep `prompt` for an image that a model makes, `source` for one made by hand",
        )
    elif entry.fields.source is not None:
        action = _source(filling, reads)
    elif entry.fields.prompt is not None:
        action = _generate(filling, reads)
    else:
        filling.fault(
            f"asset {shown(entry.name)} has neither `prompt` nor `source`",
            entry.key(),
            "say what the image shows in `prompt`, or name the file made by hand in `source`",
        )
    output_text = filling.text("output")
    output = None
    if output_text is not None:
        output = filling.attempt("output", lambda: normal_output(output_text))
    real = entry.shared.files.real(output[0]) if output is not None else None
    if output is not None and real is None:
        filling.refuse(
            "output",
            f"{shown(output[0])} leads out of the project through a symbolic link",
            "everything read or written stays in the manifest's folder",
        )
    tags = _tags(filling)
    description = filling.text("description")
    if filling.failed or action is None or output is None or real is None:
        return None
    asset = Asset(
        name=name,
        action=action,
        output=output[0],
        format=output[1],
        pinned=_is_pinned(entry),
        tags=tags,
        description=(description or "").strip(),
        where=entry.key(),
    )
    return Resolved(asset, entry, real, tuple(reads))


def _is_pinned(entry: Entry) -> bool:
    """A default protects bought images; a file made by hand is pinned only where it says so."""
    if entry.fields.source is not None:
        return entry.own.get("pinned") is True
    return entry.value("pinned") is True


def _tags(filling: Filling) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for index, text in enumerate(_texts(filling, "tags")):
        filled = filling.filled("tags", text, (index,))
        if filled is not None:
            tag = filling.attempt("tags", partial(normal.tag, filled), (index,))
            tags[tag or ""] = None
    return tuple(tags)


def _texts(filling: Filling, name: str) -> tuple[str, ...]:
    return cast("tuple[str, ...] | None", filling.entry.value(name)) or ()


def _source(filling: Filling, reads: list[tuple[str, str, str]]) -> Source | None:
    entry = filling.entry
    for name in NOT_FOR_A_SOURCE:
        if entry.own.get(name) is not None:
            filling.fault(
                f"`{name}` of asset {shown(entry.name)} means nothing beside `source`",
                entry.place(name, key=True),
                "remove it: a file made by hand is not generated",
            )
    text = filling.text("source")
    path = _find(filling, "source", text.strip(), (), reads) if text is not None else None
    return Source(path) if path is not None else None


def _generate(filling: Filling, reads: list[tuple[str, str, str]]) -> Generate | None:
    entry = filling.entry
    prompt = _prompt(filling)
    model = _model(filling)
    references = _references(filling, reads)
    parameters = _parameters(filling)
    if model and parameters is not None and entry.shared.provider != "draft":
        _check_capabilities(filling, model, parameters, len(references))
    if prompt is None or model is None or parameters is None:
        return None
    return Generate(
        model=model,
        prompt=prompt,
        references=references,
        parameters=parameters,
        take=cast("int | None", entry.value("take")) or 1,
        limits=Limits(
            max_tokens=cast("int | None", entry.value("max_tokens")),
            timeout_s=cast("float | None", entry.value("timeout_s")),
        ),
        route=cast("Route | None", entry.value("api")) or "auto",
    )


def _prompt(filling: Filling) -> str | None:
    """The final prompt: filled, stripped, in its style."""
    entry = filling.entry
    prompt = filling.text("prompt")
    style = filling.normal("style", str.strip)
    if prompt is not None and not prompt.strip():
        filling.refuse("prompt", "is empty", "say what the image shows")
        return None
    if style is not None and style not in entry.shared.manifest.styles:
        styles = entry.shared.manifest.styles
        hint = entry.shared.faults.did_you_mean(style, list(styles))
        if hint is None:
            hint = f"styles are {listed(styles)}" if styles else "state it under `styles`"
        filling.fault(
            f"unknown style {shown(style)} in {entry.says('style')}", entry.place("style"), hint
        )
        return None
    if prompt is not None and style is not None:
        prompt = filling.fill(
            entry.shared.manifest.styles[style],
            {**filling.variables, "prompt": prompt.strip()},
            f"style {shown(style)}",
            entry.shared.document,
            ("styles", style),
        )
    if prompt is not None and len(prompt) > MOST_CHARACTERS:
        filling.refuse("prompt", f"is longer than {MOST_CHARACTERS:,} characters", "shorten it")
        return None
    return prompt.strip() if prompt is not None else None


def _model(filling: Filling) -> str | None:
    """The model; empty when the draft provider needs none; None after a fault."""
    entry = filling.entry
    is_draft = entry.shared.provider == "draft"
    if entry.value("model") is None:
        if not is_draft:
            filling.fault(
                f"asset {shown(entry.name)} has no `model`",
                entry.key(),
                "state one in the asset or under `defaults`, such as "
                "`google/gemini-2.5-flash-image`",
            )
        return "" if is_draft else None
    model = filling.normal("model", normal.model_id)
    if model is None or is_draft or normal.has_author(model):
        return model
    hint = entry.shared.faults.did_you_mean(model, entry.shared.table.models)
    filling.refuse(
        "model",
        f"is {shown(model)}, which does not name the model's author",
        hint or "write it like `google/gemini-2.5-flash-image`",
    )
    return None


def _references(filling: Filling, reads: list[tuple[str, str, str]]) -> tuple[Reference, ...]:
    references: list[Reference] = []
    for index, text in enumerate(_texts(filling, "reference")):
        filled = filling.filled("reference", text, (index,))
        if filled is None:
            continue
        label = filled.strip()
        if label.startswith("asset:"):
            references.append(AssetReference(label.removeprefix("asset:").strip()))
            continue
        path = _find(filling, "reference", label, (index,), reads)
        if path is not None:
            references.append(FileReference(path))
    return tuple(references)


def _find(
    filling: Filling,
    name: str,
    text: str,
    at: tuple[int, ...],
    reads: list[tuple[str, str, str]],
) -> str | None:
    """The file that a field names, as it is spelt on disk; None after a fault."""
    if is_address(text):
        filling.refuse(
            name,
            f"is the address {shown(text)}; nothing is fetched from a network",
            "download it into the project, and name the file",
            at,
        )
        return None
    found = filling.attempt(name, lambda: filling.entry.shared.files.find(normal_path(text)), at)
    if found is None:
        return None
    reads.append((name, *found))
    return found[0]


def _parameters(filling: Filling) -> Parameters | None:
    entry = filling.entry
    extra = cast("dict[str, Json]", entry.value("params") or {})
    for name in _STATED_PARAMETERS:
        if name in extra and entry.value(name) is not None:
            filling.refuse(
                "params",
                f"states `{name}`, which the field `{name}` states as well",
                "keep one of them",
                (name,),
            )
    if "$" in repr(extra):
        extra = cast("dict[str, Json]", filling.json("params", extra))
    return Parameters(
        aspect_ratio=filling.normal("aspect_ratio", normal.aspect_ratio),
        image_size=filling.normal("image_size", normal.image_size),
        quality=filling.normal("quality", normal.word),
        background=filling.normal("background", normal.word),
        seed=cast("int | None", entry.value("seed")),
        modalities=cast("tuple[str, ...] | None", entry.value("modalities")),
        extra=extra,
    )


def _check_capabilities(
    filling: Filling, model: str, parameters: Parameters, references: int
) -> None:
    """Refuse what the model is known not to take; what is not known is never refused."""
    facts = filling.entry.shared.table.facts(model)
    date = filling.entry.shared.table.date
    known = f"model {shown(model)} takes {{}} (model table of {date})"
    for name, value, taken in (
        ("aspect_ratio", parameters.aspect_ratio, facts.aspect_ratios),
        ("image_size", parameters.image_size, facts.image_sizes),
    ):
        if value is None or taken is None or value in taken:
            continue
        where, leave_out = _conflict(filling.entry, name)
        if taken:
            what = known.format(f"no `{name}` {shown(value)}")
            filling.fault(what, where, f"it takes {listed(sorted(taken, key=_by_number))}")
        else:
            filling.fault(known.format(f"no `{name}`"), where, leave_out)
    if facts.max_references is not None and references > facts.max_references:
        where, leave_out = _conflict(filling.entry, "reference")
        most = facts.max_references
        many = f"at most {most} reference{'s' if most != 1 else ''}" if most else "no references"
        what = f"{known.format(many)}, and asset {shown(filling.entry.name)} has {references}"
        filling.fault(what, where, leave_out)


def _conflict(entry: Entry, name: str) -> tuple[Location, str]:
    """Where a field and the model do not go together, and the way out."""
    if entry.is_default(name) and not entry.is_default("model"):
        return entry.place("model"), f"write `{name}: null` to leave the default out"
    return entry.place(name), "remove it, or choose another model"


def _by_number(text: str) -> tuple[float, ...]:
    """Order of ratios and sizes by their numbers, words last."""
    numbers = text.upper().rstrip("K").split(":")
    try:
        return tuple(float(number) for number in numbers)
    except ValueError:
        return (float("inf"),)
