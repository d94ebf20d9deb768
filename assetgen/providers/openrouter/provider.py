"""The OpenRouter provider: which route, which class of model, which headers.

What is sent and understood is in `chat.py` and `images.py`; this file only connects them with the
world. One call is one attempt, but two mistakes about a model cost nothing and are put right within
it: the wrong class (404 about modalities) and the wrong route (both classes gave that 404, or the
service says so). What turned out right is remembered. Nothing else is tried again here.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from assetgen.errors import AssetgenError, ProviderError, Unavailable, UsageError
from assetgen.providers.openrouter import chat, images
from assetgen.providers.openrouter.errors import (
    SERVER_ERRORS,
    is_modalities_mismatch,
    is_wrong_endpoint,
)
from assetgen.providers.openrouter.references import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from assetgen.core.call import Generated, Request
    from assetgen.core.ports import Images
    from assetgen.providers.http import Response
    from assetgen.providers.openrouter.models import OpenRouterTable

CACHE_TTL_S = 86_400
"""The longest that OpenRouter's response cache keeps an answer (response caching page)."""


class Sender(Protocol):
    """What this provider needs of `providers.http.Http`."""

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Response:
        """The whole answer, or a `ProviderError` that says whether it may be billed."""
        ...


class Learnt(Protocol):
    """What earlier calls taught about models, kept between runs."""

    def get(self, model: str) -> Mapping[str, object] | None:
        """`image_only` (bool) and `route` (`chat` or `images`) as far as known; else None."""
        ...

    def set(self, model: str, *, image_only: bool | None = None, route: str | None = None) -> None:
        """Remember what is not None."""
        ...


_SHORTEST_SECRET = 8
"""A shorter key is a word that a test has chosen, and may be part of any message."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a call found out that was not known before."""

    image_only: bool | None = None
    route: Literal["images"] | None = None


