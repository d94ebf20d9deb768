"""Sends one HTTP request and says, when it fails, whether it may have been paid for.

The only home of httpx. Every exception of httpx ends here as one of ours, raised without cause or
context: httpx exceptions carry the request, and the request carries the API key.

An answer that is lost after sending may have been billed (`Retry.AMBIGUOUS`); a failure before the
request left this machine cannot (`Retry.TRANSIENT`). The line between them is drawn by httpcore's
trace event for the first byte of our request, not guessed from the class of the exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from assetgen._version import __version__
from assetgen.errors import (
    AssetgenError,
    BadResponse,
    ProviderError,
    Retry,
    Unavailable,
    UsageError,
)
from assetgen.providers.document import parse_json, skip_padding
from assetgen.providers.received import Received

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES = 192 * 1024 * 1024
"""Seven 4K pictures in base64 fit; a body beyond that is not an answer.

A call whose body never ends, as received or as decoded, takes at most one and a half times this on
top of what the process takes anyway (measured by `tests/attacks/test_wire_memory.py`).
"""

_DECODED_AT_ONCE_BYTES = 1024 * 1024
"""Of a compressed body, so that a bomb stops at the bound and not at twice of it."""

MAX_ID_LENGTH = 200
"""A longer id is cut: it goes into messages and the lockfile."""

CONNECT_TIMEOUT_S = 30.0
"""A connection that takes longer is not coming; giving up early leaves time for another attempt."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Raised only before the request could leave."""
LOST = (
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.RemoteProtocolError,
)
"""The connection broke: before or after sending, as the trace tells."""
BAD_URL = (httpx.UnsupportedProtocol, httpx.InvalidURL)
MISUSE = (
    httpx.LocalProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
    httpx.HTTPStatusError,
    httpx.CookieConflict,
    httpx.StreamError,
    UnicodeError,
)
"""Cannot come from a well-formed request that is read raw and never redirected."""

FOREIGN = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    UnicodeError,
    OSError,
)
"""Everything a call can raise; TLS faults while reading come through as `OSError`."""

_BASE_URL_HINT = "check `OPENROUTER_BASE_URL`; the default is `https://openrouter.ai/api/v1`"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, complete: status, headers with lower-case names, decoded body."""

    status: int
    headers: Mapping[str, str]
    received: bytes | Received = field(repr=False)

    @property
    def body(self) -> bytes:
        """All of it; of a large one this reads a file.

        Raises:
            Unavailable: that cannot be read any more.
        """
        if isinstance(self.received, bytes):
            return self.received
        try:
            return self.received.read()
        except OSError as error:
            raise Unavailable(
                f"the answer has come and was lost on this machine: {error.strerror or error}; "
                "it may be billed",
                hint="the folder for temporary files (`TMPDIR`) must keep what is written to it",
                retry=Retry.AMBIGUOUS,
                generation_id=generation_id_of(self.headers),
            ) from error


@dataclass(slots=True)
class Progress:
    """How far one call got, by which its failure is judged."""

    is_free: bool = False
    """Asks for something that is there already: losing the answer costs nothing."""
    is_sent: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    received: Received = field(default_factory=Received)
    """The body so far."""

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note the first byte of our own request; a proxy's CONNECT carries nothing to pay for."""
        if event.endswith(".send_request_headers.started"):
            self.is_sent = self.is_sent or info["request"].method != b"CONNECT"

    @property
    def generation_id(self) -> str | None:
        """The name of what was generated, once the headers are here."""
        return generation_id_of(self.headers)


def generation_id_of(headers: Mapping[str, str]) -> str | None:
    """OpenRouter names the generation in a header of every answer (its streaming page)."""
    name = headers.get("x-generation-id", "")[:MAX_ID_LENGTH]
    return name if name and name.isprintable() else None


