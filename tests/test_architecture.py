"""Who may import what (design section 11), held by reading the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import assetgen
from assetgen.core.record import Entry, Head, Record, dump_record
from assetgen.core.stamp import stamp_of

PACKAGE = Path(assetgen.__file__).parent
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

EVERYWHERE = {"errors", "_version"}
ADAPTERS = {"manifest", "providers", "steps", "cache", "files"}
LAYERS: dict[str, set[str]] = {
    "__init__": {"core", "session"},
    "__main__": {"cli"},
    "_version": set(),
    "errors": set(),
    "beneath": {"disk", "temporary"},
    "disk": set(),
    "temporary": set(),
    "config": set(),
    "core": set(),
    "engine": {"core"},
    **{adapter: {"core"} for adapter in ADAPTERS},
    "cache": {"core", "disk", "temporary"},
    "manifest": {"core", "beneath"},
    "files": {"core", "beneath", "temporary"},
    "session": {"core", "engine", "config", *ADAPTERS},
    "testing": {"core", "providers", "steps"},
    "watch": {"core", "session"},
    "cli": {"core", "session", "watch", "beneath"},
}
"""What each part may import besides itself and what may be used everywhere."""

EXCEPTIONS = {
    # `init` runs where there is no manifest yet, so there is no session to ask.
    ("cli.commands.init", "files.lockfile"): "the name of the lockfile, for .gitattributes",
    ("cli.commands.init", "manifest.schema"): "the schema file that editors read",
}

HOMES = {
    "PIL": "steps.image",
    "diskcache": "cache.actions",
    "filelock": "cache.locks",
    "httpx": "providers.http",
    "msgspec": "core.value",
    "numpy": "steps.picture",
    "oxipng": "steps.optimise",
    "platformdirs": "cache.folder",
    "pybase64": "providers.openrouter.answer",
    "pydantic": "manifest.schema",
    "rectpack": "steps.atlas",
    "rich": "cli.progress",
    "shtab": "cli.commands.completion",
    "watchfiles": "watch.notice",
    "yaml": "manifest.parse",
    "zlib_ng": "steps.png",
}
"""The only module that imports each third-party library, so that replacing it is one file."""

ROOMS = {
    # What a manifest may say is one thing and too long for one file: the models of what is bought,
    # of steps and of what is finished, over the kinds of values they have.
    "pydantic": [
        "manifest.schema",
        "manifest.schema_finish",
        "manifest.schema_finish_types",
        "manifest.schema_steps",
        "manifest.schema_types",
    ],
    # Pictures are handed from step to step as arrays; Pillow decodes, scales and encodes them.
    "PIL": [
        "steps.encode",
        "steps.image",
        "steps.look",
        "steps.paint",
        "steps.picture",
        "steps.proof",
        "steps.renditions",
        "steps.resize",
    ],
    # Both make values fast: ours, and those of an answer.
    "msgspec": ["core.value", "providers.document"],
    "numpy": [
        "steps.atlas",
        "steps.background",
        "steps.checkerboard",
        "steps.expect",
        "steps.frames",
        "steps.look",
        "steps.pad",
        "steps.palette",
        "steps.picture",
        "steps.pixelate",
        "steps.regions",
        "steps.tile",
        "steps.trim",
    ],
}
"""Homes of more than one module, each with its reason."""

IMPORT_NAMES = {
    "oxipng-pybind": "oxipng",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "zlib-ng": "zlib_ng",
}
"""Distributions whose import name differs from their own."""

PURE = {
    "__future__",
    "collections",
    "contextlib",
    "dataclasses",
    "decimal",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "json",
    "re",
    "statistics",
    "types",
    "typing",
    "zlib",
}
"""What core may import of the standard library: nothing that reads, waits, draws lots or tells
the time."""

BEYOND_PURE = {
    "core.stamp": {"os"},
    # The base of every value; `inspect` is loaded by `dataclasses` anyway.
    "core.value": {"inspect", "msgspec"},
}
"""Modules of core that import more, and what."""

NO_OP_PATH = {
    "assetgen",
    "assetgen.__main__",
    "assetgen._version",
    "assetgen.cli",
    "assetgen.cli.noop",
    "assetgen.core",
    "assetgen.core.record",
    "assetgen.core.stamp",
    "zlib",
}
"""All that a build with nothing to do loads besides `os`; `zlib` for one checksum, in 0.1 ms."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the package, by its name below `assetgen`."""

    name: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.name.partition(".")[0]

    def imports(self) -> set[str]:
        """Full names of everything imported anywhere in it, for types as well."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name} imports by a relative name"
                assert node.module is not None
                found |= _imported(node.module, [alias.name for alias in node.names])
        return found

    def own_imports(self) -> set[str]:
        """Modules of the package that it imports, by their names below `assetgen`."""
        names = {name for name in self.imports() if name.partition(".")[0] == "assetgen"}
        return {name.removeprefix("assetgen").removeprefix(".") or "__init__" for name in names}

    def foreign_imports(self) -> set[str]:
        """Top-level names of the third-party libraries that it imports."""
        tops = {name.partition(".")[0] for name in self.imports()}
        return tops - set(sys.stdlib_module_names) - {"assetgen", "__future__"}


def _imported(module: str, names: list[str]) -> set[str]:
    """`from assetgen.core import plan` imports `assetgen.core.plan`."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    if not base.is_dir():
        return {module}
    inside = {name for name in names if (base / name).is_dir() or (base / f"{name}.py").is_file()}
    return {f"{module}.{name}" for name in inside} | ({module} if inside != set(names) else set())


