"""`assetgen init`: a manifest that builds at once, and what git and editors need beside it."""

from __future__ import annotations

import importlib.resources
import json
import os
import sys
from typing import TYPE_CHECKING

from assetgen.errors import OutputError, UsageError
from assetgen.files.lockfile import lockfile_name

if TYPE_CHECKING:
    import argparse

TEMPLATES = ("game", "web")
SCHEMA_PATH = "schemas/manifest.schema.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--template", choices=TEMPLATES, default="game", help="what to start from (default: game)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, telling which."""
    manifest = args.manifest
    if os.path.exists(manifest):
        raise UsageError(
            f"`{manifest}` is there already",
            hint="`assetgen build` builds it; choose another name with `-f FILE`",
        )
    from assetgen.manifest.schema import manifest_json_schema  # noqa: PLC0415 - loads pydantic

    folder = os.path.dirname(manifest)
    lockfile = lockfile_name(os.path.basename(manifest))
    schema = json.dumps(manifest_json_schema(), indent=2, ensure_ascii=False) + "\n"
    _write(manifest, _manifest_text(args.template, os.path.abspath(folder or ".")))
    if not os.path.exists(os.path.join(folder, SCHEMA_PATH)):
        _write(os.path.join(folder, SCHEMA_PATH), schema)
    _add_line(os.path.join(folder, ".gitignore"), ".assetgen/")
    # Two branches that each add an asset may add it in the same place of the sorted lockfile.
    _add_line(os.path.join(folder, ".gitattributes"), f"{lockfile} merge=union")
    sys.stderr.write("next: `assetgen build` makes the images, `assetgen plan` says what it does\n")
    return 0


def _manifest_text(template: str, folder: str) -> str:
    text = importlib.resources.files("assetgen.cli").joinpath(f"templates/{template}.yaml")
    name = json.dumps(os.path.basename(folder) or "project", ensure_ascii=False)
    return text.read_text("utf-8").replace("NAME_OF_THE_FOLDER", name)


def _write(path: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write `{path}`: {error.strerror}") from error
    sys.stderr.write(f"wrote {path}\n")


def _add_line(path: str, line: str) -> None:
    """Add `line` to a text file unless it is there."""
    try:
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            text = file.read()
            if line in text.splitlines():
                return
            file.write(f"{line}\n" if not text or text.endswith("\n") else f"\n{line}\n")
    except OSError as error:
        raise OutputError(f"cannot write `{path}`: {error.strerror}") from error
    sys.stderr.write(f"added `{line}` to {path}\n")
