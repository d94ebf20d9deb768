"""What an asset's fields say to do: copy a file that the user has, or ask a model for an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from assetgen.core.model import (
    AssetReference,
    FileReference,
    Generate,
    Limits,
    Parameters,
    Source,
)
from assetgen.manifest import normal
from assetgen.manifest.entry import AssetUse
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.paths import is_address, normal_path
from assetgen.manifest.schema import NOT_FOR_A_SOURCE
from assetgen.manifest.template import MOST_CHARACTERS

if TYPE_CHECKING:
    from assetgen.core.model import Json, Reference, Route
    from assetgen.errors import Location
    from assetgen.manifest.entry import Entry, Filling

_STATED_PARAMETERS = ("aspect_ratio", "image_size", "quality", "background", "seed")
_SIMPLE_PARAMETERS = (*_STATED_PARAMETERS, "modalities")


def stated_texts(filling: Filling, name: str) -> tuple[str, ...]:
    """The texts of a list field before they are filled; none when it is not stated."""
    return cast("tuple[str, ...] | None", filling.entry.value(name)) or ()


def source_action(filling: Filling) -> Source | None:
    """Take the file made by hand; None after a fault."""
    entry = filling.entry
    for name in NOT_FOR_A_SOURCE:
        if entry.own.get(name) is not None:
            filling.fault(
                f"`{name}` of asset {shown(entry.name)} means nothing beside `source`",
                entry.place(name, key=True),
                "remove it: a file made by hand is not generated",
            )
    text = filling.text("source")
    path = _find(filling, "source", text.strip(), ()) if text is not None else None
    return Source(path) if path is not None else None


def generate_action(filling: Filling) -> Generate | None:
    """Ask the model; None after a fault."""
    entry = filling.entry
    prompt = _prompt(filling)
    model = _model(filling)
    references = _references(filling)
    parameters = _parameters(filling)
    if model and entry.shared.provider == "openrouter":
        _check_capabilities(filling, model, parameters, len(references))
    if prompt is None or model is None:
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
    """The model; empty when the provider needs none; None after a fault."""
    entry = filling.entry
    is_openrouter = entry.shared.provider == "openrouter"
    if entry.value("model") is None:
        if entry.shared.needs_model:
            filling.fault(
                f"asset {shown(entry.name)} has no `model`",
                entry.key(),
                "state one in the asset or under `defaults`"
                + (", such as `google/gemini-2.5-flash-image`" if is_openrouter else ""),
            )
        return None if entry.shared.needs_model else ""
    model = filling.normal("model", normal.model_id)
    if model is None or not is_openrouter or normal.has_author(model):
        return model
    hint = entry.shared.faults.did_you_mean(model, entry.shared.table.models)
    filling.refuse(
        "model",
        f"is {shown(model)}, which does not name the model's author",
        hint or "write it like `google/gemini-2.5-flash-image`",
    )
    return None


def _references(filling: Filling) -> tuple[Reference, ...]:
    references: list[Reference] = []
    for index, text in enumerate(stated_texts(filling, "reference")):
        filled = filling.filled("reference", text, (index,))
        if filled is None:
            continue
        label = filled.strip()
        if label.startswith("asset:"):
            name = label.removeprefix("asset:").strip()
            filling.uses.append(AssetUse(filling.entry, index, name))
            references.append(AssetReference(name))
            continue
        path = _find(filling, "reference", label, (index,), way_out=_meant_asset(filling, label))
        if path is not None:
            references.append(FileReference(path))
    return tuple(references)


def _meant_asset(filling: Filling, label: str) -> str | None:
    """The hint for a reference that names an asset like a file."""
    is_asset = label in filling.entry.shared.manifest.assets
    return f"did you mean {shown(f'asset:{label}')}?" if is_asset else None


def _find(
    filling: Filling,
    name: str,
    text: str,
    at: tuple[int, ...],
    *,
    way_out: str | None = None,
) -> str | None:
    """The file that a field names, as it is spelt on disk; None after a fault.

    `way_out` is the hint for a file that is not there, when there is a better one than usual.
    """
    if is_address(text):
        filling.refuse(
            name,
            f"is the address {shown(text)}; nothing is fetched from a network",
            "download it into the project, and name the file",
            at,
        )
        return None
    files = filling.entry.shared.files
    found = filling.attempt(name, lambda: files.find(normal_path(text)), at, way_out=way_out)
    if found is None:
        return None
    filling.reads.append((name, *found))
    return found[0]


def _parameters(filling: Filling) -> Parameters:
    """What is stated, in normal form. What many assets state alike is looked at once."""
    entry = filling.entry
    stated = tuple(entry.value(name) for name in _SIMPLE_PARAMETERS)
    is_plain = not entry.value("params") and not any(
        isinstance(value, str) and "$" in value for value in stated
    )
    known = entry.shared.parameters.get(stated) if is_plain else None
    if known is not None:
        return known
    had_failed, filling.failed = filling.failed, False
    parameters = _read_parameters(filling)
    if is_plain and not filling.failed:
        entry.shared.parameters[stated] = parameters
    filling.failed |= had_failed
    return parameters


def _read_parameters(filling: Filling) -> Parameters:
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
    table = filling.entry.shared.table
    facts = table.facts(model)
    for name, value, taken in (
        ("aspect_ratio", parameters.aspect_ratio, facts.aspect_ratios),
        ("image_size", parameters.image_size, facts.image_sizes),
    ):
        if value is None or taken is None or value in taken:
            continue
        known = f"model {shown(model)} takes {{}} ({table.source(model, f'{name}s')})"
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
        known = f"model {shown(model)} takes {many} ({table.source(model, 'max_references')})"
        what = f"{known}, and asset {shown(filling.entry.name)} has {references}"
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
