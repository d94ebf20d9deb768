"""The chat completions route: `POST /chat/completions`.

Facts from OpenRouter's image generation page (its chat version), its OpenAPI file and its errors
page, read 2026-08-22. Both directions are pure. The property order of the body is part of the key
of OpenRouter's response cache, so equal requests give equal bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetgen.core.call import Generated
from assetgen.errors import ProviderError
from assetgen.providers.openrouter.answer import (
    Answer,
    decode_image,
    mapping_of,
    name_of,
    one_line,
    read_answer,
    split_data_uri,
)
from assetgen.providers.openrouter.errors import SUCCESS, error_inside, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assetgen.core.call import Request
    from assetgen.core.catalogue import ModelFacts
    from assetgen.core.model import Json, Parameters
    from assetgen.providers.openrouter.references import DataUri

PATH = "/chat/completions"

BLOCKED = frozenset(
    {
        "SAFETY",
        "IMAGE_SAFETY",
        "PROHIBITED_CONTENT",
        "IMAGE_PROHIBITED_CONTENT",
        "RECITATION",
        "IMAGE_RECITATION",
        "BLOCKLIST",
        "SPII",
    }
)
"""Google's own finish reasons that mean blocked (BerriAI/litellm#28989)."""

_REWORD = "change the prompt or the references; the same request would be refused again"


def request_body(
    request: Request,
    facts: ModelFacts,
    *,
    image_only: bool,
    references: Sequence[DataUri] = (),
) -> bytes:
    """The JSON to send: the text first, then the references in the order of the manifest.

    `modalities` follow the class of the model unless the manifest states them. `max_tokens` is the
    manifest's, else the default for the model; image-only models get none of the tool's own.
    """
    generate = request.generate
    parameters = generate.parameters
    content: list[dict[str, object]] = [{"type": "text", "text": generate.prompt}]
    content += [{"type": "image_url", "image_url": {"url": uri}} for uri in references]
    body: dict[str, object] = {
        "model": generate.model,
        "messages": [{"role": "user", "content": content}],
        "modalities": list(
            parameters.modalities or (["image"] if image_only else ["image", "text"])
        ),
    }
    if config := _image_config(parameters):
        body["image_config"] = config
    max_tokens = generate.limits.max_tokens
    if max_tokens is None and not image_only:
        max_tokens = facts.default_max_tokens
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    if parameters.seed is not None:
        body["seed"] = parameters.seed
    body["stream"] = False
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")


