"""A body without end, sent or unpacked, takes the memory of one body and no more."""

from __future__ import annotations

import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from assetgen.providers.http import MAX_BODY_BYTES
from tests.attacks.bench import GEMINI, environment, ledger
from tests.standin import Answer, Endless, Image, OpenRouterStandIn, RawBody

if TYPE_CHECKING:
    from pathlib import Path

MEASURE = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "assetgen", "build"], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
"""A process between, because a child's peak starts with that of the process it was forked from."""

ALLOWED_BYTES = MAX_BODY_BYTES * 3 // 2
"""On top of what a build of one small image takes: the body, and what its pieces need beside it."""


def peak_bytes(folder: Path, answer: Answer, *, words: str) -> int:
    """The peak of a build that meets `answer` twice; what it prints holds `words`."""
    folder.mkdir()
    asset = f"{{prompt: lamp, model: {GEMINI}, output: lamp.png}}"
    (folder / "assets.yaml").write_text(f"version: 1\nassets:\n  lamp: {asset}\n")
    with OpenRouterStandIn() as server:
        server.default = answer
        done = subprocess.run(
            [sys.executable, "-c", MEASURE],
            cwd=folder,
            env=environment(folder / "cache", server.base_url),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert words in done.stderr
    return int(done.stdout) * 1024


def bomb() -> bytes:
    """A few hundred kilobytes that unpack to more than is taken."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    zeros = bytes(2**20)
    pieces = [packer.compress(zeros) for _ in range(MAX_BODY_BYTES // len(zeros) + 8)]
    return b"".join([*pieces, packer.flush()])


@pytest.fixture(scope="module")
def ordinary_bytes(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The peak of a build that meets a good answer."""
    return peak_bytes(tmp_path_factory.mktemp("ordinary") / "p", Image(), words="lamp")


@pytest.mark.parametrize("kind", ["endless", "gzip bomb"])
def test_a_body_without_end_is_named_and_bounded(
    tmp_path: Path, ordinary_bytes: int, kind: str
) -> None:
    answer: Answer = (
        Endless() if kind == "endless" else RawBody(bomb(), headers={"Content-Encoding": "gzip"})
    )
    peak = peak_bytes(tmp_path / "p", answer, words="larger than 192 MiB")
    assert peak < ordinary_bytes + ALLOWED_BYTES
    lines = ledger(tmp_path / "p" / "cache")
    assert len(lines) == 2
    assert all(line["may_be_billed"] for line in lines)
