"""The one exception tree of assetgen, and the place in a file that a message points at.

    AssetgenError                 what happened, where, and what to do next
    ├── UsageError                the command line or the environment cannot be acted on
    ├── ManifestError             one fault of a manifest; they travel together in ManifestFaults
    ├── LockfileError             assets.lock cannot be read; people own it: never healed unasked
    ├── OutputError               a file of the project cannot be read or written
    ├── CacheError                the user's cache cannot be used
    ├── ImageError                bytes that are no image, or none we accept
    ├── StepError                 a step, a variant or an atlas cannot be made from its picture
    └── ProviderError             a call did not give an image
        ├── AuthError             key or credit: no further call can succeed
        ├── RateLimited           too many calls at once
        ├── Unavailable           the service or the way to it is down
        ├── Refused               the model, its provider or the service will not make this image
        ├── BadResponse           an answer arrived and holds no usable image
        └── ProviderFault         the code of an installed provider broke

Standard library only. Exceptions of third-party libraries are turned into these in the one
module that imports the library, so nothing else has to know them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text file, as editors count: line and column start at 1."""

    file: str
    line: int
    column: int
    path: str = ""
    """Where in the document, such as `assets.hero.prompt`; empty when that says nothing."""
    source_line: str = ""
    """The line itself, for the caret; empty when it cannot be shown."""
    length: int = 1
    """How many characters the caret underlines."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class AssetgenError(Exception):
    """What happened (`what`), where (`where`), and what to do next (`hint`)."""

    def __init__(
        self, what: str, *, where: Location | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return self.what


class UsageError(AssetgenError):
    """The command line or the environment cannot be acted on; nothing was attempted."""


class ManifestError(AssetgenError):
    """One fault of a manifest."""


class ManifestFaults(AssetgenError):
    """Every fault of a manifest at once, in file order.

    `looked_at` are the files and folders that were read or looked for, relative to the project
    folder: a change of one of them may mend it.
    """

    def __init__(self, faults: Sequence[ManifestError], *, looked_at: Iterable[str] = ()) -> None:
        count = len(faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the manifest")
        self.faults = tuple(faults)
        self.looked_at = tuple(looked_at)

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"{fault.where}: {fault}" for fault in self.faults)])


class LockfileError(AssetgenError):
    """The lockfile cannot be read as one."""


class OutputError(AssetgenError):
    """A file of the project cannot be read or written."""


class CacheError(AssetgenError):
    """The user's cache folder cannot be used."""


class ImageError(AssetgenError):
    """Bytes that are no image, or none that is accepted."""


class StepError(AssetgenError):
    """A finished picture cannot be made, or is not what was expected; the image is kept."""


class Retry(Enum):
    """What a failed call allows next (design: attempts)."""

    NEVER = "never"
    """The same request would fail in the same way."""
    TRANSIENT = "transient"
    """Nothing was made; up to four attempts in all."""
    AMBIGUOUS = "ambiguous"
    """The answer was lost and may have been billed; one more attempt."""
    UNUSABLE = "unusable"
    """An answer arrived without a usable image; one more attempt."""


class ProviderError(AssetgenError):
    """A call did not give an image.

    `cost_usd` is what the answer itself says it cost, if it said so. `retry_after_s` is the
    provider's wish in seconds. `stops_run` means that no further call can succeed.
    """

    retry: Retry = Retry.NEVER
    stops_run: bool = False

    def __init__(
        self,
        what: str,
        *,
        where: Location | None = None,
        hint: str | None = None,
        retry: Retry | None = None,
        retry_after_s: float | None = None,
        cost_usd: Decimal | None = None,
        generation_id: str | None = None,
        lowers_concurrency: bool = False,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        if retry is not None:
            self.retry = retry
        self.retry_after_s = retry_after_s
        self.cost_usd = cost_usd
        self.generation_id = generation_id
        self.lowers_concurrency = lowers_concurrency

    @property
    def may_be_billed(self) -> bool:
        """Whether money may have been taken although no image is here."""
        if self.cost_usd is not None:
            return self.cost_usd > 0
        return self.retry in {Retry.AMBIGUOUS, Retry.UNUSABLE}


class AuthError(ProviderError):
    """Key or credit is missing: 401 and 402."""

    stops_run = True


class RateLimited(ProviderError):
    """Too many calls at once: 429, and 402 for the in-flight budget."""

    retry = Retry.TRANSIENT


class Unavailable(ProviderError):
    """The service, or the way to it, is down."""

    retry = Retry.TRANSIENT


class Refused(ProviderError):
    """The request will not be served as it is."""


class BadResponse(ProviderError):
    """An answer arrived and holds no usable image."""

    retry = Retry.UNUSABLE


class ProviderFault(ProviderError):
    """The code of an installed provider broke, maybe after money was taken."""

    @property
    def may_be_billed(self) -> bool:
        """Nobody can say."""
        return True
