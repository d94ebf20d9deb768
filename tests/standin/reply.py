"""What goes on the wire for one request, and in which manner; and what it was asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.standin.pictures import Size
    from tests.standin.recorded import Recorded

FIRST_CREATED = 1_760_000_000
"""`created` of the first answer; the next ones count up, so that runs give equal bodies."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """The request that an answer answers, and what is settled about it."""

    request: Recorded
    number: int
    """Which generation of this server it is, from 1."""
    picture_seed: str
    """Decides the picture: from the body, and how often it was asked before."""
    size_px: Size
    """Of the picture that the request's knobs ask for."""

    @property
    def is_images(self) -> bool:
        """Whether the request came on the images route."""
        return self.request.route == "images"

    @property
    def created(self) -> int:
        """Seconds since the epoch, made up."""
        return FIRST_CREATED + self.number

    @property
    def generation_id(self) -> str:
        """The id of this generation; the images route has its own prefix."""
        prefix = "gen-img" if self.is_images else "gen"
        return f"{prefix}-{self.created}-standin{self.number:04d}"


class Framing(Enum):
    """How the end of the body is made known."""

    LENGTH = "Content-Length"
    CHUNKED = "Transfer-Encoding: chunked"
    CLOSE = "the end of the connection"


class Ending(Enum):
    """What happens when everything that is to be sent was sent."""

    COMPLETE = "the answer is whole"
    CLOSE = "the connection is closed"
    RESET = "the connection is reset"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in bytes, and every way in which sending it may go wrong."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cost_usd: Decimal = Decimal(0)
    """What OpenRouter takes for it, whether or not the client ever reads it."""
    framing: Framing = Framing.LENGTH
    length_error: int = 0
    """Added to the declared `Content-Length`."""
    stall_s: float = 0
    """Silence before the first byte."""
    padding: tuple[bytes, ...] = ()
    """Sent one by one before the body."""
    padding_interval_s: float = 0
    bytes_per_second: float | None = None
    """Of the body; None is at once."""
    ending: Ending = Ending.COMPLETE
    sent_bytes: int | None = None
    """How much of the body is sent; None is all, and without `sends_head` nothing is."""
    sends_head: bool = True
    head_bytes: int | None = None
    """How much of the status line and headers is sent, and nothing after it; None is all."""
    is_endless: bool = False
    """Whether the body is sent again and again until the client leaves; never with a length."""


def json_reply(
    document: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cost_usd: Decimal = Decimal(0),
) -> Reply:
    """A reply with `document` as its body."""
    return Reply(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(),
        cost_usd=cost_usd,
    )


def error_document(
    code: int | str, message: str, metadata: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The body of an error, as the document's section on errors describes it."""
    error: dict[str, Any] = {"message": message, "code": code}
    if metadata is not None:
        error["metadata"] = dict(metadata)
    return {"error": error, "user_id": "user_standin"}
