"""Projects of any size, built and up to date, made without drawing or buying a picture."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING

from assetgen.core.digest import digest_of
from assetgen.core.fingerprint import key_of
from assetgen.core.lock import Lock, LockEntry, entry_of
from assetgen.core.lock_text import dump_lock
from assetgen.core.model import FileReference, Generate
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.session import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assetgen.core.digest import Digest

FOLDERS = 100
_WORDS = (
    "lantern",
    "harbour",
    "keeper",
    "granite",
    "rope",
    "gull",
    "morning",
    "fog",
    "brass",
    "wheel",
    "timber",
    "quiet",
    "window",
    "stair",
    "copper",
    "ledger",
    "compass",
    "anchor",
    "lamp",
    "shore",
    "night",
    "storm",
    "letter",
    "bridge",
    "garden",
    "tower",
    "river",
    "market",
    "boat",
    "winter",
    "orchard",
    "mirror",
    "candle",
    "velvet",
    "marble",
    "forest",
    "meadow",
    "thunder",
    "ribbon",
    "feather",
)


def manifest_of(count: int, *, references: bool = False, provider: str = "draft") -> str:
    """A manifest of `count` assets with prompts of about 40 words."""
    return "".join(_lines(count, references=references, provider=provider))


def _lines(count: int, *, references: bool, provider: str) -> Iterator[str]:
    yield "version: 1\nproject: large\n"
    yield f"provider: {provider}\ndefaults: {{model: google/gemini-2.5-flash-image}}\nassets:\n"
    for number in range(count):
        yield f"  icon-{number:06}:\n    prompt: {prompt(number)}\n"
        if references:
            yield f"    reference: refs/{number % FOLDERS:02}/{number:06}.png\n"
        yield f"    aspect_ratio: 1:1\n    output: {output(number)}\n    tags: [icons]\n"


def prompt(number: int) -> str:
    """About 40 words, another for each asset."""
    words = [_WORDS[(number * 7 + place * (3 + number % 11)) % len(_WORDS)] for place in range(38)]
    return f"Picture {number} of {' '.join(words)}"


def output(number: int) -> str:
    """In one of 100 folders."""
    return f"art/{number % FOLDERS:02}/{number:06}.png"


def small_picture(number: int) -> bytes:
    """A PNG of 2 by 2 pixels, another for each number."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    colour = struct.pack(">I", number % 2**32)[1:]
    rows = (b"\0" + colour * 2) * 2
    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def make_built(
    root: Path,
    count: int,
    *,
    references: bool = False,
    outputs: bool = True,
    provider: str = "draft",
) -> None:
    """A project of `count` assets whose lockfile says just what is there."""
    root.mkdir(parents=True)
    (root / "assets.yaml").write_text(
        manifest_of(count, references=references, provider=provider), "utf-8"
    )
    for number in range(count if outputs else 0):
        _write(root / output(number), small_picture(number))
    for number in range(count if references else 0):
        _write(root / f"refs/{number % FOLDERS:02}/{number:06}.png", small_picture(number + 2**20))
    (root / "assets.lock").write_text(dump_lock(lock_of(root)), "utf-8")


def lock_of(root: Path) -> Lock:
    """What the lockfile says once every asset has its picture."""
    project = load(root / "assets.yaml")
    entries: dict[str, LockEntry] = {}
    for number, asset in enumerate(project.assets):
        digest = digest_of(small_picture(number))
        result = ActionResult(
            image=digest,
            info=ImageInfo(format="png", width_px=2, height_px=2),
            model="draft",
            provider="draft",
            date="2026-01-01T00:00:00Z",
        )
        keyed = key_of(asset, project.provider, list(_read_by(root, asset.action)))
        entries[asset.name] = entry_of(asset, keyed, result, digest)
    return Lock(entries=entries)


def _read_by(root: Path, action: object) -> Iterator[Digest]:
    if isinstance(action, Generate):
        for reference in action.references:
            if isinstance(reference, FileReference):
                yield digest_of((root / reference.path).read_bytes())


def _write(path: Path, data: bytes) -> None:
    os.makedirs(path.parent, exist_ok=True)
    path.write_bytes(data)


def write_inputs(root: Path, count: int) -> None:
    """One input file for each of `count` outputs, for tools that have no other way to say it."""
    for number in range(count):
        _write(root / source(number), prompt(number).encode())


def source(number: int) -> str:
    """The input of an output, for such tools."""
    return f"prompts/{number % FOLDERS:02}/{number:06}.txt"


def write_ninja(root: Path, count: int) -> None:
    """The same outputs as `count` edges of ninja, each from one input file."""
    write_inputs(root, count)
    edges = [f"build {output(number)}: draw {source(number)}\n" for number in range(count)]
    rule = "rule draw\n  command = cp $in $out\n"
    (root / "build.ninja").write_text(rule + "".join(edges), "utf-8")
