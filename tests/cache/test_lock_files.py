"""File locks: across processes, and after their death."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.locks import FileClaims, hold, try_hold
from assetgen.errors import CacheError
from tests.cache.samples import ROOT, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD_UNTIL_TOLD = """
import sys
from assetgen.cache.locks import FileClaims
claim = FileClaims(sys.argv[1], create=True).try_claim(sys.argv[2])
print("refused" if claim is None else "claimed", flush=True)
sys.stdin.read()
"""


@contextmanager
def claimed_elsewhere(root: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, and what it said about the claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_TOLD, str(root), fingerprint()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
    )
    with process:
        yield process
        process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_claim_excludes_other_processes_both_ways(tmp_path: Path) -> None:
    claims = FileClaims(str(tmp_path), create=True)
    claim = claims.try_claim(fingerprint())
    assert claim is not None
    with claim, claimed_elsewhere(tmp_path) as other:
        assert said(other) == "refused"
    with claimed_elsewhere(tmp_path) as other:
        assert said(other) == "claimed"
        assert claims.try_claim(fingerprint()) is None


def test_a_claim_is_free_once_its_process_was_killed(tmp_path: Path) -> None:
    claims = FileClaims(str(tmp_path), create=True)
    with claimed_elsewhere(tmp_path) as other:
        assert said(other) == "claimed"
        assert claims.try_claim(fingerprint()) is None
        other.kill()
        other.wait(timeout=60)
        claim = claims.try_claim(fingerprint())
        assert claim is not None
        claim.release()


FORK = """
import os, sys
from assetgen.cache.locks import try_hold
path, who = sys.argv[1:]
held = try_hold(path)
reading, writing = os.pipe()
child = os.fork()
if not child:
    if who == "child":
        held.release()
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os._exit(0)
if who == "child":
    os.waitpid(child, 0)
else:
    held.release()
print("held" if try_hold(path) is None else "free", flush=True)
"""


@pytest.mark.parametrize(("who", "then"), [("parent", "free"), ("child", "held")])
def test_a_lock_is_its_process_s_whatever_is_forked(tmp_path: Path, who: str, then: str) -> None:
    """Its release frees it although a child lives, and the release of a child does not."""
    command = [sys.executable, "-c", FORK, str(tmp_path / "a.lock"), who]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, check=False)
    assert (done.stdout.strip(), done.stderr) == (then, "")


def test_the_file_of_a_claim_stays(tmp_path: Path) -> None:
    """Removing it would let in one who waits at the old file and one who makes a new one."""
    claims = FileClaims(str(tmp_path), create=True)
    path = tmp_path / "claims" / f"{fingerprint()}.lock"
    inodes = set()
    for _ in range(2):
        claim = claims.try_claim(fingerprint())
        assert claim is not None
        claim.release()
        inodes.add(path.stat().st_ino)
    assert len(inodes) == 1


@pytest.mark.parametrize("text", ["", "../x", "AB" * 32, "00" * 31, "00" * 32 + "\n"])
def test_only_a_fingerprint_can_be_claimed(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="not a fingerprint"):
        FileClaims(str(tmp_path), create=True).try_claim(text)


def test_for_looking_only_nothing_is_claimed(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="opened for reading only"):
        FileClaims(str(tmp_path / "cache"), create=False).try_claim(fingerprint())
    assert list(tmp_path.iterdir()) == []


def test_a_lock_makes_its_folder_and_is_free_again_after(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "lock")
    with hold(path, timeout_s=0):
        assert try_hold(path) is None
    with hold(path, timeout_s=0):
        pass


def test_releasing_twice_does_not_free_the_next_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = hold(path, timeout_s=0)
    first.release()
    with hold(path, timeout_s=0):
        first.release()
        assert try_hold(path) is None


def test_waiting_in_vain_says_what_to_look_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with hold(path, timeout_s=0), pytest.raises(CacheError, match="locked") as caught:
        hold(path, timeout_s=0.02)
    assert caught.value.hint is not None
    assert "another assetgen" in caught.value.hint


def test_a_lock_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheError, match="file/lock") as caught:
        try_hold(str(tmp_path / "file" / "lock"))
    assert isinstance(caught.value.__cause__, OSError)
