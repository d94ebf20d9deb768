"""Verdicts and decisions as values: what happens to an asset, and all that acting on it needs."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from assetgen.core.price import FREE, Estimate
from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from assetgen.core.digest import Digest
    from assetgen.core.fingerprint import Keyed
    from assetgen.core.model import Asset, Generate, ProviderName
    from assetgen.core.plugin import ProviderPlugin
    from assetgen.core.result import ActionResult, ImageInfo
    from assetgen.errors import Location


class Verdict(Enum):
    """What happens to an asset (design section 6)."""

    KEEP = "keep"
    RESTORE = "restore"
    GENERATE = "generate"
    DERIVE = "derive"
    WAIT = "wait"
    HOLD = "hold"


class Hold(Enum):
    """Why assetgen could act but must not unasked."""

    EDITED = "edited"
    """An image that assetgen did not make is at the output path."""
    PINNED = "pinned"
    NOT_HERE = "not-here"
    """It was bought, and its bytes are nowhere on this machine."""
    BLOCKED = "blocked"
    """An image it reads is held and cannot be had."""
    OBSTRUCTED = "obstructed"
    """Something that is no file, or leads out of the project, is at the output path."""
    REAL_IMAGE = "real-image"
    """Stale, but `--draft` leaves real images alone."""

    @property
    def leaves_output_usable(self) -> bool:
        """Whether a build that meets this hold has still done its job."""
        return self in {Hold.EDITED, Hold.PINNED, Hold.REAL_IMAGE}


class Options(Value):
    """What the user asked for, as far as verdicts depend on it."""

    provider: ProviderName
    plugin: ProviderPlugin | None = None
    """The provider, unless it is built in."""
    draft: bool = False
    """Fill what has no image with placeholder drafts, and buy nothing."""
    rebuy: bool = False
    knows_store: bool = True
    """False where no cache was opened, so that nobody can say who made an unknown image."""
    forced: frozenset[str] = frozenset()
    """Names to be made anew, whatever the verdict."""
    estimate: Callable[[Generate], Estimate] = field(default=lambda _: FREE)

    @property
    def is_paid(self) -> bool:
        """Whether an image costs money."""
        return self.takes_money and not self.draft

    @property
    def is_repeatable(self) -> bool:
        """Whether the provider makes the same picture again, for nothing."""
        if self.plugin is None:
            return self.provider == "draft"
        return self.plugin.is_repeatable and not self.plugin.is_paid

    @property
    def sends_references(self) -> bool:
        """Whether the bytes of references are needed: a draft draws their digests or names."""
        return self.provider != "draft" and not self.draft

    @property
    def provider_version(self) -> str:
        """What the provider's own code adds to every fingerprint."""
        return self.plugin.version if self.plugin is not None else ""

    @property
    def takes_money(self) -> bool:
        """Whether the provider does, drafts or not."""
        return self.provider != "draft" if self.plugin is None else self.plugin.is_paid


class Decision(Value):
    """The verdict on one asset, its reason, and what acting on it needs to know."""

    asset: Asset
    verdict: Verdict
    reason: str
    hold: Hold | None = None
    keyed: Keyed | None = None
    """None while an image it reads does not exist yet."""
    result: ActionResult | None = None
    """The image this asset has or will be given, once it is known."""
    digest: Digest | None = None
    """Digest of the bytes to be restored to the output, or that are there."""
    source_image: Digest | None = None
    """Of a source that must be brought to its output: the image, which is the file itself."""
    finished: ImageInfo | None = None
    """What the output is; None until steps that decide its size have been carried out."""
    is_draft: bool = False
    """Whether a placeholder draft is to be drawn, or is what is kept."""
    shares_with: str | None = None
    """The asset whose call gives this one its image too."""
    estimate: Estimate = FREE

    @property
    def name(self) -> str:
        """Of the asset."""
        return self.asset.name

    @property
    def output(self) -> str:
        """Path of the output."""
        return self.asset.output

    @property
    def where(self) -> Location | None:
        """Where the manifest declares the asset."""
        return self.asset.where

    @property
    def key(self) -> Keyed:
        """The key of an asset whose inputs are known, as they are once it is to be made."""
        if self.keyed is None:
            raise AssertionError(f"`{self.asset.name}` is acted on before its inputs are known")
        return self.keyed

    @property
    def image(self) -> Digest | None:
        """The image that dependants read; None while it is unknown."""
        return self.result.image if self.result is not None else self.source_image

    @property
    def is_work(self) -> bool:
        """Whether a build has something to run here."""
        return self.verdict not in {Verdict.KEEP, Verdict.HOLD}

    @property
    def is_purchase(self) -> bool:
        """Whether a call to the provider is, or may become, necessary."""
        return (
            self.verdict in {Verdict.GENERATE, Verdict.WAIT}
            and not self.is_draft
            and self.shares_with is None
        )


class Priced(Protocol):
    """What may cost money."""

    @property
    def is_purchase(self) -> bool:
        """Whether a call may become necessary."""
        ...

    @property
    def estimate(self) -> Estimate:
        """What it would cost."""
        ...


def total(decisions: Iterable[Priced]) -> tuple[Decimal, int]:
    """Sum of the known estimates, and how many purchases have none."""
    known, unknown = Decimal(0), 0
    for decision in decisions:
        if not decision.is_purchase:
            continue
        if decision.estimate.usd is None:
            unknown += 1
        else:
            known += decision.estimate.usd
    return known, unknown
