"""Fingerprints: what decides whether an image may be used again.

The fingerprint of an action is SHA-256 over a canonical encoding of everything that reaches the
model, and of nothing else (design section 4). Changing what goes in, or how it is encoded, makes
every image anybody bought look stale: raise `KEY_SCHEME`, keep the old function beside the new one
so that old lockfiles can be re-keyed for free, and tell the users. Golden vectors pin this file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetgen.core.canonical import canonical
from assetgen.core.digest import short
from assetgen.core.model import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from assetgen.core.digest import Digest
    from assetgen.core.model import Asset, Generate, ImageFormat, Json, Parameters, ProviderName

KEY_SCHEME = 1
DRAFT_RENDERER_VERSION = 1
"""Raise it when the draft renderer draws other pixels: drafts are redrawn, nothing is bought."""
CONVERT_VERSION = 1
"""Raise it when conversion writes other pixels: outputs are converted again, nothing is bought.

Version 1: PNG and, from PNG or GIF, WebP are lossless (loss cannot be undone, and sprites suffer
from it); WebP from lossy sources has quality 90; JPEG quality 92 without chroma subsampling, on
white; AVIF quality 80. Nothing but pixels and a fitting ICC profile is carried over.
"""

_SHORT = 12


class Shorts(Mapping[str, str]):
    """Short digests, made when somebody looks: only what is stale or new needs them.

    They take three quarters of the time of a key.
    """

    __slots__ = ("_found", "_make")

    def __init__(self, make: Callable[[], dict[str, str]]) -> None:
        self._make = make
        self._found: dict[str, str] | None = None

    @property
    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = self._make()
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return repr(self._all)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A fingerprint, and a short digest of each input by the name the user knows it by."""

    fingerprint: str
    """64 hexadecimal digits."""
    inputs: Mapping[str, str]
    """For example `{"prompt": "9f86d081884c", "reference refs/frame.png": "4bf5122f3445"}`."""
    document: bytes = field(default=b"", compare=False, repr=False)
    """What the fingerprint is the SHA-256 of, for `core.inputs` to read; empty where only the
    fingerprint is known, and for sources, whose one input is their image."""


def key_of(
    asset: Asset, provider: ProviderName, digests: Sequence[Digest], version: str = ""
) -> Keyed:
    """The key of an asset's action.

    `digests` are those of the references in order; for a source, the one of its file. `version`
    is the one that an installed provider says its code has.
    """
    if isinstance(asset.action, Source):
        (digest,) = digests
        return Keyed(
            fingerprint=_sha256({"scheme": KEY_SCHEME, "kind": "source", "image": digest}),
            inputs={f"source {asset.action.path}": short(digest, _SHORT)},
        )
    return _key_of_generate(asset, asset.action, provider, digests, version)


def _key_of_generate(
    asset: Asset,
    action: Generate,
    provider: ProviderName,
    digests: Sequence[Digest],
    version: str,
) -> Keyed:
    stated = stated_parameters(action.parameters)
    document: dict[str, Json] = {
        "scheme": KEY_SCHEME,
        "kind": "generate",
        "provider": provider,
        "model": action.model,
        "prompt": action.prompt,
        "references": list(digests),
        "parameters": stated,
        "take": action.take,
    }
    if provider == "draft":
        # The draft renderer draws the name and the labels, so for it they are inputs.
        labels: list[Json] = [str(reference) for reference in action.references]
        document |= {"renderer": DRAFT_RENDERER_VERSION, "name": asset.name, "labels": labels}
    elif version:
        document["renderer"] = version
    text = canonical(document)
    return Keyed(
        fingerprint=hashlib.sha256(text).hexdigest(),
        inputs=Shorts(lambda: _shorts(action, provider, digests, version)),
        document=text,
    )


def _shorts(
    action: Generate, provider: ProviderName, digests: Sequence[Digest], version: str
) -> dict[str, str]:
    values = stated_values(action, provider, version)
    shorts = {name: short_of_value(value) for name, value in values.items()}
    for reference, digest in zip(action.references, digests, strict=True):
        shorts[f"reference {reference}"] = short(digest, _SHORT)
    return shorts


def stated_values(action: Generate, provider: ProviderName, version: str = "") -> dict[str, Json]:
    """The inputs that are values by themselves, by name: all but the references."""
    values: dict[str, Json] = {
        "provider": provider,
        "model": action.model,
        "prompt": action.prompt,
        "take": action.take,
        **stated_parameters(action.parameters),
    }
    if provider == "draft":
        values["renderer"] = DRAFT_RENDERER_VERSION
    elif version:
        values["renderer"] = version
    return values


def short_of_value(value: Json) -> str:
    """The short digest of a value, as lockfiles have it."""
    return _sha256(value)[:_SHORT]


def conversion_key(image: Digest, target: ImageFormat) -> str:
    """Key of the conversion of an image to another format, whoever made the image."""
    steps: list[Json] = [["convert", target, CONVERT_VERSION]]
    return _sha256({"scheme": KEY_SCHEME, "kind": "derive", "image": image, "steps": steps})


def stated_parameters(parameters: Parameters) -> dict[str, Json]:
    """What the manifest states, by field name; unstated fields are absent."""
    stated: dict[str, Json] = {
        name: value
        for name in ("aspect_ratio", "image_size", "quality", "background", "seed")
        if (value := getattr(parameters, name)) is not None
    }
    if parameters.modalities is not None:
        stated["modalities"] = list(parameters.modalities)
    if parameters.extra:
        stated["params"] = dict(parameters.extra)
    return stated


def _sha256(value: Json) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()
