"""The images route: `POST /images`.

Facts from OpenRouter's image generation page and OpenAPI file, read 2026-08-22: flat fields, raw
base64 in the answer, never an address; id and provider come in headers, because the body has none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetgen.core.call import Generated
from assetgen.errors import ProviderError, Refused
from assetgen.providers.openrouter.answer import (
    Answer,
    decode_image,
    mapping_of,
    one_line,
    read_answer,
)
from assetgen.providers.openrouter.chat import sorted_json
from assetgen.providers.openrouter.errors import SUCCESS, error_inside, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assetgen.core.call import Request
    from assetgen.providers.openrouter.references import DataUri

PATH = "/images"

MAX_REFERENCES = 16
"""Of one request (OpenAPI file, ImageGenerationRequest)."""

_RESOLUTION = {"0.5K": "512"}
"""Where this route names a size differently from `image_size`."""

_OWN_FIELDS = ("output_compression", "output_format", "resolution", "size")
"""Names in `params` that are fields of this route itself, and no provider's option."""

_PROVIDERS_OF: Mapping[str, tuple[str, ...]] = {
    "bytedance-seed": ("seed",),
    "google": ("google-ai-studio", "google-vertex"),
    "x-ai": ("xai",),
}
"""Providers that serve an author's models, by the slugs of the official client 1.3.84, where they
differ from the author's own."""


def request_body(request: Request, *, references: Sequence[DataUri] = ()) -> bytes:
    """The JSON to send. `params` go to `provider.options` of the provider of the model's author.

    `max_tokens` and `modalities` have no counterpart here. `output_format` is left to the model
    unless `params` state it: some refuse it, some ignore it. `n` is never sent: it is 1 by itself.

    Raises:
        Refused: there are more references than this route takes.
    """
    if len(references) > MAX_REFERENCES:
        raise Refused(
            f"the images route takes at most {MAX_REFERENCES} references, and there are"
            f" {len(references)}",
            hint="remove some, or set `api: chat`",
        )
    generate = request.generate
    parameters = generate.parameters
    size = parameters.image_size
    body: dict[str, object] = {"model": generate.model, "prompt": generate.prompt}
    optional: dict[str, object] = {
        "aspect_ratio": parameters.aspect_ratio,
        "resolution": _RESOLUTION.get(size, size) if size else None,
        "quality": parameters.quality,
        "background": parameters.background,
        "seed": parameters.seed,
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    extra = dict(parameters.extra)
    for name in _OWN_FIELDS:
        if name in extra:
            body.setdefault(name, sorted_json(extra.pop(name)))
    if references:
        body["input_references"] = [
            {"type": "image_url", "image_url": {"url": uri}} for uri in references
        ]
    if extra:
        author = generate.model.partition("/")[0]
        options = sorted_json(extra)
        body["provider"] = {"options": dict.fromkeys(_PROVIDERS_OF.get(author, (author,)), options)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")


def parse(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> Generated:
    """The images of an answer, from `data[].b64_json`.

    `headers` have lower-case names; `now` is in seconds since the epoch.

    Raises:
        ProviderError: there is no usable image.
    """
    if status not in SUCCESS:
        raise error_of(status, headers, body, now=now)
    answer = read_answer(headers, body)
    data = answer.value.get("data")
    images: list[bytes] = []
    faults: list[ProviderError] = []
    for item in data if isinstance(data, list) else []:
        try:
            images.append(_image(mapping_of(item), answer))
        except ProviderError as fault:
            faults.append(fault)
    error = answer.value.get("error")
    if images:
        warnings = [
            f"a further image of the answer is not usable: {fault.what}" for fault in faults
        ]
        if error:
            warnings.append(error_inside(error, headers, now=now).what)
        return Generated(
            images=tuple(images),
            cost_usd=answer.cost_usd,
            provider=answer.provider,
            generation_id=answer.generation_id,
            warnings=tuple(warnings),
        )
    if error:
        raise answer.with_bill(error_inside(error, headers, now=now))
    if faults:
        raise faults[0]
    if not isinstance(data, list):
        raise answer.bad("the answer has no list of `data`")
    raise answer.bad("the answer's list of `data` is empty")


def _image(item: Mapping[str, Any], answer: Answer) -> bytes:
    text = item.get("b64_json")
    if isinstance(text, str):
        declared = item.get("media_type")
        return decode_image(text, declared if isinstance(declared, str) else "", answer)
    url = item.get("url")
    if isinstance(url, str):
        raise answer.bad(
            "the answer holds an address instead of an image, and addresses are never fetched:"
            f" `{one_line(url, 200)}`"
        )
    raise answer.bad("an image of the answer has no `b64_json`")
