"""Answers that a test can script: each a frozen value that knows its reply to a request.

Some wrap another answer and change only the way it travels, so that they combine:
`CutAfter(Chunked(Image()), fraction=0.9)`. `cost` is what OpenRouter takes, in dollars, and what
`usage.cost` says; None says null and takes nothing.

On the images route a generation gives images or fails as a whole, so an answer without any
becomes the error 502 there, and a block the error 400 (OpenRouter, image generation guide and
errors page).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

from tests.standin.bodies import Item, chat_reply, images_reply
from tests.standin.pictures import broken, picture
from tests.standin.reply import Ending, Framing, Occasion, Reply, error_document, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.standin.pictures import Breakage, PictureFormat, Size

IMAGE_COST = "0.0387"
"""Dollars for one image of Gemini 2.5 Flash Image: 1290 tokens at $30 a million."""
TALK_COST = "0.0004"
"""Dollars for a few words; made up, but more than nothing."""


class Answer(Protocol):
    """Anything that can be scripted."""

    def reply(self, occasion: Occasion) -> Reply:
        """What is sent to this request."""
        ...


# Images


@dataclass(frozen=True, slots=True)
class Image:
    """A whole image, or `count` of them; the picture differs each time unless `data` is given."""

    data: bytes | None = None
    format: PictureFormat = "png"
    size: Size | None = None
    """In pixels; None follows the request's knobs."""
    cost: str | None = IMAGE_COST
    count: int = 1
    provider: str = "Google"
    model: str | None = None
    """Who the answer says it is by; None repeats the request's model."""
    omit_usage: bool = False
    with_type: bool = True
    """Whether an entry of `images` says that its type is `image_url`."""
    declared: str | None = None
    """The media type it is declared as; None is the true one."""
    content: str = ""
    """Text beside the image."""

    def reply(self, occasion: Occasion) -> Reply:
        """The answer with its pictures."""
        size = self.size or occasion.size_px
        files = (
            [self.data] * self.count
            if self.data is not None
            else [
                picture(f"{occasion.picture_seed} {index}", size, self.format)
                for index in range(self.count)
            ]
        )
        declared = self.declared or f"image/{self.format}"
        return self.with_items(occasion, [Item(_base64(file), declared) for file in files])

    def with_items(self, occasion: Occasion, items: Sequence[Item]) -> Reply:
        """The same answer around other images."""
        if occasion.is_images:
            return images_reply(
                occasion,
                items,
                cost=self.cost,
                provider=self.provider,
                omit_usage=self.omit_usage,
            )
        entries = [item.on_chat(n, with_type=self.with_type) for n, item in enumerate(items)]
        return chat_reply(
            occasion,
            {"content": self.content, "images": entries},
            cost=self.cost,
            images=len(items),
            provider=self.provider,
            model=self.model,
            omit_usage=self.omit_usage,
        )


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """Base64 of bytes that are no image: cut off, SVG, an HTML page, a bomb, nothing at all."""

    kind: Breakage
    cost: str | None = IMAGE_COST

    def reply(self, occasion: Occasion) -> Reply:
        """An image answer around those bytes."""
        data, media_type = broken(self.kind)
        return Image(cost=self.cost).with_items(occasion, [Item(_base64(data), media_type)])


@dataclass(frozen=True, slots=True)
class BadBase64:
    """An image whose base64 has letters that base64 does not have."""

    cost: str | None = IMAGE_COST

    def reply(self, occasion: Occasion) -> Reply:
        """An image answer around that text."""
        return Image(cost=self.cost).with_items(occasion, [Item("iVBORw0KGgo*!*not*base64")])


@dataclass(frozen=True, slots=True)
class HttpUrlImage:
    """An image given by its address instead of its bytes."""

    url: str
    cost: str | None = IMAGE_COST

    def reply(self, occasion: Occasion) -> Reply:
        """An image answer around that address."""
        return Image(cost=self.cost).with_items(occasion, [Item(address=self.url)])


# Answers without an image