class OpenRouter:
    """Makes images through OpenRouter; implements `core.ports.Provider`.

    Raises `UsageError` when key or address cannot be one. Neither messages nor `repr` show the key.
    """

    def __init__(
        self,
        *,
        http: Sender,
        images: Images,
        table: OpenRouterTable,
        api_key: str,
        base_url: str,
        learnt: Learnt,
        now: Callable[[], float] = time.time,
    ) -> None:
        key = api_key.strip()
        if not re.fullmatch(r"[!-~]+", key):
            raise UsageError(
                "the API key in `OPENROUTER_API_KEY` is empty or holds characters no key has",
                hint="copy it anew from your OpenRouter settings",
            )
        self._http = http
        self._images = images
        self._table = table
        self._key = key
        self._base_url = _checked_address(base_url)
        self._learnt = learnt
        self._now = now

    def __repr__(self) -> str:
        return "OpenRouter()"

    async def generate(self, request: Request) -> Generated:
        """Make one image, or raise a `ProviderError`; see `core.ports.Provider`.

        `request.timeout_s` bounds all that is sent for this attempt together.
        """
        prepared = await asyncio.to_thread(prepare, request.references, self._images)
        try:
            generated, lesson = await self._attempt(request, prepared)
        except ProviderError as error:
            self._hide_key(error)
            raise
        warnings = (*prepared.warnings, *generated.warnings)
        if lesson is not None:
            warnings += await asyncio.to_thread(self._remember, request.generate.model, lesson)
        return replace(generated, warnings=warnings)

    async def _attempt(
        self, request: Request, prepared: Prepared
    ) -> tuple[Generated, _Lesson | None]:
        deadline = _Deadline(request.timeout_s)
        if self._first_route(request) == "images":
            return await self._images_route(request, prepared, deadline), None
        response, lesson = await self._chat_route(request, prepared, deadline)
        if request.generate.route == "auto" and _is_other_route_needed(response, lesson):
            generated = await self._images_route(request, prepared, deadline)
            return generated, _Lesson(route="images")
        try:
            generated = await asyncio.to_thread(
                chat.parse,
                request,
                response.status,
                response.headers,
                response.body,
                now=self._now(),
            )
        except Unavailable as error:
            if (
                response.status in SERVER_ERRORS
                and self._is_image_only(request)
                and error.hint is None
            ):
                error.hint = (
                    "some image-only models are served at the other route alone: when this does"
                    " not pass, set `api: images`"
                )
            raise
        return generated, lesson

    async def _chat_route(
        self, request: Request, prepared: Prepared, deadline: _Deadline
    ) -> tuple[Response, _Lesson | None]:
        """The answer of the chat route, after the class was switched at most once."""
        image_only = self._is_image_only(request)
        response = await self._send_chat(request, prepared, deadline, image_only=image_only)
        is_stated = request.generate.parameters.modalities is not None
        if is_stated or not _is_mismatch(response):
            return response, None
        response = await self._send_chat(request, prepared, deadline, image_only=not image_only)
        return response, _Lesson(image_only=not image_only)

    async def _send_chat(
        self, request: Request, prepared: Prepared, deadline: _Deadline, *, image_only: bool
    ) -> Response:
        generate = request.generate
        body = await asyncio.to_thread(
            chat.request_body,
            request,
            self._table.facts(generate.model),
            image_only=image_only,
            references=prepared.uris,
        )
        headers = self._headers()
        if request.allow_cached and generate.take == 1:
            headers["X-OpenRouter-Cache"] = "true"
            headers["X-OpenRouter-Cache-TTL"] = str(CACHE_TTL_S)
        return await self._http.post(
            self._base_url + chat.PATH, headers=headers, body=body, timeout_s=deadline.left_s()
        )

    async def _images_route(
        self, request: Request, prepared: Prepared, deadline: _Deadline
    ) -> Generated:
        body = await asyncio.to_thread(images.request_body, request, references=prepared.uris)
        response = await self._http.post(
            self._base_url + images.PATH,
            headers=self._headers(),
            body=body,
            timeout_s=deadline.left_s(),
        )
        return await asyncio.to_thread(
            images.parse, response.status, response.headers, response.body, now=self._now()
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}

    def _first_route(self, request: Request) -> Literal["chat", "images"]:
        """The manifest decides, then what was learnt, then the table; chat otherwise."""
        generate = request.generate
        if generate.route != "auto":
            return generate.route
        learnt = (self._learnt.get(generate.model) or {}).get("route")
        if learnt == "images" or (learnt != "chat" and generate.model in self._table.images_only):
            return "images"
        return "chat"

    def _is_image_only(self, request: Request) -> bool:
        """The class of the model: stated, learnt, shipped; a model that also writes otherwise."""
        generate = request.generate
        if generate.parameters.modalities is not None:
            return "text" not in generate.parameters.modalities
        learnt = (self._learnt.get(generate.model) or {}).get("image_only")
        if isinstance(learnt, bool):
            return learnt
        return self._table.facts(generate.model).is_image_only is True

    def _remember(self, model: str, lesson: _Lesson) -> tuple[str, ...]:
        """Keep `lesson`; the image is here and paid for, so a failure to is only a warning."""
        try:
            self._learnt.set(model, image_only=lesson.image_only, route=lesson.route)
        except AssetgenError as error:
            return (f"what was learnt about `{model}` could not be kept: {error.what}",)
        return ()

    def _hide_key(self, error: ProviderError) -> None:
        """Blot the key out of `error`, in case the service repeated it."""
        if len(self._key) < _SHORTEST_SECRET:
            return
        error.what = error.what.replace(self._key, "…")
        error.args = (error.what,)
        if error.hint is not None:
            error.hint = error.hint.replace(self._key, "…")


def _checked_address(base_url: str) -> str:
    """`base_url` without a slash at its end."""
    try:
        parts = urlsplit(base_url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not base_url.isprintable() or " " in base_url:
        raise UsageError(
            "`OPENROUTER_BASE_URL` is no address to send to",
            hint="write it like `https://openrouter.ai/api/v1`, which is the default",
        )
    return base_url.rstrip("/")


class _Deadline:
    """What is left of the time for one attempt, which may take up to three requests."""

    def __init__(self, timeout_s: float) -> None:
        self._end = asyncio.get_running_loop().time() + timeout_s

    def left_s(self) -> float:
        return max(0.0, self._end - asyncio.get_running_loop().time())


def _is_mismatch(response: Response) -> bool:
    return is_modalities_mismatch(response.status, response.body)


def _is_other_route_needed(response: Response, lesson: _Lesson | None) -> bool:
    """Whether both classes gave the 404, or the service says that this is the wrong route."""
    is_both = lesson is not None and _is_mismatch(response)
    return is_both or is_wrong_endpoint(response.status, response.body)
