"""`assetgen plan`: what a build would do, why, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.options import add_json, add_selectors, add_wishes, wishes
from assetgen.cli.render import event_line, plan_lines
from assetgen.cli.streams import print_json, print_lines, say
from assetgen.core.report import plan_json
from assetgen.session import Session

if TYPE_CHECKING:
    import argparse

    from assetgen.core.events import Event

EXIT_NOT_UP_TO_DATE = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_selectors(parser)
    add_wishes(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit 4 when work is pending")
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print the plan."""
    plan = Session(args.manifest).plan(wishes(args), _tell)
    if args.json:
        print_json(plan_json(plan), indent=2)
    else:
        is_paid = plan.project.is_paid and not args.draft
        print_lines(plan_lines(plan, is_paid=is_paid))
    return EXIT_NOT_UP_TO_DATE if args.exit_code and not plan.is_up_to_date else 0


def _tell(event: Event) -> None:
    line = event_line(event)
    if line is not None:
        say(f"{line}\n")