def parse(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> Generated:
    """The images of an answer, from `choices[0].message.images` only.

    Usable images win over whatever else the answer says, because they are paid for; what it says
    then becomes a warning. `headers` have lower-case names; `now` is in seconds since the epoch.

    Raises:
        ProviderError: there is no usable image, with the words of the model or its provider.
    """
    if status not in SUCCESS:
        raise error_of(status, headers, body, now=now)
    answer = read_answer(headers, body)
    choice = _first_choice(answer)
    message = mapping_of(choice.get("message"))
    images, faults = _images(message, answer)
    if images:
        return Generated(
            images=tuple(images),
            cost_usd=answer.cost_usd,
            provider=answer.provider,
            model=name_of(answer.value.get("model")),
            generation_id=answer.generation_id,
            warnings=tuple(_warnings(request, answer, choice, faults)),
        )
    for error in (answer.value.get("error"), choice.get("error")):
        if error:
            raise answer.with_bill(error_inside(error, headers, now=now))
    if faults:
        raise faults[0]
    raise _why_no_image(answer, choice, message)


def _image_config(parameters: Parameters) -> dict[str, Json]:
    """The model's knobs, then `params` sorted by name; what a field states is not overridden.

    The schema of `image_config` allows text, numbers and lists as values; other values in `params`
    are sent as they are, for the service to judge.
    """
    stated: dict[str, Json] = {
        "aspect_ratio": parameters.aspect_ratio,
        "image_size": parameters.image_size,
        "quality": parameters.quality,
        "background": parameters.background,
    }
    config: dict[str, Json] = {name: value for name, value in stated.items() if value is not None}
    for name in sorted(parameters.extra):
        config.setdefault(name, sorted_json(parameters.extra[name]))
    return config


def sorted_json(value: Json) -> Json:
    """`value` with the names of every object in it sorted."""
    if isinstance(value, dict):
        return {name: sorted_json(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [sorted_json(item) for item in value]
    return value


def _first_choice(answer: Answer) -> Mapping[str, Any]:
    """`choices[0]`, or an empty object when an error stands in its place."""
    choices = answer.value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    if answer.value.get("error"):
        return {}
    if choices is None:
        raise answer.bad("the answer has no `choices`")
    if choices == []:
        raise answer.bad("the answer has an empty list of `choices`")
    raise answer.bad("the answer's `choices` are not what they should be")


def _images(message: Mapping[str, Any], answer: Answer) -> tuple[list[bytes], list[ProviderError]]:
    """Images that can be read, in order, and why the others cannot."""
    images: list[bytes] = []
    faults: list[ProviderError] = []
    items = message.get("images")
    for item in items if isinstance(items, list) else []:
        try:
            images.append(_image(item, answer))
        except ProviderError as error:
            faults.append(error)
    return images, faults


def _image(item: object, answer: Answer) -> bytes:
    """The bytes of one item of `images`; only `image_url.url` is needed, and never fetched."""
    holder = mapping_of(item).get("image_url")
    url = mapping_of(holder).get("url")
    if not isinstance(url, str):
        raise answer.bad("an image of the answer has no `image_url.url`")
    if url.lstrip()[:8].lower().startswith(("http:", "https:")):
        raise answer.bad(
            "the answer holds an address instead of an image, and addresses are never fetched:"
            f" `{one_line(url, 200)}`"
        )
    parts = split_data_uri(url)
    if parts is None:
        raise answer.bad(f"the image of the answer is no base64 data URI: `{one_line(url, 60)}`")
    declared, text = parts
    return decode_image(text, declared, answer)


def _why_no_image(
    answer: Answer, choice: Mapping[str, Any], message: Mapping[str, Any]
) -> ProviderError:
    """What to make of an answer without a single image in it."""
    reason = name_of(choice.get("finish_reason")) or ""
    native = name_of(choice.get("native_finish_reason")) or ""
    text = content_text(message.get("content"))
    said = f": {text}" if text else ""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return answer.refused(f"the model refused: {one_line(refusal)}", hint=_REWORD)
    if reason == "content_filter" or native.upper() in BLOCKED:
        return answer.refused(
            f"blocked by a content filter (`{native or reason}`){said}", hint=_REWORD
        )
    if reason == "length" or native.upper() == "MAX_TOKENS":
        return answer.bad(
            f"the answer reached its limit of tokens before the image was complete{said}",
            hint="raise `max_tokens` of this asset",
        )
    finished = f" (`{native or reason}`)" if (native or reason) not in {"", "stop", "STOP"} else ""
    if text:
        return answer.bad(
            f"the model answered with text instead of an image{finished}: {text}",
            hint="say in the prompt that an image is wanted, or choose another model",
        )
    hint = "if it stays so, reword the prompt, raise `max_tokens` or set `api: images`"
    if "images" not in message:
        return answer.bad(f"the answer has no `images`{finished}", hint=hint)
    images = message["images"]
    if images is None:
        return answer.bad(f"the answer's `images` are null{finished}", hint=hint)
    if images == []:
        return answer.bad(f"the answer's list of `images` is empty{finished}", hint=hint)
    return answer.bad(f"the answer's `images` are no list{finished}", hint=hint)


def content_text(content: object) -> str:
    """The text of a message on one line: a string, or a list of parts."""
    if isinstance(content, list):
        texts = [mapping_of(part).get("text") for part in content]
        content = " ".join(text for text in texts if isinstance(text, str))
    return one_line(content) if isinstance(content, str) else ""


def _warnings(
    request: Request, answer: Answer, choice: Mapping[str, Any], faults: Sequence[ProviderError]
) -> list[str]:
    """What the user should know about an answer that did bring an image."""
    warnings: list[str] = []
    if answer.is_cache_hit:
        warnings.append("answered from the provider's response cache, free")
    model = name_of(answer.value.get("model"))
    if model and not is_same_model(request.generate.model, model):
        warnings.append(f"`{model}` answered instead of `{request.generate.model}`")
    warnings += [f"a further image of the answer is not usable: {fault.what}" for fault in faults]
    for error in (answer.value.get("error"), choice.get("error")):
        if error:
            warnings.append(error_inside(error, answer.headers, now=0.0).what)
    reason = (
        name_of(choice.get("native_finish_reason")) or name_of(choice.get("finish_reason")) or ""
    )
    if reason.upper() in BLOCKED | {"CONTENT_FILTER", "LENGTH", "MAX_TOKENS"}:
        warnings.append(f"the image came although the answer ended with `{reason}`: look at it")
    return warnings


def is_same_model(asked: str, answered: str) -> bool:
    """Whether both names mean one model, also when dated, without author or with a `:variant`."""
    one, other = (name.lower().partition(":")[0].rpartition("/")[2] for name in (asked, answered))
    return one.startswith(other) or other.startswith(one)