def read_modules() -> list[Module]:
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        modules.append(Module(name, ast.parse(path.read_text("utf-8"))))
    return modules


MODULES = read_modules()
CORE = [module for module in MODULES if module.layer == "core"]

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
each_core_module = pytest.mark.parametrize("module", CORE, ids=lambda module: module.name)


@each_module
def test_imports_point_one_way(module: Module) -> None:
    assert module.layer in LAYERS, "a new part of the package needs a place in LAYERS"
    allowed = {module.layer} | EVERYWHERE | LAYERS[module.layer]
    wrong = {
        name
        for name in module.own_imports()
        if name.partition(".")[0] not in allowed and (module.name, name) not in EXCEPTIONS
    }
    assert wrong == set()


def test_every_exception_is_still_needed() -> None:
    taken = {(module.name, name) for module in MODULES for name in module.own_imports()}
    assert EXCEPTIONS.keys() <= taken


@each_core_module
def test_core_uses_nothing_of_the_standard_library_that_reaches_the_world(module: Module) -> None:
    tops = {name.partition(".")[0] for name in module.imports()} - {"assetgen"}
    assert tops <= PURE | BEYOND_PURE.get(module.name, set())


@each_core_module
def test_core_neither_waits_nor_reads_nor_writes(module: Module) -> None:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not any(isinstance(node, waits) for node in ast.walk(module.tree))
    called = {
        node.func.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "exec", "eval", "compile", "__import__"}
    if module.name != "core.ports":
        assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(module.tree))


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_in_its_home_only(library: str) -> None:
    rooms = ROOMS.get(library, [HOMES[library]])
    assert [m.name for m in MODULES if library in m.foreign_imports()] == rooms


def test_every_library_that_is_imported_is_declared_and_has_a_home() -> None:
    declared = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[^A-Za-z0-9_.-]", line)[0].lower() for line in declared}
    imported = set().union(*(module.foreign_imports() for module in MODULES))
    assert imported == {IMPORT_NAMES.get(name, name) for name in names}
    assert imported == HOMES.keys()


def in_a_new_process(code: str, folder: Path) -> list[str]:
    """What `code` prints as JSON, in a Python that has loaded as little as possible."""
    begin = (
        f"import os, sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\nbefore = set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"{begin}\n{code}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.replace("'", '"'))
    return found


def test_importing_the_package_loads_nothing(tmp_path: Path) -> None:
    loaded = in_a_new_process("import assetgen\nprint(sorted(set(sys.modules) - before))", tmp_path)
    assert loaded == ["assetgen", "assetgen._version"]


def remember(folder: Path) -> list[str]:
    """A project that is up to date; the paths that its record knows."""
    paths = ["assets.yaml", "assets.lock", "art/hero.png", "refs/none.png"]
    (folder / "art").mkdir()
    for path in paths[:3]:
        (folder / path).write_bytes(b"x")
    entries = [Entry(path, stamp_of(str(folder / path))) for path in paths]
    head = Head(
        version=assetgen.__version__,
        manifest="assets.yaml",
        folder=str(folder.resolve()),
        known="",
        draft=False,
        complete=True,
    )
    record = Record(head=head, entries=entries)
    (folder / ".assetgen").mkdir()
    (folder / ".assetgen/assets.record").write_bytes(dump_record(record))
    return paths


def test_a_build_with_nothing_to_do_loads_nothing_but_its_own_path(tmp_path: Path) -> None:
    remember(tmp_path)
    loaded = in_a_new_process(
        "sys.argv = ['assetgen', 'build']\n"
        "import assetgen.__main__\n"
        "assert assetgen.__main__.main() == 0\n"
        "print(sorted(set(sys.modules) - before))",
        tmp_path,
    )
    assert set(loaded) <= NO_OP_PATH


def test_a_build_with_nothing_to_do_looks_at_each_path_once(tmp_path: Path) -> None:
    paths = remember(tmp_path)
    looked_at = in_a_new_process(
        "import assetgen.cli.noop\n"
        "looked, stat = [], os.stat\n"
        "def watched(path):\n"
        "    looked.append(path)\n"
        "    return stat(path)\n"
        "os.stat = watched\n"
        "assert assetgen.cli.noop.is_up_to_date(['build'])\n"
        "print(looked)",
        tmp_path,
    )
    assert sorted(looked_at) == sorted(paths)


def test_the_version_is_told_without_looking_at_anything_else(tmp_path: Path) -> None:
    loaded = in_a_new_process(
        "sys.argv = ['assetgen', '--version']\n"
        "import assetgen.__main__\n"
        "out, told = os.dup(1), os.open(os.devnull, os.O_WRONLY)\n"
        "os.dup2(told, 1)\n"
        "assert assetgen.__main__.main() == 0\n"
        "os.dup2(out, 1)\n"
        "print(sorted(set(sys.modules) - before))",
        tmp_path,
    )
    assert loaded == ["assetgen", "assetgen.__main__", "assetgen._version"]


def test_help_loads_nothing_of_the_package_but_the_command_line(tmp_path: Path) -> None:
    loaded = in_a_new_process(
        "import assetgen.cli.main\n"
        "assetgen.cli.main.command_parser(['--help']).format_help()\n"
        "print(sorted(name for name in set(sys.modules) - before))",
        tmp_path,
    )
    ours = {name for name in loaded if name.startswith("assetgen")}
    assert ours <= {
        "assetgen",
        "assetgen._version",
        "assetgen.cli",
        "assetgen.cli.main",
        "assetgen.cli.printable",
        "assetgen.cli.streams",
    }
    assert not {"typing", "dataclasses", "json", "shutil", "traceback"} & set(loaded)
