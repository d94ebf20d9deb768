"""What a build tells while it runs, as plain values in order of time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from assetgen.core.money import json_usd

if TYPE_CHECKING:
    from assetgen.core.model import Json


@dataclass(frozen=True, slots=True)
class Planned:
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
    is_paid: bool
    """Whether the provider takes money."""


@dataclass(frozen=True, slots=True)
class Started:
    """Work on an asset begins."""

    kind: ClassVar[str] = "started"
    name: str
    verdict: str
    """`generate`, `derive` or `restore`."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """A call failed and is tried again."""

    kind: ClassVar[str] = "retrying"
    name: str
    attempt: int
    """The number of the attempt that failed, from 1."""
    delay_s: float
    message: str
    may_be_billed: bool


@dataclass(frozen=True, slots=True)
class Warned:
    """Something worth knowing that stops nothing."""

    kind: ClassVar[str] = "warned"
    name: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Finished:
    """One asset has its outcome: see `core.report.Outcome`."""

    kind: ClassVar[str] = "finished"
    name: str
    status: str
    output: str
    message: str
    hint: str | None
    cost_usd: Decimal | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The build is over."""

    kind: ClassVar[str] = "done"
    exit_code: int
    counts: dict[str, int]
    """Number of assets by status."""
    spent_usd: Decimal
    """Sum of the bills, with the estimate where a bill is unknown."""
    unknown_bills: int


Event = Planned | Started | Retrying | Warned | Finished | Done


def event_json(event: Event) -> dict[str, Json]:
    """The event as one line of `build --json` says it."""
    document: dict[str, Json] = {"event": event.kind}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        document[field.name] = json_usd(value) if isinstance(value, Decimal) else value
    return document
