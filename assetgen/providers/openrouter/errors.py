"""HTTP status and error body to a `ProviderError`: what happened, who says so, what may be done.

The facts are those of OpenRouter's "errors and debugging" and "limits" pages and its OpenAPI file,
read 2026-08-22. An error has the form `{"error": {"code", "message", "metadata"?}}`; some carry
`error_type`, `http_status` or `availability` beside them, and the reason behind "Provider returned
error" is in `metadata.raw`. Errors inside a 200 are judged by the code they hold, in the same way.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from assetgen.core.value import Value
from assetgen.errors import (
    AuthError,
    BadResponse,
    ProviderError,
    RateLimited,
    Refused,
    Retry,
    Unavailable,
)
from assetgen.providers.document import parse_json
from assetgen.providers.openrouter.answer import (
    MAX_WORDS,
    excerpt,
    mapping_of,
    name_of,
    number_of,
    one_line,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCESS = range(200, 300)
CLIENT_ERRORS = range(400, 500)
SERVER_ERRORS = range(500, 600)

_MAX_WAIT_S = 1_000_000_000
"""A wait beyond this is no wish; it counts as unsaid."""

_MAX_ERROR_BYTES = 1024 * 1024
"""An error body beyond this is not read as one."""

_STATUS_OF_TYPE: Mapping[str, int] = {
    "authentication": 401,
    "content_policy_violation": 400,
    "context_length_exceeded": 400,
    "image_download_failed": 400,
    "image_not_found": 404,
    "image_too_large": 400,
    "image_too_small": 400,
    "invalid_image": 400,
    "invalid_prompt": 400,
    "invalid_request": 400,
    "max_tokens_exceeded": 400,
    "not_found": 404,
    "payload_too_large": 413,
    "payment_required": 402,
    "permission_denied": 403,
    "precondition_failed": 412,
    "provider_overloaded": 503,
    "provider_unavailable": 503,
    "rate_limit_exceeded": 429,
    "refusal": 400,
    "server": 500,
    "string_too_long": 400,
    "timeout": 504,
    "token_limit_exceeded": 400,
    "unprocessable": 422,
    "unsupported_image_format": 400,
}
"""For an error inside a 200 without a numeric code: the types of the official client 1.3.84."""

_WHAT: Mapping[int, str] = {
    401: "the API key was not accepted",
    402: "the account cannot pay for this call",
    403: "the request was refused",
    404: "nothing serves this request",
    408: "the service gave up waiting",
    413: "the request is too big",
    425: "the service asks to try later",
    429: "too many requests at once",
    503: "the service cannot serve this now",
    504: "the provider did not answer in time",
    524: "the service did not answer in time",
    529: "the provider is overloaded",
}

_ABOUT_THE_REQUEST = frozenset({400, 422})

_MANIFEST_NAMES: Mapping[str, str] = {
    "input_references": "reference",
    "output_compression": "params.output_compression",
    "output_format": "params.output_format",
    "resolution": "image_size",
    "size": "image_size",
}
"""Fields of a request that the manifest knows by another name."""

_COMPOUND = (
    "aspect_ratio|image_size|input_references|max_tokens|modalities|output_compression"
    "|output_format"
)
_WORDS = "background|quality|resolution|seed|size"
"""These are words of every day too, so their place in a sentence must show what is meant."""
_FIELDS = f"{_COMPOUND}|{_WORDS}"
_FIELD_IN_WORDS = re.compile(
    rf"\b({_COMPOUND})\b|['\"`]({_WORDS})['\"`]|\b({_WORDS}):|\b({_WORDS}) (?:is|must|may|was)\b"
    rf"|\b(?:[Ii]nvalid|[Uu]nsupported|parameters?:?) ({_WORDS})\b"
)

_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^<>]*>", re.IGNORECASE | re.DOTALL)


class Fault(Value):
    """An error object, read with care: everything may be missing."""

    error: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the service adds: provider, raw text, reasons, limits."""
        return mapping_of(self.error.get("metadata"))

    @property
    def availability(self) -> Mapping[str, Any]:
        """Additive since 2026-08-19, on errors about which model can be had."""
        return mapping_of(self.error.get("availability"))

    @property
    def type(self) -> str:
        """The typed reason, such as `content_policy_violation`; empty when there is none."""
        for value in (self.metadata.get("error_type"), self.error.get("error_type")):
            if isinstance(value, str):
                return value
        return ""

    @property
    def status(self) -> int | None:
        """The HTTP status this error stands for; None when it does not say."""
        for value in (self.error.get("code"), self.error.get("http_status")):
            if isinstance(value, str) and re.fullmatch(r"[1-5][0-9]{2}", value):
                return int(value)
            if type(value) is int and value in range(100, 600):
                return value
        code = self.error.get("code")
        return _STATUS_OF_TYPE.get(self.type) or (
            _STATUS_OF_TYPE.get(code) if isinstance(code, str) else None
        )

    @property
    def block_reason(self) -> str:
        """Why the model's provider blocked the prompt or the image, as Google names it."""
        reasons = [name_of(self.metadata.get(key)) for key in ("block_reason", "finish_reason")]
        return ", ".join(dict.fromkeys(reason for reason in reasons if reason))

    @property
    def is_in_flight(self) -> bool:
        """402 because too many paid calls run at once for the balance, not because it is empty."""
        return self.metadata.get("limit_source") == "openrouter_in_flight_budget"

    def words(self) -> str:
        """What the service and the provider say, the most telling first; may be empty."""
        metadata = self.metadata
        message = _text(self.error.get("message"))
        raw = _raw_words(metadata.get("raw"))
        provider = name_of(metadata.get("provider_name"))
        said = f"{provider}: {raw}" if provider and raw else raw
        is_generic = message.strip().lower().rstrip(".") == "provider returned error"
        parts = [
            "" if is_generic and raw else message,
            "" if raw and raw in message else said,
            provider if provider and is_generic and not raw else "",
            _listed("blocked: ", self.block_reason),
            _listed("reasons: ", _texts(metadata.get("reasons"))),
            _listed("flagged: ", _text(metadata.get("flagged_input"))),
            _text(metadata.get("remedy_hint")),
        ]
        return one_line("; ".join(part for part in parts if part))