@dataclass(frozen=True, slots=True)
class Text:
    """The model talks instead of drawing."""

    text: str = "Here is a description of the picture you asked for."
    cost: str | None = TALK_COST

    def reply(self, occasion: Occasion) -> Reply:
        """Text and no `images`."""
        if occasion.is_images:
            return _NOTHING_MADE.reply(occasion)
        return chat_reply(occasion, {"content": self.text}, cost=self.cost)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model declines, in its own words."""

    text: str = "I can't help with that request."
    cost: str | None = TALK_COST

    def reply(self, occasion: Occasion) -> Reply:
        """The `refusal` field and no `images`."""
        if occasion.is_images:
            return ErrorBody(400, self.text, metadata={"error_type": "refusal"}).reply(occasion)
        return chat_reply(occasion, {"content": None, "refusal": self.text}, cost=self.cost)


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """The provider blocks the picture; `native` is its own reason."""

    native: str = "IMAGE_SAFETY"
    finish_reason: str = "content_filter"
    """`stop` shows a block as gateways without the typed reason do."""
    cost: str | None = "0"

    def reply(self, occasion: Occasion) -> Reply:
        """An empty message that ends for that reason."""
        if occasion.is_images:
            metadata = {
                "error_type": "content_policy_violation",
                "provider_name": "Google",
                "finish_reason": self.native,
            }
            blocked = ErrorBody(400, "The request was blocked by the provider", metadata)
            return blocked.reply(occasion)
        return chat_reply(
            occasion, {}, cost=self.cost, finish_reason=self.finish_reason, native=self.native
        )


@dataclass(frozen=True, slots=True)
class Empty:
    """A normal end without any image: an empty list, null, or no field at all."""

    images: Literal["[]", "null", "missing"] = "[]"
    content: str = ""
    cost: str | None = "0"

    def reply(self, occasion: Occasion) -> Reply:
        """The answer without images."""
        if occasion.is_images:
            return _NOTHING_MADE.reply(occasion)
        fields: dict[str, dict[str, object]] = {
            "[]": {"images": []},
            "null": {"images": None},
            "missing": {},
        }
        message = {"content": self.content, **fields[self.images]}
        return chat_reply(occasion, message, cost=self.cost)


@dataclass(frozen=True, slots=True)
class Length:
    """The model runs into `max_tokens` before there is an image."""

    text: str = ""
    cost: str | None = "0.0307"

    def reply(self, occasion: Occasion) -> Reply:
        """No image, and `finish_reason` is `length`."""
        if occasion.is_images:
            return _NOTHING_MADE.reply(occasion)
        return chat_reply(
            occasion,
            {"content": self.text},
            cost=self.cost,
            finish_reason="length",
            native="MAX_TOKENS",
        )


# Errors


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error in OpenRouter's shape; `code` is the status unless told otherwise."""

    status: int
    message: str
    metadata: Mapping[str, object] | None = None
    code: int | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    availability: Mapping[str, object] | None = None

    def reply(self, occasion: Occasion) -> Reply:
        """The error; an error costs nothing."""
        code = self.status if self.code is None else self.code
        document = error_document(code, self.message, self.metadata)
        if self.availability is not None:
            docs_url = "https://openrouter.ai/docs/api/reference/errors-and-debugging"
            document["error"]["availability"] = {
                "retryable": False,
                "requested_models": [occasion.request.model],
                "docs_url": docs_url,
                **self.availability,
            }
        return json_reply(document, status=self.status, headers=self.headers)


_NOTHING_MADE = ErrorBody(
    502,
    "Provider returned an empty or invalid response",
    metadata={"error_type": "provider_unavailable"},
)
"""What the images route says when there is no image; nothing is billed then."""


