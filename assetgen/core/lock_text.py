"""The text of a lockfile, written and read.

It is JSON with one element a line and the comma in front:

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
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from assetgen.core.bundle import Bundle, bundle_document, bundle_of
from assetgen.core.digest import parse_digest
from assetgen.core.fingerprint import CONVERT_VERSION, KEY_SCHEME
from assetgen.core.lock import (
    Lock,
    LockEntry,
    ProductEntry,
    is_of_product,
    product_orphan,
    united,
)
from assetgen.core.model import FORMAT_OF_SUFFIX
from assetgen.core.money import json_usd, parse_usd
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.errors import Location, LockfileError

if TYPE_CHECKING:
    from collections.abc import Mapping


_T = TypeVar("_T")

LOCK_VERSION = 1
REBUILD_HINT = (
    "`assetgen build --rebuild-lock` mends it from what is known on this machine, buying nothing"
)

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=Decimal)
"""Made once: `json.dumps` and `json.loads` make another for each line."""

_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def dump_lock(lock: Lock) -> str:
    """The text of a lockfile: sorted, one entry a line."""
    lines = [f'[{{"assetgen-lock": {LOCK_VERSION}}}']
    lines += [lock_line(lock.entries[name]) for name in sorted(lock.entries)]
    lines += [f",{_product_text(lock.products[name])}" for name in sorted(lock.products)]
    lines += [lock_line(lock.orphans[path]) for path in sorted(lock.orphans)]
    return "\n".join([*lines, "]", ""])


def lock_line(entry: LockEntry) -> str:
    """One entry as the lockfile has it."""
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
        entry = parse_line(line)
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


def salvage_lock(text: str) -> list[LockEntry]:
    """Every readable entry in a damaged lockfile, both sides of a conflict included."""
    found = (parse_line(line) for line in text.split("\n"))
    entries = [entry for entry in found if isinstance(entry, LockEntry)]
    return [entry for entry in entries if entry.key_scheme <= KEY_SCHEME]


def salvage_products(text: str) -> list[ProductEntry]:
    """Every readable product in a damaged lockfile, likewise."""
    found = (parse_line(line) for line in text.split("\n"))
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


def parse_line(line: str) -> LockEntry | ProductEntry | None:
    """What one line says; None when it was not written by `dump_lock`."""
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
    if image == digest:
        image = digest  # one text in memory, not two: there may be many thousands
    info = _shared(
        ImageInfo(
            format=_text(fields["format"]),
            width_px=_number(fields["width_px"]),
            height_px=_number(fields["height_px"]),
        )
    )
    result = ActionResult(image=image, info=info)
    if "model" in fields or "date" in fields:
        cost = fields["cost_usd"]
        result = ActionResult(
            image=image,
            info=info,
            model=_shared(_text(fields["model"])),
            provider=_optional_text(fields["provider"]),
            generation_id=_optional_text(fields["generation_id"]),
            cost_usd=parse_usd(cost),
            date=_shared(_text(fields["date"])),
        )
        if cost is not None and result.cost_usd is None:
            return None
    return LockEntry(
        name=_text(fields["name"]),
        output=_path(fields["output"]),
        digest=digest,
        fingerprint=_text(fields["fingerprint"]),
        inputs={_shared(name): _shared(value) for name, value in inputs.items()},
        result=result,
        take=_number(fields.get("take", 1)),
        convert_version=_number(fields.get("convert_version", CONVERT_VERSION)),
        finish=_text(fields.get("finish", "")),
        finished=_finished(fields),
        key_scheme=_number(fields["key_scheme"]),
        is_orphan=fields.get("orphan", False) is True,
    )


@lru_cache(maxsize=1024)
def _shared(value: _T) -> _T:
    """The first of all values that equal this one: many entries have the same in common."""
    return value


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
