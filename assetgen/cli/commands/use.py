"""`assetgen use`: gives one asset another of its images, free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.choices import print_choices, say_event
from assetgen.cli.options import add_json
from assetgen.cli.streams import print_json
from assetgen.session import Session
from assetgen.session.choose import choices_json

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", metavar="NAME", help="the asset")
    parser.add_argument(
        "digest",
        metavar="DIGEST",
        help="how the image's digest begins, with or without `sha256:`; see `assetgen history`",
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Choose the image and say what became of it."""
    choice = Session(args.manifest).use(args.name, args.digest, say_event)
    if args.json:
        print_json(choices_json([choice]), indent=2)
    else:
        print_choices([choice])
    return 0
