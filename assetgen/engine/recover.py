"""What builds that died had left open: images that had arrived, and calls without an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.ledger import UNANSWERED, LedgerLine
from assetgen.core.result import ActionResult
from assetgen.errors import ImageError

if TYPE_CHECKING:
    from assetgen.core.ports import ActionCache, BlobStore, Claims, Images, Ledger
    from assetgen.core.result import ImageInfo


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What builds that died had left open."""

    images: int = 0
    """Images that had arrived and are booked now."""
    unanswered: int = 0
    """Calls that had been sent, and whose answer nobody has seen."""


def recover(
    *,
    blobs: BlobStore,
    ledger: Ledger,
    actions: ActionCache,
    claims: Claims,
    images: Images,
    at: str,
) -> Aftermath:
    """Book what was open when a build died; what a build that still runs has open is left to it.

    The cost of an image that had arrived is unknown: it was in the answer, and the answer is gone.
    A call without an answer may have been billed; it is booked as failed, so that it is told once.
    """
    found = _recover_arrivals(
        blobs=blobs, ledger=ledger, actions=actions, claims=claims, images=images, at=at
    )
    unanswered = 0
    for line in ledger.unanswered():
        claim = claims.try_claim(line.fingerprint)
        if claim is None:
            continue
        with claim:
            # Its build may have come to its end before the claim was free, or died a moment ago.
            is_open = any(other.call == line.call for other in ledger.unanswered())
            if not is_open or any(call == line.call for _, call, _ in blobs.arrivals()):
                continue
            closed = replace(line, event="failed", at=at, outcome=UNANSWERED, may_be_billed=True)
            ledger.append(closed)
            unanswered += 1
    return Aftermath(images=found, unanswered=unanswered)


def _recover_arrivals(
    *,
    blobs: BlobStore,
    ledger: Ledger,
    actions: ActionCache,
    claims: Claims,
    images: Images,
    at: str,
) -> int:
    arrivals = blobs.arrivals()
    if not arrivals:
        return 0
    lines = list(ledger.lines())
    sent = {line.call: line for line in lines if line.event == "sent"}
    booked = {line.call for line in lines if line.event in {"received", "recovered"}}
    found = 0
    for fingerprint, call, digest in arrivals:
        claim = claims.try_claim(fingerprint)
        if claim is None:
            continue
        with claim:
            line, data = sent.get(call) or _unsent(fingerprint, call, at), blobs.get(digest)
            info = _info(images, data) if data is not None else None
            if info is not None and call not in booked:
                result = ActionResult(image=digest, info=info, model=line.model, date=at[:10])
                ledger.append(replace(line, event="recovered", at=at, result=result))
                actions.put(fingerprint, result)
                found += 1
            blobs.settle(call)
    return found


def _unsent(fingerprint: str, call: str, at: str) -> LedgerLine:
    """Stands for the line of a call when the ledger was lost after it."""
    return LedgerLine(
        event="sent",
        call=call,
        at=at,
        fingerprint=fingerprint,
        key_scheme=KEY_SCHEME,
        asset="",
        model="",
    )


def _info(images: Images, data: bytes) -> ImageInfo | None:
    """What the image is; None for bytes that were no image when they came, and are none now."""
    try:
        return images.inspect(data)
    except ImageError:
        return None
