"""Disks: full, failing, read-only or out of reach, they cost a message and no bought image."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Picture

from tests.attacks.support import (
    ASSETS,
    PATIENCE_S,
    assert_all_is_well,
    cache_of,
    can_trace,
    logged,
    manifest,
    needs_proc,
    prompts,
    run_tampered,
    run_wrapped,
    seeded,
    small_manifest,
    start_anew,
    strace,
)
from tests.conftest import Cli, Completed
from tests.standin import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project
    from tests.standin import OpenRouterStandIn

SMALL = "400k"
"""A disk that takes the ledger and the action cache, and no image of these tests."""
BIG_PX = (800, 600)
"""Noise of this size is about 1.4 MB as PNG, and much as WebP."""


def can_mount() -> bool:
    """Whether a process of ours may have mounts of its own."""
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run([*_apart("true"), "true"], capture_output=True, check=False).returncode == 0
    )


def _apart(script: str) -> list[str]:
    """A wrapper that runs `script`, and then the command, where mounts are its own."""
    privileged = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *privileged, "--mount", "sh", "-c", f'{script} && exec "$@"', "sh"]


def small_disk(*folders: Path) -> list[str]:
    """A wrapper in which each folder is a small disk of its own, empty at first and gone after."""
    return _apart(
        " && ".join(f"mount -t tmpfs -o size={SMALL},mode=700 tmpfs {path}" for path in folders)
    )


def small_disk_that_grows(*folders: Path, then: str = "true") -> list[str]:
    """A wrapper that runs the command on such disks, and again once there is room on them.

    `then` is done in between, in the words of the shell.
    """
    mounts = " && ".join(
        f"mount -t tmpfs -o size={SMALL},mode=700 tmpfs {path}" for path in folders
    )
    more = " && ".join(f"mount -o remount,size=64m {path}" for path in folders)
    return _apart(f'{mounts} && {{ "$@"; echo "exit $?" >&2; {more} && {then}; }}')


def read_only(*folders: Path) -> list[str]:
    """A wrapper in which nothing below these folders can be written."""
    commands = [
        f"mount --bind {path} {path} && mount -o remount,bind,ro {path}" for path in folders
    ]
    return _apart(" && ".join(commands))


needs_mounts = pytest.mark.skipif(not can_mount(), reason="needs the right to mount (`unshare -m`)")
needs_strace = pytest.mark.skipif(not can_trace(), reason="needs `strace`, and the right to use it")


def noise() -> Image:
    """An answer with an image that no disk of `SMALL` takes, converted or not."""
    pixels = seeded(1).randbytes(BIG_PX[0] * BIG_PX[1] * 3)
    file = io.BytesIO()
    Picture.frombytes("RGB", BIG_PX, pixels).save(file, "PNG")
    return Image(data=file.getvalue())


def assert_told(result: Completed, *words: str, code: int) -> None:
    """A clear message and the right exit code, never a traceback."""
    assert result.code == code, result.err
    for word in words:
        assert word in result.err
    for sign in ("Traceback", "unexpected"):
        assert sign not in result.err


def rescue_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("assetgen-*.rescue"))


@dataclass(frozen=True, slots=True)
class Scene:
    """A project of a few images, and the folder where rescue files go."""

    project: Project
    cli: Cli
    openrouter: OpenRouterStandIn
    temporary: Path

    def build_later(self, *, of: int = len(ASSETS), already: int = 0) -> Completed:
        """The build when the disk is well again: it completes, and every answer counts.

        `already` is how many requests there were before all this.
        """
        result = self.cli("build")
        assert result.code == 0, result.err
        asked = prompts(self.openrouter)[already:]
        assert len(set(asked)) == len(asked) == of, asked
        assert_all_is_well(self.project, self.cli, of=of)
        return result


@pytest.fixture
def scene(project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path) -> Scene:
    """Everything is small; `art` and the cache folder are there, so that disks can be put there."""
    project.write("assets.yaml", small_manifest())
    temporary = tmp_path / "temporary"
    for folder in (temporary, project.path("art"), project.path(".assetgen"), cache_of(cli).root):
        folder.mkdir()
    own = replace(cli, env={**cli.env, "TMPDIR": str(temporary)})
    return Scene(project, own, openrouter, temporary)


@pytest.fixture
def big_scene(scene: Scene) -> Scene:
    """Two images, one of them to be converted, that fit on no small disk."""
    text = manifest("a") + manifest("b", extension="webp").partition("assets:\n")[2]
    scene.project.write("assets.yaml", text)
    scene.openrouter.default = noise()
    return scene


# Full


@needs_mounts
def test_a_full_cache_keeps_no_image_from_output_and_lockfile(big_scene: Scene) -> None:
    cache = cache_of(big_scene.cli).root
    result = run_wrapped(big_scene.cli, small_disk(cache), "build")
    assert_told(result, "could not be stored", "No space left on device", code=0)
    kept = rescue_files(big_scene.temporary)
    assert len(kept) == 2
    assert all(str(path) in result.err for path in kept)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    big_scene.build_later(of=2)


@pytest.mark.slow
@needs_mounts
def test_an_image_that_a_full_cache_did_not_take_is_in_the_store_after_the_next_build(
    big_scene: Scene,
) -> None:
    art = big_scene.project.path("art")
    none_is_left = f'test -z "$(ls {big_scene.temporary})"'
    again = f'rm {art}/* && "$@" && {none_is_left} && rm {art}/*'
    wrapper = small_disk_that_grows(cache_of(big_scene.cli).root, then=again)
    result = run_wrapped(big_scene.cli, wrapper, "build")
    full, _, later = result.err.partition("exit 0\n")
    assert full.count("and the next build takes it from there") == 2
    assert result.code == 0, later
    assert "warning" not in later
    assert sorted(prompts(big_scene.openrouter)) == ["a", "b"]
    assert_all_is_well(big_scene.project, big_scene.cli, of=2)


@pytest.mark.slow
@needs_mounts
def test_a_full_disk_for_outputs_keeps_no_image_from_the_store(big_scene: Scene) -> None:
    art = big_scene.project.path("art")
    result = run_wrapped(big_scene.cli, small_disk(art), "build")
    assert_told(result, "cannot write `art/a.png`: No space left on device", code=1)
    assert "the image is kept" in result.err
    big_scene.build_later(of=2)


@needs_mounts
def test_an_image_that_neither_cache_nor_output_can_take_is_kept_in_a_file_that_is_named(
    big_scene: Scene,
) -> None:
    folders = (cache_of(big_scene.cli).root, big_scene.project.path("art"))
    result = run_wrapped(big_scene.cli, small_disk_that_grows(*folders), "build")
    full, _, later = result.err.partition("exit 1\n")
    assert full.count("and the next build takes it from there") == 2
    assert full.count(str(big_scene.temporary)) >= 2
    assert "cannot write `art/b.webp`" in full
    assert (result.code, later.splitlines()[-1]) == (0, "1 restored, 1 derived"), later
    assert len(prompts(big_scene.openrouter)) == 2
    assert rescue_files(big_scene.temporary) == []


@pytest.mark.slow
@needs_mounts
def test_an_image_that_no_disk_takes_at_all_is_said_to_be_lost(big_scene: Scene) -> None:
    home = Path(big_scene.cli.env["HOME"])
    cache, temporary = cache_of(big_scene.cli).root, big_scene.temporary
    text = big_scene.project.read_text("assets.yaml")
    wrapper = small_disk(home, temporary, cache, big_scene.project.root)
    script = wrapper[-2].replace(' && exec "$@"', ' && cd "$PWD" && cat > assets.yaml && exec "$@"')
    done = subprocess.run(
        [*wrapper[:-2], script, "sh", sys.executable, "-m", "assetgen", "build"],
        cwd=big_scene.cli.cwd,
        env=dict(big_scene.cli.env),
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )
    result = Completed(done.returncode, done.stdout, done.stderr)
    assert_told(result, "no other place takes the image either", "the image is lost", code=1)
    assert "is kept" not in result.err


# Read-only and out of reach


@needs_mounts
def test_a_project_that_cannot_be_written_is_told_by_name_and_no_image_is_lost(
    scene: Scene,
) -> None:
    result = run_wrapped(scene.cli, read_only(scene.project.root), "build")
    assert_told(result, "Read-only file system", code=1)
    scene.build_later()


@needs_mounts
def test_without_a_cache_that_can_be_written_nothing_is_bought(scene: Scene) -> None:
    cache = cache_of(scene.cli).root
    result = run_wrapped(scene.cli, read_only(cache), "build")
    assert_told(result, str(cache), "Read-only file system", "ASSETGEN_CACHE_DIR", code=1)
    assert prompts(scene.openrouter) == []
    scene.build_later()


def test_where_no_cache_folder_can_be_made_nothing_is_bought(scene: Scene) -> None:
    cache = cache_of(scene.cli).root
    cache.rmdir()
    cache.write_text("a file in its place")
    result = scene.cli("build")
    assert_told(result, str(cache), "ASSETGEN_CACHE_DIR", code=1)
    assert prompts(scene.openrouter) == []
    cache.unlink()
    scene.build_later()


@needs_strace
def test_an_output_folder_without_permission_is_told_by_name_and_no_image_is_lost(
    scene: Scene,
) -> None:
    art = scene.project.path("art")
    result = run_wrapped(scene.cli, strace("openat:error=EACCES", only=[art]), "build")
    assert_told(result, "cannot write `art/a.png`: Permission denied", code=1)
    assert "the image is kept" in result.err
    scene.build_later()


# Failing


BUILD = ("build", "-j", "1")
"""One call at a time, so that each run makes the same calls on the disk."""


@dataclass(slots=True)
class Failing:
    """A project that is built anew, again and again, on a disk that fails."""

    scene: Scene
    log: Path
    already: int = 0

    def clear(self) -> None:
        """Put everything back to where nothing was built."""
        scene = self.scene
        for path in (*rescue_files(scene.temporary), self.log):
            path.unlink(missing_ok=True)
        start_anew(scene.project, scene.cli, small_manifest())
        self.already = len(scene.openrouter.generations)

    def build(self, **moment: object) -> bool:
        """Build anew; calls fail from a moment on, which is told by name, and the next build pays \
