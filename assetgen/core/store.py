"""What the store of a machine holds, and which of it no project needs any more."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from assetgen.core.money import json_usd
from assetgen.core.needs import NO_NEEDS, Needs
from assetgen.core.value import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.ledger import LedgerLine
    from assetgen.core.model import Json

STORE_VERSION = 1
IN_USE_S = 3600.0
"""What is younger than this may belong to a build that is running."""

Kind = Literal[
    "images", "kept", "incoming", "damaged", "inputs", "ledger", "actions", "projects", "other"
]


class Holding(Value):
    """All that the store holds of one kind."""

    kind: Kind
    path: str
    """Its file or folder."""
    count: int
    """Images for images; files for everything else."""
    size_bytes: int


class Stored(Value):
    """One file of the store that is found by its name."""

    kind: Literal["images", "kept", "incoming", "inputs"]
    key: str
    """Digest of an image or of kept bytes, fingerprint of readable inputs."""
    path: str
    size_bytes: int
    written_at: float
    """Seconds since the epoch."""


class Purchase(Value):
    """What the ledger knows about an image."""

    project: str
    asset: str
    model: str
    date: str
    cost_usd: Decimal | None
    """Of all calls that gave just these bytes; None when one of the bills is unknown."""
    fingerprints: frozenset[str]
    is_handmade: bool = False
    """Adopted from a file that no model made: nobody could make it again."""


class Known(Value):
    """What is known of who needs what, and of what could be had again."""

    present: Needs
    """Named by a lockfile or a journal of today, or just arriving."""
    past: Needs = NO_NEEDS
    """Named at any time by the lockfile of a known project, on whatever branch."""
    elsewhere: Needs = NO_NEEDS
    """Likewise of projects that were forgotten; they may only have moved."""
    free: frozenset[str] = frozenset()
    """Digests of what is made again from what the store has, or from nothing, for nothing."""


Consent = Literal["kept", "superseded", "unknown"]
"""What may be lost only when somebody says so: what people made; what a known project had, and its
present lockfile does not name; and what cost money and nobody knows who needs."""


class Leftover(Value):
    """A file of the store that nothing known needs today."""

    stored: Stored
    purchase: Purchase | None
    """None for what the ledger does not know: drafts, converted outputs, kept bytes."""
    asks: frozenset[Consent] = frozenset()
    """What somebody must have said before it may go; nothing for what can be made again free."""


class Collected(Value):
    """What collecting found, and what it did about it."""

    projects: tuple[str, ...]
    """Lockfiles that were read."""
    leftovers: tuple[Leftover, ...]
    left: tuple[Leftover, ...]
    """Those that stay, because nobody consented."""
    is_dry_run: bool
    removed: frozenset[str] = frozenset()
    """Paths of the leftovers that are gone."""


class Damaged(Value):
    """A file of the store that is not what its name says."""

    stored: Stored
    purchase: Purchase | None
    assets: tuple[str, ...] = ()
    """Assets of known projects whose lockfile names it, as `LOCKFILE: NAME`."""


class Verified(Value):
    """What verifying found."""

    count: int
    size_bytes: int
    damaged: tuple[Damaged, ...] = field(default=())


def purchases_of(lines: Iterable[LedgerLine]) -> dict[str, Purchase]:
    """By digest, what was bought; of several calls with one image, the last is named."""
    found: dict[str, Purchase] = {}
    for line in lines:
        if line.result is None:
            continue
        before = found.get(line.result.image)
        if line.event == "chosen" and before is not None:
            also = before.fingerprints | {line.fingerprint}
            found[line.result.image] = replace(before, fingerprints=also)
            continue
        # A choice is no call; what only choices tell of was made by hand, or bought elsewhere.
        cost = line.cost_usd if line.event != "chosen" else line.result.cost_usd
        fingerprints: frozenset[str] = frozenset()
        if before is not None:
            fingerprints, paid = before.fingerprints, before.cost_usd
            cost = cost + paid if cost is not None and paid is not None else None
        found[line.result.image] = Purchase(
            project=line.project,
            asset=line.asset,
            model=line.model,
            date=line.at[:10],
            cost_usd=cost,
            fingerprints=fingerprints | {line.fingerprint},
            is_handmade=line.event == "chosen" and not line.result.model,
        )
    return found


def leftovers(
    stored: Iterable[Stored], known: Known, purchases: Mapping[str, Purchase], *, before: float
) -> list[Leftover]:
    """What nothing needs today and was written before `before`, dearest and largest first.

    Not to see who needs an image is no proof that nobody does: see `Leftover.asks`. Readable inputs
    are another matter: see `idle_inputs`.
    """
    found = [
        Leftover(one, purchases.get(one.key), _asks(one, known, purchases))
        for one in stored
        if one.kind != "inputs"
        and one.written_at < before
        and not _is_needed(one, known.present, purchases)
    ]
    return sorted(found, key=_weight)


def _asks(one: Stored, known: Known, purchases: Mapping[str, Purchase]) -> frozenset[Consent]:
    asks: set[Consent] = set()
    purchase = purchases.get(one.key)
    is_past = _is_needed(one, known.past, purchases)
    if is_past:
        asks.add("superseded")
    if _is_needed(one, known.elsewhere, purchases):
        asks.add("unknown")
    if one.kind == "kept" or (purchase is not None and purchase.is_handmade):
        asks.add("kept")
    is_free = purchase is None and (one.kind == "kept" or one.key in known.free)
    if not is_past and not is_free:
        asks.add("unknown")
    return frozenset(asks)


def divided(
    found: Iterable[Leftover], consents: frozenset[Consent]
) -> tuple[list[Leftover], list[Leftover]]:
    """What may go with these consents, and what stays."""
    found = list(found)
    return (
        [leftover for leftover in found if leftover.asks <= consents],
        [leftover for leftover in found if not leftover.asks <= consents],
    )


def idle_inputs(
    stored: Iterable[Stored],
    known: Known,
    purchases: Mapping[str, Purchase],
    going: Iterable[Leftover],
    *,
    before: float,
) -> list[Leftover]:
    """Readable inputs that belong to no image that stays, once `going` is gone."""
    gone = {leftover.stored.key for leftover in going if leftover.stored.kind == "images"}
    needed = known.present.fingerprints | known.past.fingerprints | known.elsewhere.fingerprints
    for digest, purchase in purchases.items():
        if digest not in gone:
            needed |= purchase.fingerprints
    return [
        Leftover(one, None)
        for one in stored
        if one.kind == "inputs" and one.written_at < before and one.key not in needed
    ]


def _is_needed(one: Stored, needs: Needs, purchases: Mapping[str, Purchase]) -> bool:
    purchase = purchases.get(one.key)
    is_keyed = purchase is not None and not purchase.fingerprints.isdisjoint(needs.fingerprints)
    return one.key in needs.digests or is_keyed


def _weight(leftover: Leftover) -> tuple[Decimal, int, str]:
    usd = leftover.purchase.cost_usd if leftover.purchase is not None else None
    return -(usd or Decimal(0)), -leftover.stored.size_bytes, leftover.stored.key


def cost_of(found: Sequence[Leftover]) -> tuple[Decimal, int]:
    """What these once cost, and for how many the bill is unknown."""
    bought = [leftover.purchase for leftover in found if leftover.purchase is not None]
    known = sum((p.cost_usd for p in bought if p.cost_usd is not None), Decimal(0))
    return known, sum(p.cost_usd is None for p in bought)


def left_by_consent(left: Iterable[Leftover]) -> Mapping[Consent, int]:
    """How many stay for want of each consent; one that wants two counts in both."""
    left = list(left)
    return {
        consent: sum(consent in leftover.asks for leftover in left)
        for consent in ("superseded", "unknown", "kept")
    }


# As JSON


def size_json(root: str, holdings: Iterable[Holding]) -> dict[str, Json]:
    """`cache size --json`."""
    held = list(holdings)
    return {
        "version": STORE_VERSION,
        "action": "size",
        "path": root,
        "holdings": [
            {"kind": h.kind, "path": h.path, "count": h.count, "size_bytes": h.size_bytes}
            for h in held
        ],
        "size_bytes": sum(h.size_bytes for h in held),
    }


def verify_json(root: str, verified: Verified) -> dict[str, Json]:
    """`cache verify --json`."""
    return {
        "version": STORE_VERSION,
        "action": "verify",
        "path": root,
        "count": verified.count,
        "size_bytes": verified.size_bytes,
        "damaged": [
            {**_stored_json(d.stored, d.purchase), "assets": list(d.assets)}
            for d in verified.damaged
        ],
    }


def collect_json(root: str, collected: Collected) -> dict[str, Json]:
    """`cache collect --json`."""
    cost, unknown = cost_of(collected.leftovers)
    return {
        "version": STORE_VERSION,
        "action": "collect",
        "path": root,
        "dry_run": collected.is_dry_run,
        "projects": list(collected.projects),
        "leftovers": [
            {
                **_stored_json(leftover.stored, leftover.purchase),
                "removed": leftover.stored.path in collected.removed,
            }
            for leftover in collected.leftovers
        ],
        "count": len(collected.leftovers),
        "size_bytes": sum(leftover.stored.size_bytes for leftover in collected.leftovers),
        "cost_usd": json_usd(cost),
        "unknown_bills": unknown,
        "removed": len(collected.removed),
        "left": {str(c): n for c, n in left_by_consent(collected.left).items()},
    }


def _stored_json(stored: Stored, purchase: Purchase | None) -> dict[str, Json]:
    return {
        "kind": stored.kind,
        "key": stored.key,
        "size_bytes": stored.size_bytes,
        "bought": purchase is not None,
        "project": (purchase.project or None) if purchase is not None else None,
        "asset": (purchase.asset or None) if purchase is not None else None,
        "model": (purchase.model or None) if purchase is not None else None,
        "date": purchase.date if purchase is not None else None,
        "cost_usd": json_usd(purchase.cost_usd) if purchase is not None else 0,
    }
