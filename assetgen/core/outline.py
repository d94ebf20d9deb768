"""What a manifest said when the last build ended, piece by piece, so that an edit can be told.

A piece is the text of one entry of `assets`; all that is outside of them is one piece more. With
every piece goes what the others rely on: the names it declares, their outputs, and the files and
assets they read. As long as an edit leaves these as they are, it concerns its own entries and who
reads them, and nothing else in the project need be read or judged again.

An outline belongs to the build record with the same stamp of the manifest. It is a line with its
version, the CRC-32 of the rest, and JSON. Anything unexpected in it makes it worthless, which costs
one ordinary build.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from assetgen.core.model import Generate
from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.model import Asset, Project
    from assetgen.core.stamp import Stamp

FORMAT = b"assetgen-outline 1\n"

_CHECK_END = len(FORMAT) + 8


class Pieces(Value):
    """Digests of a manifest's text: of each entry by its key as written, in file order."""

    rest: str
    """Of everything outside of the entries."""
    entries: Mapping[str, str]


class Declared(NamedTuple):
    """One asset as others see it; a tuple, because thousands are made for one edit."""

    name: str
    output: str
    entry: str
    """Key of the entry that declares it."""
    shape: str = ""
    """Which files and assets it reads, and whether more than one picture is made of it."""


class Outline(Value):
    """A whole project in outline."""

    stamp: Stamp
    """Of the manifest with this text."""
    pieces: Pieces
    declared: Sequence[Declared]
    """In file order."""
    reads: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of the assets that an asset reads; who reads none is left out."""

    def concerned(self, changed: Iterable[str]) -> frozenset[str] | None:
        """Keys of the entries that are to be judged again when these have changed.

        These themselves, whoever reads their assets, directly or not, and what all of them read.
        None when that is most of the project.
        """
        entry_of = {one.name: one.entry for one in self.declared} if self.reads else {}
        readers: dict[str, set[str]] = {}
        read: dict[str, set[str]] = {}
        for name, names in self.reads.items():
            for other in names:
                readers.setdefault(entry_of[other], set()).add(entry_of[name])
                read.setdefault(entry_of[name], set()).add(entry_of[other])
        found = _reached(_reached(changed, readers), read)
        return found if len(found) <= _most_of(len(self.pieces.entries)) else None


def _reached(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        entry = left.pop()
        if entry not in found:
            found.add(entry)
            left.extend(edges.get(entry, ()))
    return frozenset(found)


def _most_of(count: int) -> int:
    """Beyond this, judging everything costs little more."""
    return max(1, count // 4)


def outline_of(project: Project, stamp: Stamp) -> Outline | None:
    """The outline of a project that was read from a manifest with this stamp.

    None where an edit of one entry may concern all: files are included, or atlases and exports
    made of many images, or the text is not in pieces that stand alone.
    """
    if project.pieces is None or project.atlases or project.exports:
        return None
    if project.plugin is not None:  # its code is an input that no file of the project tells
        return None
    declared = tuple(declared_by(project.assets))
    if not {one.entry for one in declared} <= project.pieces.entries.keys():
        return None
    reads = {asset.name: asset.reads for asset in project.assets if asset.reads}
    return Outline(stamp, project.pieces, declared, reads)


def declared_by(assets: Iterable[Asset]) -> Iterable[Declared]:
    """These assets as others see them."""
    for asset in assets:
        entry = asset.where.path.removeprefix("assets.") if asset.where is not None else ""
        yield Declared(asset.name, asset.output, entry, _shape_of(asset))


def _shape_of(asset: Asset) -> str:
    said = [part for part in ("frames", "variants") if getattr(asset, part) is not None]
    if isinstance(asset.action, Generate):
        said += [f"reference {one}" for one in asset.action.references]
    else:
        said.append(f"source {asset.action.path}")
    return "\n".join(said)


def dump_outline(outline: Outline) -> bytes:
    """The bytes of an outline."""
    declared, pieces = outline.declared, outline.pieces
    document = {
        "stamp": outline.stamp,
        "rest": pieces.rest,
        "keys": list(pieces.entries),
        "digests": list(pieces.entries.values()),
        "names": [one.name for one in declared],
        "outputs": [one.output for one in declared],
        "entries": [one.entry for one in declared],
        "shapes": [one.shape for one in declared],
        "reads": outline.reads,
    }
    said = json.dumps(document).encode("ascii")
    return b"".join([FORMAT, _check(said), said])


def parse_outline(data: bytes) -> Outline | None:
    """The outline in `data`; None when it is not as written."""
    said = data[_CHECK_END:]
    if data[: len(FORMAT)] != FORMAT or data[len(FORMAT) : _CHECK_END] != _check(said):
        return None
    try:
        return _outline(json.loads(said))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _outline(document: Mapping[str, Any]) -> Outline | None:
    stamp, rest = document["stamp"], document["rest"]
    if not isinstance(rest, str) or not all(isinstance(number, int) for number in stamp):
        return None
    mtime, ctime, size, inode = stamp
    keys, digests = _texts(document["keys"]), _texts(document["digests"])
    columns = [_texts(document[name]) for name in ("names", "outputs", "entries", "shapes")]
    names, entries = frozenset(columns[0]), dict(zip(keys, digests, strict=True))
    if len(names) < len(columns[0]) or len(entries) < len(keys):
        return None
    reads = {name: _texts(read) for name, read in document["reads"].items()}
    if not names.issuperset(reads) or not all(names.issuperset(read) for read in reads.values()):
        return None
    return Outline(
        (mtime, ctime, size, inode),
        Pieces(rest, entries),
        list(map(Declared._make, zip(*columns, strict=True))),
        reads,
    )


def _check(said: bytes) -> bytes:
    return b"%08x" % crc32(said)


def _texts(found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise TypeError
    return found
