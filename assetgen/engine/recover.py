"""What builds that died had left open: images that had arrived, and calls without an answer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from assetgen.core.fingerprint import KEY_SCHEME
from assetgen.core.ledger import UNANSWERED, LedgerLine
from assetgen.core.result import ActionResult
from assetgen.core.value import Value, replace
from assetgen.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from assetgen.core.digest import Digest
    from assetgen.core.ports import ActionCache, BlobStore, Claims, Images, Ledger
    from assetgen.core.result import ImageInfo

_BATCH = 32


class Aftermath(Value):
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
    fingerprints = {fingerprint for fingerprint, _, _ in blobs.arrivals()}
    fingerprints |= {line.fingerprint for line in ledger.unanswered()}
    booked, unanswered = 0, 0
    for batch in _batches(sorted(fingerprints)):
        with ExitStack() as held:
            free = {fp for fp in batch if _is_held(claims.try_claim(fp), held)}
            # Looked at again now that nobody else can be at work on them: a build may have come to
            # its end before its claim was free.
            arrivals = [arrival for arrival in blobs.arrivals() if arrival[0] in free]
            booked += _book(
                arrivals, blobs=blobs, ledger=ledger, actions=actions, images=images, at=at
            )
            open_calls = [line for line in ledger.unanswered() if line.fingerprint in free]
            for line in open_calls:
                closed = replace(line, event="failed", at=at, outcome=UNANSWERED)
                ledger.append(replace(closed, may_be_billed=True))
            unanswered += len(open_calls)
    return Aftermath(images=booked, unanswered=unanswered)


def _batches(fingerprints: list[str]) -> Iterable[list[str]]:
    """A few at a time: each holds a file open."""
    for start in range(0, len(fingerprints), _BATCH):
        yield fingerprints[start : start + _BATCH]


def _is_held(claim: AbstractContextManager[object] | None, held: ExitStack) -> bool:
    if claim is None:
        return False
    held.enter_context(claim)
    return True


def _book(
    arrivals: list[tuple[str, str, Digest]],
    *,
    blobs: BlobStore,
    ledger: Ledger,
    actions: ActionCache,
    images: Images,
    at: str,
) -> int:
    """Book images that had arrived, and return how many; their claims are held."""
    if not arrivals:
        return 0
    lines = list(ledger.lines())
    sent = {line.call: line for line in lines if line.event == "sent"}
    booked = {line.call for line in lines if line.event in {"received", "recovered"}}
    found = 0
    for fingerprint, call, digest in arrivals:
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
