"""The ledger: one JSON object a line, added under a lock and synced, never rewritten.

`ledger.checked` beside it says up to where every call is known to have ended, so that looking for
those that have not reads the end only. Losing it costs one reading of the whole.
"""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast, get_args
from zlib import crc32

from assetgen.cache.durable import (
    cache_errors,
    make_folder,
    read_only_error,
    sync_folder,
    write_synced,
)
from assetgen.cache.locks import hold
from assetgen.core.digest import parse_digest
from assetgen.core.ledger import LedgerEvent, LedgerLine, unanswered
from assetgen.core.money import parse_usd
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assetgen.core.digest import Digest

_EVENTS = frozenset(get_args(LedgerEvent))
_CALL = re.compile(r"[0-9a-f]{32}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
MOST_DIGITS = 18
"""Of a position; more do not fit the system's file offsets."""
_PATIENCE_S = 60.0
"""A line takes milliseconds to write; who holds the lock longer hangs."""


class FileLedger:
    """Implements `core.ports.Ledger` in a file that several processes and threads may share."""

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._path = os.path.join(root, "ledger.jsonl")
        self._lock_path = os.path.join(root, "ledger.lock")
        self._checked_path = os.path.join(root, "ledger.checked")
        self._threads = threading.Lock()

    def append(self, line: LedgerLine) -> None:
        """See the port."""
        if not self._create:
            raise read_only_error(self._root)
        text = encode(line).encode() + b"\n"
        # File locks are polled for, so threads queue up for one of their own first.
        with (
            self._threads,
            hold(self._lock_path, timeout_s=_PATIENCE_S),
            cache_errors("write", self._path),
        ):
            _append(self._path, text)

    def lines(self) -> Iterator[LedgerLine]:
        """See the port. Raises `CacheError` when the system refuses."""
        for _, _, line in self._records(0):
            if line is not None:
                yield line

    def purchase(self, call: str) -> tuple[str, Digest | None] | None:
        """Fingerprint of a call that was sent, and its image as far as that is booked.

        Raises:
            CacheError: the system refuses.
        """
        fingerprint: str | None = None
        image: Digest | None = None
        for line in self.lines():
            if line.call == call:
                fingerprint = line.fingerprint if line.event == "sent" else fingerprint
                image = line.result.image if line.result is not None else image
        return None if fingerprint is None else (fingerprint, image)

    def tail(self, position: int) -> tuple[list[LedgerLine], int]:
        """The readable lines from `position` on, and the position for the next time.

        Positions are those returned before, or 0; one where no line starts (another ledger is
        there now) counts as 0. A last line without its end may be read twice.

        Raises:
            CacheError: the system refuses.
        """
        lines = []
        for _, end, line in self._records(position):
            position = end
            if line is not None:
                lines.append(line)
        return lines, position

    def unanswered(self) -> list[LedgerLine]:
        """See the port. Raises `CacheError` when the system refuses."""
        checked = reached = self._checked()
        starts: dict[str, int] = {}
        lines = []
        for start, end, line in self._records(checked):
            reached = end
            if line is not None:
                lines.append(line)
                starts.setdefault(line.call, start)
        found = unanswered(lines)
        reached = min((starts[line.call] for line in found), default=reached)
        if self._create and reached != checked:
            with suppress(OSError):  # the next one reads a little more
                text = str(reached).encode()
                write_synced(self._checked_path, text, mode=0o600, through=self._root)
        return found

    def _checked(self) -> int:
        try:
            with open(self._checked_path, encoding="ascii") as file:
                text = file.read(MOST_DIGITS + 1)
        except (OSError, ValueError):
            return 0
        return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else 0

    def _records(self, position: int) -> Iterator[tuple[int, int, LedgerLine | None]]:
        """Where each line starts, where the next one does, and the line."""
        with cache_errors("read", self._path):
            if not os.path.lexists(self._path):
                return
            with open(self._path, "rb") as file:
                if position and not _is_line_start(file.fileno(), position):
                    position = 0
                file.seek(position)
                for raw in file:
                    start = position
                    position += len(raw) if raw.endswith(b"\n") else 0
                    yield start, position, decode(raw)


def _is_line_start(descriptor: int, position: int) -> bool:
    return os.pread(descriptor, 1, position - 1) == b"\n"


def _append(path: str, text: bytes) -> None:
    """Add a whole line or nothing. The caller holds the lock."""
    make_folder(os.path.dirname(path))
    is_new = not os.path.exists(path)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and not _is_line_start(descriptor, size):
            text = b"\n" + text  # a crash cut the last line; it must not swallow this one
        written = os.write(descriptor, text)
        if written != len(text):
            os.ftruncate(descriptor, size)
            raise CacheError(
                f"cannot write `{path}`: only {written} of {len(text)} bytes fit",
                hint="free some space on that disk",
            )
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync_folder(os.path.dirname(path))


def encode(line: LedgerLine) -> str:
    """The line as JSON without a line end; what says nothing is left out, amounts are exact."""
    fields = {
        "event": line.event,
        "call": line.call,
        "at": line.at,
        "fingerprint": line.fingerprint,
        "key_scheme": line.key_scheme,
        "asset": line.asset,
        "model": line.model,
        "project": line.project or None,
        "size": line.size or None,
        "estimate_usd": line.estimate_usd,
        "cost_usd": line.cost_usd,
        "result": None if line.result is None else result_document(line.result),
        "generation_id": line.generation_id,
        "outcome": line.outcome or None,
        "may_be_billed": line.may_be_billed or None,
    }
    return sealed(fields)


def decode(text: str | bytes) -> LedgerLine | None:
    """The line that `encode` wrote, or None when it is damaged or from another world.

    Fields that are not known are passed over. A readable line that is damaged keeps its costs and
    loses its result.
    """
    fields = parse_json(text)
    if fields is None:
        return None
    event, call, fingerprint = fields.get("event"), fields.get("call"), fields.get("fingerprint")
    key_scheme = fields.get("key_scheme")
    at, asset, model = fields.get("at"), fields.get("asset"), fields.get("model")
    if not isinstance(event, str) or event not in _EVENTS or type(key_scheme) is not int:
        return None
    if not isinstance(at, str) or not isinstance(asset, str) or not isinstance(model, str):
        return None
    if not isinstance(call, str) or not _CALL.fullmatch(call):
        return None
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        return None
    return LedgerLine(
        event=cast("LedgerEvent", event),
        call=call,
        at=at,
        fingerprint=fingerprint,
        key_scheme=key_scheme,
        asset=asset,
        model=model,
        project=_text(fields.get("project")) or "",
        size=_text(fields.get("size")) or "",
        estimate_usd=parse_usd(fields.get("estimate_usd")),
        cost_usd=parse_usd(fields.get("cost_usd")),
        result=parse_result(fields.get("result")) if is_sealed(fields, text) else None,
        generation_id=_text(fields.get("generation_id")),
        outcome=_text(fields.get("outcome")) or "",
        may_be_billed=fields.get("may_be_billed") is True,
    )


def result_document(result: ActionResult) -> dict[str, object]:
    """The result as fields for `json_text`."""
    return {
        "image": result.image,
        "format": result.info.format,
        "width_px": result.info.width_px,
        "height_px": result.info.height_px,
        "model": result.model,
        "provider": result.provider,
        "generation_id": result.generation_id,
        "cost_usd": result.cost_usd,
        "date": result.date,
    }


def parse_result(fields: object) -> ActionResult | None:
    """The result that `result_document` described, or None."""
    if not isinstance(fields, dict):
        return None
    image, image_format = parse_digest(fields.get("image")), fields.get("format")
    width, height = fields.get("width_px"), fields.get("height_px")
    if image is None or not isinstance(image_format, str):
        return None
    if type(width) is not int or type(height) is not int:
        return None
    return ActionResult(
        image=image,
        info=ImageInfo(format=image_format, width_px=width, height_px=height),
        model=_text(fields.get("model")) or "",
        provider=_text(fields.get("provider")),
        generation_id=_text(fields.get("generation_id")),
        cost_usd=parse_usd(fields.get("cost_usd")),
        date=_text(fields.get("date")) or "",
    )


def sealed(fields: Mapping[str, object]) -> str:
    """The fields as one line of JSON that ends with a checksum of itself."""
    text = json_text(fields)
    return f'{text[:-1]}, "sum": "{crc32(text.encode()):08x}"}}'


def is_sealed(fields: Mapping[str, object], text: str | bytes) -> bool:
    """Whether the checksum of a line is right; one that has none, as older ones, is believed."""
    if "sum" not in fields:
        return True
    raw = text.encode() if isinstance(text, str) else text
    body, _, _ = raw.rpartition(b', "sum": "')
    return fields["sum"] == f"{crc32(body + b'}'):08x}"


def json_text(fields: Mapping[str, object]) -> str:
    """One line of JSON in ASCII: keys sorted, None left out, decimals as they are.

    The standard encoder knows decimals only as floats or as strings.
    """
    items = (
        f"{json.dumps(key)}: {_value_text(value)}"
        for key, value in sorted(fields.items())
        if value is not None
    )
    return "{" + ", ".join(items) + "}"


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return json_text(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)


def parse_json(text: str | bytes) -> dict[str, Any] | None:
    """The JSON object in `text` with exact decimals, or None when there is none."""
    try:
        fields = json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None  # an exponent no decimal can have is an ArithmeticError
    return fields if isinstance(fields, dict) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
