"""The lockfile: which image every asset has, as values and as text.

The text is JSON with one element a line and the comma in front:

    [{"assetgen-lock": 1}
    ,{"name": "hero", "output": "art/hero.png", …}
    ,{"name": "icon-sword", …}
    ,{"product": "variants:hero", …}
    ]

Adding an asset adds one line and touches no other, not even the last one's comma, so git merges
branches that each add assets; with `merge=union` (which `assetgen init` sets) also adjacent ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assetgen.core.bundle import Bundle, bundle_document, bundle_of
from assetgen.core.digest import Digest, parse_digest
from assetgen.core.fingerprint import CONVERT_VERSION, KEY_SCHEME
from assetgen.core.model import FORMAT_OF_SUFFIX, Generate
from assetgen.core.money import json_usd, parse_usd
from assetgen.core.product import products_of
from assetgen.core.recipe import finish_of
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.errors import Location, LockfileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.fingerprint import Keyed
    from assetgen.core.model import Asset, Project

LOCK_VERSION = 1
REBUILD_HINT = (
    "`assetgen build --rebuild-lock` mends it from what is known on this machine, buying nothing"
)

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=Decimal)
"""Made once: `json.dumps` and `json.loads` make another for each line."""

_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


@dataclass(frozen=True, slots=True)
class LockEntry:
    """What one asset has; an orphan is what a moved or removed asset had."""

    name: str
    output: str
    digest: Digest
    """Of the output file."""
    fingerprint: str
    inputs: Mapping[str, str]
    """Short digest of each input by its name: see `core.fingerprint.Keyed`."""
    result: ActionResult
    """The image as it came."""
    take: int = 1
    convert_version: int = CONVERT_VERSION
    """Of the conversion from image to output; says nothing where they are the same bytes."""
    finish: str = ""
    """The steps and expectations that made the output: see `core.recipe.finish_of`."""
    finished: ImageInfo | None = None
    """The output, where steps decide its size."""
    key_scheme: int = KEY_SCHEME
    is_orphan: bool = False
    line: str = field(default="", init=False, compare=False, repr=False)
    """How the lockfile that it was read from says it, so that it need not be said again. A copy
    with other values has none."""


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """What one product has."""

    name: str
    """`variants:hero`, `atlas:ui`."""
    key: str
    """Of its pictures (`core.product`); empty for an export, which has none."""
    inputs: Mapping[str, str]
    """Short digest of each image it was made from, and of its settings."""
    bundle: Bundle
    files: Mapping[str, Digest]
    """All its files by path, data files too."""


@dataclass(frozen=True)
class Lock:
    """A whole lockfile: entries by asset name, products by theirs, orphans by output path."""

    entries: Mapping[str, LockEntry] = field(default_factory=dict)
    orphans: Mapping[str, LockEntry] = field(default_factory=dict)
    """Of assets, and files of products (`is_of_product`), of which only path and digest count."""
    products: Mapping[str, ProductEntry] = field(default_factory=dict)
    strays: frozenset[Digest] = frozenset()
    """Digests of further files of products, as the other side of a merge had them."""

    @cached_property
    def by_fingerprint(self) -> Mapping[str, LockEntry]:
        """One entry for each fingerprint; an asset's own before an orphan's."""
        return {entry.fingerprint: entry for entry in reversed(self.of_assets())}

    @cached_property
    def by_digest(self) -> Mapping[str, list[LockEntry]]:
        """Entries by the digests they record, of the output and of the image as it came."""
        found: dict[str, list[LockEntry]] = {}
        for entry in self.of_assets():
            found.setdefault(entry.digest, []).append(entry)
            if entry.result.image != entry.digest:
                found.setdefault(entry.result.image, []).append(entry)
        return found

    @cached_property
    def digests(self) -> frozenset[str]:
        """Every output, image and file of a product that is recorded."""
        found: set[str] = {*self.paths_by_digest, *self.strays}
        for entry in self.everything():
            found.add(entry.digest)
            found.add(entry.result.image)
        return frozenset(found)

    @cached_property
    def paths_by_digest(self) -> Mapping[str, str]:
        """A path of each file that products have."""
        return {
            digest: path for one in self.products.values() for path, digest in one.files.items()
        }

    def everything(self) -> list[LockEntry]:
        """Entries first, then orphans."""
        return [*self.entries.values(), *self.orphans.values()]

    def of_assets(self) -> list[LockEntry]:
        """Likewise, without what products left behind."""
        return [entry for entry in self.everything() if not is_of_product(entry)]

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.entries or self.orphans or self.products)


def is_of_product(entry: LockEntry) -> bool:
    """Whether an orphan is a file of a product, which is made again free."""
    return ":" in entry.name


def product_orphan(name: str, path: str, digest: Digest) -> LockEntry:
    """What is left of a product at one path."""
    info = ImageInfo(path.rpartition(".")[2].lower(), 0, 0)
    return LockEntry(
        name=name,
        output=path,
        digest=digest,
        fingerprint="",
        inputs={},
        result=ActionResult(image=digest, info=info),
        is_orphan=True,
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What a build brings to the lockfile."""

    assets: Mapping[str, LockEntry] = field(default_factory=dict)
    products: Mapping[str, ProductEntry] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.assets or self.products)