class Http:
    """Sends requests, each over a connection of its own.

    A connection is never reused: a reset on a reused one could not be told from a lost paid
    answer. Redirects are not followed, so that the key goes to no other address. Proxies and
    certificates come from the environment, as httpx documents; but plain HTTP, which only a server
    on this machine gets, goes there directly: a proxy elsewhere would read the key.
    """

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout_s: float,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> Response:
        """Send `body` and read the whole answer.

        Any status but a redirect is an answer. `timeout_s` is the total, from connecting to the
        last byte. `max_body_bytes` bounds the body as received and as decoded.

        Raises:
            Unavailable: no answer; `retry` says whether it may be billed, and `generation_id` is
                the one from the headers when they arrived.
            BadResponse: a redirect, a body beyond the bound, or an encoding that cannot be undone.
            UsageError: the address, the proxy settings or the certificates cannot be used.

        A call that is cancelled when its answer is complete gives it all the same.
        """
        client = self._open()
        progress = Progress()
        failure: AssetgenError
        try:
            async with asyncio.timeout(timeout_s):
                request = client.build_request(
                    "POST",
                    url,
                    headers=dict(headers),
                    content=body,
                    extensions={"trace": progress.trace},
                )
                return await _exchange(client, request, max_body_bytes, progress)
        except TimeoutError:
            failure = _too_late(url, timeout_s, progress)
        except asyncio.CancelledError:
            whole = _whole_document(progress)
            if whole is None:
                raise
            return whole
        except ProviderError:
            progress.received.clear()  # the traceback would keep them while the next attempt runs
            raise
        except FOREIGN as error:
            failure = translate(error, url=url, progress=progress)
        # Outside the handler, so that the chain does not hold httpx's request and its headers.
        whole = await asyncio.to_thread(_whole_document, progress)
        if whole is not None:
            return whole
        raise failure

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_s: float, max_body_bytes: int
    ) -> Response:
        """Read what is at `url`; see `post`. Nothing is made and so nothing can be billed.

        Raises:
            Unavailable: no whole answer; never ambiguous.
            BadResponse, UsageError: as `post`.
        """
        client = self._open()
        progress = Progress(is_free=True)
        failure: AssetgenError
        try:
            async with asyncio.timeout(timeout_s):
                request = client.build_request("GET", url, headers=dict(headers))
                return await _exchange(client, request, max_body_bytes, progress)
        except TimeoutError:
            failure = _too_late(url, timeout_s, progress)
        except FOREIGN as error:
            failure = translate(error, url=url, progress=progress)
        raise failure

    async def aclose(self) -> None:
        """Close the client; a later `post` or `get` opens another."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        if self._client is not None:
            return self._client
        failure: UsageError
        try:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                mounts={"http://": None},
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"assetgen/{__version__}",
                },
            )
        except (ValueError, httpx.InvalidURL, ImportError):
            # The text of these repeats the proxy's address, which may hold a password.
            failure = UsageError(
                "the proxy settings of the environment cannot be used",
                hint="check `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`; SOCKS needs `socksio`",
            )
        except OSError as error:
            failure = UsageError(
                f"the certificates to trust cannot be loaded: {error.strerror or error}",
                hint="check `SSL_CERT_FILE` and `SSL_CERT_DIR`",
            )
        else:
            return self._client
        raise failure


async def _exchange(
    client: httpx.AsyncClient, request: httpx.Request, max_body_bytes: int, progress: Progress
) -> Response:
    """Send, and read the answer raw, so that its size is bounded before anything is decoded."""
    response = await client.send(request, stream=True)
    async with contextlib.aclosing(response):
        # `items()` joins repeated headers with a comma, as HTTP defines.
        progress.headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code in range(300, 400):
            raise _redirected(response.status_code, str(request.url), progress)
        progress.status = response.status_code
        async for chunk in response.aiter_raw():
            if progress.received.size + len(chunk) > max_body_bytes:
                raise _too_big(max_body_bytes, progress)
            progress.received.append(chunk)
    # httpx's request holds on to the trace, and sits in a cycle that waits for the collector.
    received, progress.received = progress.received, Received()
    encoding = progress.headers.get("content-encoding", "").strip().lower()
    if received.size and encoding not in {"", "identity"}:
        raw = Response(response.status_code, progress.headers, received).body
        body = await asyncio.to_thread(_decode, raw, encoding, max_body_bytes, progress)
        return Response(response.status_code, progress.headers, body)
    return Response(response.status_code, progress.headers, received)


def _whole_document(progress: Progress) -> Response | None:
    """The answer, when only its end mark was lost and its JSON is complete.

    A server may close early, count wrongly or never close; an image that has arrived all the same
    is not to be bought again.
    """
    if progress.status != HTTPStatus.OK:
        return None
    body = Response(progress.status, progress.headers, progress.received).body
    if not body.rstrip().endswith(b"}"):
        return None
    try:
        parse_json(body[skip_padding(body) :])
    except ValueError:
        return None
    return Response(progress.status, progress.headers, body)


def _decode(raw: bytes, encoding: str, max_body_bytes: int, progress: Progress) -> bytes:
    """`raw` without its gzip or deflate encoding, in at most `max_body_bytes`."""
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise BadResponse(
            f"the answer is compressed with `{encoding[:40]}`, although none was asked for",
            hint=_BASE_URL_HINT,
            generation_id=progress.generation_id,
        )
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    pieces: list[bytes] = []
    decoded_bytes, rest = 0, raw
    try:
        while rest and not decoder.eof:
            pieces.append(decoder.decompress(rest, _DECODED_AT_ONCE_BYTES))
            decoded_bytes, rest = decoded_bytes + len(pieces[-1]), decoder.unconsumed_tail
            if decoded_bytes > max_body_bytes:
                raise _too_big(max_body_bytes, progress)
    except zlib.error as error:
        raise BadResponse(
            f"the answer is not the `{encoding}` it says it is: {error}",
            generation_id=progress.generation_id,
        ) from error
    if not decoder.eof:
        raise _lost(f"the compressed answer ends after {len(raw)} bytes", progress)
    return b"".join(pieces)


def translate(error: Exception, *, url: str, progress: Progress) -> AssetgenError:
    """The exception of ours that stands for `error`; its text never repeats a header."""
    host = _host(url)
    if isinstance(error, BAD_URL):
        return UsageError(
            f"`{_without_secrets(url)}` is no address to send to", hint=_BASE_URL_HINT
        )
    if isinstance(error, MISUSE):
        # No text of the library's: it quotes the header that it does not like.
        return Unavailable(
            f"the request to `{host}` cannot be put into HTTP ({type(error).__name__})",
            hint="check `OPENROUTER_API_KEY` and `OPENROUTER_BASE_URL` for stray characters",
            retry=Retry.NEVER,
        )
    detail = " ".join(str(error).split())[:200] or "the connection broke"
    certificate = _certificate_fault(error)
    if certificate is not None:
        return Unavailable(
            f"the certificate of `{host}` is not trusted: {certificate}",
            hint="check the clock, and `SSL_CERT_FILE` when a proxy signs with its own certificate",
            retry=Retry.NEVER,
        )
    if isinstance(error, NOT_SENT) or not progress.is_sent:
        return Unavailable(
            f"`{host}` cannot be reached: {detail}",
            hint="check the network, the proxy settings and `OPENROUTER_BASE_URL`",
        )
    return _lost(f"the answer of `{host}` was lost: {detail}", progress)


def _lost(what: str, progress: Progress) -> ProviderError:
    """The call may have been paid for, and nothing of use is here."""
    if progress.is_free:
        return Unavailable(what, hint=_BASE_URL_HINT)
    generation = f" (generation `{progress.generation_id}`)" if progress.generation_id else ""
    return Unavailable(
        f"{what}; it may be billed{generation}",
        hint="the activity page of your OpenRouter account shows what was billed",
        retry=Retry.AMBIGUOUS,
        generation_id=progress.generation_id,
    )


def _too_late(url: str, timeout_s: float, progress: Progress) -> ProviderError:
    if not progress.is_sent:
        return Unavailable(
            f"`{_host(url)}` cannot be reached within {_seconds(timeout_s)}",
            hint="check the network, the proxy settings and `OPENROUTER_BASE_URL`",
        )
    error = _lost(f"no complete answer of `{_host(url)}` within {_seconds(timeout_s)}", progress)
    error.hint = "allow more time with `timeout_s` in the manifest, or `--timeout`"
    return error


def _seconds(timeout_s: float) -> str:
    """A time for people: `300 s`, `283 s`, `0.5 s`."""
    return f"{timeout_s:.1f}".removesuffix(".0") + " s"


def _too_big(max_body_bytes: int, progress: Progress) -> ProviderError:
    what = f"the answer is larger than {max_body_bytes / 2**20:g} MiB"
    if progress.is_free:
        return BadResponse(what, hint=_BASE_URL_HINT, retry=Retry.NEVER)
    return BadResponse(
        what,
        hint="ask for a smaller `image_size`",
        generation_id=progress.generation_id,
    )


def _redirected(status: int, url: str, progress: Progress) -> ProviderError:
    target = _host(progress.headers.get("location", ""))
    return BadResponse(
        f"`{_host(url)}` redirects to {f'`{target}`' if target else 'another address'}"
        f" (HTTP {status}); the API key is not sent elsewhere",
        hint=_BASE_URL_HINT,
        retry=Retry.NEVER,
    )


def _host(url: str) -> str:
    """Host and port of `url`, without the user name and password it may hold; printable."""
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return host if host.isprintable() else ""


def _without_secrets(url: str) -> str:
    """`url` without user name, password, query and fragment; printable."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ascii(url.rpartition("@")[2])[1:-1]
    return ascii(parts._replace(netloc=_host(url), query="", fragment="").geturl())[1:-1]


def _certificate_fault(error: BaseException) -> str | None:
    """Why a certificate was not accepted, from anywhere in the chain of `error`."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or "verification failed"
        seen = seen.__cause__ or seen.__context__
    return None