@dataclass(frozen=True, slots=True)
class ErrorInside200:
    """An error in an answer whose status was sent before it was known."""

    code: int | str
    message: str
    in_choice: bool = False
    """In `choices[0].error`, which only chat has; else at the top, without `choices`."""
    metadata: Mapping[str, object] | None = None
    cost: str | None = "0"

    def reply(self, occasion: Occasion) -> Reply:
        """Status 200 around the error."""
        document = error_document(self.code, self.message, self.metadata)
        if self.in_choice and not occasion.is_images:
            return chat_reply(
                occasion,
                {},
                cost=self.cost,
                finish_reason="error",
                native=None,
                error=document["error"],
            )
        headers = {"X-Generation-Id": occasion.generation_id}
        return json_reply(document, headers=headers, cost_usd=Decimal(self.cost or 0))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429 with the limits in headers; `retry_after` in seconds, None leaves the header out."""

    retry_after: int | None = 1

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        limits = {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}
        headers = limits | _retry_after(self.retry_after)
        metadata = {"error_type": "rate_limit_exceeded"}
        return ErrorBody(429, "Rate limit exceeded", metadata, headers=headers).reply(occasion)


@dataclass(frozen=True, slots=True)
class InFlightBudget:
    """The 402 that passes by itself: too many running requests for the balance."""

    retry_after: int | None = 1

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        return ErrorBody(
            402,
            "Too many in-flight requests for your remaining credits",
            metadata={
                "error_type": "payment_required",
                "limit_source": "openrouter_in_flight_budget",
            },
            headers=_retry_after(self.retry_after),
        ).reply(occasion)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401: the key is missing or means nothing."""

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        metadata = {"error_type": "authentication"}
        return ErrorBody(401, "No auth credentials found", metadata).reply(occasion)


@dataclass(frozen=True, slots=True)
class NoCredits:
    """402: the account is empty."""

    limit_source: str = "openrouter_credits"
    """Or `openrouter_key_limit`."""

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        return ErrorBody(
            402,
            "This request requires more credits, or fewer max_tokens",
            metadata={"error_type": "payment_required", "limit_source": self.limit_source},
        ).reply(occasion)


@dataclass(frozen=True, slots=True)
class NoEndpoints:
    """404: nothing serves the model with these output modalities."""

    modalities: tuple[str, ...] = ("image", "text")

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        asked = ", ".join(self.modalities)
        return ErrorBody(
            404,
            f"No endpoints found that support the requested output modalities: {asked}",
            metadata={"failed_routing_step": "output_modalities"},
        ).reply(occasion)


@dataclass(frozen=True, slots=True)
class WrongEndpoint:
    """400: the model is served on another route."""

    def reply(self, occasion: Occasion) -> Reply:
        """The error."""
        return ErrorBody(
            400,
            f"{occasion.request.model} is not available on this endpoint",
            availability={"code": "wrong_endpoint"},
        ).reply(occasion)


# Bodies that are no answer


