"""The lockfile: which image every asset has, as values and as text.

The text is JSON with one element a line and the comma in front:

    [{"assetgen-lock": 1}
    ,{"name": "hero", "output": "art/hero.png", …}
    ,{"name": "icon-sword", …}
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

from assetgen.core.digest import Digest, parse_digest
from assetgen.core.fingerprint import CONVERT_VERSION, KEY_SCHEME
from assetgen.core.model import Generate
from assetgen.core.money import json_usd, parse_usd
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.errors import Location, LockfileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.fingerprint import Keyed
    from assetgen.core.model import Asset

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
    key_scheme: int = KEY_SCHEME
    is_orphan: bool = False
    line: str = field(default="", init=False, compare=False, repr=False)
    """How the lockfile that it was read from says it, so that it need not be said again. A copy
    with other values has none."""


@dataclass(frozen=True)
class Lock:
    """A whole lockfile: entries by asset name, orphans by output path."""

    entries: Mapping[str, LockEntry] = field(default_factory=dict)
    orphans: Mapping[str, LockEntry] = field(default_factory=dict)

    @cached_property
    def by_fingerprint(self) -> Mapping[str, LockEntry]:
        """One entry for each fingerprint; an asset's own before an orphan's."""
        return {entry.fingerprint: entry for entry in reversed(self.everything())}

    @cached_property
    def by_digest(self) -> Mapping[str, list[LockEntry]]:
        """Entries by the digests they record, of the output and of the image as it came."""
        found: dict[str, list[LockEntry]] = {}
        for entry in self.everything():
            found.setdefault(entry.digest, []).append(entry)
            if entry.result.image != entry.digest:
                found.setdefault(entry.result.image, []).append(entry)
        return found

    @cached_property
    def digests(self) -> frozenset[str]:
        """Every output and image that is recorded."""
        found: set[str] = set()
        for entry in self.everything():
            found.add(entry.digest)
            found.add(entry.result.image)
        return frozenset(found)

    def everything(self) -> list[LockEntry]:
        """Entries first, then orphans."""
        return [*self.entries.values(), *self.orphans.values()]


def entry_of(asset: Asset, keyed: Keyed, result: ActionResult, digest: Digest) -> LockEntry:
    """What the lockfile says of an asset that has this image now, and `digest` as its output."""
    return LockEntry(
        name=asset.name,
        output=asset.output,
        digest=digest,
        fingerprint=keyed.fingerprint,
        inputs=keyed.inputs,
        result=result,
        take=asset.action.take if isinstance(asset.action, Generate) else 1,
    )


def merged(lock: Lock, changes: Mapping[str, LockEntry], names: Iterable[str]) -> Lock:
    """`lock` with `changes` applied, for a project whose assets are called `names`.

    What a moved or removed asset had becomes an orphan until someone cleans it, or until an asset
    has the path again.
    """
    known = set(names)
    entries = {name: entry for name, entry in lock.entries.items() if name in known} | dict(changes)
    left = [
        entry
        for name, entry in lock.entries.items()
        if name not in known or entries[name].output != entry.output
    ]
    orphans = dict(lock.orphans) | {e.output: replace(e, is_orphan=True) for e in left}
    taken = {entry.output for entry in entries.values()}
    return Lock(
        entries=entries,
        orphans={path: entry for path, entry in orphans.items() if path not in taken},
    )


def without_orphans(lock: Lock, outputs: Iterable[str], names: Iterable[str]) -> Lock:
    """`lock` without what moved or removed assets had at `outputs`."""
    lock, cleaned = merged(lock, {}, names), set(outputs)
    left = {path: entry for path, entry in lock.orphans.items() if path not in cleaned}
    return Lock(entries=lock.entries, orphans=left)


def dump_lock(lock: Lock) -> str:
    """The text of a lockfile: sorted, one entry a line."""
    lines = [f'[{{"assetgen-lock": {LOCK_VERSION}}}']
    for home in (lock.entries, lock.orphans):
        lines += [home[key].line or f",{_entry_text(home[key])}" for key in sorted(home)]
    return "\n".join([*lines, "]", ""])


def _entry_text(entry: LockEntry) -> str:
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
    entries: dict[str, LockEntry] = {}
    orphans: dict[str, LockEntry] = {}
    if lines[-2:] != ["]", ""] and lines[-1:] != ["]"]:
        raise _damaged("the lockfile is cut off", file, len(lines))
    for number, line in enumerate(lines[1:], 2):
        if line in {"", "]"}:
            continue
        entry = _parse_line(line)
        if entry is None:
            raise _damaged("this line of the lockfile cannot be read", file, number)
        if entry.key_scheme > KEY_SCHEME:
            raise _newer(file, number)
        home, key = (orphans, entry.output) if entry.is_orphan else (entries, entry.name)
        if key in home and home[key] != entry:
            raise _damaged(f"the lockfile has `{key}` twice", file, number)
        home[key] = entry
    return Lock(entries=entries, orphans=orphans)


def salvage_lock(text: str) -> list[LockEntry]:
    """Every readable entry in a damaged lockfile, both sides of a conflict included."""
    entries = (_parse_line(line) for line in text.split("\n"))
    return [entry for entry in entries if entry is not None and entry.key_scheme <= KEY_SCHEME]


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


def _parse_line(line: str) -> LockEntry | None:
    if not line.startswith(",{"):
        return None
    try:
        fields = _DECODER.decode(line[1:])
        entry = _parse_entry(fields)
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return None
    if entry is not None:
        object.__setattr__(entry, "line", line)  # the entry is new, and nobody has seen it yet
    return entry


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
        key_scheme=_number(fields["key_scheme"]),
        is_orphan=fields.get("orphan", False) is True,
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
