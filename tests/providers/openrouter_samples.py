"""Requests and answers that the tests of the OpenRouter provider share, and its fakes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assetgen.core.call import ReferenceImage, Request
from assetgen.core.digest import digest_of
from assetgen.core.model import FileReference, Generate, ImageFormat, Limits, Parameters, Route
from assetgen.errors import ImageError
from assetgen.providers.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.drawing import Drawing
    from assetgen.core.result import ImageInfo

PNG = b"\x89PNG\r\n\x1a\n" + b"first picture"
OTHER_PNG = b"\x89PNG\r\n\x1a\n" + b"second picture"
JPEG = b"\xff\xd8\xff\xe0" + b"a photograph"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'

GEMINI = "google/gemini-2.5-flash-image"
FLUX = "black-forest-labs/flux.2-pro"
UNKNOWN = "somebody/some-model"


def a_request(
    model: str = GEMINI,
    *,
    prompt: str = "A lighthouse keeper",
    parameters: Parameters | None = None,
    references: tuple[bytes, ...] = (),
    take: int = 1,
    max_tokens: int | None = None,
    route: Route = "auto",
    timeout_s: float = 300,
    allow_cached: bool = True,
) -> Request:
    labels = [f"refs/{number}.png" for number in range(1, len(references) + 1)]
    return Request(
        asset="hero",
        fingerprint="0" * 64,
        generate=Generate(
            model=model,
            prompt=prompt,
            references=tuple(FileReference(label) for label in labels),
            parameters=parameters or Parameters(),
            take=take,
            limits=Limits(max_tokens=max_tokens),
            route=route,
        ),
        references=tuple(
            ReferenceImage(label, digest_of(data), data)
            for label, data in zip(labels, references, strict=True)
        ),
        format="png",
        timeout_s=timeout_s,
        allow_cached=allow_cached,
    )


def data_uri_of(data: bytes, declared: str = "image/png") -> str:
    return f"data:{declared};base64,{base64.b64encode(data).decode()}"


def item_of(data: bytes = PNG, declared: str = "image/png") -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_uri_of(data, declared)}, "index": 0}


def chat_answer(*, message: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A full answer of the chat route; `message` and `changes` replace fields, None included."""
    answer: dict[str, Any] = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": GEMINI,
        "provider": "Google",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "",
                    "refusal": None,
                    "images": [item_of()],
                    **(message or {}),
                },
                "finish_reason": changes.pop("finish_reason", "stop"),
                "native_finish_reason": changes.pop("native_finish_reason", "STOP"),
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 1290,
            "total_tokens": 1310,
            "cost": 0.0387,
        },
    }
    answer.update(changes)
    return answer


def images_answer(*data: bytes, **changes: Any) -> dict[str, Any]:
    """A full answer of the images route."""
    items = [
        {"b64_json": base64.b64encode(image).decode(), "media_type": "image/png"}
        for image in data or (PNG,)
    ]
    return {"created": 0, "data": items, "usage": {"cost": 0.03}, **changes}


def text_of(value: object) -> bytes:
    return json.dumps(value).encode()


def error_body(
    message: str = "words", code: object = 400, metadata: object = None, **more: object
) -> bytes:
    error: dict[str, object] = {"code": code, "message": message, **more}
    if metadata is not None:
        error["metadata"] = metadata
    return text_of({"error": error, "user_id": "user_1"})


MISMATCH = Response(
    404,
    {},
    error_body(
        "No endpoints found that support the requested output modalities: image, text", code=404
    ),
)


@dataclass
class FakeSender:
    """Answers in order, and keeps what it was asked."""

    answers: list[Response | Exception]
    sent: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)
    timeouts_s: list[float] = field(default_factory=list)

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Response:
        self.sent.append((url, headers, json.loads(body)))
        self.timeouts_s.append(timeout_s)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeLearnt:
    """Knowledge about models in a dict."""

    known: dict[str, dict[str, object]] = field(default_factory=dict)
    fault: Exception | None = None

    def get(self, model: str) -> Mapping[str, object] | None:
        return self.known.get(model)

    def set(self, model: str, *, image_only: bool | None = None, route: str | None = None) -> None:
        if self.fault:
            raise self.fault
        lesson = {"image_only": image_only, "route": route}
        self.known.setdefault(model, {}).update({k: v for k, v in lesson.items() if v is not None})


class FakeImages:
    """Cuts instead of scaling, and makes a PNG of everything that is called AVIF."""

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:
        raise NotImplementedError

    def convert(self, data: bytes, target: ImageFormat) -> bytes:
        assert target == "png"
        if b"ftypavif" not in data[:16]:
            raise ImageError("not an image")
        return PNG

    def shrink(self, data: bytes, max_bytes: int) -> bytes:
        if data.endswith(b"stubborn"):
            raise ImageError("it does not get smaller")
        return data[:max_bytes]

    def paint(self, drawing: Drawing, target: ImageFormat) -> bytes:
        raise NotImplementedError
