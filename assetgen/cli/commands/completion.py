"""`assetgen completion`: a script that completes commands, options and asset names in a shell.

The only home of shtab, which writes the scripts. For the names of assets they call `assetgen
completion names`, which reads the manifest that the words on the line speak of, and says nothing
when there is something wrong with it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from typing import TYPE_CHECKING, Any

from assetgen.cli.main import COMMANDS, command_parser
from assetgen.cli.streams import print_lines
from assetgen.errors import AssetgenError
from assetgen.session import DEFAULT_MANIFEST, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = ("bash", "zsh", "fish")
NAMES = "names"

_LIST = f"assetgen completion {NAMES} --"
_ASSETS = {
    "bash": "_assetgen_names",
    "zsh": "_assetgen_names",
    "fish": f"({_LIST} (commandline -opc) 2>/dev/null)",
    # Names have letters, digits, `.`, `_` and `-` only: nothing in them commands a shell.
    "preamble": {
        "bash": "_assetgen_names() {\n"
        f'  compgen -W "$({_LIST} "${{COMP_WORDS[@]:0:COMP_CWORD}}" 2>/dev/null)" -- "$1"\n'
        "}",
        "zsh": "_assetgen_names() {\n"
        f'  compadd -- ${{(f)"$({_LIST} "${{(@)words[1,CURRENT-1]}}" 2>/dev/null)"}}\n'
        "}",
    },
}
_NAMED = frozenset({"selectors", "selector", "name", "force"})
_FOLDERS = frozenset({"folders", "forget"})
_FILES = frozenset({"manifest", "report"})
"""Which arguments stand for what, by what argparse calls them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "shell",
        type=_shell,
        metavar="SHELL",
        help="bash, zsh or fish; bash: source <(assetgen completion bash) in ~/.bashrc",
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)


def _shell(text: str) -> str:
    if text not in {*SHELLS, NAMES}:
        raise argparse.ArgumentTypeError(f"{text!r} is none of bash, zsh and fish")
    return text


def run(args: argparse.Namespace) -> int:
    """Print the script, or the names it asks for."""
    if args.shell == NAMES:
        print_lines(_names(args.words))
        return 0
    import shtab  # noqa: PLC0415 - not needed while completing

    parser = command_parser(COMMANDS)
    for action in _actions(parser):
        if action.dest == "shell":
            action.choices = SHELLS
        kind = _completed_by(action, shtab)
        if kind is not None:
            action.complete = kind  # type: ignore[attr-defined]  # where shtab looks
    sys.stdout.write(shtab.complete(parser, args.shell) + "\n")
    return 0


def _completed_by(action: argparse.Action, shtab: Any) -> Any:
    if action.dest in _NAMED:
        return _ASSETS
    if action.dest in _FOLDERS:
        return shtab.DIRECTORY
    return shtab.FILE if action.dest in _FILES else None


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of the parser and of the parsers inside it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way, as shtab knows
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for inner in action.choices.values():
                yield from _actions(inner)


def _names(words: Sequence[str]) -> list[str]:
    """Names of the assets of the manifest that a command line speaks of; none when it is broken."""
    folder, manifest = "", DEFAULT_MANIFEST
    for option, value in itertools.pairwise(words):
        if option == "-C":
            folder = os.path.join(folder, os.path.expanduser(value))
        elif option == "-f":
            manifest = value
    try:
        project = Session(os.path.join(folder, manifest)).load()
    except (AssetgenError, OSError):
        return []
    return [asset.name for asset in project.assets]
