"""One request as it arrived, with the parts that tests ask about."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES: Mapping[str, Literal["chat", "images"]] = {
    "/api/v1/chat/completions": "chat",
    "/api/v1/images": "images",
}
"""Paths that make images."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request in full; names of headers are in lower case."""

    method: str
    path: str
    """With the query, as the request line has it."""
    headers: Mapping[str, str]
    body_bytes: bytes
    json: Any
    """The body as JSON says it, whatever a client sent; None when it is no JSON."""
    at: float
    """Seconds of the monotonic clock when the last byte of the body was there."""

    @property
    def route(self) -> Literal["chat", "images"] | None:
        """Which way of making an image this asks for, if any."""
        return ROUTES.get(self.path.partition("?")[0]) if self.method == "POST" else None

    @property
    def model(self) -> str:
        """The model asked for; empty when there is none."""
        model = self._field("model", "")
        return model if isinstance(model, str) else ""

    @property
    def prompt(self) -> str:
        """All text of the messages, its parts joined by line breaks, or the prompt of `/images`."""
        if self.route == "images":
            return str(self._field("prompt", ""))
        texts: list[str] = []
        for message in self._field("messages", []):
            content = message["content"]
            if isinstance(content, str):
                texts.append(content)
            else:
                texts += [part["text"] for part in content if part["type"] == "text"]
        return "\n".join(texts)

    @property
    def reference_urls(self) -> list[str]:
        """The addresses of the reference images in order, data URIs as they are."""
        if self.route == "images":
            parts = self._field("input_references", [])
        else:
            messages = self._field("messages", [])
            contents = [m["content"] for m in messages if isinstance(m["content"], list)]
            parts = [part for content in contents for part in content]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]

    @property
    def references(self) -> list[bytes]:
        """The bytes of the reference images in order."""
        return [decode_data_uri(url)[1] for url in self.reference_urls]

    @property
    def modalities(self) -> list[str] | None:
        """The modalities asked for; None when the request states none."""
        modalities: list[str] | None = self._field("modalities", None)
        return modalities

    @property
    def image_config(self) -> dict[str, Any]:
        """The knobs of the chat route; empty when the request states none."""
        config: dict[str, Any] = self._field("image_config", {})
        return config

    def _field(self, name: str, default: object) -> Any:
        return self.json.get(name, default) if isinstance(self.json, dict) else default


def decode_data_uri(uri: str) -> tuple[str, bytes]:
    """The media type and the bytes of a base64 data URI.

    Raises:
        ValueError: `uri` is not one.
    """
    head, comma, payload = uri.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise ValueError(f"not a base64 data URI: {uri[:40]}")
    try:
        data = base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    return head.removeprefix("data:").removesuffix(";base64"), data
