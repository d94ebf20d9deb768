"""The OpenRouter provider: which route, which class of model, which headers.

What is sent and understood is in `chat.py` and `images.py`; this file only connects them with the
world. One call is one attempt, but two mistakes about a model cost nothing and are put right within
it: the wrong class (404 about modalities) and the wrong route (both classes gave that 404, the
service says so, or a route that was learnt is there no more). Each route is asked once, so this
ends. What turned out right is remembered. Nothing else is tried again here.

A call that is cut before its answer is there ends at once. From then on the answer is read, because
it is paid for, and handed over although the task is being cancelled; `Task.cancelling` tells.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from assetgen.core.value import Value, replace
from assetgen.errors import AssetgenError, ProviderError, UsageError
from assetgen.providers.openrouter import chat, images
from assetgen.providers.openrouter.errors import (
    SERVER_ERRORS,
    SUCCESS,
    error_of,
    is_modalities_mismatch,
    is_no_such_route,
    is_wrong_endpoint,
)
from assetgen.providers.openrouter.references import Prepared, prepare
from assetgen.providers.openrouter.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from assetgen.core.call import Generated, Request
    from assetgen.core.ports import Images
    from assetgen.providers.http import Response
    from assetgen.providers.openrouter.models import OpenRouterTable

P = ParamSpec("P")
T = TypeVar("T")
RouteTaken = Literal["chat", "images"]

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


class _Lesson(Value):
    """What a call found out that was not known before."""

    image_only: bool | None = None
    route: RouteTaken | None = None


class _Answered(Value):
    """What a route answered, and what had to be found out on the way."""

    route: RouteTaken
    response: Response
    lesson: _Lesson = _Lesson()
    before: Response | None = None
    """The answer of the other route, when that one was asked first."""


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
        self._secret = Secret(key)
        self._base_url = checked_address(base_url)
        self._learnt = learnt
        self._now = now
        self._readers = ThreadPoolExecutor(os.cpu_count() or 1, "read-answer")

    def __repr__(self) -> str:
        return "OpenRouter()"

    async def generate(self, request: Request) -> Generated:
        """Make one image, or raise a `ProviderError`; see `core.ports.Provider`.

        `request.timeout_s` bounds all that is sent for this attempt together.
        """
        prepared = await _beside(request, prepare, request.references, self._images)
        try:
            answered = await self._ask(request, prepared)
            generated = await _to_its_end(self._read_in_turn(request, answered))
        except ProviderError as error:
            self._hide_key(error)
            raise
        warnings = (*prepared.warnings, *generated.warnings)
        return self._without_key(replace(generated, warnings=warnings))

    async def _ask(self, request: Request, prepared: Prepared) -> _Answered:
        """The answer of the right route, or of the one that was asked last."""
        deadline = _Deadline(request.timeout_s)
        route = self._first_route(request)
        first = await self._ask_at(route, request, prepared, deadline)
        if request.generate.route != "auto" or not self._is_served_elsewhere(request, first):
            return first
        other: RouteTaken = "chat" if route == "images" else "images"
        answered = await self._ask_at(other, request, prepared, deadline)
        lesson = replace(answered.lesson, route=other)
        return replace(answered, lesson=lesson, before=first.response)

    async def _ask_at(
        self, route: RouteTaken, request: Request, prepared: Prepared, deadline: _Deadline
    ) -> _Answered:
        if route == "chat":
            return await self._ask_chat(request, prepared, deadline)
        body = await _beside(request, images.request_body, request, references=prepared.uris)
        response = await self._post(images.PATH, self._headers(), body, deadline)
        return _Answered("images", response)

    def _is_served_elsewhere(self, request: Request, answered: _Answered) -> bool:
        """Whether the service says that it makes this model's images at the other route.

        Chat says so by refusing both classes. That the images route is not there counts only where
        experience chose it: chat gives a lasting 500 for what the table knows it does not serve.
        """
        response = answered.response
        if response.status in SUCCESS:  # and its body, which is large, is not read here
            return False
        if is_wrong_endpoint(response.status, response.body):
            return True
        if answered.route == "chat":
            return answered.lesson != _Lesson() and _is_mismatch(response)
        is_shipped = request.generate.model in self._table.images_only
        return not is_shipped and is_no_such_route(response.status, response.body)

    async def _read_in_turn(self, request: Request, answered: _Answered) -> Generated:
        """Read no more answers at once than there are processors: each takes six times its size."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, request, answered)

    def _read(self, request: Request, answered: _Answered) -> Generated:
        """The images of an answer, and the memory of what it taught. Blocks."""
        response, now = answered.response, self._now()
        status, headers, body = response.status, response.headers, response.body
        try:
            if answered.route == "images":
                generated = images.parse(status, headers, body, now=now)
            else:
                generated = chat.parse(request, status, headers, body, now=now)
        except ProviderError as error:
            error.hint = error.hint or self._hint(request, answered)
            raise
        if answered.lesson == _Lesson():
            return generated
        more = self._remember(request.generate.model, answered.lesson)
        return replace(generated, warnings=(*generated.warnings, *more))

    def _hint(self, request: Request, answered: _Answered) -> str | None:
        """What helps where the error itself has no advice."""
        before, response = answered.before, answered.response
        if response.status in SUCCESS:
            return None
        if before is not None:
            other = "images" if answered.route == "chat" else "chat"
            said = error_of(before.status, before.headers, before.body, now=self._now())
            return f"the {other} route was asked before: {said.what}"
        is_chat_fault = answered.route == "chat" and response.status in SERVER_ERRORS
        if is_chat_fault and self._is_image_only(request):
            return (
                "some image-only models are served at the other route alone: when this does not"
                " pass, set `api: images`"
            )
        return None

    async def _ask_chat(
        self, request: Request, prepared: Prepared, deadline: _Deadline
    ) -> _Answered:
        """The answer of the chat route, after the class was switched at most once."""
        image_only = self._is_image_only(request)
        response = await self._send_chat(request, prepared, deadline, image_only=image_only)
        is_stated = request.generate.parameters.modalities is not None
        if is_stated or not _is_mismatch(response):
            return _Answered("chat", response)
        response = await self._send_chat(request, prepared, deadline, image_only=not image_only)
        return _Answered("chat", response, _Lesson(image_only=not image_only))

    async def _send_chat(
        self, request: Request, prepared: Prepared, deadline: _Deadline, *, image_only: bool
    ) -> Response:
        generate = request.generate
        body = await _beside(
            request,
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
        return await self._post(chat.PATH, headers, body, deadline)

    async def _post(
        self, path: str, headers: Mapping[str, str], body: bytes, deadline: _Deadline
    ) -> Response:
        _stop_if_cut()
        return await self._http.post(
            self._base_url + path, headers=headers, body=body, timeout_s=deadline.left_s()
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}

    def _first_route(self, request: Request) -> RouteTaken:
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
        blot = self._secret.blot
        error.what = blot(error.what)
        error.args = (error.what,)
        error.hint = blot(error.hint) if error.hint else error.hint
        error.generation_id = blot(error.generation_id) if error.generation_id else None

    def _without_key(self, generated: Generated) -> Generated:
        """Likewise what came beside an image, which goes into lockfile and ledger."""
        blot = self._secret.blot
        return replace(
            generated,
            provider=blot(generated.provider) if generated.provider else None,
            model=blot(generated.model) if generated.model else None,
            generation_id=blot(generated.generation_id) if generated.generation_id else None,
            warnings=tuple(map(blot, generated.warnings)),
        )


def checked_address(base_url: str) -> str:
    """`base_url` without a slash at its end.

    Plain HTTP is for a server on this machine: anywhere else it would show the key to everyone on
    the way.
    """
    scheme = host = ""
    try:
        parts = urlsplit(base_url)
        if parts.port != 0 and "@" not in parts.netloc:
            scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        pass
    is_address = scheme in {"http", "https"} and host != ""
    if not is_address or not base_url.isprintable() or " " in base_url:
        raise UsageError(
            "`OPENROUTER_BASE_URL` is no address to send to",
            hint="write it like `https://openrouter.ai/api/v1`, which is the default",
        )
    if scheme == "http" and not _is_this_machine(host):
        raise UsageError(
            f"`OPENROUTER_BASE_URL` would send the API key to `{host}` without encryption",
            hint="use an `https:` address; `http:` is for a server on this machine alone",
        )
    return base_url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _beside(request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` for a request, in a thread where references make it long: else a thread would."""
    if request.references:
        return await asyncio.to_thread(work, *args, **kwargs)
    return work(*args, **kwargs)


async def _to_its_end(work: Coroutine[None, None, T]) -> T:
    """Do `work` to its end and give its result, even when the call is cut meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()


def _stop_if_cut() -> None:
    """Send nothing more for a call that was cut while an answer of it was read."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class _Deadline:
    """What is left of the time for one attempt, which may take up to four requests.

    It runs from the first of them: what is done before on this machine is no part of it.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._end: float | None = None

    def left_s(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._end is None:
            self._end = now + self._timeout_s
            return self._timeout_s
        return max(0.0, self._end - now)


def _is_mismatch(response: Response) -> bool:
    if response.status in SUCCESS:
        return False
    return is_modalities_mismatch(response.status, response.body)
