"""HTTP/1.1 on asyncio streams: a request read in full, a reply sent whole or as broken as asked."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from http import HTTPStatus
from typing import Any

from tests.standin.recorded import Recorded
from tests.standin.reply import Ending, Framing, Reply

PIECE_BYTES = 64 * 1024
"""Most that is sent at once."""
DRIP_INTERVAL_S = 0.02
"""Between the pieces of a slow body."""


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Recorded | None:
    """The next request of a connection, or None when the client is done or leaves half-way."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        request_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, path, _version = request_line.split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _read_body(reader, headers)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Recorded(method, path, headers, body, _json_or_none(body), time.monotonic())


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        continue  # trailers say nothing that is needed here
    return body


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


async def send(reply: Reply, writer: asyncio.StreamWriter, *, may_stay_open: bool) -> bool:
    """Send `reply`; returns whether the connection may serve another request.

    Raises:
        ConnectionError: the client went away.
    """
    stays_open = (
        may_stay_open and reply.ending is Ending.COMPLETE and reply.framing is not Framing.CLOSE
    )
    await asyncio.sleep(reply.stall_s)
    if reply.sends_head:
        await _write(writer, _head(reply, stays_open=stays_open)[: reply.head_bytes])
        if reply.head_bytes is None:
            await _send_body(reply, writer)
    if reply.ending is Ending.RESET:
        reset(writer)
    return stays_open


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST: what is not yet delivered is dropped, and the client told so."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _head(reply: Reply, *, stays_open: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:  # 524 and 529 have no name in the standard library
        phrase = "Error"
    headers = dict(reply.headers)
    match reply.framing:
        case Framing.LENGTH:
            headers["Content-Length"] = str(len(reply.body) + reply.length_error)
        case Framing.CHUNKED:
            headers["Transfer-Encoding"] = "chunked"
        case Framing.CLOSE:
            pass
    headers["Connection"] = "keep-alive" if stays_open else "close"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _send_body(reply: Reply, writer: asyncio.StreamWriter) -> None:
    for piece in reply.padding:
        await _write(writer, _framed(piece, reply.framing))
        await asyncio.sleep(reply.padding_interval_s)
    rate = reply.bytes_per_second
    step = PIECE_BYTES if rate is None else max(1, int(rate * DRIP_INTERVAL_S))
    while reply.is_endless:
        await _write(writer, _framed(reply.body, reply.framing))
    body = reply.body[: reply.sent_bytes]
    for start in range(0, len(body), step):
        await _write(writer, _framed(body[start : start + step], reply.framing))
        if rate is not None:
            await asyncio.sleep(step / rate)
    if reply.framing is Framing.CHUNKED and reply.ending is Ending.COMPLETE:
        await _write(writer, b"0\r\n\r\n")


def _framed(piece: bytes, framing: Framing) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if framing is Framing.CHUNKED else piece


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
