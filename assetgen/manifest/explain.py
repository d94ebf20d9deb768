"""What a manifest may not say, in words: refusals of the schema to faults with place and hint.

What is refused is also taken out or replaced, so that everything else can still be looked at and
all faults are reported together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from assetgen.manifest.faults import listed, shown
from assetgen.manifest.fields import kind_of
from assetgen.manifest.scalars import Data, Plain, core_value
from assetgen.manifest.schema import (
    AssetEntry,
    BudgetEntry,
    Defaults,
    IncludedManifest,
    Manifest,
    Refusal,
    names_of,
    read,
)
from assetgen.manifest.schema_finish import (
    AtlasEntry,
    ExpectEntry,
    ExportEntry,
    SheetDataEntry,
    VariantsEntry,
)
from assetgen.manifest.schema_steps import STEPS, PaletteEntry, StepEntry
from assetgen.manifest.schema_types import VERSION, Section

if TYPE_CHECKING:
    from assetgen.manifest.faults import Faults
    from assetgen.manifest.parse import Document, Path

_LATER = {"candidates"}
_PLACEHOLDERS = {"vars": Plain("x"), "styles": "${prompt}"}
"""What stands for a refused entry, so that those who use it are not refused as well."""
_HINT_OF_AN_INCLUDE = (
    "an included file holds only `assets`: everything else goes into the root manifest"
)
_SEPARATE: set[Path] = {("steps",), ("expect",), ("variants",)}
"""Fields without which the rest of an asset can be looked at all the same."""
_UNKNOWN_MODEL = "unknown/unknown"

_M = TypeVar("_M", Manifest, IncludedManifest)


def read_manifest(document: Document, faults: Faults) -> tuple[Manifest | None, frozenset[str]]:
    """The root manifest without what is refused, and the names of the assets that are.

    None when a version this code does not know, or another shape, makes the rest meaningless.
    """
    if not _is_readable(document, faults):
        return None, frozenset()
    return _read(Manifest, document, faults)


def read_included(
    document: Document, faults: Faults
) -> tuple[IncludedManifest | None, frozenset[str]]:
    """An included file, likewise."""
    if not _is_readable(document, faults):
        return None, frozenset()
    return _read(IncludedManifest, document, faults)


def _read(model: type[_M], document: Document, faults: Faults) -> tuple[_M | None, frozenset[str]]:
    result = read(model, document.data)
    if result.accepted is not None:
        return result.accepted, frozenset()
    unknown: dict[Path, list[str]] = {}
    for refusal in result.refusals:
        if refusal.kind == "unknown":
            unknown.setdefault(refusal.path[:-1], []).append(str(refusal.path[-1]))
    for refusal in result.refusals:
        misspelt = unknown.get(refusal.path[:-1], [])
        if refusal.kind == "missing" and faults.nearest(str(refusal.path[-1]), misspelt):
            continue  # it is there, and its spelling is reported
        _note(refusal, document, faults, is_root=model is Manifest)
    broken = frozenset(
        str(r.path[1]) for r in result.refusals if r.path[:1] == ("assets",) and len(r.path) > 1
    )
    mended = read(model, _mended(document.data, result.refusals, faults))
    if mended.accepted is not None:
        return mended.accepted, broken
    return read(model, _without(document.data, result.refusals)).accepted, broken


def _is_readable(document: Document, faults: Faults) -> bool:
    """Whether it is a mapping, of a version whose fields are known here."""
    if isinstance(document.data, dict):
        version = document.data.get("version", Plain(str(VERSION)))
        number = core_value(version) if isinstance(version, str) else None
        if number == VERSION and not isinstance(number, bool):
            return True
        _note_version(version, document, faults)
    elif document.data == "" and isinstance(document.data, Plain):
        faults.add(
            "the file is empty",
            document.locate(()),
            "`assetgen init` writes a manifest to start from",
        )
    else:
        faults.add(
            f"a manifest must be a mapping, not {kind_of(document.data)}",
            document.locate(()),
            f"write `version: {VERSION}`, and `assets:` with the images below it",
        )
    return False


def _note_version(version: Data, document: Document, faults: Faults) -> None:
    number = core_value(version) if isinstance(version, str) else None
    if isinstance(number, int | float) and not isinstance(number, bool) and number > VERSION:
        what = f"version {version} of the manifest is newer than this assetgen"
        hint = f"upgrade assetgen; it reads version {VERSION}"
    else:
        what = f"`version` must be {VERSION}, not {kind_of(version)}"
        hint = f"write `version: {VERSION}`"
    faults.add(what, document.locate(("version",)), hint)


def _note(refusal: Refusal, document: Document, faults: Faults, *, is_root: bool) -> None:
    path = refusal.path
    if refusal.kind == "missing":
        what, way_out = _missing(path)
        faults.add(what, document.locate(path), way_out)
    elif refusal.kind == "unknown":
        what = f"unknown {_kind(path)} {shown(str(path[-1]))} in {_owner(path[:-1])}"
        known = is_root or len(path) > 1
        hint = _unknown_hint(path, faults) if known else _HINT_OF_AN_INCLUDE
        faults.add(what, document.locate(path, key=True), hint)
    elif refusal.unfit is not None:
        unfit = refusal.unfit
        where = document.locate((*path, *unfit.at), key=refusal.is_key)
        faults.add(f"{_field(path)} {unfit.what}", where, unfit.hint)
    else:
        what = f"{_field(path)} must be a mapping, not {kind_of(refusal.value)}"
        faults.add(what, document.locate(path), _shape_hint(path))


_MISSING = {
    "output": "say where the image goes, such as `output: art/hero.png`",
    "widths": "say how wide the files are, such as `widths: [480, 960]`",
    "formats": "say in which formats, such as `formats: [avif, webp]`",
    "assets": 'say what is on it, such as `assets: ["tag:icons", "hero*"]`',
    "format": "write `json`, `typescript`, `python` or `html`",
}
"""What to do about a field that an entry cannot do without."""
_MISSING_OUTPUT = {
    "atlases": "say where the page goes, such as `output: public/ui.png`",
    "exports": "say where the file goes, such as `output: src/assets.ts`",
    "variants": 'say where they go, such as `output: "img/${asset}-${width}.${format}"`',
}


def _missing(path: Path) -> tuple[str, str]:
    name = str(path[-1])
    if path == ("version",):
        return "the manifest has no `version`", f"write `version: {VERSION}` in its first line"
    if len(path) == 1:
        return f"the manifest has no `{name}`", "write `assets:`, and the images below it"
    home = "variants" if path[-2] == "variants" else str(path[0])
    hint = _MISSING_OUTPUT.get(home) if name == "output" else None
    return f"{_owner(path[:-1])} has no {shown(name)}", hint or _MISSING[name]


def _kind(path: Path) -> str:
    """What is unknown: a step, where one is named, or a field."""
    return "step" if _is_step(path) else "field"


def _is_step(path: Path) -> bool:
    return len(path) > 2 and path[-3] == "steps" and isinstance(path[-2], int)  # noqa: PLR2004


def _unknown_hint(path: Path, faults: Faults) -> str:
    name = str(path[-1])
    known, home = _known_fields(path)
    if name == "negative_prompt":
        return "models are told what to show: say what you want in `prompt`"
    if home == "assets" and name in _LATER:
        return f"`{name}` is not part of version {VERSION} yet"
    near = faults.did_you_mean(name, known)
    if near is not None:
        return near
    if home == "top" and name in Defaults.model_fields:
        return f"put `{name}` under `defaults`, or into an asset"
    if home == "defaults" and name in AssetEntry.model_fields:
        return f"put `{name}` into each asset"
    if home == "inside" and not _is_step(path) and name in STEPS:
        return f"indent what belongs to the step, or write `- ` before {shown(name)}"
    return f"{_kind(path)}s here are {listed(sorted(known))}"


def _known_fields(path: Path) -> tuple[list[str], str]:
    """The fields that may stand beside the one at `path`, and what section that is."""
    if len(path) == 1:
        return names_of(Manifest), "top"
    home = str(path[0])
    if home in {"assets", "defaults"}:
        inside = path[2:-1] if home == "assets" else path[1:-1]
        own = AssetEntry if home == "assets" else Defaults
        return (names_of(_model_inside(inside)), "inside") if inside else (names_of(own), home)
    if home == "atlases":
        return names_of(SheetDataEntry if path[2:3] == ("data",) else AtlasEntry), home
    return names_of(ExportEntry if home == "exports" else BudgetEntry), home


def _model_inside(path: Path) -> type[Section]:
    """The model of a part of an asset, such as `expect` or `("steps", 0, "resize")`."""
    match path:
        case ("expect",):
            return ExpectEntry
        case ("variants",):
            return VariantsEntry
        case ("steps", _):
            return StepEntry
        case ("steps", _, _, "palette"):
            return PaletteEntry
        case ("steps", _, str(name)) if name in STEPS:
            return STEPS[name]
    return Section


def _shape_hint(path: Path) -> str | None:
    if path[:-1] == ("assets",):
        return "write at least `prompt` and `output` below the name"
    if path[:-1] == ("atlases",):
        return "write at least `assets` and `output` below the name"
    if path[:-1] == ("exports",):
        return "write at least `format` and `output` below the name"
    if path == ("assets",):
        return "write the name of each image, and its fields below it"
    return None


_OWNERS = {"assets": "asset", "atlases": "atlas", "exports": "export"}


def _owner(path: Path) -> str:
    """Who has a field: `asset X`, `expect` of it, one of its steps, a section, the manifest."""
    if not path:
        return "the manifest"
    kind = _OWNERS.get(str(path[0]))
    start = 2 if kind is not None and len(path) > 1 else 1
    owner = f"{kind} {shown(str(path[1]))}" if start > 1 else shown(str(path[0]))
    inside = path[start:]
    if inside[:1] == ("steps",) and len(inside) > 1:
        name = f" ({shown(str(inside[2]))})" if len(inside) > 2 else ""  # noqa: PLR2004
        owner = f"step {int(inside[1]) + 1}{name} of {owner}"
        inside = inside[3:]
    for part in inside:
        owner = f"{shown(str(part))} of {owner}"
    return owner


def _field(path: Path) -> str:
    """What a message about a value starts with."""
    if len(path) == 2 and path[0] in _FIELD_KINDS:  # noqa: PLR2004
        return f"{_FIELD_KINDS[str(path[0])]} {shown(str(path[1]))}"
    return _owner(path)


_FIELD_KINDS = {"vars": "variable", "styles": "style", **_OWNERS}


def _mended(data: Data, refusals: tuple[Refusal, ...], faults: Faults) -> Data:
    """`data` with misspelt fields of assets read as what they were meant to be.

    So the rest of such an asset is looked at too. Everything else that is refused is taken out.
    """
    misspelt = [r for r in refusals if r.kind == "unknown" and _is_field_of_asset(r.path)]
    with_typos = {refusal.path[:-1] for refusal in misspelt}
    others = [r for r in refusals if r not in misspelt]
    copy = _without(
        data, tuple(r for r in others if r.kind != "missing" or r.path[:-1] not in with_typos)
    )
    sections = copy if isinstance(copy, dict) else {}
    assets = sections.get("assets")
    for refusal in misspelt:
        name, field = str(refusal.path[1]), str(refusal.path[2])
        entry = assets.get(name) if isinstance(assets, dict) else None
        if not isinstance(assets, dict) or not isinstance(entry, dict):
            continue
        meant = faults.nearest(field, list(AssetEntry.model_fields))
        mended = {key: value for key, value in entry.items() if key != field}
        if meant is not None:
            mended.setdefault(meant, entry[field])
        assets[name] = mended
    return copy


def _is_field_of_asset(path: Path) -> bool:
    return len(path) == len(("assets", "NAME", "FIELD")) and path[0] == "assets"


def _without(data: Data, refusals: tuple[Refusal, ...]) -> Data:
    """`data` with what was refused taken out, or replaced where others refer to it."""
    if not isinstance(data, dict):
        return data
    copy = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for refusal in refusals:
        section = str(refusal.path[0]) if refusal.path else ""
        entries = copy.get(section)
        if len(refusal.path) == 1 or not isinstance(entries, dict):
            copy.pop(section, None)
            if section == "assets":
                copy[section] = {}
            elif section == "version":
                copy[section] = Plain(str(VERSION))
            continue
        name = str(refusal.path[1])
        entry = entries.get(name)
        if section == "assets" and refusal.path[2:3] in _SEPARATE and isinstance(entry, dict):
            entries[name] = {k: v for k, v in entry.items() if k != refusal.path[2]}
            continue
        entries.pop(name, None)
        if section in _PLACEHOLDERS and not refusal.is_key:
            entries[name] = _PLACEHOLDERS[section]
        elif section == "defaults" and name == "model":
            entries[name] = _UNKNOWN_MODEL
    return copy