@dataclass(frozen=True, slots=True)
class Names:
    """What a manifest declares: whatever else the lockfile has is an orphan."""

    assets: frozenset[str]
    products: frozenset[str] = frozenset()


def names_of(project: Project) -> Names:
    """The names of everything in a project."""
    products = frozenset(product.name for product in products_of(project))
    return Names(frozenset(asset.name for asset in project.assets), products)


def entry_of(
    asset: Asset,
    keyed: Keyed,
    result: ActionResult,
    digest: Digest,
    finished: ImageInfo | None = None,
) -> LockEntry:
    """What the lockfile says of an asset that has this image now, and `digest` as its output."""
    return LockEntry(
        name=asset.name,
        output=asset.output,
        digest=digest,
        fingerprint=keyed.fingerprint,
        inputs=keyed.inputs,
        result=result,
        take=asset.action.take if isinstance(asset.action, Generate) else 1,
        finish=finish_of(asset),
        finished=finished if asset.steps else None,
    )


def merged(lock: Lock, changes: Changes, names: Names) -> Lock:
    """`lock` with `changes` applied, for a project that declares `names`.

    What a moved or removed asset or product had becomes an orphan until someone cleans it, or until
    something has the path again.
    """
    entries = {n: entry for n, entry in lock.entries.items() if n in names.assets}
    entries |= changes.assets
    products = {n: one for n, one in lock.products.items() if n in names.products}
    products |= changes.products
    left = [
        entry
        for name, entry in lock.entries.items()
        if name not in names.assets or entries[name].output != entry.output
    ]
    orphans = dict(lock.orphans) | {e.output: replace(e, is_orphan=True) for e in left}
    for name, one in lock.products.items():
        now = products[name].files if name in products else {}
        orphans |= {
            path: product_orphan(name, path, digest)
            for path, digest in one.files.items()
            if path not in now
        }
    taken = {entry.output for entry in entries.values()}
    taken |= {path for one in products.values() for path in one.files}
    return Lock(
        entries=entries,
        orphans={path: entry for path, entry in orphans.items() if path not in taken},
        products=products,
    )


def without_orphans(lock: Lock, outputs: Iterable[str], names: Names) -> Lock:
    """`lock` without what moved or removed assets and products had at `outputs`."""
    lock, cleaned = merged(lock, Changes(), names), set(outputs)
    left = {path: entry for path, entry in lock.orphans.items() if path not in cleaned}
    return Lock(entries=lock.entries, orphans=left, products=lock.products)


def dump_lock(lock: Lock) -> str:
    """The text of a lockfile: sorted, one entry a line."""
    lines = [f'[{{"assetgen-lock": {LOCK_VERSION}}}']
    lines += [_line(lock.entries[name]) for name in sorted(lock.entries)]
    lines += [f",{_product_text(lock.products[name])}" for name in sorted(lock.products)]
    lines += [_line(lock.orphans[path]) for path in sorted(lock.orphans)]
    return "\n".join([*lines, "]", ""])


def _line(entry: LockEntry) -> str:
    return entry.line or f",{_entry_text(entry)}"


