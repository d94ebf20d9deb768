"""Promises of the sender, against a real server on the loopback that misbehaves byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from assetgen._version import __version__
from assetgen.errors import (
    AssetgenError,
    BadResponse,
    ProviderError,
    Retry,
    Unavailable,
    UsageError,
)
from assetgen.providers import http
from assetgen.providers.http import Http, Progress, Response, translate

KEY = "sk-or-very-secret"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1/chat"
    finally:
        server.close()
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next(
        int(line.split(":")[1])
        for line in head.splitlines()
        if line.lower().startswith("content-l")
    )
    return head, await reader.readexactly(length)


def answering(raw: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        await writer.drain()

    return handler


def message(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def posting(
    handler: Handler, *, timeout_s: float = 20, max_body_bytes: int = http.MAX_BODY_BYTES
) -> Response:
    async def run() -> Response:
        client = Http()
        try:
            async with serving(handler) as url:
                return await client.post(
                    url,
                    headers={"Authorization": f"Bearer {KEY}"},
                    body=b'{"a":1}',
                    timeout_s=timeout_s,
                    max_body_bytes=max_body_bytes,
                )
        finally:
            await client.aclose()

    return asyncio.run(run())


def failing(
    handler: Handler, *, timeout_s: float = 20, max_body_bytes: int = http.MAX_BODY_BYTES
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        posting(handler, timeout_s=timeout_s, max_body_bytes=max_body_bytes)
    assert_no_key(caught.value)
    return caught.value


def assert_no_key(error: AssetgenError) -> None:
    assert KEY not in f"{error} {error.hint} {error!r}"
    seen: BaseException | None = error
    while seen is not None:
        assert not isinstance(seen, httpx.RequestError), "a chained request carries the key"
        seen = seen.__cause__ or seen.__context__


def test_an_answer_comes_back_with_status_lower_case_headers_and_body() -> None:
    raw = message(b'{"error":{}}', "X-Generation-Id: gen-1", status="429 Too Many Requests")
    response = posting(answering(raw))
    assert response.status == 429
    assert response.headers["x-generation-id"] == "gen-1"
    assert response.body == b'{"error":{}}'


def test_an_answer_is_held_once_when_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx's request leads to how it went, in a cycle: fifty answers would lie about twice."""
    seen: list[Progress] = []

    class Watched(Progress):
        def __init__(self) -> None:
            super().__init__()
            seen.append(self)

    monkeypatch.setattr(http, "Progress", Watched)
    assert posting(answering(message(b'{"a":1}'))).body == b'{"a":1}'
    assert [progress.received.size for progress in seen] == [0]


def test_the_request_names_the_tool_and_asks_for_no_compression() -> None:
    seen: list[tuple[str, bytes]] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(message(b"{}"))

    posting(handler)
    head, body = seen[0]
    assert head.startswith("POST /api/v1/chat HTTP/1.1")
    assert f"user-agent: assetgen/{__version__}" in head.lower()
    assert "accept-encoding: identity" in head.lower()
    assert f"Authorization: Bearer {KEY}" in head
    assert body == b'{"a":1}'


def test_a_connection_is_never_used_twice() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(message(b"{}"))
        await writer.drain()
        await reader.read()

    async def run() -> None:
        client = Http()
        async with serving(handler) as url:
            for _ in range(3):
                await client.post(url, headers={}, body=b"x", timeout_s=20)
        await client.aclose()

    asyncio.run(run())
    assert connections == 3


def test_many_calls_run_at_once() -> None:
    async def run() -> None:
        everyone = asyncio.Barrier(12)

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            await everyone.wait()
            writer.write(message(b"{}"))

        client = Http()
        async with serving(handler) as url:
            calls = (client.post(url, headers={}, body=b"x", timeout_s=30) for _ in range(12))
            await asyncio.gather(*calls)
        await client.aclose()

    asyncio.run(run())


def test_chunked_bodies_are_read() -> None:
    raw = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    assert posting(answering(raw)).body == b'{"a":1}'


def test_a_body_that_ends_with_the_connection_is_read() -> None:
    assert posting(answering(b"HTTP/1.1 200 OK\r\n\r\n{}")).body == b"{}"


