"""What a build tells while it runs, as plain values in order of time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, cast

from assetgen.core.money import json_usd
from assetgen.core.value import Value, field_names
from assetgen.errors import AssetgenError

if TYPE_CHECKING:
    from assetgen.core.model import Json


class Planned(Value):
    """Before anything runs: how much there is to do, and about what it will cost."""

    kind: ClassVar[str] = "planned"
    assets: int
    """Assets that will be made or restored, those that wait included."""
    images: int
    """Images to be bought, at most."""
    estimate_usd: Decimal
    """Sum of the known estimates."""
    unpriced: int
    """Images without an estimate."""
    cap_usd: Decimal | None
    left_usd: Decimal | None
    """What is left of the cap: while watching, it counts for all rounds together."""
    is_paid: bool
    """Whether the provider takes money."""


class Started(Value):
    """Work on an asset begins."""

    kind: ClassVar[str] = "started"
    name: str
    verdict: str
    """`generate`, `derive` or `restore`."""


class Retrying(Value):
    """A call failed and is tried again."""

    kind: ClassVar[str] = "retrying"
    name: str
    attempt: int
    """The number of the attempt that failed, from 1."""
    delay_s: float
    message: str
    may_be_billed: bool
    """Whether it has cost something, or may have."""
    cost_usd: Decimal | None
    """What it cost, where the answer says so."""


class Warned(Value):
    """Something worth knowing that stops nothing."""

    kind: ClassVar[str] = "warned"
    name: str | None
    message: str


class Finished(Value):
    """One asset has its outcome: see `core.report.Outcome`."""

    kind: ClassVar[str] = "finished"
    name: str
    status: str
    output: str
    message: str
    hint: str | None
    cost_usd: Decimal | None
    seconds: float


class Done(Value):
    """The build is over."""

    kind: ClassVar[str] = "done"
    exit_code: int
    counts: dict[str, int]
    """Number of assets by status."""
    spent_usd: Decimal
    """Sum of the bills, with the estimate where a bill is unknown."""
    unknown_bills: int


class Stored(Value):
    """Watching: a call that no round waits for any more has ended, and its image is kept."""

    kind: ClassVar[str] = "stored"
    name: str
    image: str
    """Its digest."""
    cost_usd: Decimal | None


class Broken(Value):
    """Watching: the project cannot be built as it is; the last good state stays."""

    kind: ClassVar[str] = "broken"
    faults: tuple[AssetgenError, ...]


class Round(Value):
    """Watching: a round is over, and everything is as far as it can be for now."""

    kind: ClassVar[str] = "round"
    number: int
    """From 1."""
    changed: tuple[str, ...]
    """Assets and files that differ from the round before; none in the first."""
    exit_code: int
    """What a build that ended like this would return."""
    counts: dict[str, int]
    """Number of assets by status."""
    held: tuple[str, ...]
    """Names of assets that wait for a word of the user."""
    orphans: tuple[str, ...]
    """Files that nothing needs any more, and that no round before has named."""
    spent_usd: Decimal
    """Spent since the round before, with the estimate where a bill is unknown."""
    session_usd: Decimal
    """Spent since watching began."""


Event = Planned | Started | Retrying | Warned | Finished | Done | Stored | Broken | Round
"""A build emits the first six kinds, `Done` last; watching emits `Done` once, at its end."""


def event_json(event: Event) -> dict[str, Json]:
    """The event as one line of `build --json` says it."""
    document: dict[str, Json] = {"event": event.kind}
    for name in field_names(event):
        document[name] = _json(getattr(event, name))
    return document


def _json(value: object) -> Json:
    if isinstance(value, Decimal):
        return json_usd(value)
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, AssetgenError):
        where = value.where
        return {
            "message": value.what,
            "file": where.file if where is not None else None,
            "line": where.line if where is not None else None,
            "column": where.column if where is not None else None,
            "hint": value.hint,
        }
    return cast("Json", value)
