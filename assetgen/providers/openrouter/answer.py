"""What both routes read in the same way: JSON, bill, ids, image bytes, and words from outside.

Everything here gets data that a stranger may have written, so each reader says what it accepts and
treats the rest as absent. Text from outside reaches a message only through `one_line`.
"""

from __future__ import annotations

import binascii
import re
import urllib.parse
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pybase64

from assetgen.core.money import parse_usd
from assetgen.core.value import Value
from assetgen.errors import BadResponse, ProviderError, Refused, Retry
from assetgen.providers.document import parse_json, skip_padding

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_WORDS = 500
"""Characters of foreign text in a message: enough for a reason, too few to flood a terminal."""

_MAX_BILL_USD = Decimal(1000)
"""No image costs this much; a larger figure says nothing and counts as unknown."""

_SECRET = re.compile(r"\b(sk-|Bearer\s+)[A-Za-z0-9*._~+/=-]{6,}")


class Answer(Value):
    """A JSON object that came with a status of success."""

    value: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def cost_usd(self) -> Decimal | None:
        """`usage.cost`, the bill in US dollars; None when it is missing or no sane amount.

        An answer from OpenRouter's response cache is free (response caching page of its docs).
        """
        cost = parse_usd(mapping_of(self.value.get("usage")).get("cost"))
        if cost is not None and cost <= _MAX_BILL_USD:
            return cost
        return Decimal(0) if self.is_cache_hit else None

    @property
    def is_cache_hit(self) -> bool:
        """Whether OpenRouter answered from its response cache."""
        return self.headers.get("x-openrouter-cache-status", "").strip().upper() == "HIT"

    @property
    def generation_id(self) -> str | None:
        """`id` of the body (chat only), else the header that both routes send."""
        return name_of(self.value.get("id")) or name_of(self.headers.get("x-generation-id"))

    @property
    def provider(self) -> str | None:
        """Who answered: `provider` of the body (chat), else the header of the images route."""
        return name_of(self.value.get("provider")) or name_of(self.headers.get("x-provider-name"))

    def bad(self, what: str, *, hint: str | None = None) -> ProviderError:
        """This answer holds no usable image, for the reason `what`."""
        return self.with_bill(BadResponse(what, hint=hint))

    def refused(self, what: str, *, hint: str | None = None) -> ProviderError:
        """This answer says, as `what` tells, that the image will not be made."""
        return self.with_bill(Refused(what, hint=hint))

    def with_bill(self, error: ProviderError) -> ProviderError:
        """`error` with what this answer says it cost, and its id."""
        error.cost_usd = self.cost_usd
        error.generation_id = self.generation_id or error.generation_id
        return error


def read_answer(headers: Mapping[str, str], body: bytes) -> Answer:
    """The JSON object in `body`.

    While a model works OpenRouter pads the answer with whitespace, and by one report with comment
    lines that start with a colon; both are skipped.

    Raises:
        BadResponse: nothing but padding (may be billed), no JSON, or no object.
    """
    unread = Answer({}, headers)
    start = skip_padding(body)
    if start == len(body):
        error = unread.bad(
            "the connection closed without an answer; it may be billed",
            hint="the activity page of your OpenRouter account shows what was billed",
        )
        error.retry = Retry.AMBIGUOUS
        raise error
    try:
        value = parse_json(body[start:])
    except ValueError as error:
        raise unread.bad(
            f"the answer is cut off or not JSON ({error}): `{excerpt(body[start:], 120)}`"
        ) from None
    if not isinstance(value, dict):
        raise unread.bad(f"the answer is no JSON object: `{excerpt(body[start:], 120)}`")
    return Answer(value, headers)


_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def decode_image(text: str, declared: str, answer: Answer) -> bytes:
    """The bytes of one image in base64, whose declared type is `declared` (may be empty or wrong).

    White space is skipped, padding at the end may be missing, and the URL-safe alphabet and percent
    signs of a URI are read too: the image is paid for. The bytes are not decoded as an
    image here: only SVG is told apart, because it is complete and still not wanted.

    Raises:
        BadResponse: no base64, or nothing in it.
        Refused: the image is SVG.
    """
    try:
        data = _bytes_of(text)
    except ValueError as error:
        raise answer.bad(f"the image is broken: its base64 cannot be decoded ({error})") from None
    if not data:
        raise answer.bad("the image is empty")
    if is_svg(data):
        raise answer.refused(
            f"the model answered with an SVG drawing (declared as `{one_line(declared, 40)}`),"
            " which assetgen does not take: a text format can hold scripts and outside links",
            hint="choose a model that makes pixels",
        )
    return data


def _bytes_of(text: str) -> bytes:
    """Base64 as it should be, else as it sometimes is."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        digits = "".join(urllib.parse.unquote(text).split()).translate(_STANDARD_ALPHABET)
        # Not `base64.b64decode`, which copies what may be 100 MiB.
        return binascii.a2b_base64(digits + "=" * (-len(digits) % 4), strict_mode=True)


def split_data_uri(url: str) -> tuple[str, str] | None:
    """Declared type and base64 text of a data URI; None when `url` is not such a URI."""
    head, comma, text = url.partition(",")
    declared, *options = head.strip().lower().removeprefix("data:").split(";")
    is_data = head.lstrip()[:5].lower() == "data:" and bool(options) and options[-1] == "base64"
    return (declared, text) if comma and is_data else None


def is_svg(data: bytes) -> bool:
    """Whether `data` is SVG text, by its first kilobyte."""
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(b"<") and b"<svg" in head


def mapping_of(value: object) -> Mapping[str, Any]:
    """`value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def name_of(value: object) -> str | None:
    """`value` when it is text that can name something, made safe to store and print."""
    return (one_line(value, 200) or None) if isinstance(value, str) else None


def number_of(value: object) -> Decimal | None:
    """`value` when it is a number as `parse_json` gives it; a boolean or numeric text is none."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None


def one_line(text: str, limit: int = MAX_WORDS) -> str:
    """Foreign `text` on one line of at most `limit` characters, all printable, without keys."""
    head = text[: limit * 8]  # bounds the work; what is folded away rarely fills more
    printable = "".join(c if c.isprintable() else " " for c in head)
    line = _SECRET.sub(r"\1…", " ".join(printable.split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def excerpt(data: bytes, limit: int = MAX_WORDS) -> str:
    """The beginning of a body that is not what it should be, for a message."""
    return one_line(data[: limit * 8].decode("utf-8", errors="replace"), limit)