@pytest.mark.parametrize(
    ("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compression_that_was_not_asked_for_is_undone(
    encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    raw = message(encode(b'{"a":1}'), f"Content-Encoding: {encoding}")
    assert posting(answering(raw)).body == b'{"a":1}'


def test_a_compression_bomb_stops_at_the_bound() -> None:
    raw = message(gzip.compress(bytes(20_000_000)), "Content-Encoding: gzip")
    error = failing(answering(raw), max_body_bytes=100_000)
    assert isinstance(error, BadResponse)
    assert "larger than" in error.what


def test_compression_that_ends_early_is_a_lost_answer() -> None:
    whole = gzip.compress(b'{"a":1}' * 100)
    error = failing(answering(message(whole[:20], "Content-Encoding: gzip")))
    assert error.retry is Retry.AMBIGUOUS


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
def test_compression_that_cannot_be_undone_is_a_bad_answer(encoding: str) -> None:
    error = failing(answering(message(b"nonsense", f"Content-Encoding: {encoding}")))
    assert isinstance(error, BadResponse)
    assert encoding in error.what


def test_a_body_beyond_the_bound_is_not_read_on() -> None:
    error = failing(answering(message(bytes(300_000))), max_body_bytes=100_000)
    assert isinstance(error, BadResponse)
    assert error.retry is Retry.UNUSABLE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_stays_here(status: int) -> None:
    elsewhere: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        elsewhere.append(head)
        location = "Location: http://127.0.0.1:1/elsewhere"
        writer.write(message(b"", location, status=f"{status} Moved"))

    error = failing(handler)
    assert isinstance(error, BadResponse)
    assert error.retry is Retry.NEVER
    assert f"HTTP {status}" in error.what
    assert "127.0.0.1:1" in error.what
    assert len(elsewhere) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        message(b'{"choices"', length=5000),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a"',
        b"garbage\r\n\r\n",
    ],
    ids=["no headers", "cut in headers", "short of its length", "cut in a chunk", "no HTTP"],
)
def test_an_answer_lost_after_sending_may_be_billed(raw: bytes) -> None:
    error = failing(answering(raw))
    assert isinstance(error, Unavailable)
    assert error.retry is Retry.AMBIGUOUS
    assert error.may_be_billed
    assert "may be billed" in error.what


def test_a_lost_answer_still_tells_its_generation_when_the_headers_came() -> None:
    error = failing(answering(message(b'{"ch', "X-Generation-Id: gen-77", length=900)))
    assert error.generation_id == "gen-77"
    assert "gen-77" in error.what


def test_a_connection_reset_after_sending_may_be_billed() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    assert failing(handler).retry is Retry.AMBIGUOUS


def test_the_deadline_covers_a_server_that_says_nothing() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()

    error = failing(handler, timeout_s=0.3)
    assert isinstance(error, Unavailable)
    assert error.retry is Retry.AMBIGUOUS
    assert "within 0.3 s" in error.what
    assert "--timeout" in (error.hint or "")


def test_the_deadline_covers_a_server_that_drips_for_ever() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(message(b"", "X-Generation-Id: gen-9", length=10**6))
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    error = failing(handler, timeout_s=0.4)
    assert error.retry is Retry.AMBIGUOUS
    assert error.generation_id == "gen-9"


def cut_when_sent(raw: bytes) -> Response | None:
    """What a call gives that is cut when `raw` was read, while the server goes on waiting."""

    async def run() -> Response | None:
        is_sent = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(raw)
            await writer.drain()
            is_sent.set()
            await reader.read()

        client = Http()
        async with serving(handler) as url:
            call = client.post(url, headers={}, body=b"x", timeout_s=60)
            task = asyncio.create_task(call)
            await is_sent.wait()
            for _ in range(100):  # the client reads in this same loop, a piece at a time
                await asyncio.sleep(0.001)
            task.cancel()
            try:
                return await task
            except asyncio.CancelledError:
                return None
            finally:
                await client.aclose()

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_a_call_that_is_cut_when_its_answer_is_whole_gives_it() -> None:
    response = cut_when_sent(message(b' \n: wait\n {"a": [1]}\n', length=500))
    assert response is not None
    assert response.body.strip().endswith(b'{"a": [1]}')


