"""A server that sells pictures on 127.0.0.1, as cheaply as it can: it is not what is measured.

Run as a program: `loopback.py FOLDER LATENCY_S`. It prints its port, then the moment of the first
request (seconds of the monotonic clock), and ends with its standard input. The answers are those of
the chat route, put together from pieces that are made once; a text chunk makes every picture
another one. The standard library is all it needs.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD_BYTES = 33
"""Signature and IHDR of a PNG; divisible by three, so that base64 can be made in pieces."""
_BEFORE = (
    b'{"id":"gen-%09d","object":"chat.completion","created":1,"provider":"Google",'
    b'"model":"google/gemini-2.5-flash-image","system_fingerprint":null,"choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"","refusal":null,"images":[{"type":"image_url",'
    b'"index":0,"image_url":{"url":"data:image/png;base64,'
)
_AFTER = (
    b'"}}]},"finish_reason":"stop","native_finish_reason":"STOP"}],"usage":{"prompt_tokens":40,'
    b'"completion_tokens":1290,"total_tokens":1330,"cost":0.039}}'
)


class Shop:
    """The pictures of a folder, in turn, each with a number of its own."""

    def __init__(self, folder: str) -> None:
        self._pictures = [
            _halves(os.path.join(folder, name)) for name in sorted(os.listdir(folder))
        ]
        self.sold = 0

    def answer(self) -> bytes:
        """The next answer, with its head."""
        head, rest = self._pictures[self.sold % len(self._pictures)]
        self.sold += 1
        before, mark = _BEFORE % self.sold, base64.b64encode(_text_chunk(self.sold))
        size = len(before) + len(head) + len(mark) + len(rest) + len(_AFTER)
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return b"".join([start % size, before, head, mark, rest, _AFTER])


class Talk(asyncio.Protocol):
    """One connection, kept alive: a request, the wait, an answer."""

    def __init__(self, shop: Shop, latency_s: float) -> None:
        self._shop = shop
        self._latency_s = latency_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take requests that are whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = body[_length(head) :]
        asyncio.get_running_loop().call_later(self._latency_s, self._answer)
        if not self._shop.sold:
            print(time.monotonic(), flush=True)  # noqa: T201 - read by who started the server

    def _answer(self) -> None:
        assert isinstance(self._transport, asyncio.WriteTransport)
        if not self._transport.is_closing():
            self._transport.write(self._shop.answer())


@contextlib.contextmanager
def selling(folder: Path, latency_s: float) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server in a process of its own: its base URL, and the process to read from."""
    server = subprocess.Popen(
        [sys.executable, "-S", __file__, str(folder), str(latency_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/api/v1", server
    finally:
        server.communicate("")


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def _halves(path: str) -> tuple[bytes, bytes]:
    with open(path, "rb") as file:
        data = file.read()
    return base64.b64encode(data[:_HEAD_BYTES]), base64.b64encode(data[_HEAD_BYTES:])


def _text_chunk(number: int) -> bytes:
    """24 bytes, which a viewer passes over."""
    body = b"tEXtn\0%010d" % number
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


async def _serve(folder: str, latency_s: float) -> None:
    shop, loop = Shop(folder), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(shop, latency_s), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - likewise
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], float(sys.argv[2])))
