"""Strangers: a repository of somebody else's reads and writes nothing outside its folder.

The attacks are what a clone or an archive can hold: links in place of files and folders, also ones
that are swapped while assetgen works.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from assetgen.beneath import Beneath, Unfit
from assetgen.core.lock_text import parse_lock
from assetgen.errors import AssetgenError, LockfileError
from assetgen.files.project import ProjectFiles
from assetgen.manifest.load import load
from tests.attacks.fuzz_targets import CORPUS
from tests.attacks.support import manifest, slowly
from tests.manifest.support import TABLE
from tests.standin import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

DRAFT = "version: 1\nprovider: draft\nassets:\n  hero: {prompt: A keeper, output: art/hero.png}\n"
CONTENTS = "the-contents-of-a-private-file\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's beside the project, which must stay as it is."""
    folder = tmp_path / "private"
    folder.mkdir()
    for name in ("file", "lock", "assets.lock", "assets.record", "assets.journal", "hero.png"):
        (folder / name).write_text(CONTENTS)
    return folder


def untouched(outside: Path) -> bool:
    names = {"file", "lock", "assets.lock", "assets.record", "assets.journal", "hero.png"}
    return set(os.listdir(outside)) == names and all(
        (outside / name).read_text() == CONTENTS for name in names
    )


HOSTILE_OUTPUTS = [
    "../hero.png",
    "art/../../hero.png",
    "/tmp/hero.png",  # noqa: S108 - refused
    "~/hero.png",
    "C:/hero.png",
    "c:hero.png",
    "\\\\server\\share\\hero.png",
    "art\\..\\..\\hero.png",
    "//server/share/hero.png",
    "con.png",
    "art/AUX.webp",
    "com1.tar.png",
    "nul/hero.png",
    "art./hero.png",
    "art /hero.png",
    "hero.png.",
    "hero.png ",
    "hero.png::$DATA",
    "hero\u202egnp.png",
    ".git/hooks/x.png",
    "sub/.GIT/x.png",
    "git~1/x.png",
    ".assetgen/x.png",
    "assets.yaml",
    "assets.lock",
]


@pytest.mark.parametrize("output", HOSTILE_OUTPUTS)
def test_a_path_that_leads_out_or_is_not_portable_is_refused_before_anything_is_done(
    tmp_path: Path, output: str
) -> None:
    text = f"version: 1\nassets:\n  a: {{prompt: a, model: m/m, output: {json.dumps(output)}}}\n"
    path = tmp_path / "assets.yaml"
    path.write_text(text)
    with pytest.raises(AssetgenError):
        load(str(path), table=TABLE)
    assert os.listdir(tmp_path) == ["assets.yaml"]


TWINS = {
    "case": ("art/Hero.png", "art/hero.png"),
    "Unicode form": ("art/caf\u00e9.png", "art/cafe\u0301.png"),
    "case beyond ASCII": ("art/STRASSE.png", "art/stra\u00dfe.png"),
    "Kelvin sign": ("art/K.png", "art/\u212a.png"),
    "detour": ("art/x/../hero.png", "art/hero.png"),
    "file as a folder": ("art/x.png", "art/x.png/hero.png"),
    "file as a folder, by case": ("art/X.png", "art/x.PNG/hero.png"),
}


@pytest.mark.parametrize("twins", TWINS)
def test_two_outputs_that_are_one_file_somewhere_are_refused(tmp_path: Path, twins: str) -> None:
    one, other = TWINS[twins]
    path = tmp_path / "assets.yaml"
    path.write_text(
        "version: 1\nassets:\n"
        f"  a: {{prompt: a, model: m/m, output: {json.dumps(one)}}}\n"
        f"  b: {{prompt: b, model: m/m, output: {json.dumps(other)}}}\n",
        "utf-8",
    )
    with pytest.raises(AssetgenError) as caught:
        load(str(path), table=TABLE)
    assert "output" in str(caught.value)


def test_an_output_behind_a_link_out_of_the_project_is_refused_before_any_call(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, outside: Path
) -> None:
    project.path("art").symlink_to(outside)
    project.write("assets.yaml", manifest("hero"))
    result = cli("build")
    assert result.code == 2
    assert "leads out of the project" in result.err
    assert openrouter.requests == []
    assert untouched(outside)


