"""What each parser of foreign bytes may do: give a value, or an error of ours with printable text.

`test_fuzzing.py` feeds them mutated samples and the corpus; `fuzz.py` runs them under atheris.
"""

from __future__ import annotations

import atexit
import json
import os
import tempfile
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from assetgen.cache import ledger as ledger_file
from assetgen.cli.render import render_error
from assetgen.core.call import Request
from assetgen.core.lock_text import dump_lock, parse_lock, salvage_lock
from assetgen.core.model import Generate
from assetgen.core.record_kept import parse_record
from assetgen.errors import AssetgenError, ManifestError, ManifestFaults
from assetgen.manifest.load import load
from assetgen.providers.openrouter import chat as chat_route
from assetgen.providers.openrouter import images as images_route
from tests.manifest.support import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.core.call import Generated

CORPUS = Path(__file__).parent / "corpus"
"""One folder a target: inputs that reach different places, found by atheris, and seeds by hand."""

UNFIT = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters that no terminal may see: controls, directions, unknown ones."""
REFERENCE = "refs/frame.png"


class Playground:
    """A project folder that manifests are loaded in; nothing in it may change."""

    def __init__(self) -> None:
        self._held = tempfile.TemporaryDirectory(prefix="assetgen-fuzz-")
        self.root = os.path.join(self._held.name, "project")
        os.makedirs(os.path.join(self.root, "refs"))
        Path(self.root, REFERENCE).write_bytes(b"image")
        Path(self.root, "more.yaml").write_text("assets: {}\n", "utf-8")
        self.manifest = os.path.join(self.root, "assets.yaml")

    def load(self, data: bytes) -> None:
        """Load a manifest of these bytes."""
        descriptor = os.open(self.manifest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
        load(self.manifest, table=TABLE)

    def names(self) -> set[str]:
        """Every path there is, also beside the project."""
        top = Path(self._held.name)
        return {str(path.relative_to(top)) for path in top.rglob("*")}

    def close(self) -> None:
        """Remove it."""
        self._held.cleanup()


_playgrounds: list[Playground] = []


def playground() -> Playground:
    """The one playground of this process."""
    if not _playgrounds:
        _playgrounds.append(Playground())
        atexit.register(_playgrounds[0].close)
    return _playgrounds[0]


def manifest(data: bytes) -> None:
    """A manifest gives a project or faults, each printable and with a place."""
    try:
        playground().load(data)
    except AssetgenError as error:
        _check_printable(error)
        faults = error.faults if isinstance(error, ManifestFaults) else ()
        _check_places(faults)


def lockfile(data: bytes) -> None:
    """A lockfile that is read stays the same once written; any can be salvaged."""
    text = data.decode("utf-8", "replace")
    salvage_lock(text)
    try:
        lock = parse_lock(text, "assets.lock")
    except AssetgenError as error:
        _check_printable(error)
        return
    for entry in lock.everything():
        path = os.path.normpath(os.path.join("/project", entry.output))
        assert path.startswith("/project/")
    written = dump_lock(lock).encode("utf-8", "backslashreplace").decode("utf-8")
    again = dump_lock(parse_lock(written, "assets.lock"))
    assert again.encode("utf-8", "backslashreplace").decode("utf-8") == written


def chat(data: bytes) -> None:
    """An answer of the chat route gives images or an error with printable text."""
    status, headers, body = _answer(data)
    _generate(lambda: chat_route.parse(_REQUEST, status, headers, body, now=0.0))


def images(data: bytes) -> None:
    """Likewise one of the images route."""
    status, headers, body = _answer(data)
    _generate(lambda: images_route.parse(status, headers, body, now=0.0))


def record(data: bytes) -> None:
    """A build record is read as it was written, or not at all."""
    found = parse_record(data)
    if found is not None:
        again = parse_record(found.dump(found.head, {}))
        assert again is not None
        assert again.dump(again.head, {}) == data


def ledger(data: bytes) -> None:
    """A line of the ledger that is read says the same when written and read again."""
    line = ledger_file.decode(data)
    if line is not None:
        assert ledger_file.decode(ledger_file.encode(line)) == line


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function for function in (manifest, lockfile, chat, images, record, ledger)
}


def seeds(name: str) -> list[bytes]:
    """The corpus of a target, in an order that is always the same."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


_REQUEST = Request(
    asset="hero",
    fingerprint="0" * 64,
    generate=Generate(model="google/gemini-2.5-flash-image", prompt="A keeper"),
    references=(),
    format="png",
    timeout_s=60.0,
)

_STATUSES = (200, 200, 200, 200, 400, 402, 404, 429, 500, 524)


def _answer(data: bytes) -> tuple[int, dict[str, str], bytes]:
    """The first byte chooses the status, the first line is a header, the rest the body."""
    status = _STATUSES[data[0] % len(_STATUSES)] if data else 200
    line, _, body = data[1:].partition(b"\n")
    value = line.decode("latin-1")
    headers = dict.fromkeys(("retry-after", "x-generation-id", "x-provider-name"), value)
    return status, headers, body


def _generate(parse: Callable[[], Generated]) -> None:
    try:
        generated = parse()
    except AssetgenError as error:
        _check_printable(error)
        return
    assert generated.images
    assert all(generated.images)
    assert generated.cost_usd is None or Decimal(0) <= generated.cost_usd <= Decimal(1000)
    texts = (generated.provider, generated.model, generated.generation_id, *generated.warnings)
    assert all(text is None or text.isprintable() for text in texts)
    json.dumps(texts)


def _check_places(faults: tuple[ManifestError, ...]) -> None:
    assert all(fault.where is not None for fault in faults)


def _check_printable(error: AssetgenError) -> None:
    shown = render_error(error)
    unfit = [c for c in shown if c != "\n" and unicodedata.category(c) in UNFIT]
    assert not unfit, shown
    shown.encode("utf-8")
