"""Disks: full, failing, read-only or out of reach, they cost a message and no bought image."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
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
    manifest,
    prompts,
    run_wrapped,
    seeded,
    small_manifest,
    strace,
)
from tests.conftest import Cli, Completed
from tests.standin import Image

if TYPE_CHECKING:
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
    return _apart(" && ".join(f"mount -t tmpfs -o size={SMALL} tmpfs {path}" for path in folders))


def small_disk_that_grows(*folders: Path) -> list[str]:
    """A wrapper that runs the command on such disks, and again once there is room on them."""
    mounts = " && ".join(f"mount -t tmpfs -o size={SMALL} tmpfs {path}" for path in folders)
    more = " && ".join(f"mount -o remount,size=64m {path}" for path in folders)
    return _apart(f'{mounts} && {{ "$@"; echo "exit $?" >&2; {more}; }}')


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

    def build_later(self, *, of: int = len(ASSETS)) -> Completed:
        """The build when the disk is well again: it completes, and every answer counts."""
        result = self.cli("build")
        assert result.code == 0, result.err
        assert sorted(set(prompts(self.openrouter))) == sorted(prompts(self.openrouter))
        assert len(self.openrouter.generations) == of
        assert_all_is_well(self.project, self.cli, of=of)
        return result


@pytest.fixture
def scene(project: Project, cli: Cli, openrouter: OpenRouterStandIn, tmp_path: Path) -> Scene:
    """Everything is small; `art` and the cache folder are there, so that disks can be put there."""
    project.write("assets.yaml", small_manifest())
    temporary = tmp_path / "temporary"
    for folder in (temporary, project.path("art"), project.path(".assetgen"), cache_of(cli).root):
        folder.mkdir()
    own = Cli(cli.cwd, {**cli.env, "TMPDIR": str(temporary)}, cli.started)
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
    cache = cache_of(big_scene.cli).root
    assert run_wrapped(big_scene.cli, small_disk(cache), "build").code == 0
    shutil.rmtree(big_scene.project.path("art"))
    assert big_scene.cli("plan").err == ""
    big_scene.build_later(of=2)
    assert rescue_files(big_scene.temporary) == []
    shutil.rmtree(big_scene.project.path("art"))
    big_scene.build_later(of=2)


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


def fails_and_recovers(scene: Scene, *faults: str) -> Completed:
    """A build with faults injected ends by name; the one after it pays for no image again."""
    result = run_wrapped(scene.cli, strace(*faults), "build")
    assert_told(result, code=result.code)
    assert result.code in {0, 1}, result.err
    scene.build_later()
    return result


@needs_strace
@pytest.mark.parametrize(
    "when", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3, *range(5, 15)))]
)
def test_a_disk_that_fails_to_sync_from_some_moment_on_loses_no_bought_image(
    scene: Scene, when: int
) -> None:
    fails_and_recovers(scene, f"fsync:error=EIO:when={when}+")


@needs_strace
@pytest.mark.parametrize(
    "when", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, *range(3, 12)))]
)
def test_a_disk_that_fails_to_sync_once_loses_no_bought_image(scene: Scene, when: int) -> None:
    fails_and_recovers(scene, f"fsync:error=EIO:when={when}")


@needs_strace
@pytest.mark.parametrize(
    "when", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 10))]
)
def test_folders_on_different_devices_lose_no_bought_image(scene: Scene, when: int) -> None:
    fails_and_recovers(scene, f"rename,renameat,renameat2:error=EXDEV:when={when}+")


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "link", "unlink"])
@pytest.mark.parametrize("when", [1, 2, 5, 9, 20])
def test_a_disk_that_fills_up_at_any_moment_loses_no_bought_image(
    scene: Scene, call: str, when: int
) -> None:
    fails_and_recovers(scene, f"{call}:error=ENOSPC:when={when}+")


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
    result = run_wrapped(scene.cli, wrapper, "build", "-j", "30")
    assert_told(result, code=result.code)
    if prompts(scene.openrouter):
        assert result.code == 0, result.err
        assert "`ulimit -n` raises the limit" in result.err
    scene.build_later(of=len(names))
