"""What an earlier command left open is booked before a new one plans anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assetgen.core.events import Warned
from assetgen.engine.recover import recover
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from assetgen.core.lock import Lock
    from assetgen.core.ports import Emit
    from assetgen.session.adapters import Adapters


def book_open_calls(adapters: Adapters, emit: Emit) -> None:
    """Book what was open when an earlier build died."""
    exposed = adapters.exposure()
    if exposed is not None:
        emit(Warned(None, exposed))
    cache = adapters.cache()
    aftermath = recover(
        blobs=cache.blobs,
        ledger=cache.ledger,
        actions=cache.actions,
        claims=cache.claims,
        images=adapters.images(),
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    count = aftermath.unanswered
    if count:
        calls = "1 earlier call has" if count == 1 else f"{count} earlier calls have"
        told = f"{calls} no answer on record and may have been billed; see `assetgen costs`"
        emit(Warned(None, told))


def book_before_looking(adapters: Adapters, emit: Emit) -> None:
    """What arrived right before a build died is not to be planned for again."""
    cache = adapters.cache()
    if not cache.blobs.has_arrivals() and not cache.ledger.unanswered():
        return
    adapters.close()
    adapters.open_cache(create=True)
    try:
        book_open_calls(adapters, emit)
    except CacheError as error:
        emit(Warned(None, f"what an earlier build left open stays so: {error.what}"))
        adapters.close()


def note_project(adapters: Adapters, lock: Lock, emit: Emit) -> None:
    """Tell the cache whose images these are; a project without any has nothing to be told of."""
    if not lock.everything():
        return
    try:
        adapters.note_project(lock)
    except CacheError as error:
        emit(Warned(None, f"this project could not be noted in the cache: {error.what}"))