def error_of(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> ProviderError:
    """The error that an answer with a status other than success stands for.

    `now` is in seconds since the epoch; a `Retry-After` that names a date is counted from it.
    """
    fault = fault_in(body)
    words = fault.words() if fault else _plain_words(body)
    return _judge(status, fault or Fault({}), words, f" (HTTP {status})", headers, now=now)


def error_inside(error: object, headers: Mapping[str, str], *, now: float) -> ProviderError:
    """The error that an error object inside a 200 stands for."""
    fault = Fault(error if isinstance(error, dict) else {"message": error})
    status = fault.status
    if status is not None and (status in CLIENT_ERRORS or status in SERVER_ERRORS):
        return _judge(
            status, fault, fault.words(), f" (error {status} in an answer)", headers, now=now
        )
    words = fault.words()
    if fault.block_reason:
        return Refused(f"the provider blocked it: {words}", hint=_REWORD)
    return BadResponse(f"the answer holds an error{_listed(': ', words)}")


def is_modalities_mismatch(status: int, body: bytes) -> bool:
    """Whether this is the 404 for `modalities` that do not fit the class of the model."""
    fault = fault_in(body) if status == HTTPStatus.NOT_FOUND else None
    message = _text(fault.error.get("message")) if fault else ""
    return "requested output modalities" in message.lower()


def is_wrong_endpoint(status: int, body: bytes) -> bool:
    """Whether the answer says that the model is served at another route."""
    fault = fault_in(body) if status in CLIENT_ERRORS else None
    return fault is not None and fault.availability.get("code") == "wrong_endpoint"


def is_no_such_route(status: int, body: bytes) -> bool:
    """Whether nothing serves this at the route that was asked, and waiting does not help."""
    if status not in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
        return False
    fault = fault_in(body)
    return fault is None or fault.availability.get("retryable") is not True


def fault_in(body: bytes) -> Fault | None:
    """The error object of a body; None when there is none."""
    if len(body) > _MAX_ERROR_BYTES:
        return None
    try:
        value = parse_json(body.strip())
    except ValueError:
        return None
    error = mapping_of(value).get("error")
    if isinstance(error, str):
        return Fault({"message": error})
    return Fault(error) if isinstance(error, dict) else None


_REWORD = "change the prompt or the references; the same request would be blocked again"


def _judge(
    status: int, fault: Fault, words: str, where: str, headers: Mapping[str, str], *, now: float
) -> ProviderError:
    """The one table of statuses (openrouter.ai/docs/api_reference/errors-and-debugging)."""
    is_in_flight = status == HTTPStatus.PAYMENT_REQUIRED and fault.is_in_flight
    meaning = "too many paid calls at once for the balance" if is_in_flight else _what(status)
    what = one_line(f"{meaning}{where}{_listed(': ', words)}", MAX_WORDS + 100)
    error: ProviderError
    if is_in_flight:
        error = RateLimited(
            what, lowers_concurrency=True, hint="fewer at once with `-j` avoids this"
        )
    elif status == HTTPStatus.UNAUTHORIZED:
        error = AuthError(what, hint="check `OPENROUTER_API_KEY`")
    elif status == HTTPStatus.PAYMENT_REQUIRED:
        error = AuthError(what, hint=_credit_hint(fault))
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        error = RateLimited(what, lowers_concurrency=True)
    elif status in {408, 425} or status in SERVER_ERRORS:
        error = Unavailable(what)
    elif status not in CLIENT_ERRORS:
        error = BadResponse(what, retry=Retry.NEVER, hint="check `OPENROUTER_BASE_URL`")
    elif fault.availability.get("retryable") is True:
        error = Unavailable(what)
    else:
        error = Refused(what, hint=_refusal_hint(status, fault))
    if error.retry is Retry.TRANSIENT:
        error.retry_after_s = retry_after_s(headers, fault, now=now)
    error.generation_id = name_of(headers.get("x-generation-id"))
    return error


def retry_after_s(headers: Mapping[str, str], fault: Fault, *, now: float) -> float | None:
    """How long the service asks to wait, in seconds, by header or error; None if it does not."""
    header = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", header):
        return float(header)
    if header:
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - now)
        except (ValueError, OverflowError):
            return None
    for holder in (fault.availability, fault.metadata, fault.error):
        wait_s = number_of(holder.get("retry_after"))
        if wait_s is not None and 0 <= wait_s <= _MAX_WAIT_S:
            return float(wait_s)
    return None