@dataclass(frozen=True, slots=True)
class RawBody:
    """Any bytes with any status."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    cost: str = "0"

    def reply(self, _occasion: Occasion) -> Reply:
        """Those bytes."""
        return Reply(
            status=self.status, headers=self.headers, body=self.body, cost_usd=Decimal(self.cost)
        )


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """A whole body that stops in the middle of its JSON."""

    cost: str = IMAGE_COST

    def reply(self, occasion: Occasion) -> Reply:
        """The first half of an image answer, in good order as far as HTTP goes."""
        whole = Image(cost=self.cost).reply(occasion)
        return replace(whole, body=whole.body[: len(whole.body) // 2])


@dataclass(frozen=True, slots=True)
class WhitespaceOnly:
    """Keep-alive whitespace, and then nothing."""

    cost: str = "0"

    def reply(self, occasion: Occasion) -> Reply:
        """A body of spaces and line breaks."""
        return Reply(
            headers={
                "Content-Type": "application/json",
                "X-Generation-Id": occasion.generation_id,
            },
            body=b"\n         \n         \n",
            cost_usd=Decimal(self.cost),
            framing=Framing.CHUNKED,
        )


@dataclass(frozen=True, slots=True)
class Redirect:
    """A request to go elsewhere."""

    to: str
    status: int = 307

    def reply(self, _occasion: Occasion) -> Reply:
        """The status and `Location`."""
        return Reply(status=self.status, headers={"Location": self.to})


# Ways of travelling


@dataclass(frozen=True, slots=True)
class Padded:
    """An answer after keep-alive whitespace and comment lines, as while a model works."""

    answer: Answer = Image()
    lines: tuple[str, ...] = ("\n", "         \n", ": OPENROUTER PROCESSING\n", "\n")
    interval_s: float = 0.01

    def reply(self, occasion: Occasion) -> Reply:
        """The answer with the lines before it."""
        return replace(
            self.answer.reply(occasion),
            framing=Framing.CHUNKED,
            padding=tuple(line.encode() for line in self.lines),
            padding_interval_s=self.interval_s,
        )


@dataclass(frozen=True, slots=True)
class CutAfter:
    """An answer whose connection is closed after `bytes` of the body, else after `fraction`."""

    answer: Answer = Image()
    bytes: int | None = None
    fraction: float = 0.5

    def reply(self, occasion: Occasion) -> Reply:
        """The start of the answer."""
        whole = self.answer.reply(occasion)
        sent = int(len(whole.body) * self.fraction) if self.bytes is None else self.bytes
        return replace(whole, ending=Ending.CLOSE, sent_bytes=sent)


@dataclass(frozen=True, slots=True)
class CutBeforeHeaders:
    """An answer that is made, and not one byte of it sent before the connection is closed."""

    answer: Answer = Image()

    def reply(self, occasion: Occasion) -> Reply:
        """Nothing."""
        return replace(self.answer.reply(occasion), ending=Ending.CLOSE, sends_head=False)


@dataclass(frozen=True, slots=True)
class CutInHeaders:
    """An answer that is made, and only `bytes` of its status line and headers sent."""

    answer: Answer = Image()
    bytes: int = 40
    is_reset: bool = False

    def reply(self, occasion: Occasion) -> Reply:
        """The start of the head."""
        ending = Ending.RESET if self.is_reset else Ending.CLOSE
        return replace(self.answer.reply(occasion), ending=ending, head_bytes=self.bytes)


@dataclass(frozen=True, slots=True)
class Endless:
    """A body that never ends: `piece` again and again."""

    piece: bytes = b" " * 65536
    cost: str = IMAGE_COST

    def reply(self, occasion: Occasion) -> Reply:
        """The first piece, and how to go on."""
        return Reply(
            headers={
                "Content-Type": "application/json",
                "X-Generation-Id": occasion.generation_id,
            },
            body=self.piece,
            cost_usd=Decimal(self.cost),
            framing=Framing.CLOSE,
            ending=Ending.CLOSE,
            is_endless=True,
        )


@dataclass(frozen=True, slots=True)
class ResetConnection:
    """An answer that is made, and the connection reset; after `bytes` of the body, if given."""

    answer: Answer = Image()
    bytes: int | None = None

    def reply(self, occasion: Occasion) -> Reply:
        """Nothing, or the start of the answer."""
        return replace(
            self.answer.reply(occasion),
            ending=Ending.RESET,
            sent_bytes=self.bytes,
            sends_head=self.bytes is not None,
        )


@dataclass(frozen=True, slots=True)
class Stall:
    """An answer after `seconds` of silence in which it is already made and billed."""

    seconds: float
    answer: Answer = Image()

    def reply(self, occasion: Occasion) -> Reply:
        """The answer, late."""
        return replace(self.answer.reply(occasion), stall_s=self.seconds)


@dataclass(frozen=True, slots=True)
class SlowDrip:
    """An answer whose body comes slowly."""

    answer: Answer = Image()
    bytes_per_second: float = 1000

    def reply(self, occasion: Occasion) -> Reply:
        """The answer, a little at a time."""
        return replace(self.answer.reply(occasion), bytes_per_second=self.bytes_per_second)


@dataclass(frozen=True, slots=True)
class WrongContentLength:
    """An answer that declares `delta` bytes more (or fewer) than it sends, and then closes."""

    answer: Answer = Image()
    delta: int = 100

    def reply(self, occasion: Occasion) -> Reply:
        """The answer with that header."""
        return replace(self.answer.reply(occasion), length_error=self.delta, ending=Ending.CLOSE)


@dataclass(frozen=True, slots=True)
class Chunked:
    """An answer in chunks, without `Content-Length`."""

    answer: Answer = Image()

    def reply(self, occasion: Occasion) -> Reply:
        """The answer, framed so."""
        return replace(self.answer.reply(occasion), framing=Framing.CHUNKED)


@dataclass(frozen=True, slots=True)
class CloseDelimited:
    """An answer without `Content-Length` that ends with the connection."""

    answer: Answer = Image()

    def reply(self, occasion: Occasion) -> Reply:
        """The answer, framed so."""
        return replace(self.answer.reply(occasion), framing=Framing.CLOSE)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _retry_after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}