def test_a_folder_that_becomes_a_link_after_the_plan_is_not_written_through(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, outside: Path
) -> None:
    """The call is under way when the folder is swapped; the paid image is kept, not lost."""
    project.path("art").mkdir()
    project.write("assets.yaml", manifest("hero"))
    openrouter.hold()
    process = cli.start("build")
    openrouter.wait_until(lambda: bool(openrouter.requests))
    project.path("art").rmdir()
    project.path("art").symlink_to(outside)
    openrouter.release()
    result = cli.finish(process)
    assert result.code == 1
    assert "leads out of the project" in result.err
    assert untouched(outside)
    project.path("art").unlink()
    assert cli("build").code == 0
    assert len(openrouter.generations) == 1


SWAPPER = """
import os, sys
art, real, link = sys.argv[1:]
print("ready", flush=True)
while True:
    os.rename(art, real); os.symlink(link, art)
    os.unlink(art); os.rename(real, art)
"""


@contextmanager
def swapping(folder: Path, link: Path) -> Iterator[None]:
    """Another process that swaps `folder` for a link to `link` and back, as fast as it can."""
    aside = folder.with_name("aside")
    with subprocess.Popen(
        [sys.executable, "-c", SWAPPER, str(folder), str(aside), str(link)],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("rounds", [300, pytest.param(30_000, marks=pytest.mark.slow)])
def test_a_folder_swapped_for_a_link_at_any_moment_is_never_gone_through(
    project: Project, outside: Path, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    project.write("art/hero.png", b"inside")
    files = ProjectFiles(str(project.root))
    written = 0
    with swapping(project.path("art"), outside):
        for number in range(rounds):
            try:
                assert files.read("art/hero.png") != CONTENTS.encode()
                files.write("art/hero.png", b"inside %d" % number)
                written += 1
            except AssetgenError:
                continue  # the link was there, or neither
    record_property("rounds", rounds)
    assert untouched(outside)


@pytest.mark.parametrize(
    "where",
    [
        ".assetgen",
        ".assetgen/lock",
        *slowly(".assetgen/assets.record", ".assetgen/assets.journal"),
    ],
)
def test_nothing_is_written_through_a_link_in_the_private_folder(
    project: Project, cli: Cli, outside: Path, where: str
) -> None:
    project.write("assets.yaml", DRAFT)
    project.path(where).parent.mkdir(exist_ok=True)
    project.path(where).symlink_to(outside if where == ".assetgen" else outside / "file")
    result = cli("build")
    assert result.code in {0, 1}
    assert "Traceback" not in result.err
    if where == ".assetgen":
        assert "`.assetgen" in result.err
        assert "symbolic link" in result.err
    assert untouched(outside)


@pytest.mark.parametrize("target", ["private", *slowly("/proc/self/environ", "/dev/zero")])
def test_a_lockfile_that_is_a_link_out_is_neither_read_nor_written_through(
    project: Project, cli: Cli, outside: Path, target: str
) -> None:
    project.write("assets.yaml", DRAFT)
    leads_to = outside / "assets.lock" if target == "private" else target
    project.path("assets.lock").symlink_to(leads_to)
    result = cli("build")
    assert result.code == 2
    assert "assets.lock" in result.err
    assert CONTENTS.strip() not in result.err
    assert cli.env["OPENROUTER_API_KEY"] not in result.err
    healed = cli("build", "--rebuild-lock")
    assert healed.code == 0, healed.err
    assert not project.path("assets.lock").is_symlink()
    assert untouched(outside)


@pytest.mark.parametrize("target", ["/proc/self/environ", "pipe", *slowly("private", "/dev/zero")])
def test_a_manifest_that_is_a_link_out_is_not_read(
    project: Project, cli: Cli, outside: Path, target: str
) -> None:
    """Its faults would print what they complain about: the environment, and the key in it."""
    if target == "pipe":
        os.mkfifo(project.path("assets.yaml"))
    else:
        leads_to = outside / "file" if target == "private" else target
        project.path("assets.yaml").symlink_to(leads_to)
    result = cli("check")
    assert result.code == 2
    assert CONTENTS.strip() not in result.err
    assert cli.env["OPENROUTER_API_KEY"] not in result.err


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("assets.record", "/dev/zero"),
        pytest.param("assets.record", "pipe", marks=pytest.mark.slow),
        pytest.param("assets.journal", "pipe", marks=pytest.mark.slow),
    ],
)
def test_a_device_or_pipe_among_the_private_files_holds_nothing_up(
    project: Project, cli: Cli, name: str, target: str
) -> None:
    project.write("assets.yaml", DRAFT)
    project.path(".assetgen").mkdir()
    if target == "pipe":
        os.mkfifo(project.path(f".assetgen/{name}"))
    else:
        project.path(f".assetgen/{name}").symlink_to(target)
    result = cli("build")
    assert result.code in {0, 1}
    assert "Traceback" not in result.err


