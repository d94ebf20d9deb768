"""What OpenRouter refuses before any model runs: pure checks of a request.

Each rule has its source in OpenRouter's OpenAPI document or guides, or in a recorded answer of
the live service; the wording of messages is ours except for the modalities error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.standin.answers import Answer, ErrorBody, NoEndpoints
from tests.standin.pictures import size_for
from tests.standin.recorded import decode_data_uri

if TYPE_CHECKING:
    from tests.standin.pictures import Size
    from tests.standin.recorded import Recorded

MIN_MAX_TOKENS = 16
"""Some providers refuse less (OpenAPI document, ChatRequest)."""
MAX_REFERENCES = 16
"""Of one request on the images route (OpenAPI document, ImageGenerationRequest)."""
MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""Reference images (image understanding guide); `image/jpg` is refused upstream."""
IMAGE_ONLY_AUTHORS = frozenset(
    {"black-forest-labs", "bytedance-seed", "krea", "microsoft", "recraft", "sourceful", "x-ai"}
)
"""Authors whose image models write no text (catalogue of 2026-07)."""
IMAGES_ONLY_PREFIXES = ("openai/gpt-image-2", "bytedance-seed/seedream-5")
"""Models that recorded answers show failing on chat (2026-07 to 2026-09)."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What the service knows of a model."""

    image_only: bool = False
    """Writes no text: its modalities are exactly `["image"]`."""
    images_only: bool = False
    """Is served on the images route only."""


class RefusedError(Exception):
    """A request that is refused with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def known_model(name: str) -> KnownModel:
    """The class of a model by its name; a name nobody knows is one that writes text as well."""
    author = name.partition("/")[0]
    return KnownModel(
        image_only=author in IMAGE_ONLY_AUTHORS or name.startswith("openai/gpt-image-"),
        images_only=name.startswith(IMAGES_ONLY_PREFIXES),
    )


def check(request: Recorded, model: KnownModel, *, full_size: bool) -> Size:
    """The pixels that the request asks for.

    Raises:
        RefusedError: it is refused.
    """
    body = request.json
    if not isinstance(body, dict):
        raise _bad_request("Request body must be a JSON object")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise _bad_request("No models provided")
    if request.route == "images":
        return _check_images(body, full_size=full_size)
    return _check_chat(body, model, full_size=full_size)


def _check_chat(body: dict[str, Any], model: KnownModel, *, full_size: bool) -> Size:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad_request("Input required: specify messages")
    for message in messages:
        _check_message(message)
    max_tokens = body.get("max_tokens")
    if max_tokens is not None and (type(max_tokens) is not int or max_tokens < MIN_MAX_TOKENS):
        raise _bad_request(f"max_tokens must be an integer of at least {MIN_MAX_TOKENS}")
    if body.get("seed") is not None and type(body["seed"]) is not int:
        raise _bad_request("seed must be an integer")
    config = body.get("image_config", {})
    if not isinstance(config, dict):
        raise _bad_request("image_config must be an object")
    for key, value in config.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | list):
            raise _bad_request(f"image_config.{key} must be a string, a number or an array")
    size = _size(config.get("aspect_ratio"), config.get("image_size"), full_size=full_size)
    if model.images_only:
        raise RefusedError(
            ErrorBody(500, "Internal Server Error", metadata={"error_type": "server"})
        )
    _check_modalities(body.get("modalities"), model)
    return size


def _check_message(message: object) -> None:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return
    if not isinstance(content, list) or not content:
        raise _bad_request("messages: content must be a string or a list of parts")
    for part in content:
        match part:
            case {"type": "text", "text": str()}:
                pass
            case {"type": "image_url"}:
                _check_reference(part)
            case _:
                raise _bad_request("messages: a part must be text or image_url")


def _check_reference(part: object) -> None:
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            pass
        case _:
            raise _bad_request("image_url must be an object with a url", "invalid_image")
    if not url.startswith("data:"):
        raise _bad_request("The image could not be downloaded", "image_download_failed")
    try:
        media_type, _ = decode_data_uri(url)
    except ValueError as error:
        raise _bad_request(f"Invalid image: {error}", "invalid_image") from error
    if media_type not in MEDIA_TYPES:
        raise _bad_request(f"Unsupported image format: {media_type}", "unsupported_image_format")


def _check_modalities(modalities: object, model: KnownModel) -> None:
    """Refuse what the class of the model does not serve; text alone is any talking model's."""
    asked = ["text"] if modalities is None else modalities
    if not isinstance(asked, list) or not set(asked) <= {"text", "image", "audio"}:
        raise _bad_request("modalities must be a list of text, image and audio")
    served = ({"image"},) if model.image_only else ({"image", "text"}, {"text"})
    if set(asked) not in served:
        raise RefusedError(NoEndpoints(tuple(asked)))


def _check_images(body: dict[str, Any], *, full_size: bool) -> Size:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise _bad_request("prompt must be a string and not empty")
    if body.get("n", 1) != 1:
        raise _bad_request("n: this provider makes one image a request")
    if body.get("background") == "transparent" and body.get("output_format") == "jpeg":
        raise _bad_request("background: transparent needs png or webp")
    references = body.get("input_references", [])
    if not isinstance(references, list) or len(references) > MAX_REFERENCES:
        raise _bad_request(f"input_references must be a list of at most {MAX_REFERENCES}")
    for reference in references:
        _check_reference(reference)
    return _size(body.get("aspect_ratio"), body.get("resolution"), full_size=full_size)


def _size(aspect_ratio: object, image_size: object, *, full_size: bool) -> Size:
    ratio = aspect_ratio if aspect_ratio is None else str(aspect_ratio)
    name = image_size if image_size is None else str(image_size)
    try:
        return size_for(ratio, name, full_size=full_size)
    except ValueError as error:
        raise _bad_request(str(error)) from error


def _bad_request(message: str, error_type: str = "invalid_request") -> RefusedError:
    return RefusedError(ErrorBody(400, message, metadata={"error_type": error_type}))
