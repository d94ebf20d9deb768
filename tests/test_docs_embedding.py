"""Every program and every table in docs/embedding.md does what the text around it says."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import assetgen
from assetgen.testing import faults_of_provider
from tests.installed import GROUP, install, write_module
from tests.test_docs import blocks

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/embedding.md").read_text(encoding="utf-8")
PROGRAMS = blocks(TEXT, "python")
MANIFEST = """\
version: 1
provider: draft
assets:
  hero: {prompt: A keeper, output: hero.png}
  side: {prompt: Her side, reference: "asset:hero", output: side.webp}
"""


def test_every_program_runs_as_it_stands(cli: Cli, project: Project, tmp_path: Path) -> None:
    """One process runs them one after another, each as a module of its own."""
    install(ROOT / "examples/provider", tmp_path / "site")
    project.write("assets.yaml", MANIFEST)
    project.write("broken.yaml", "version: 1\nassets:\n  hero: {promt: A, output: a.png}\n")
    for number, program in enumerate(PROGRAMS):
        project.write(f"program_{number}.py", program)
    runner = (
        "import runpy\n"
        f"for n in range({len(PROGRAMS)}):\n"
        "    print('=', n, flush=True)\n"
        "    runpy.run_path(f'program_{n}.py', run_name='__main__')\n"
    )
    path = os.pathsep.join([str(tmp_path / "site"), cli.env["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", runner],
        cwd=project.root,
        env={**cli.env, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.split(r"^= \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert "hero -> hero.png" in said[0]
    assert "generate hero not made yet 0\nwait side reads `hero`" in said[0]
    assert "generated side 0\n0 0\n" in said[0]
    assert "broken.yaml:3:10 unknown field `promt` in asset `hero` did you mean" in said[1]
    assert "'kept': 2" in said[3]


def test_the_events_of_the_text_are_those_that_there_are() -> None:
    (sentence,) = re.findall(r"Events are plain values: (.*?)\.\n", TEXT, flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == {
        kind.__name__ for kind in assetgen.Event.__args__
    }


def test_the_table_of_a_plugin_names_all_its_fields() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", TEXT, flags=re.MULTILINE)
    said = inspect.signature(assetgen.ProviderPlugin).parameters
    fields = {name: parameter.default for name, parameter in said.items()}
    assert [name for name, _ in rows] == list(fields)
    for name, unless_stated in rows:
        if unless_stated in {"`True`", "`False`"}:
            assert str(fields[name]) == unless_stated.strip("`")


def test_the_provider_of_the_text_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = (block for block in PROGRAMS if "PLUGIN =" in block)
    (point,) = blocks(TEXT, "toml")
    entry_points = tomllib.loads(point)["project"]["entry-points"][GROUP]
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    write_module(tmp_path / "site", "atelier", program, **entry_points)
    faults = asyncio.run(faults_of_provider("atelier", environ={"ATELIER_KEY": "x"}))
    assert faults == ["Unavailable: atelier is closed today"]
    del sys.modules["atelier"]


def test_every_public_name_is_there_and_listed() -> None:
    for name in assetgen._homes():
        assert getattr(assetgen, name) is not None
        assert name in dir(assetgen)
    used = set(re.findall(r"assetgen\.([A-Za-z]\w*)", "\n".join(PROGRAMS))) - {"testing"}
    assert used <= set(assetgen._homes())


# What `assetgen.testing` finds

KEEPS = """\
import asyncio, io
from decimal import Decimal
from PIL import Image
from assetgen import Generated, ProviderPlugin

class Provider:
    def __init__(self, environ): pass
    async def generate(self, request):
        await asyncio.sleep(0.001)
        file = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(file, "PNG")
        return Generated(images=(file.getvalue(),), cost_usd=Decimal(0))

PLUGIN = ProviderPlugin(create=Provider, is_paid=False, is_repeatable=True)
"""
FAULTS = {
    "keeps to everything": ("", "", []),
    "bills": ("Decimal(0)", "Decimal(1)", ["`is_paid` is false, and the answer has a bill"]),
    "draws the name": (
        '"red"',
        '"red" if request.asset == "test" else "blue"',
        ["`is_repeatable` is true, and two equal requests gave two pictures"],
    ),
    "is no image": ("file.getvalue()", "b'x'", ["ImageError: "]),
    "does not let itself be cancelled": (
        "await asyncio.sleep(0.001)",
        "try: await asyncio.sleep(0.001)\n        except asyncio.CancelledError: pass",
        ["a call that was cancelled went on to its end"],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_provider_is_told_what_it_does_not_keep_to(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, expected = FAULTS[case]
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    write_module(tmp_path / "site", "tried", KEEPS.replace(good, bad), tried="tried:PLUGIN")
    faults = asyncio.run(faults_of_provider("tried"))
    del sys.modules["tried"]
    assert len(faults) == len(expected)
    assert all(found.startswith(said) for found, said in zip(faults, expected, strict=True))


def test_a_provider_that_is_not_installed_is_said_to_be_so() -> None:
    assert asyncio.run(faults_of_provider("gone")) == ["no installed package has a provider `gone`"]