for nothing again. Says whether the moment came."""
        self.clear()
        result = run_tampered(self.scene.cli, self.log, *BUILD, deed="fail", **moment)
        self._recover(result, str(moment))
        return bool(logged(self.log, "struck"))

    def build_traced(self, fault: str) -> bool:
        """The same for what SQLite does by itself: a fault as strace takes it."""
        self.clear()
        wrapper = strace(fault, log=str(self.log))
        self._recover(run_wrapped(self.scene.cli, wrapper, *BUILD), fault)
        return "(INJECTED)" in self.log.read_text("utf-8", "replace")

    def _recover(self, result: Completed, fault: str) -> None:
        try:
            assert_told(result, code=result.code)
            is_asked = len(self.scene.openrouter.generations) > self.already
            # Where manifest or lockfile cannot be read, the command ends before it asks.
            assert result.code in ({0, 1} if is_asked else {0, 1, 2})
            self.scene.build_later(already=self.already)
        except AssertionError as error:
            error.add_note(f"{fault}: {result.err}")
            raise

    def in_turn(self, build: Callable[[int], bool], *, at_least: int) -> int:
        """Fail at the first call, the second and so on, until no build makes so many."""
        came = next(number for number in itertools.count() if not build(number + 1))
        assert came >= at_least
        return came


@pytest.fixture
def failing(scene: Scene, tmp_path: Path) -> Failing:
    return Failing(scene, tmp_path / "calls")


FAULTS = {
    "link": "EMLINK",
    "unlink": "EIO",
    "rename": "EXDEV",
    "write": "ENOSPC",
    "mkdir": "ENOSPC",
    "fsync": "EIO",
    "open": "EMFILE",
}
"""How each kind of call fails."""
AT_LEAST = {
    "open": 150,
    "mkdir": 25,
    "write": 25,
    "fsync": 40,
    "link": 4,
    "rename": 15,
    "unlink": 4,
}
"""How many of each a small build makes, or some more."""
AT_LEAST_OF_SQLITE = 5
"""How many steps it takes to the last of its calls."""
FEW = {
    "no line fits into the ledger any more": ("write", "/ledger.jsonl$", 3),
    "the cache is full from some moment on": ("write", "/cache/", 6),
    "nothing is synced any more": ("fsync", "", 12),
    "an answer has no second name": ("link", "", 1),
    "folders are on different devices": ("rename", "", 1),
}
"""The sample of the normal run: kind, path and number of the first call that fails."""


@needs_proc
@pytest.mark.parametrize("what", FEW)
def test_a_disk_that_fails_in_some_way_loses_no_bought_image(failing: Failing, what: str) -> None:
    kind, path, number = FEW[what]
    assert failing.build(kind=kind, path=path, number=number, error=FAULTS[kind], ever=True)


@needs_proc
def test_what_an_answer_holds_beside_its_image_is_not_lost_to_a_full_cache_either(
    failing: Failing,
) -> None:
    scene = failing.scene
    scene.openrouter.default = Image(count=2)
    failing.clear()
    full = {"kind": "write", "path": "/cache/incoming/", "error": "ENOSPC", "ever": True}
    result = run_tampered(scene.cli, failing.log, *BUILD, deed="fail", **full)
    kept = rescue_files(scene.temporary)
    assert len(kept) == 2 * len(ASSETS)
    assert all(str(path) in result.err for path in kept)
    shutil.rmtree(scene.project.path("art"))
    scene.build_later()
    assert rescue_files(scene.temporary) == []
    for digest in (path.name.split(".")[1] for path in kept):
        blob = cache_of(scene.cli).root / "blobs" / digest[:2] / digest
        assert sha256(blob.read_bytes()).hexdigest() == digest


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("folder", ["/cache/", "/project/"])
@pytest.mark.parametrize("kind", ["mkdir", "write", "fsync", "rename"])
def test_a_disk_that_fails_from_some_moment_on_loses_no_bought_image(
    failing: Failing, kind: str, folder: str, record_property: Callable[[str, object], None]
) -> None:
    """A disk of the cache, or of the project, on which no `mkdir`, `write`, `fsync` or `rename` \
