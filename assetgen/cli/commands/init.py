"""`assetgen init`: a manifest that builds at once, and what git and editors need beside it."""

from __future__ import annotations

import importlib.resources
import json
import os
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath, Unfit
from assetgen.cli.printable import printable
from assetgen.cli.streams import say
from assetgen.errors import OutputError, UsageError
from assetgen.files.lockfile import lockfile_name

if TYPE_CHECKING:
    import argparse

TEMPLATES = ("game", "web")
SCHEMA_PATH = "schemas/manifest.schema.json"
_MOST_BYTES = 1024 * 1024
"""Of a file of ignore patterns or attributes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--template", choices=TEMPLATES, default="game", help="what to start from (default: game)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, telling which."""
    manifest = args.manifest
    if os.path.lexists(manifest):
        raise UsageError(
            f"`{manifest}` is there already",
            hint="`assetgen build` builds it; choose another name with `-f FILE`",
        )
    from assetgen.manifest.schema import manifest_json_schema  # noqa: PLC0415 - loads pydantic

    folder, name = os.path.split(manifest)
    lockfile = lockfile_name(name)
    schema = json.dumps(manifest_json_schema(), indent=2, ensure_ascii=False) + "\n"
    _make_folder(folder)
    inside = Beneath(folder or ".")
    _write(inside, folder, name, _manifest_text(args.template, os.path.abspath(folder or ".")))
    if not os.path.lexists(os.path.join(folder, SCHEMA_PATH)):
        _write(inside, folder, SCHEMA_PATH, schema)
    _add_line(inside, folder, ".gitignore", ".assetgen/")
    # Two branches that each add an asset may add it in the same place of the sorted lockfile.
    _add_line(inside, folder, ".gitattributes", f"{lockfile} merge=union")
    say("next: `assetgen build` makes the images, `assetgen plan` says what it does\n")
    return 0


def _manifest_text(template: str, folder: str) -> str:
    text = importlib.resources.files("assetgen.cli").joinpath(f"templates/{template}.yaml")
    name = json.dumps(os.path.basename(folder) or "project", ensure_ascii=False)
    return text.read_text("utf-8").replace("NAME_OF_THE_FOLDER", name)


def _make_folder(folder: str) -> None:
    """The folder that the user names, which becomes the project's."""
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except (OSError, ValueError) as error:
        raise _unwritable(folder, error) from error


def _write(inside: Beneath, folder: str, name: str, text: str) -> None:
    """Write a new file; what has the name by now stays, be it a file or a link."""
    path = os.path.join(folder, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(inside.open(name, flags, make=True), "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    say(f"wrote {printable(path)}\n")


def _add_line(inside: Beneath, folder: str, name: str, line: str) -> None:
    """Add `line` to a text file of the project unless it is there."""
    path = os.path.join(folder, name)
    try:
        try:
            text = inside.read(name, _MOST_BYTES).decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            text = ""
        if line in text.splitlines():
            return
        text += f"{line}\n" if not text or text.endswith("\n") else f"\n{line}\n"
        inside.write(name, text.encode("utf-8", "surrogateescape"))
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    say(f"added `{line}` to {printable(path)}\n")


def _unwritable(path: str, error: OSError | ValueError) -> OutputError:
    if isinstance(error, Unfit):
        return OutputError(
            f"`{path}` {error.strerror}", hint="remove the link: `init` writes only inside"
        )
    reason = error.strerror if isinstance(error, OSError) else error
    return OutputError(f"cannot write `{path}`: {reason}")
