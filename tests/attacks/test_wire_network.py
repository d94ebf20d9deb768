"""The way to the service: names, certificates, proxies, IPv6. The key goes on it in TLS alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Self

import pytest
import trustme

from tests.attacks.bench import Ended, Meeting, build
from tests.standin import API_KEY, IMAGE_COST, Image, OpenRouterStandIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = {"lamp": Meeting(Image())}


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that nobody trusts unless told to."""

    certificate: str
    """Path of its certificate."""
    server: ssl.SSLContext
    """For a server on 127.0.0.1."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return Authority(str(folder / "ca.pem"), context)


@pytest.fixture
def secure(authority: Authority) -> Iterator[OpenRouterStandIn]:
    with OpenRouterStandIn(tls=authority.server) as server:
        yield server


class Proxy:
    """A real small HTTP proxy on loopback: it tunnels, and keeps all that it can read."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.read_bytes = bytearray()
        """Every byte that went through it from the client."""
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    @property
    def address(self) -> str:
        """What `HTTPS_PROXY` should be."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._address = self.address
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, sock=self._socket)
        async with server:
            await self._stopping.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._tunnel(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            self.read_bytes += head
            method, target, _ = head.split(b" ", 2)
            if method != b"CONNECT":
                writer.write(b"HTTP/1.1 405 no\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            host, _, port = target.decode().rpartition(":")
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(
                self._copy(reader, there_writer, is_ours=True),
                self._copy(there_reader, writer, is_ours=False),
            )

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_ours: bool
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                if is_ours:
                    self.read_bytes += piece
                writer.write(piece)
                await writer.drain()
        writer.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as running:
        yield running


def failed(ended: Ended, *, attempts: int, words: str) -> None:
    """The build failed by name, and no call can have cost anything."""
    assert ended.result.code == 1
    assert words in ended.finished["lamp"]["message"]
    assert ended.finished["lamp"]["hint"]
    assert len(ended.ledger["lamp"]) == attempts
    assert not any(line.get("may_be_billed", False) for line in ended.ledger["lamp"])
    assert ended.result.events[-1]["spent_usd"] == 0
    assert ended.stored == {}
    assert API_KEY not in ended.result.out + ended.result.err


def succeeded(ended: Ended) -> None:
    assert ended.result.code == 0, ended.result.err
    assert ended.result.events[-1]["spent_usd"] == float(Decimal(IMAGE_COST))
    assert ended.output("lamp").exists()


# Not there


def test_a_refused_connection_is_tried_four_times_and_is_no_bill(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = {"OPENROUTER_BASE_URL": f"https://127.0.0.1:{port}/api/v1"}
    failed(build(tmp_path, ONE, env=nowhere), attempts=4, words="cannot be reached")


def test_a_name_that_nobody_knows_is_tried_four_times_and_is_no_bill(tmp_path: Path) -> None:
    nowhere = {"OPENROUTER_BASE_URL": "https://assetgen.invalid/api/v1"}
    ended = build(tmp_path, ONE, env=nowhere)
    failed(ended, attempts=4, words="`assetgen.invalid` cannot be reached")


# TLS


def test_a_certificate_that_is_not_trusted_ends_it_before_the_key_is_sent(
    tmp_path: Path, secure: OpenRouterStandIn
) -> None:
    ended = build(tmp_path, ONE, server=secure)
    failed(ended, attempts=1, words="is not trusted")
    assert secure.requests == []


def test_a_certificate_for_another_host_ends_it_before_the_key_is_sent(
    tmp_path: Path, authority: Authority, secure: OpenRouterStandIn
) -> None:
    wrong_name = secure.base_url.replace("127.0.0.1", "127.0.0.2")
    env = {"SSL_CERT_FILE": authority.certificate, "OPENROUTER_BASE_URL": wrong_name}
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(OpenRouterStandIn(host="127.0.0.2", tls=authority.server))
        env["OPENROUTER_BASE_URL"] = other.base_url
        ended = build(tmp_path, ONE, server=secure, env=env)
        assert other.requests == []
    failed(ended, attempts=1, words="is not trusted")


def test_a_certificate_that_the_user_trusts_is_good(
    tmp_path: Path, authority: Authority, secure: OpenRouterStandIn
) -> None:
    succeeded(build(tmp_path, ONE, server=secure, env={"SSL_CERT_FILE": authority.certificate}))


def test_tls_to_a_plain_port_sends_no_key(tmp_path: Path) -> None:
    with OpenRouterStandIn() as plain:
        env = {"OPENROUTER_BASE_URL": plain.base_url.replace("http:", "https:")}
        ended = build(tmp_path, ONE, "--timeout", "1", server=plain, env=env)
        assert plain.requests == []
    failed(ended, attempts=4, words="cannot be reached")


def test_plain_http_to_a_tls_port_is_a_lost_answer(
    tmp_path: Path, secure: OpenRouterStandIn
) -> None:
    env = {"OPENROUTER_BASE_URL": secure.base_url.replace("https:", "http:")}
    ended = build(tmp_path, ONE, server=secure, env=env)
    assert ended.result.code == 1
    assert "was lost" in ended.finished["lamp"]["message"]
    assert len(ended.ledger["lamp"]) == 2
    assert ended.stored == {}


def test_the_key_is_never_sent_in_clear_to_another_machine(tmp_path: Path) -> None:
    env: dict[str, str | None] = {"OPENROUTER_BASE_URL": "http://203.0.113.9/api/v1"}
    ended = build(tmp_path, ONE, env=env)
    assert ended.result.code == 2
    assert "without encryption" in ended.result.err
    assert ended.ledger["lamp"] == []


# Proxies


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_and_never_sees_the_key(
    tmp_path: Path,
    authority: Authority,
    secure: OpenRouterStandIn,
    proxy: Proxy,
    variable: str,
) -> None:
    env = {"SSL_CERT_FILE": authority.certificate, variable: proxy.address}
    succeeded(build(tmp_path, ONE, server=secure, env=env))
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT 127.0.0.1:")
    assert len(proxy.read_bytes) > len(head)
    assert API_KEY.encode() not in proxy.read_bytes
    assert secure.generations[0].headers["authorization"] == f"Bearer {API_KEY}"


def test_no_proxy_is_honoured(
    tmp_path: Path, authority: Authority, secure: OpenRouterStandIn, proxy: Proxy
) -> None:
    env = {
        "SSL_CERT_FILE": authority.certificate,
        "HTTPS_PROXY": proxy.address,
        "NO_PROXY": "example.org,127.0.0.1",
    }
    succeeded(build(tmp_path, ONE, server=secure, env=env))
    assert proxy.heads == []


def test_plain_http_to_this_machine_goes_past_every_proxy(
    tmp_path: Path, openrouter: OpenRouterStandIn, proxy: Proxy
) -> None:
    names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    env = dict.fromkeys(names, proxy.address)
    succeeded(build(tmp_path, ONE, server=openrouter, env=env))
    assert proxy.heads == []


def test_a_proxy_that_is_not_there_is_no_bill(
    tmp_path: Path, authority: Authority, secure: OpenRouterStandIn
) -> None:
    env = {"SSL_CERT_FILE": authority.certificate, "HTTPS_PROXY": "http://127.0.0.1:9"}
    ended = build(tmp_path, ONE, server=secure, env=env)
    failed(ended, attempts=4, words="cannot be reached")
    assert secure.requests == []


# IPv6


def test_an_ipv6_address_is_as_good_as_any(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with OpenRouterStandIn(host="::1") as server:
        succeeded(build(tmp_path, ONE, server=server))
