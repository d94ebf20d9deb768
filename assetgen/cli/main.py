"""Arguments to one command, and exceptions to exit codes."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys

from assetgen._version import __version__
from assetgen.cli.printable import printable
from assetgen.cli.streams import abandon, prepare_streams, say

TYPE_CHECKING = False  # what only a failing command needs is loaded by it: help comes at once
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import NoReturn

    from assetgen.errors import AssetgenError

COMMANDS = {
    "init": "write a manifest that builds at once",
    "build": "make what is stale, and nothing else",
    "plan": "say what a build would do, why, and what it would cost",
    "watch": "build, then follow the manifest and all that it reads",
    "check": "prove that everything is up to date, without key or network",
    "explain": "show one asset's inputs, then and now, its image, and who depends on it",
    "history": "list the images that were bought for one asset and are still in the store",
    "use": "give one asset another of its images, free",
    "adopt": "take the files that are there as these assets' images, free",
    "clean": "list what moved and removed assets left behind, and remove it",
    "costs": "say what was spent, by day, model and asset",
    "models": "say what is known about models: class, references, ratios, sizes, price",
    "cache": "say what the store of this machine holds; verify it, collect what nothing needs",
    "schema": "print the JSON Schema of what assetgen reads and writes",
    "completion": "print a script that completes commands and assets in your shell",
}
_WITH_SELECTORS = frozenset({"build", "plan", "check", "adopt"})
"""Commands whose help explains what selects assets."""

_USUAL_COLUMNS = 80

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNEXPECTED = 3
EXIT_INTERRUPTED = 130

_SELECTORS = """
selectors:
  NAME        one asset; the assets it reads are made first where they are stale
  GLOB        all assets whose name matches, such as 'icon-*'
  tag:TAG     all assets with a tag
  ...+        with a + behind it, also every asset that depends on those

exit codes:
  0 done   1 some asset failed   2 usage, manifest, lockfile or key   3 unexpected
  4 not up to date   5 stopped by the budget   130 interrupted
"""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; no exception leaves."""
    prepare_streams()
    # pydantic would look through all that is installed for plugins, which no manifest needs.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = 0
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)  # whoever read it has seen enough
    except OSError as error:
        abandon(sys.stdout)
        say(f"error: cannot write to standard output: {error.strerror}\n")
        return code or EXIT_FAILED
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        args = _parsed(arguments)
        gc.freeze()  # what is loaded stays: the collector need not look through it again and again
    except SystemExit as exit_:  # argparse has said what was wrong, or what was asked for
        return exit_.code if isinstance(exit_.code, int) else EXIT_USAGE
    for folder in args.folders:
        try:
            os.chdir(folder)
        except OSError as error:
            from assetgen.errors import UsageError  # noqa: PLC0415

            return _fail(UsageError(f"cannot enter `{folder}`: {error.strerror}"), args)
    try:
        command = importlib.import_module(f"assetgen.cli.commands.{args.command}")
        code: int = command.run(args)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError:  # a standard stream: those of files are errors of ours
        raise
    except Exception as error:  # noqa: BLE001 - the last resort, reported with its own exit code
        from assetgen.errors import AssetgenError  # noqa: PLC0415

        return _fail(error, args) if isinstance(error, AssetgenError) else _unexpected(error, args)
    return code


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments; loading the command makes many objects, and hardly any for the collector."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return command_parser(arguments).parse_args(arguments)
    finally:
        if was_enabled:
            gc.enable()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal. argparse would load `shutil` and four compressors to ask for it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    """Columns of the terminal, as `shutil.get_terminal_size` finds them."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    if sys.__stdout__ is None:
        return _USUAL_COLUMNS
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or _USUAL_COLUMNS
    except (ValueError, OSError):  # no terminal
        return _USUAL_COLUMNS


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints quote arguments without commanding the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def command_parser(arguments: Collection[str]) -> argparse.ArgumentParser:
    """The parser; of the commands, only those named in `arguments` know their options."""
    parser = _Parser(
        prog="assetgen",
        description="AI-generated images as build outputs: declared, bought once, proved fresh.",
        epilog=_SELECTORS,
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"assetgen {__version__}")
    parser.add_argument(
        "-C",
        dest="folders",
        action="append",
        default=[],
        metavar="DIR",
        help="work in this folder; a second one is relative to the first",
    )
    parser.add_argument(
        "-f", dest="manifest", metavar="FILE", default="assets.yaml", help="manifest to read"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="show tracebacks of unexpected errors"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=_SELECTORS if name in _WITH_SELECTORS else None,
            formatter_class=_Formatter,
        )
        if name in arguments:
            importlib.import_module(f"assetgen.cli.commands.{name}").add_arguments(command)
    return parser


def _fail(error: AssetgenError, args: argparse.Namespace) -> int:
    from assetgen.cli.render import render_error  # noqa: PLC0415
    from assetgen.errors import (  # noqa: PLC0415
        LockfileError,
        ManifestError,
        ManifestFaults,
        UsageError,
    )

    say(render_error(error))
    if args.verbose and error.__cause__ is not None:
        say(f"cause: {error.__cause__!r}\n")
    usage = (UsageError, ManifestError, ManifestFaults, LockfileError)
    return EXIT_USAGE if isinstance(error, usage) else EXIT_FAILED


def _unexpected(error: Exception, args: argparse.Namespace) -> int:
    if args.verbose:
        import traceback  # noqa: PLC0415

        say("".join(traceback.format_exception(error)))
    say(
        f"error: unexpected: {type(error).__name__}: {error}\n"
        "hint: this is a fault of assetgen; please report it with the output of `--verbose`\n"
    )
    return EXIT_UNEXPECTED
