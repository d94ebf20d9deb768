"""`assetgen clean`: lists what moved and removed assets left behind, and removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.choices import say_event
from assetgen.cli.options import add_json
from assetgen.cli.printable import printable
from assetgen.cli.streams import print_json, print_lines, say
from assetgen.core.orphan import orphans_json
from assetgen.session import Session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from assetgen.core.orphan import Orphan

EXIT_FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--yes", action="store_true", help="remove them; their bytes are kept in the store"
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """List or remove, and exit 1 when a file could not be removed."""
    orphans = Session(args.manifest).clean(remove=args.yes, emit=say_event)
    if args.json:
        print_json(orphans_json(orphans), indent=2)
    else:
        _print(orphans, removes=args.yes)
    return EXIT_FAILED if any(one.state == "failed" for one in orphans) else 0


def _print(orphans: Sequence[Orphan], *, removes: bool) -> None:
    for one in orphans:
        line = f"{_word(one)}  {printable(one.entry.output)}"
        if one.state == "failed":
            say(f"error: {printable(one.reason)}\n")
            continue
        if one.reason:
            line += f"  {printable(one.reason)}"
        elif one.is_draft:
            line += "  a placeholder"
        elif one.state == "removed":
            line += f"  kept in the store as {one.digest}"
        elif one.state == "gone":
            line += "  no longer there" if not removes else "  no longer there, forgotten"
        else:
            line += f"  made for `{one.entry.name}`"
        print_lines([line])
    if not orphans:
        say("nothing to clean\n")
    elif not removes and any(one.state != "left" or not one.is_needed for one in orphans):
        say("`assetgen clean --yes` does it; bytes that are removed are kept in the store\n")


def _word(one: Orphan) -> str:
    return {"removable": "remove", "removed": "removed", "left": "leave"}.get(one.state, "forget")