works from the n-th on, for every n to the end of a build, loses no bought image"""
    came = failing.in_turn(
        lambda number: failing.build(
            kind=kind, path=folder, number=number, error=FAULTS[kind], ever=True
        ),
        at_least=2,
    )
    record_property("rounds", came)


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_disk_on_which_the_database_fails_from_some_moment_on_loses_no_bought_image(
    failing: Failing, call: str, record_property: Callable[[str, object], None]
) -> None:
    """A disk on which SQLite cannot write, or not sync, from the n-th time on, for n from 1 in \
growing steps to the end of a build, loses no bought image"""
    number, rounds = 1, 0
    while failing.build_traced(f"{call}:error=ENOSPC:when={number}+"):
        number += max(1, number // 2)  # a build makes two hundred, nearly all of one kind
        rounds += 1
    assert rounds >= AT_LEAST_OF_SQLITE
    record_property("rounds", rounds)


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("when", [1, 2, 3])  # of a thread: more come to few threads
def test_a_ledger_without_room_for_another_line_loses_no_bought_image(
    scene: Scene, when: int
) -> None:
    ledger = cache_of(scene.cli).root / "ledger.jsonl"
    ledger.touch()  # a path that strace may look out for
    wrapper = strace(f"write:error=ENOSPC:when={when}+", only=[ledger])
    result = run_wrapped(scene.cli, wrapper, "build")
    assert_told(result, *(["No space left on device"] if when == 1 else []), code=result.code)
    assert result.code in {0, 1}
    scene.build_later()


@pytest.mark.parametrize(
    "limit",
    [64, *(pytest.param(n, marks=pytest.mark.slow) for n in (10, 14, 18, 24, 32, 48, 58, 60, 80))],
)
def test_too_few_file_descriptors_lose_no_bought_image(scene: Scene, limit: int) -> None:
    names = [f"a{number}" for number in range(30)]
    scene.project.write("assets.yaml", manifest(*names))
    wrapper = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(limit)]
    scene.openrouter.latency_s = 0.3  # so that calls are under way together
    result = run_wrapped(scene.cli, wrapper, "build", "-j", "30")
    assert_told(result, code=result.code)
    if prompts(scene.openrouter):
        assert scene.openrouter.peak_in_flight > 1
        assert result.code == 0, result.err
        assert "`ulimit -n` raises the limit" in result.err
    scene.build_later(of=len(names))


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["link", "unlink", "rename", "write"])
def test_a_disk_that_fails_once_loses_no_bought_image(
    failing: Failing, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """A disk that fails once, at the n-th `link`, `unlink`, `rename` or `write`, for every n to \
the end of a build, loses no bought image"""
    record_property("rounds", each_once(failing, kind))


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mkdir", "fsync", "open"])
def test_a_disk_that_cannot_make_sync_or_open_once_loses_no_bought_image(
    failing: Failing, kind: str, record_property: Callable[[str, object], None]
) -> None:
    """A disk that fails once, at the n-th `mkdir`, `fsync` or `open`, for every n to the end of a \
build, loses no bought image"""
    record_property("rounds", each_once(failing, kind))


def each_once(failing: Failing, kind: str) -> int:
    """Let each call of a kind fail, one a build, and return how many there are."""
    return failing.in_turn(
        lambda number: failing.build(kind=kind, number=number, error=FAULTS[kind]),
        at_least=AT_LEAST[kind],
    )
