"""Every image that an asset ever had, as far as anybody still knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.digest import hex_of
from assetgen.core.explain import image_json
from assetgen.core.ledger import GIVES_IMAGE
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.inputs import Inputs
    from assetgen.core.ledger import LedgerLine
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Asset, Json
    from assetgen.core.result import ActionResult

_FEWEST_DIGITS = 8


class Past(Value):
    """An image of an asset, and the inputs it was made from."""

    result: ActionResult
    fingerprint: str
    at: str
    """When it came, to the second where the ledger says so, else the day; empty when unknown."""


class Found(Value):
    """A past image whose bytes are on this machine."""

    past: Past
    path: str
    """Absolute path of a file that holds it."""
    is_current: bool
    """Whether the lockfile names it as the asset's image."""
    is_of_today: bool
    """Whether it was made from today's inputs."""
    words: Inputs | None
    """What it was made from; None where that is not known in words."""


class History(Value):
    """The images of one asset, newest first."""

    asset: Asset
    images: tuple[Found, ...]
    gone: int
    """Images that are known of and whose bytes are not on this machine."""

    @property
    def digits(self) -> int:
        """How many digits of a digest tell these images apart."""
        return digits_to_tell([found.past.result.image for found in self.images])


def past_images(
    asset: str,
    project: str,
    *,
    lines: Iterable[LedgerLine],
    fingerprints: frozenset[str],
    cached: Mapping[str, ActionResult],
    entry: LockEntry | None,
) -> list[Past]:
    """Images made for an asset of a project, newest first, each once with its first provenance.

    `fingerprints` are those the asset has and had: what was bought for them under another name
    counts too, and so do their `cached` results. Lines from before projects were noted count for
    every project.
    """
    found: dict[str, Past] = {}
    for line in lines:
        is_own = line.asset == asset and line.project in {project, ""}
        if line.event not in GIVES_IMAGE or line.result is None:
            continue
        if is_own or line.fingerprint in fingerprints:
            found.setdefault(line.result.image, Past(line.result, line.fingerprint, line.at))
    for fingerprint, result in cached.items():
        found.setdefault(result.image, Past(result, fingerprint, result.date))
    if entry is not None:
        recorded = entry.result
        found.setdefault(recorded.image, Past(recorded, entry.fingerprint, recorded.date))
    return sorted(found.values(), key=lambda past: past.at)[::-1]


def digits_to_tell(digests: Sequence[str]) -> int:
    """The fewest digits, at least eight, that differ for all of `digests`."""
    texts = {digest.removeprefix("sha256:") for digest in digests}
    length = _FEWEST_DIGITS
    while len({text[:length] for text in texts}) < len(texts):
        length += 1
    return length


def matching(images: Iterable[Found], prefix: str) -> list[Found]:
    """Those whose digest starts with `prefix`, with or without `sha256:`."""
    digits = prefix.lower().removeprefix("sha256:")
    return [found for found in images if hex_of(found.past.result.image).startswith(digits)]


def history_json(history: History) -> dict[str, Json]:
    """`history --json`: see schemas/history.schema.json."""
    return {
        "version": 1,
        "name": history.asset.name,
        "images": [_found_json(found) for found in history.images],
        "gone": history.gone,
    }


def _found_json(found: Found) -> dict[str, Json]:
    return {
        **image_json(found.past.result),
        "at": found.past.at or None,
        "fingerprint": found.past.fingerprint,
        "is_current": found.is_current,
        "is_of_today": found.is_of_today,
        "prompt": found.words.prompt if found.words is not None else None,
        "path": found.path,
    }
