"""`assetgen schema` and `assetgen completion`, the latter in real shells."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assetgen.session.schemas import SCHEMAS

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

ROOT = Path(__file__).parents[2]
MANIFEST = "version: 1\nprovider: draft\nassets:\n" + "".join(
    f"  {name}: {{prompt: x, output: {name}.png}}\n" for name in ("hero", "hedge", "icon-1")
)
BASH = """
source <(assetgen completion bash)
try() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
  _shtab_assetgen
  echo "${COMPREPLY[*]}"
}
"""
FISH = "source (assetgen completion fish | psub)\n"


def test_every_schema_can_be_printed_and_is_the_one_in_the_repository(cli: Cli) -> None:
    listed = cli("schema")
    assert [line.split()[0] for line in listed.out.splitlines()] == list(SCHEMAS)
    printed = cli("schema", "lock").json
    assert printed == json.loads((ROOT / "schemas/lock.schema.json").read_text("utf-8"))


@pytest.fixture
def shell_env(cli: Cli, project: Project, tmp_path: Path) -> dict[str, str]:
    """An environment in which `assetgen` is a command."""
    project.write("assets.yaml", MANIFEST)
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "assetgen"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assetgen "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return {**cli.env, "PATH": f"{folder}:{cli.env['PATH']}"}


def in_shell(
    shell: str, script: str, project: Project, env: dict[str, str], *options: str
) -> list[str]:
    """The lines that a script prints."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    done = subprocess.run(
        [shell, *options, "-c", script],
        cwd=project.root,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_bash_completes_commands_options_and_the_names_of_assets(
    project: Project, shell_env: dict[str, str]
) -> None:
    script = (
        f"{BASH}try assetgen cac\ntry assetgen build --dr\ntry assetgen check --str\n"
        f"cd /\ntry assetgen -C {project.root} plan icon\ntry assetgen completion ''\n"
    )
    assert in_shell("bash", script, project, shell_env) == [
        "cache",
        "--draft",
        "--strict",
        "icon-1",
        "bash zsh fish",
    ]


def test_fish_completes_commands_and_the_names_of_assets(
    project: Project, shell_env: dict[str, str]
) -> None:
    script = f"{FISH}complete -C 'assetgen cac'; complete -C 'assetgen build he'"
    words = [line.split("\t")[0] for line in in_shell("fish", script, project, shell_env)]
    assert [words[0], *sorted(words[1:])] == ["cache", "hedge", "hero"]


def test_zsh_completes_the_names_of_assets(project: Project, shell_env: dict[str, str]) -> None:
    """zsh completes only in a terminal, so it gets one."""
    script = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; autoload -U compinit && compinit -u -D; source <(assetgen completion zsh)'
zpty -w shell 'compdef _shtab_assetgen assetgen; echo READY""NOW'
zpty -r shell line '*READYNOW*'
zpty -w -n shell $'assetgen build ic\\t'
zpty -r shell line '*icon-1*' && echo completed
zpty -d shell
"""
    assert in_shell("zsh", script, project, shell_env, "-f") == ["completed"]


def test_names_are_not_completed_where_the_manifest_is_broken(cli: Cli, project: Project) -> None:
    project.write("assets.yaml", "version: [")
    silent = cli("completion", "names", "--", "assetgen", "build")
    assert (silent.code, silent.out, silent.err) == (0, "", "")
