"""`assetgen adopt`: takes the files that are there as these assets' images, free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.choices import print_choices, say_event
from assetgen.cli.options import add_json
from assetgen.cli.streams import print_json
from assetgen.session import Session
from assetgen.session.choose import choices_json

if TYPE_CHECKING:
    import argparse

EXIT_REFUSED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "selectors", nargs="+", metavar="SELECTOR", help="assets whose files are right"
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Adopt, and exit 1 when some file could not be."""
    choices = Session(args.manifest).adopt(args.selectors, say_event)
    if args.json:
        print_json(choices_json(choices), indent=2)
    else:
        print_choices(choices)
    return 0 if all(choice.is_done for choice in choices) else EXIT_REFUSED