@pytest.mark.parametrize("body", [b"", b'{"a": [1]', b'{"a": "}', b"  \n"])
def test_a_call_that_is_cut_before_its_answer_is_whole_ends(body: bytes) -> None:
    assert cut_when_sent(message(body, length=500)) is None


def test_nobody_listening_costs_nothing_and_may_be_tried_again() -> None:
    async def run() -> None:
        async with serving(answering(b"")) as url:
            pass
        await Http().post(url, headers={"Authorization": KEY}, body=b"x", timeout_s=20)

    with pytest.raises(Unavailable) as caught:
        asyncio.run(run())
    assert caught.value.retry is Retry.TRANSIENT
    assert not caught.value.may_be_billed
    assert "cannot be reached" in caught.value.what
    assert_no_key(caught.value)


def test_a_deadline_while_connecting_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stalls(self: object, request: httpx.Request) -> httpx.Response:
        del self, request
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", stalls)
    call = Http().post("https://127.0.0.1/x", headers={}, body=b"", timeout_s=0.05)
    with pytest.raises(Unavailable) as caught:
        asyncio.run(call)
    assert caught.value.retry is Retry.TRANSIENT


def test_a_proxy_that_breaks_its_tunnel_has_not_passed_the_request_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async def run() -> None:
        async with serving(proxy) as url:
            monkeypatch.setenv("HTTPS_PROXY", url.rpartition("/api")[0])
            await Http().post("https://example.invalid/x", headers={}, body=b"", timeout_s=20)

    with pytest.raises(Unavailable) as caught:
        asyncio.run(run())
    assert caught.value.retry is Retry.TRANSIENT


def test_a_proxy_that_says_no_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        await writer.drain()

    async def run() -> None:
        async with serving(proxy) as url:
            monkeypatch.setenv("HTTPS_PROXY", url.rpartition("/api")[0])
            await Http().post("https://example.invalid/x", headers={}, body=b"", timeout_s=20)

    with pytest.raises(Unavailable, match="407") as caught:
        asyncio.run(run())
    assert caught.value.retry is Retry.TRANSIENT


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host/x", "http://", "https://[::1", "https://h:port/x"]
)
def test_an_address_that_is_none_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        asyncio.run(Http().post(url, headers={}, body=b"", timeout_s=20))
    assert "OPENROUTER_BASE_URL" in (caught.value.hint or "")
    assert_no_key(caught.value)


def test_a_bad_address_is_shown_without_its_password() -> None:
    error = translate(
        httpx.UnsupportedProtocol("x"),
        url="ftp://me:secret@host/api?k=secret",
        progress=Progress(),
    )
    assert "secret" not in str(error)
    assert "host/api" in str(error)


@pytest.mark.parametrize("key", [f"Bearer {KEY}\n", f"Bearer {KEY}\u2028"])
def test_a_key_that_cannot_be_a_header_is_not_shown(key: str) -> None:
    async def run() -> None:
        async with serving(answering(message(b"{}"))) as url:
            await Http().post(url, headers={"Authorization": key}, body=b"x", timeout_s=20)

    with pytest.raises(Unavailable) as caught:
        asyncio.run(run())
    assert caught.value.retry is Retry.NEVER
    assert_no_key(caught.value)


def test_proxy_settings_that_cannot_be_used_are_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://me:secret@proxy:1")
    with pytest.raises(UsageError) as caught:
        asyncio.run(Http().post("https://127.0.0.1/", headers={}, body=b"", timeout_s=1))
    assert "secret" not in f"{caught.value} {caught.value.__context__} {caught.value.__cause__}"


def test_certificates_that_cannot_be_loaded_are_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    with pytest.raises(UsageError, match="certificates"):
        asyncio.run(Http().post("https://127.0.0.1/", headers={}, body=b"", timeout_s=1))


def test_a_certificate_that_is_not_trusted_is_named_and_not_tried_again() -> None:
    fault = ssl.SSLCertVerificationError(1, "handshake")
    fault.verify_message = "self-signed certificate"
    error = httpx.ConnectError("handshake")
    error.__cause__ = fault
    ours = translate(error, url="https://host/x", progress=Progress())
    assert isinstance(ours, Unavailable)
    assert ours.retry is Retry.NEVER
    assert ours.what == "the certificate of `host` is not trusted: self-signed certificate"