def test_an_include_swapped_for_a_link_is_not_read(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link comes right after the file was found to be a file."""
    from assetgen.manifest import disk  # noqa: PLC0415 - patched here

    root = tmp_path / "project"
    root.mkdir()
    (root / "assets.yaml").write_text("version: 1\ninclude: [more.yaml]\nassets: {}\n")
    (root / "more.yaml").write_text("assets: {}\n")
    find = disk.ProjectFiles.find

    def find_and_swap(self: disk.ProjectFiles, path: str) -> tuple[str, str]:
        found = find(self, path)
        (root / path).unlink()
        (root / path).symlink_to(outside / "file")
        return found

    monkeypatch.setattr(disk.ProjectFiles, "find", find_and_swap)
    with pytest.raises(AssetgenError) as caught:
        load(str(root / "assets.yaml"), table=TABLE)
    assert "leads out of the project" in str(caught.value)
    assert CONTENTS.strip() not in str(caught.value)


@pytest.mark.parametrize(
    "name", [".gitignore", "schemas", *slowly(".gitattributes", "assets.yaml")]
)
def test_init_in_a_strangers_clone_writes_through_no_link(
    project: Project, cli: Cli, outside: Path, name: str
) -> None:
    project.path(name).symlink_to(outside if name == "schemas" else outside / "file")
    result = cli("init")
    assert result.code in {1, 2}
    assert "link" in result.err or "is there already" in result.err
    assert untouched(outside)


def test_a_report_replaces_a_link_and_not_what_it_leads_to(
    project: Project, cli: Cli, outside: Path
) -> None:
    project.write("assets.yaml", DRAFT)
    project.path("report.md").symlink_to(outside / "file")
    assert cli("check", "--report", "report.md").code == 4
    assert untouched(outside)
    assert not project.path("report.md").is_symlink()


@pytest.mark.parametrize("path", ["../private/hero.png", "/etc/passwd", "art/../../private/file"])
def test_a_lockfile_that_names_files_outside_is_refused(path: str) -> None:
    text = (CORPUS / "lockfile/whole.lock").read_text("utf-8")
    assert parse_lock(text, "assets.lock").entries
    with pytest.raises(LockfileError):
        parse_lock(text.replace("art/hero.png", path), "assets.lock")


def test_a_record_that_came_with_the_repository_proves_nothing(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", DRAFT)
    version = cli("--version").out.split()[1]
    project.write(
        ".assetgen/assets.record",
        f"assetgen-record 1\nversion {version}\nmanifest assets.yaml\ndraft 0\ncomplete 1\nend 0\n",
    )
    assert cli("build").code == 0
    assert project.path("art/hero.png").exists()


def test_links_that_stay_inside_the_project_work_as_ever(project: Project, cli: Cli) -> None:
    project.write("deep/real/frame.png", picture("frame"))
    project.path("art").symlink_to("deep/real")
    project.path("deep/up").symlink_to("../deep/real/../../deep")
    project.path("whole").symlink_to(project.root)
    project.write(
        "assets.yaml",
        "version: 1\nassets:\n"
        "  a: {source: deep/up/real/frame.png, output: art/a.png}\n"
        "  b: {source: whole/art/frame.png, output: art/b.png}\n",
    )
    assert cli("build").code == 0
    assert project.path("deep/real/a.png").read_bytes() == picture("frame")
    assert project.path("deep/real/b.png").read_bytes() == picture("frame")
    assert cli("check").code == 0


def test_many_threads_open_what_they_ask_for(tmp_path: Path) -> None:
    """Opening is relative to open folders, never to a working folder that all threads share."""
    for number in range(8):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}/x").write_text(str(number))
    inside = Beneath(str(tmp_path))
    wrong: list[int] = []

    def read(number: int) -> None:
        found = {inside.read(f"d{number}/x", 10) for _ in range(200)}
        wrong.extend(int(other) for other in found - {str(number).encode()})

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


@pytest.mark.parametrize("target", ["..", "../..", "/", "a/../../b", "loop", "/proc/self/cwd"])
def test_a_link_is_walked_like_any_path_and_not_by_the_system(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "b").write_text(CONTENTS)
    (root / "loop").symlink_to("loop")
    (root / "link").symlink_to(target)
    inside = Beneath(str(root))
    for path in ("link", "link/b", "link/link/b", "a/../link/b"):
        with pytest.raises((Unfit, OSError)):
            inside.read(path, 1000)
        with pytest.raises((Unfit, OSError)):
            inside.write(f"{path}/new", b"x")
    assert sorted(os.listdir(tmp_path)) == ["b", "root"]
    assert (tmp_path / "b").read_text() == CONTENTS