def _what(status: int) -> str:
    if status in _WHAT:
        return _WHAT[status]
    if status in CLIENT_ERRORS:
        return "the request was not accepted"
    return "the service failed" if status in SERVER_ERRORS else "an answer of an unexpected kind"


def _credit_hint(fault: Fault) -> str:
    if fault.metadata.get("limit_source") == "openrouter_key_limit":
        return "raise the limit of this key in your OpenRouter settings"
    return (
        "add credits to your OpenRouter account, or lower `max_tokens`: the balance must cover"
        " that many tokens before the call starts"
    )


def _refusal_hint(status: int, fault: Fault) -> str | None:
    code = fault.availability.get("code")
    if code == "wrong_endpoint":
        return "this model is served at the other route: set `api: images` or `api: chat`"
    alternatives = _texts(fault.availability.get("fallback_models"))
    if alternatives:
        return f"available instead: {one_line(alternatives, 200)}"
    if "requested output modalities" in _text(fault.error.get("message")).lower():
        return "remove `modalities`, or set it to `[image]` or `[image, text]` as the model has it"
    is_moderated = "reasons" in fault.metadata or "flagged_input" in fault.metadata
    if fault.block_reason or is_moderated or fault.type in {"content_policy_violation", "refusal"}:
        return _REWORD
    if code == "model_not_found" or fault.type == "model_not_found":
        return "check the spelling of `model`; `assetgen models --refresh` lists what there is"
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or fault.type == "image_too_large":
        return "use fewer or smaller references"
    field = _field_named_by(fault) if status in _ABOUT_THE_REQUEST else None
    if field is not None:
        return f"change or remove `{field}` in the manifest, or choose another model"
    return None


def _field_named_by(fault: Fault) -> str | None:
    """The field of the manifest that an error is about, by its own name in `assets.yaml`."""
    param = fault.error.get("param") or fault.metadata.get("param")
    named = param if isinstance(param, str) else ""
    found = re.fullmatch(rf"(?:.*\.)?({_FIELDS})", named[:MAX_WORDS]) or _FIELD_IN_WORDS.search(
        f"{_text(fault.error.get('message'))} {_raw_words(fault.metadata.get('raw'))}"
    )
    if found is None:
        return None
    name = next(group for group in found.groups() if group)
    return _MANIFEST_NAMES.get(name, name)


def _raw_words(raw: object) -> str:
    """What the upstream provider said: text, an object, or JSON in text."""
    if isinstance(raw, str):
        if len(raw) > _MAX_ERROR_BYTES or not raw.lstrip().startswith("{"):
            return _untagged(raw)
        try:
            raw = parse_json(raw.encode("utf-8", errors="replace"))
        except ValueError:
            return _untagged(str(raw))
    value = mapping_of(raw)
    inner = value.get("error")
    if isinstance(inner, str):
        return one_line(inner)
    for holder in (mapping_of(inner), value):
        for key in ("message", "detail", "error_description", "status"):
            if isinstance(holder.get(key), str):
                return one_line(holder[key])
    return ""


def _plain_words(body: bytes) -> str:
    """A readable piece of a body that is not an error object: a gateway's page, often."""
    return _untagged(excerpt(body, 4 * MAX_WORDS))


def _untagged(text: str) -> str:
    return one_line(_TAGS.sub(" ", text[: 8 * MAX_WORDS]), MAX_WORDS)


def _text(value: object) -> str:
    return one_line(value) if isinstance(value, str) else ""


def _texts(value: object) -> str:
    """A list of texts, with commas."""
    return ", ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)


def _listed(lead: str, text: str) -> str:
    return lead + text if text else ""
