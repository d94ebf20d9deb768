"""Strangers: no file takes the machine down, whatever it holds.

Every command runs in a process that the kernel ends when it takes more than the limits below, so
that no clock decides about a test.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from assetgen.core.lock_text import parse_lock
from assetgen.core.record import FORMAT, ORDER
from assetgen.core.record_kept import parse_record
from assetgen.errors import AssetgenError
from assetgen.files import project as files_home
from assetgen.files.project import ProjectFiles
from tests.attacks.fuzz_targets import CORPUS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.conftest import Cli, Project

MOST_CPU_S = 2
"""Seconds of processor time for a hostile file. RLIMIT_CPU counts whole seconds: one is slack for
starting Python and loading the schema."""
SLACK_CPU_S = 1
MOST_MEMORY_MIB = 200
"""Resident memory at its highest, as the kernel tells for the child (wait4)."""
SLACK_MEMORY_MIB = 60
"""Of that, what Python with everything loaded takes before it reads a file."""
HEAD = "version: 1\nprovider: draft\nassets:\n"


def cases(all_cases: Iterable[str], *quick: str) -> pytest.MarkDecorator:
    """All cases by name; only the quick ones are part of the normal suite."""
    return pytest.mark.parametrize(
        "name",
        [pytest.param(n, marks=() if n in quick else pytest.mark.slow) for n in all_cases],
    )


def limited(cli: Cli, *arguments: str) -> tuple[int, str]:
    """Exit code and words of a command under the limits."""

    def limit() -> None:
        seconds = MOST_CPU_S + SLACK_CPU_S
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with subprocess.Popen(
        [sys.executable, "-m", "assetgen", *arguments],
        cwd=cli.cwd,
        env=dict(cli.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=limit,  # noqa: PLW1509 - nothing else runs in this process
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode("utf-8", "replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode >= 0, f"ended by the kernel: {-process.returncode}"
    used_mib = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)
    assert used_mib <= MOST_MEMORY_MIB + SLACK_MEMORY_MIB
    assert "Traceback" not in said
    return process.returncode, said


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n" + HEAD


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "aliases that multiply": bomb,
    "a text of 10 MB": lambda: f"{HEAD}  a: {{prompt: {'x' * 10_000_000}, output: a.gif}}",
    "100,000 levels": lambda: b"[" * 100_000,
    "100,000 levels of blocks": lambda: b"- " * 100_000,
    "100,000 levels of keys": lambda: b"? " * 100_000,
    "tags that make objects": lambda: HEAD + "  a: !!python/object/apply:os.system [touch owned]\n",
    "a NUL": lambda: HEAD + "  a\0: 1\n",
    "UTF-16": lambda: HEAD.encode("utf-16"),
    "UTF-16 without a mark": lambda: HEAD.encode("utf-16-le"),
    "UTF-32": lambda: HEAD.encode("utf-32"),
    "Latin-1": lambda: f"{HEAD}  caf\xe9: x\n".encode("latin-1"),
    "tabs": lambda: b"version: 1\nassets:\n\ta: {}\n",
    "a line of 1 MB": lambda: f"{HEAD}  {'k' * 1_000_000}: {{output: x}}\n",
    "20,000 double keys": lambda: HEAD + "  a: {}\n" * 20_000,
    "100,000 double keys, short": lambda: b"version: 1\n" + b"a: 1\n" * 100_000,
    "an alias in itself": lambda: b"a: &a [*a]\nversion: 1\n",
    "a number of a million digits": lambda: f"version: {'9' * 1_000_000}\nassets: {{}}\n",
    "bytes": lambda: bytes(range(256)) * 100,
    "a matrix without end": lambda: (
        HEAD
        + "  a${x}${y}${z}:\n    prompt: p\n    output: a${x}${y}${z}.png\n    matrix: {"
        + ", ".join(f"{k}: [{', '.join(map(str, range(300)))}]" for k in "xyz")
        + "}\n"
    ),
    "templates in a row": lambda: (
        "version: 1\nprovider: draft\nvars: {v: " + "y" * 100_000 + "}\nassets:\n"
        "  a: {prompt: '" + "${v}" * 10_000 + "', output: a.png}\n"
    ),
}


@cases(HOSTILE, "aliases that multiply", "100,000 levels", "UTF-16", "100,000 double keys, short")
def test_a_hostile_manifest_is_refused_within_two_seconds_and_200_mib(
    project: Project, cli: Cli, name: str
) -> None:
    project.write("assets.yaml", HOSTILE[name]())
    code, said = limited(cli, "check")
    assert code == 2, said[:2000]
    assert len(said) < 2_000_000
    assert not project.path("owned").exists()


READ_RIGHT: dict[str, bytes] = {
    "a byte order mark": b"\xef\xbb\xbf" + f"{HEAD}  a: {{prompt: p, output: a.png}}\n".encode(),
    "CRLF": f"{HEAD}  a: {{prompt: p, output: a.png}}\n".replace("\n", "\r\n").encode(),
    "tabs between words": f"{HEAD}  a:\t{{prompt:\tp,\toutput: a.png}}\t# c\n".encode(),
    "no end of line": f"{HEAD}  a: {{prompt: p, output: a.png}}".encode(),
    "a long line": f"{HEAD}  a: {{prompt: {'word ' * 20_000}, output: a.png}}\n".encode(),
}


@cases(READ_RIGHT, "CRLF")
def test_an_odd_manifest_is_read_right(project: Project, cli: Cli, name: str) -> None:
    project.write("assets.yaml", READ_RIGHT[name])
    code, said = limited(cli, "check")
    assert code == 4, said
    assert "a.png" in said


GOOD = (CORPUS / "lockfile/whole.lock").read_text("utf-8")
LOCKS: dict[str, Callable[[], str | bytes]] = {
    "30 MB of nothing": lambda: b'[{"assetgen-lock": 1}\n' + b" " * 30_000_000,
    "deep": lambda: b'[{"assetgen-lock": 1}\n,{"inputs": ' + b"[" * 1_000_000 + b"\n]\n",
    "deep head": lambda: b"[" * 1_000_000,
    "long number": lambda: GOOD.replace('"take": 1', '"take": ' + "9" * 1_000_000),
    "long version": lambda: f'[{{"assetgen-lock": {"9" * 1_000_000}}}\n]\n',
    "long exponent": lambda: GOOD.replace("0.0387", "1e999999999"),
    "surrogate in a path": lambda: GOOD.replace("art/hero.png", "\\ud800.png"),
    "no UTF-8": lambda: b"\xff\xfe\x00",
    "infinite": lambda: GOOD.replace('"width_px": 8', '"width_px": Infinity'),
    "empty": lambda: b"",
}


@cases(LOCKS, "deep", "long number")
def test_a_hostile_lockfile_is_refused_with_a_way_out(
    project: Project, cli: Cli, name: str
) -> None:
    project.write("assets.yaml", f"{HEAD}  hero: {{prompt: p, output: art/hero.png}}\n")
    project.write("assets.lock", LOCKS[name]())
    code, said = limited(cli, "check")
    assert code == 2, said
    assert "--rebuild-lock" in said


def test_a_surrogate_in_words_of_a_lockfile_is_read_and_written() -> None:
    text = GOOD.replace('"provider": "Google"', '"provider": "G\\ud800"')
    assert parse_lock(text, "assets.lock").entries


def packed(*numbers: int) -> bytes:
    """The beginning of a record with a checksum that is right."""
    front = b"".join(number.to_bytes(8, sys.byteorder) for number in numbers)
    return FORMAT + zlib.crc32(front).to_bytes(8, "big") + front


@pytest.mark.parametrize(
    "data",
    [
        FORMAT * 200_000,
        b"assetgen-record 3\nversion 1\nmanifest m\ndraft 0\ncomplete 1\nend 0 00000000\n",
        packed(ORDER, 2**64 - 1, 0, 0, 0),
        packed(ORDER, 2**61, 2**64 - 1, 2**64 - 1, 2**64 - 1),
        packed(ORDER, 1_000_000, 0, 0, 0) + b"\0" * 1_000_000,
    ],
    ids=["many heads", "older", "many paths", "long lengths", "cut off"],
)
def test_a_hostile_record_is_worthless_and_nothing_else(data: bytes) -> None:
    assert parse_record(data) is None


def test_a_huge_reference_is_refused_without_being_read(project: Project, cli: Cli) -> None:
    """A sparse file costs an archive nothing: 50 GB of zeros."""
    path = project.write("refs/huge.png", b"")
    os.truncate(path, 50 * 2**30)
    project.write(
        "assets.yaml",
        f"{HEAD}  a: {{prompt: p, reference: refs/huge.png, output: a.png}}\n",
    )
    code, said = limited(cli, "check")
    assert code in {1, 2}
    assert "refs/huge.png" in said
    assert "larger than" in said


def test_a_file_that_grows_while_it_is_read_is_bounded_all_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_home, "MAX_READ_BYTES", 1000)
    path = project.write("a.png", b"x" * 900)
    fstat = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        path.write_bytes(b"x" * 2000)
        return found

    monkeypatch.setattr(os, "fstat", grow)
    with pytest.raises(AssetgenError, match="larger than"):
        ProjectFiles(str(project.root)).read("a.png")
