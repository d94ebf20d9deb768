"""Other tools with nothing to do on as many outputs, against ninja: what can be installed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.benchmarks.paired import alternating, ratio, run, seconds
from tests.benchmarks.projects import output, source, write_inputs
from tests.benchmarks.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.benchmarks.workshop import Workshop

COUNTS = (100, 1_000)
"""At 10,000, Snakemake takes minutes."""
ONLY_FEW = frozenset({"dvc"})
"""Its first build takes about a second an output."""


def measure(shop: Workshop) -> Iterator[Row]:
    """Each tool on its own copy, built once by itself."""
    for name, (requirement, prepare) in TOOLS.items():
        program = shutil.which(name) if not requirement else shop.program(name, [requirement])
        if program is None:
            yield Row(f"{name}", "cannot be had here")
            continue
        for count in COUNTS[:1] if name in ONLY_FEW else COUNTS:
            root = shop.folder / f"{name}-{count}"
            is_new = not root.exists()
            if is_new:
                write_inputs(root, count)
            arguments = prepare(root, count)
            idle = shop.command(str(program), *arguments, cwd=root)
            try:
                if is_new:
                    run(idle)
                runs = alternating({name: idle, "ninja": shop.ninja(count)}, 3)
            except RuntimeError as error:
                yield Row(f"{name}, {count:,} outputs", f"does not run: {str(error)[-80:]!r}")
                continue
            found = ratio(runs[name], runs["ninja"])
            yield Row(
                f"{name}, {count:,} outputs", f"{found} times ninja", seen=seconds(runs[name])
            )


def _sources(count: int) -> list[tuple[str, str]]:
    return [(source(number), output(number)) for number in range(count)]


def _make(root: Path, count: int) -> list[str]:
    pairs = _sources(count)
    lines = [f"all: {' '.join(made for _, made in pairs)}\n"]
    lines += [f"{made}: {read}\n\t@mkdir -p $(@D) && cp $< $@\n" for read, made in pairs]
    (root / "Makefile").write_text("".join(lines), "utf-8")
    return ["-s", "-r"]  # no search for built-in rules, as every large Makefile has it


def _doit(root: Path, count: int) -> list[str]:
    (root / "dodo.py").write_text(
        "import os, shutil\n"
        f"PAIRS = {_sources(count)!r}\n"
        "def copy(source, made):\n"
        "    os.makedirs(os.path.dirname(made), exist_ok=True)\n"
        "    shutil.copy(source, made)\n"
        "def task_draw():\n"
        "    for source, made in PAIRS:\n"
        "        yield {'name': made, 'file_dep': [source], 'targets': [made],\n"
        "               'actions': [(copy, [source, made])]}\n",
        "utf-8",
    )
    return ["-v", "0"]


def _snakemake(root: Path, count: int) -> list[str]:
    names = [made.removeprefix("art/").removesuffix(".png") for _, made in _sources(count)]
    (root / "Snakefile").write_text(
        f"NAMES = {names!r}\n"
        "rule all:\n    input: expand('art/{name}.png', name=NAMES)\n"
        "rule draw:\n    input: 'prompts/{name}.txt'\n    output: 'art/{name}.png'\n"
        "    run:\n        import shutil\n        shutil.copy(input[0], output[0])\n",
        "utf-8",
    )
    for read, made in _sources(count):  # run by itself it would take an hour to get here
        (root / made).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / read, root / made)
    return ["--cores", "1", "--quiet", "all", "--rerun-triggers", "mtime"]


def _dvc(root: Path, count: int) -> list[str]:
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        (root / ".dvc").mkdir()
        (root / ".dvc/config").write_text("[core]\n    analytics = false\n", "utf-8")
        stages = "".join(
            f"  s{n}:\n    cmd: mkdir -p {made.rpartition('/')[0]} && cp {read} {made}\n"
            f"    deps: [{read}]\n    outs: [{made}]\n"
            for n, (read, made) in enumerate(_sources(count))
        )
        (root / "dvc.yaml").write_text(f"stages:\n{stages}", "utf-8")
    return ["repro", "-q"]


TOOLS: dict[str, tuple[str, Callable[[Path, int], list[str]]]] = {
    "make": ("", _make),
    "doit": ("doit", _doit),
    "snakemake": ("snakemake", _snakemake),
    "dvc": ("dvc", _dvc),
}
"""What pip installs, nothing for what the system has, and how the tool is told of its work."""
