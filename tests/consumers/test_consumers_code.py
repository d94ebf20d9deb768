"""The exports in programs: compiled by TypeScript, bundled by Vite, checked by mypy, run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.consumers.conftest import serving

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import Project

USES = """\
import { assets, atlases, type AssetName, type Asset } from "./assets";

const names: AssetName[] = ["banner", "icon-a"];
const banner: Asset = assets.banner;
const widths: number[] = assets.banner.variants.map(variant => variant.width);
const frame = atlases.one.frames["walk-0"];
const first: "walk-0" = atlases.one.animations.walk[0];
export const told: string = [banner.src, ...names, ...widths, frame.x, first].join(" ");
"""
WRONG = {
    "an asset": 'import { assets } from "./assets"; export const a = assets.baner;',
    "a name": 'import { type AssetName } from "./assets"; export const a: AssetName = "x";',
    "a frame": 'import { atlases } from "./assets"; export const a = atlases.one.frames["x"];',
    "a write": 'import { assets } from "./assets"; assets.banner.width = 3; export {};',
}


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def sources(finished: Project, tmp_path: Path) -> Path:
    """A folder with the exported module, and a program that uses it."""
    folder = tmp_path / "code"
    folder.mkdir()
    shutil.copy(finished.path("src/assets.ts"), folder)
    (folder / "uses.ts").write_text(USES, encoding="utf-8")
    return folder


def compiled(npm_packages: Path, sources: Path) -> subprocess.CompletedProcess[str]:
    options = ["--strict", "--noEmit", "--module", "esnext", "--moduleResolution", "bundler"]
    options += ["--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"]
    tsc = str(npm_packages / ".bin/tsc")
    files = sorted(path.name for path in sources.glob("*.ts"))
    return run(tsc, *options, "--target", "es2022", *files, cwd=sources)


def test_typescript_compiles_the_export_and_what_uses_it(npm_packages: Path, sources: Path) -> None:
    result = compiled(npm_packages, sources)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("what", WRONG)
def test_typescript_refuses_what_is_not_there(what: str, npm_packages: Path, sources: Path) -> None:
    (sources / "wrong.ts").write_text(WRONG[what], encoding="utf-8")
    result = compiled(npm_packages, sources)
    assert result.returncode != 0
    assert [line for line in result.stdout.splitlines() if "error TS" in line] != []
    assert all(
        line.startswith("wrong.ts") for line in result.stdout.splitlines() if "error TS" in line
    )


def test_vite_builds_a_site_with_the_exported_module(
    npm_packages: Path, sources: Path, finished: Project, browser: Browser
) -> None:
    page = '<!doctype html><img><script type=module src="/main.ts"></script>'
    (sources / "index.html").write_text(page, encoding="utf-8")
    main = 'import { assets } from "./assets";\nimport { told } from "./uses";\n'
    main += "const image = document.querySelector('img')!;\n"
    main += "image.src = assets.banner.variants.at(-1)!.src; image.alt = told;\n"
    (sources / "main.ts").write_text(main, encoding="utf-8")
    (sources / "package.json").write_text(json.dumps({"type": "module"}), encoding="utf-8")
    (sources / "node_modules").symlink_to(npm_packages)
    shutil.copytree(finished.path("public"), sources / "public/public")
    result = run(str(npm_packages / ".bin/vite"), "build", "--logLevel", "warn", cwd=sources)
    assert result.returncode == 0, result.stderr
    with serving(sources / "dist") as address:
        context = browser.new_context()
        opened = context.new_page()
        opened.goto(address, wait_until="networkidle")
        width, alt = opened.evaluate(
            "() => { const i = document.querySelector('img'); return [i.naturalWidth, i.alt]; }"
        )
        context.close()
    assert (width, alt.split()[-1]) == (1280, "walk-0")


PYTHON_USES = """\
from game_assets import ASSETS, ATLASES, AssetName

name: AssetName = "banner"
width: int = ASSETS[name].file.width
frames: tuple[str, ...] = ATLASES["one"].animations["walk"]
"""


def test_mypy_finds_nothing_in_the_python_export(finished: Project, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    shutil.copy(finished.path("game_assets.py"), tmp_path)
    (tmp_path / "uses.py").write_text(PYTHON_USES, encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull]
    result = run(*mypy, "uses.py", "game_assets.py", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    wrong = PYTHON_USES.replace('"banner"', '"baner"')
    (tmp_path / "uses.py").write_text(wrong, encoding="utf-8")
    result = run(*mypy, "uses.py", "game_assets.py", cwd=tmp_path)
    assert "uses.py:3: error: Incompatible types in assignment" in result.stdout


def test_every_file_that_the_python_export_names_is_there(finished: Project) -> None:
    program = (
        "from game_assets import ASSETS, ATLASES\n"
        "for asset in ASSETS.values():\n"
        "    for file in (asset.file, *asset.variants, *asset.frames):\n"
        "        print(file.path)\n"
        "for atlas in ATLASES.values():\n"
        "    for page in atlas.pages:\n"
        "        print(page.path)\n"
        "    for _, path in atlas.data:\n"
        "        print(path)\n"
    )
    result = run(sys.executable, "-B", "-c", program, cwd=finished.root)
    paths = result.stdout.splitlines()
    assert len(paths) > 20, result.stderr
    assert [path for path in paths if not finished.path(path).is_file()] == []
