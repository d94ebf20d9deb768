"""From an image to the output of its asset: what is done on the way, and the key of that.

An output is the image as it came, untouched, wherever nothing is to be done. Otherwise it is
derived, and keyed by the digest of the image it is made from, never by what made that image
(design section 4). Expectations are part of the key although they change no pixel: an output that
is there under its key has met them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from assetgen.core.canonical import canonical
from assetgen.core.fingerprint import CONVERT_VERSION, KEY_SCHEME
from assetgen.core.result import ImageInfo
from assetgen.core.step import step_document

if TYPE_CHECKING:
    from assetgen.core.digest import Digest
    from assetgen.core.finish import Expect
    from assetgen.core.model import Asset, Json
    from assetgen.core.reasons import Difference

_SHORT = 8


def is_derived(asset: Asset, info: ImageInfo) -> bool:
    """Whether the output is made from an image like this, and is not the image itself."""
    return bool(asset.steps) or asset.expect is not None or info.format != asset.format


def output_key(image: Digest, asset: Asset) -> str:
    """Key of the output of `asset`, made from this image."""
    work: list[Json] = [step_document(step) for step in asset.steps]
    work.append(["convert", asset.format, CONVERT_VERSION])
    if asset.expect is not None:
        work.append(["expect", expect_document(asset.expect)])
    return sha256_of({"scheme": KEY_SCHEME, "kind": "derive", "image": image, "steps": work})


def finish_of(asset: Asset) -> str:
    """What is done to the image, by name and short digest: `trim:1a2b3c4d,resize:5e6f7a8b`.

    Empty where nothing is. The lockfile has it, so that a changed step can be named.
    """
    parts = [(step.name, step_document(step)) for step in asset.steps]
    if asset.expect is not None:
        parts.append(("expect", expect_document(asset.expect)))
    return ",".join(f"{name}:{sha256_of(document)[:_SHORT]}" for name, document in parts)


def finish_differences(then: str, now: str) -> tuple[tuple[str, Difference], ...]:
    """What became of each step, by name: today's in their order, then those that are gone.

    A step that is there before and now, with other values, has changed.
    """
    before, after = (text.split(",") if text else [] for text in (then, now))
    gone = [part.partition(":")[0] for part in before if part not in after]
    found: list[tuple[str, Difference]] = []
    for part in after:
        name = part.partition(":")[0]
        if part in before:
            found.append((name, "same"))
        elif name in gone:
            gone.remove(name)
            found.append((name, "changed"))
        else:
            found.append((name, "added"))
    return (*found, *((name, "removed") for name in gone))


def changed_finish(then: str, now: str) -> str:
    """Which steps differ: ``step `resize` changed``, ``steps `trim` and `crop` added``."""
    found = finish_differences(then, now)
    said = []
    for word in ("changed", "added", "removed"):
        names = [name for name, state in found if state == word]
        if names:
            noun = "" if names == ["expect"] else "step " if len(names) == 1 else "steps "
            said.append(f"{noun}{' and '.join(f'`{name}`' for name in names)} {word}")
    return ", ".join(said) or "the order of the steps changed"


def finished_info(asset: Asset, image: ImageInfo, recorded: ImageInfo | None) -> ImageInfo | None:
    """Format and size of the output; None while steps have not been carried out.

    `recorded` is what is known of an output that was made with today's steps.
    """
    if not asset.steps:
        return ImageInfo(asset.format, image.width_px, image.height_px)
    return recorded


def expect_document(expect: Expect) -> Json:
    """The normal form of expectations: what is asked, by name."""
    names = ("alpha", "width_px", "height_px", "max_bytes", "seamless", "colours")
    return {name: value for name in names if (value := getattr(expect, name)) is not None}


def derived_mark(digest: Digest) -> str:
    """Under this key the action cache says from which image bytes were derived."""
    return sha256_of(["derived", digest])


def sha256_of(value: Json) -> str:
    """64 hexadecimal digits over the canonical encoding."""
    return hashlib.sha256(canonical(value)).hexdigest()