def _product_text(one: ProductEntry) -> str:
    document: dict[str, object] = {"product": one.name}
    if one.key:
        document |= {
            "key": one.key,
            "inputs": dict(sorted(one.inputs.items())),
            "bundle": bundle_document(one.bundle),
        }
    document["outputs"] = dict(sorted(one.files.items()))
    return _ENCODER.encode(document)


def _entry_text(entry: LockEntry) -> str:
    if is_of_product(entry):
        left = {"orphan": True, "product": entry.name, "output": entry.output}
        return _ENCODER.encode(left | {"digest": entry.digest})
    result = entry.result
    document: dict[str, object] = {"orphan": True} if entry.is_orphan else {}
    document |= {
        "name": entry.name,
        "output": entry.output,
        "digest": entry.digest,
        "image": result.image,
        "format": result.info.format,
        "width_px": result.info.width_px,
        "height_px": result.info.height_px,
        "fingerprint": entry.fingerprint,
        "key_scheme": entry.key_scheme,
        "inputs": dict(sorted(entry.inputs.items())),
    }
    if entry.finish:
        document["finish"] = entry.finish
    if entry.finished is not None:
        document["output_width_px"] = entry.finished.width_px
        document["output_height_px"] = entry.finished.height_px
    if entry.digest != result.image:
        document["convert_version"] = entry.convert_version
    if result.date:
        document |= {
            "take": entry.take,
            "model": result.model,
            "provider": result.provider,
            "generation_id": result.generation_id,
            "cost_usd": json_usd(result.cost_usd),
            "date": result.date,
        }
    return _ENCODER.encode(document)


