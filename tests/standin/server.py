"""The stand-in itself: a loopback server in a thread, scripted and questioned by a test."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import socket
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from tests.standin.answers import Answer, ErrorBody, Image, Text, Unauthorized
from tests.standin.bodies import zero_usage
from tests.standin.catalogue import StandInCatalogue
from tests.standin.pictures import size_for
from tests.standin.reply import Occasion, Reply, json_reply
from tests.standin.rules import KnownModel, RefusedError, check, known_model
from tests.standin.wire import read_request, send

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from tests.standin.recorded import Recorded

API_KEY = "sk-or-test-key"
"""The key that is let in unless a test names another."""
READ_LIMIT_BYTES = 1 << 20
"""Most that the head of a request may take."""
CACHE_TTL_S = 300
"""Of the response cache when the request states none (response caching guide)."""
PATIENCE_S = 10.0
"""How long a test waits for something that should happen at once."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """An answer in the response cache."""

    reply: Reply
    until: float
    """Seconds of the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Replayed:
    """An answer given again out of the response cache."""

    stored: Reply

    def reply(self, occasion: Occasion) -> Reply:
        """The stored body with a new id and nothing used."""
        document = zero_usage(json.loads(self.stored.body)) | {"id": occasion.generation_id}
        headers = {
            "X-Generation-Id": occasion.generation_id,
            "X-OpenRouter-Cache-Status": "HIT",
        }
        return json_reply(document, headers=headers)


