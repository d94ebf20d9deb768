"""The JSON of successful answers in full shape, for both routes.

Shapes are those of OpenRouter's OpenAPI document of 2026-08 (ChatResult, ImageGenerationResponse)
with the fields that recorded answers have beyond it: `provider`, `native_finish_reason`, and
`type` and `index` of an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.standin.reply import Occasion, Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKENS_PER_IMAGE = 1290
"""Completion tokens of one Gemini 2.5 Flash image."""
TOKENS_PER_REFERENCE = 258
"""Prompt tokens of one small reference image; a figure to look at, nothing is computed from it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image of an answer: base64 text, or an address instead."""

    base64: str = ""
    media_type: str | None = "image/png"
    address: str | None = None

    def on_chat(self, index: int, *, with_type: bool) -> dict[str, Any]:
        """As an entry of `message.images`."""
        url = self.address or f"data:{self.media_type};base64,{self.base64}"
        entry: dict[str, Any] = {"type": "image_url"} if with_type else {}
        return {**entry, "image_url": {"url": url}, "index": index}

    def on_images(self) -> dict[str, Any]:
        """As an entry of `data`."""
        if self.address is not None:
            return {"url": self.address}
        declared = {} if self.media_type is None else {"media_type": self.media_type}
        return {"b64_json": self.base64, **declared}


def usage(occasion: Occasion, cost: str | None, images: int) -> dict[str, Any]:
    """What was used for `images` images; `cost` in dollars, or null."""
    prompt_tokens = len(occasion.request.prompt.split()) + (
        TOKENS_PER_REFERENCE * len(occasion.request.reference_urls)
    )
    image_tokens = TOKENS_PER_IMAGE * images
    completion_tokens = image_tokens or 12
    number = None if cost is None else float(Decimal(cost))
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "cost": number,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": number,
            "upstream_inference_prompt_cost": 0,
            "upstream_inference_completions_cost": number or 0,
        },
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": image_tokens},
    }


def zero_usage(document: dict[str, Any]) -> dict[str, Any]:
    """`document` as the response cache repeats it: nothing used, nothing to pay."""
    counts = ("prompt_tokens", "completion_tokens", "total_tokens", "cost")
    return {**document, "usage": {**dict.fromkeys(counts, 0), "is_byok": False}}


def chat_reply(
    occasion: Occasion,
    message: Mapping[str, object],
    *,
    cost: str | None,
    images: int = 0,
    finish_reason: str | None = "stop",
    native: str | None = "STOP",
    provider: str = "Google",
    model: str | None = None,
    omit_usage: bool = False,
    error: Mapping[str, object] | None = None,
) -> Reply:
    """A chat completion whose message has `message`'s fields beside the ordinary ones."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": "",
            "refusal": None,
            "reasoning": None,
            **message,
        },
        "finish_reason": finish_reason,
        "native_finish_reason": native,
        "logprobs": None,
    }
    if error is not None:
        choice["error"] = dict(error)
    document: dict[str, Any] = {
        "id": occasion.generation_id,
        "object": "chat.completion",
        "created": occasion.created,
        "model": model or occasion.request.model,
        "provider": provider,
        "system_fingerprint": None,
        "choices": [choice],
    }
    if not omit_usage:
        document["usage"] = usage(occasion, cost, images)
    headers = {"X-Generation-Id": occasion.generation_id}
    return json_reply(document, headers=headers, cost_usd=Decimal(cost or 0))


def images_reply(
    occasion: Occasion,
    items: Sequence[Item],
    *,
    cost: str | None,
    provider: str,
    omit_usage: bool = False,
) -> Reply:
    """An answer of the images route, which tells id and provider in headers only."""
    document: dict[str, Any] = {
        "created": occasion.created,
        "data": [item.on_images() for item in items],
    }
    if not omit_usage:
        document["usage"] = usage(occasion, cost, len(items))
    headers = {"X-Generation-Id": occasion.generation_id, "X-Provider-Name": provider}
    return json_reply(document, headers=headers, cost_usd=Decimal(cost or 0))