def parse_lock(text: str, file: str) -> Lock:
    """The lockfile in `text`; `file` is its name in messages.

    Raises:
        LockfileError: conflict markers, truncation, a newer version, or anything else that was not
            written by `dump_lock`.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(_MARKERS):
            raise LockfileError(
                "the lockfile has conflict markers",
                where=Location(file, number, 1, source_line=line, length=len(line)),
                hint=REBUILD_HINT,
            )
    _check_header(lines[0], file)
    if lines[-2:] != ["]", ""] and lines[-1:] != ["]"]:
        raise _damaged("the lockfile is cut off", file, len(lines))
    entries: dict[str, LockEntry] = {}
    orphans: dict[str, LockEntry] = {}
    made: list[ProductEntry] = []
    for number, line in enumerate(lines[1:], 2):
        if line in {"", "]"}:
            continue
        entry = _parse_line(line)
        if entry is None:
            raise _damaged("this line of the lockfile cannot be read", file, number)
        if isinstance(entry, ProductEntry):
            made.append(entry)
            continue
        if entry.key_scheme > KEY_SCHEME:
            raise _newer(file, number)
        home, key = (orphans, entry.output) if entry.is_orphan else (entries, entry.name)
        if home.setdefault(key, entry) != entry:
            raise _damaged(f"the lockfile has `{key}` twice", file, number)
    products, strays = united(made)
    return Lock(entries=entries, orphans=orphans, products=products, strays=strays)


def united(
    made: Iterable[ProductEntry],
) -> tuple[dict[str, ProductEntry], frozenset[Digest]]:
    """Products by name. Branches that were merged may tell of one in several ways.

    Such a product is known by no key, so that it is made again, free; all files that either branch
    had are known as ours by their digests, which come second.
    """
    found: dict[str, ProductEntry] = {}
    strays: set[Digest] = set()
    for one in made:
        other = found.setdefault(one.name, one)
        if other != one:
            strays |= {*other.files.values(), *one.files.values()}
            files = {**other.files, **one.files}
            found[one.name] = ProductEntry(one.name, "", {}, Bundle(), files)
    return found, frozenset(strays)


def salvage_lock(text: str) -> list[LockEntry]:
    """Every readable entry in a damaged lockfile, both sides of a conflict included."""
    found = (_parse_line(line) for line in text.split("\n"))
    entries = [entry for entry in found if isinstance(entry, LockEntry)]
    return [entry for entry in entries if entry.key_scheme <= KEY_SCHEME]


def salvage_products(text: str) -> list[ProductEntry]:
    """Every readable product in a damaged lockfile, likewise."""
    found = (_parse_line(line) for line in text.split("\n"))
    return [entry for entry in found if isinstance(entry, ProductEntry)]


def _check_header(line: str, file: str) -> None:
    try:
        header = json.loads(line + "]")
        version = header[0]["assetgen-lock"]
        known = _number(version) == LOCK_VERSION
        newer = _number(version) > LOCK_VERSION
    except (ValueError, LookupError, TypeError, RecursionError):
        known, newer = False, False
    if newer:
        raise _newer(file, 1)
    if not known:
        raise _damaged("this is not a lockfile of assetgen", file, 1)


def _damaged(what: str, file: str, line: int) -> LockfileError:
    return LockfileError(what, where=Location(file, line, 1), hint=REBUILD_HINT)


def _newer(file: str, line: int) -> LockfileError:
    return LockfileError(
        "the lockfile was written by a newer assetgen",
        where=Location(file, line, 1),
        hint=f"install that version; or, losing what only it can record, {REBUILD_HINT}",
    )


def _parse_line(line: str) -> LockEntry | ProductEntry | None:
    if not line.startswith(",{"):
        return None
    try:
        fields = _DECODER.decode(line[1:])
        entry = _parse_product(fields) if "product" in fields else _parse_entry(fields)
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return None
    if isinstance(entry, LockEntry):
        object.__setattr__(entry, "line", line)  # the entry is new, and nobody has seen it yet
    return entry


def _parse_product(fields: Mapping[str, Any]) -> LockEntry | ProductEntry | None:
    """A product, or a file that one left behind."""
    name = _text(fields["product"])
    if ":" not in name:
        return None
    if fields.get("orphan") is True:
        digest = parse_digest(fields["digest"])
        return None if digest is None else product_orphan(name, _path(fields["output"]), digest)
    files = {_path(path): parse_digest(digest) for path, digest in fields["outputs"].items()}
    known = {path: digest for path, digest in files.items() if digest is not None}
    if len(known) < len(files):
        return None
    return ProductEntry(
        name=name,
        key=_text(fields.get("key", "")),
        inputs={_text(n): _text(value) for n, value in fields.get("inputs", {}).items()},
        bundle=bundle_of(fields["bundle"]) if "bundle" in fields else Bundle(),
        files=known,
    )


def _parse_entry(fields: Mapping[str, Any]) -> LockEntry | None:
    """The entry, or None when any field is not what `_entry_text` writes."""
    digest, image = parse_digest(fields["digest"]), parse_digest(fields["image"])
    inputs = fields["inputs"]
    if digest is None or image is None or not isinstance(inputs, dict):
        return None
    if not all(isinstance(value, str) for pair in inputs.items() for value in pair):
        return None
    info = ImageInfo(
        format=_text(fields["format"]),
        width_px=_number(fields["width_px"]),
        height_px=_number(fields["height_px"]),
    )
    result = ActionResult(image=image, info=info)
    if "model" in fields or "date" in fields:
        cost = fields["cost_usd"]
        result = ActionResult(
            image=image,
            info=info,
            model=_text(fields["model"]),
            provider=_optional_text(fields["provider"]),
            generation_id=_optional_text(fields["generation_id"]),
            cost_usd=parse_usd(cost),
            date=_text(fields["date"]),
        )
        if cost is not None and result.cost_usd is None:
            return None
    return LockEntry(
        name=_text(fields["name"]),
        output=_path(fields["output"]),
        digest=digest,
        fingerprint=_text(fields["fingerprint"]),
        inputs=inputs,
        result=result,
        take=_number(fields.get("take", 1)),
        convert_version=_number(fields.get("convert_version", CONVERT_VERSION)),
        finish=_text(fields.get("finish", "")),
        finished=_finished(fields),
        key_scheme=_number(fields["key_scheme"]),
        is_orphan=fields.get("orphan", False) is True,
    )


def _finished(fields: Mapping[str, Any]) -> ImageInfo | None:
    if "output_width_px" not in fields:
        return None
    return ImageInfo(
        format=FORMAT_OF_SUFFIX["." + _text(fields["output"]).rpartition(".")[2].lower()],
        width_px=_number(fields["output_width_px"]),
        height_px=_number(fields["output_height_px"]),
    )


def _path(value: object) -> str:
    """A path that a file of the project can have."""
    path = _text(value)
    path.encode("utf-8")  # UnicodeEncodeError is a ValueError
    if "\0" in path or path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError
    return path


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
