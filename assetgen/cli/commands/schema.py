"""`assetgen schema`: the JSON Schemas, for editors, agents and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.render import render_table
from assetgen.cli.streams import print_json, print_lines
from assetgen.session.schemas import SCHEMAS

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "schema",
        nargs="?",
        choices=tuple(SCHEMAS),
        metavar="NAME",
        help=f"which one: {', '.join(SCHEMAS)} (default: list them)",
    )


def run(args: argparse.Namespace) -> int:
    """Print one schema, or which there are."""
    if args.schema is not None:
        print_json(SCHEMAS[args.schema](), indent=2)
        return 0
    documents = {name: make() for name, make in SCHEMAS.items()}
    rows = [
        [name, str(text["title"]), str(text["description"])] for name, text in documents.items()
    ]
    print_lines(render_table(rows))
    return 0