def test_speaking_tls_to_a_plain_server_is_unreachable() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 no\r\n\r\n")
        await writer.drain()

    async def run() -> None:
        async with serving(handler) as url:
            secure = url.replace("http:", "https:")
            await Http().post(secure, headers={}, body=b"", timeout_s=20)

    with pytest.raises(Unavailable) as caught:
        asyncio.run(run())
    assert caught.value.retry is Retry.TRANSIENT


FOREIGN = sorted(
    (
        thing
        for name in httpx.__all__
        if inspect.isclass(thing := getattr(httpx, name)) and issubclass(thing, Exception)
    ),
    key=lambda thing: thing.__name__,
)
GROUPS = (
    httpx.HTTPError,
    httpx.RequestError,
    httpx.TransportError,
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.ProtocolError,
)
"""Bases that httpx itself never raises."""


def make(kind: type[Exception]) -> Exception:
    request = httpx.Request("POST", "https://host/x", headers={"Authorization": KEY})
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("text", request=request, response=httpx.Response(500))
    if kind in {
        httpx.StreamConsumed,
        httpx.StreamClosed,
        httpx.ResponseNotRead,
        httpx.RequestNotRead,
    }:
        return kind()
    return kind("text")


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("is_sent", [False, True])
def test_every_exception_of_httpx_has_its_place(kind: type[Exception], is_sent: bool) -> None:
    assert issubclass(kind, http.FOREIGN)
    assert kind in GROUPS or issubclass(
        kind, http.NOT_SENT + http.LOST + http.BAD_URL + http.MISUSE
    ), f"{kind.__name__} is new: decide whether it can come after the request was sent"
    error = translate(make(kind), url="https://host/x", progress=Progress(is_sent=is_sent))
    if issubclass(kind, http.BAD_URL):
        assert isinstance(error, UsageError)
        return
    assert isinstance(error, Unavailable)
    if issubclass(kind, http.MISUSE):
        assert error.retry is Retry.NEVER
    elif issubclass(kind, http.NOT_SENT) or not is_sent:
        assert error.retry is Retry.TRANSIENT
    else:
        assert error.retry is Retry.AMBIGUOUS


async def beside_others_that_do_not_come_on(
    raw: bytes, use: Callable[[asyncio.Task[Response]], Awaitable[bytes]]
) -> bytes:
    """What `use` makes of a call that `raw` answers, while twenty answers have begun and stall."""
    are_begun, is_over = asyncio.Semaphore(0), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        if "/slow" not in head.splitlines()[0]:
            writer.write(raw)
            await writer.drain()
            await is_over.wait()
            return
        writer.write(message(b"0123456789")[:-5])
        await writer.drain()
        are_begun.release()
        await is_over.wait()

    async with serving(handler) as url:
        client = Http()

        def send(path: str) -> asyncio.Task[Response]:
            call = client.post(f"{url}/{path}", headers={}, body=b"{}", timeout_s=60)
            return asyncio.create_task(call)

        slow = [send("slow") for _ in range(20)]
        for _ in slow:
            await are_begun.acquire()
        found = await use(send("quick"))
        for call in slow:
            call.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        is_over.set()
        await client.aclose()
    return found


def test_an_answer_is_read_while_others_have_begun_and_do_not_come_on() -> None:
    async def read(call: asyncio.Task[Response]) -> bytes:
        return (await call).body

    body = asyncio.run(beside_others_that_do_not_come_on(message(b"{}"), read))
    assert body == b"{}"


def test_a_call_that_is_cut_gives_its_whole_answer_however_many_others_stall() -> None:
    async def cut(call: asyncio.Task[Response]) -> bytes:
        for _ in range(100):  # the client reads in this same loop, a piece at a time
            await asyncio.sleep(0.001)
        call.cancel()
        return (await call).body

    whole = message(b'{"a": [1]}', length=500)
    assert asyncio.run(beside_others_that_do_not_come_on(whole, cut)) == b'{"a": [1]}'