class OpenRouterStandIn:
    """OpenRouter's image routes on 127.0.0.1 or another `host`, as a context manager.

    It refuses what the service refuses, and answers the rest with `default` or what was scripted;
    a refused request uses nothing of the script. Attributes without a leading underscore may be
    set at any time.
    """

    def __init__(
        self,
        api_key: str = API_KEY,
        *,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.api_key = api_key
        self._host = host
        self._tls = tls
        self.catalogue = StandInCatalogue()
        self.default: Answer = Image()
        self.latency_s = 0.0
        """How long each image takes."""
        self.full_size = False
        """Real pixel sizes instead of an eighth of each side."""
        self.response_cache = False
        """Whether the opt-in of the response cache is honoured."""
        self.max_body_bytes = 32 * 1024 * 1024
        """A larger request is refused with 413; OpenRouter publishes no figure."""
        self._script: deque[Answer] = deque()
        self._scripts: list[tuple[Callable[[Recorded], bool], deque[Answer]]] = []
        self._models: dict[str, KnownModel] = {}
        self._cache: dict[str, _Stored] = {}
        self._seen_bodies: Counter[bytes] = Counter()
        self._changed = threading.Condition()
        self._requests: list[Recorded] = []
        self._in_flight = 0
        self._peak_in_flight = 0
        self._ended_at: list[float] = []
        self._number = 0
        self._billed = Decimal(0)
        self._held: Callable[[Recorded], bool] | None = None
        self._released = asyncio.Event()
        self._stopping = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.create_server((self._host, 0), family=family)
        self._port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="openrouter-standin", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if error is None and self._faults:
            raise BaseExceptionGroup("the stand-in or a scripted predicate failed", self._faults)

    # What a test asks for

    @property
    def base_url(self) -> str:
        """What `OPENROUTER_BASE_URL` should be."""
        scheme = "http" if self._tls is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}/api/v1"

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def generations(self) -> list[Recorded]:
        """Those of `requests` that ask for an image, refused ones included."""
        return [request for request in self.requests if request.route is not None]

    @property
    def billed(self) -> Decimal:
        """Dollars for what was really made, also where the client never read it."""
        with self._changed:
            return self._billed

    @property
    def in_flight(self) -> int:
        """How many requests for an image are being answered now."""
        with self._changed:
            return self._in_flight

    @property
    def ended_at(self) -> list[float]:
        """When the last byte of each answer to a request for an image had been handed over.

        Seconds of the monotonic clock.
        """
        with self._changed:
            return list(self._ended_at)

    @property
    def peak_in_flight(self) -> int:
        """The most that `in_flight` ever was."""
        with self._changed:
            return self._peak_in_flight

    # What a test decides

    def script(self, *answers: Answer) -> None:
        """Give these to the next requests for an image, one each; then the default again."""
        self._script.extend(answers)

    def script_for(self, when: Callable[[Recorded], bool], *answers: Answer) -> None:
        """Likewise for requests of which `when` is true; these come before `script`'s."""
        self._scripts.append((when, deque(answers)))

    def model(self, name: str, *, image_only: bool = False, images_only: bool = False) -> None:
        """Make a model known: `image_only` writes no text, `images_only` fails on chat."""
        self._models[name] = KnownModel(image_only=image_only, images_only=images_only)

    def hold(self, when: Callable[[Recorded], bool] = lambda _: True) -> None:
        """Keep back requests of which `when` is true: nothing is made or billed for them yet."""
        self._held = when

    def release(self) -> None:
        """Let go of everything that is held."""
        self._held = None
        self._loop.call_soon_threadsafe(self._released.set)

    def wait_for_generations(self, count: int, timeout_s: float = PATIENCE_S) -> None:
        """Return when `count` requests for an image have arrived.

        Raises:
            TimeoutError: they did not come.
        """
        self.wait_until(lambda: len(self.generations) >= count, timeout_s)

    def wait_until_idle(self, timeout_s: float = PATIENCE_S) -> None:
        """Return when no request for an image is being answered.

        Raises:
            TimeoutError: one still is.
        """
        self.wait_until(lambda: self.in_flight == 0, timeout_s)

    def wait_until(self, is_so: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Return when `is_so`, asked whenever something here changes, is true.

        Raises:
            TimeoutError: it never was.
        """
        with self._changed:
            if not self._changed.wait_for(is_so, timeout_s):
                seen = [f"{request.method} {request.path}" for request in self._requests]
                raise TimeoutError(
                    f"waited {timeout_s} s; {self._in_flight} in flight, arrived: {seen}"
                )

    # The server's thread

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._connected, sock=self._socket, limit=READ_LIMIT_BYTES, ssl=self._tls
        )
        async with server:
            await self._stopping.wait()
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._talk(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.append(fault)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A client may leave at any time, and some tests are about just that
            with contextlib.suppress(ConnectionError):
                while (request := await read_request(reader, writer)) is not None:
                    if not await self._serve_one(request, writer):
                        break
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve_one(self, request: Recorded, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection may serve another one."""
        may_stay_open = request.headers.get("connection", "").lower() != "close"
        is_generation = request.route is not None
        with self._changed:
            self._requests.append(request)
            self._in_flight += is_generation
            self._peak_in_flight = max(self._peak_in_flight, self._in_flight)
            self._changed.notify_all()
        try:
            reply = await self._make(request)
            return await send(reply, writer, may_stay_open=may_stay_open)
        finally:
            with self._changed:
                self._in_flight -= is_generation
                self._ended_at += [time.monotonic()] if is_generation else []
                self._changed.notify_all()

    async def _make(self, request: Recorded) -> Reply:
        """Choose the answer at once, in order of arrival; make and bill it when its time comes."""
        listed = self.catalogue.reply(request)
        if listed is not None:
            return listed
        occasion = self._occasion(request)
        try:
            occasion = replace(occasion, size_px=self._admit(request))
        except RefusedError as refused:
            return refused.answer.reply(occasion)
        answer = self._repeated(request) or self._choose(request)
        while (held := self._held) is not None and held(request):
            self._released.clear()
            await self._released.wait()
        await asyncio.sleep(self.latency_s)
        reply = answer.reply(occasion)
        with self._changed:
            self._billed += reply.cost_usd
            self._changed.notify_all()
        return self._remembered(request, reply)

    def _occasion(self, request: Recorded) -> Occasion:
        self._number += 1
        digest = hashlib.sha256(request.body_bytes).digest()
        self._seen_bodies[digest] += 1
        seed = f"{digest.hex()} {self._seen_bodies[digest]}"
        return Occasion(request, self._number, seed, size_for())

    def _admit(self, request: Recorded) -> tuple[int, int]:
        """The pixels that the request asks for.

        Raises:
            RefusedError: it is refused.
        """
        if request.route is None:
            raise RefusedError(ErrorBody(404, f"Not Found: {request.method} {request.path}"))
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            raise RefusedError(Unauthorized())
        if len(request.body_bytes) > self.max_body_bytes:
            raise RefusedError(ErrorBody(413, "Request body is too large"))
        model = self._models.get(request.model) or known_model(request.model)
        return check(request, model, full_size=self.full_size)

    def _choose(self, request: Recorded) -> Answer:
        if request.route == "chat" and "image" not in (request.modalities or []):
            return Text()  # nobody asked for an image
        for when, answers in self._scripts:
            if answers and when(request):
                return answers.popleft()
        return self._script.popleft() if self._script else self.default

    # The response cache: opt-in by header, chat only, whole 200 answers, none for parallel twins

    def _cache_key(self, request: Recorded) -> str | None:
        wants = request.headers.get("x-openrouter-cache", "").lower() == "true"
        if not (self.response_cache and wants and request.route == "chat"):
            return None
        return f"{request.path} {hashlib.sha256(request.body_bytes).hexdigest()}"

    def _repeated(self, request: Recorded) -> _Replayed | None:
        key = self._cache_key(request)
        stored = None if key is None else self._cache.get(key)
        if stored is None or stored.until <= time.monotonic():
            return None
        return _Replayed(stored.reply)

    def _remembered(self, request: Recorded, reply: Reply) -> Reply:
        """`reply` with the header of the response cache, kept there if it is a good one."""
        key = self._cache_key(request)
        if key is None or "X-OpenRouter-Cache-Status" in reply.headers:
            return reply
        if _is_whole(reply):
            ttl_s = float(request.headers.get("x-openrouter-cache-ttl", CACHE_TTL_S))
            self._cache[key] = _Stored(reply, time.monotonic() + ttl_s)
        return replace(reply, headers={**reply.headers, "X-OpenRouter-Cache-Status": "MISS"})


def _is_whole(reply: Reply) -> bool:
    """Whether the body is a completion, whatever then happens to it on its way."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return False
    return reply.status == 200 and isinstance(document, dict) and "choices" in document
