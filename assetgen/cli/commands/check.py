"""`assetgen check`: proves in CI that outputs, manifest and lockfile belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.options import add_json, add_selectors
from assetgen.cli.render import printable, render_table
from assetgen.cli.report import is_fresh, state_of, write_report
from assetgen.cli.streams import print_json, print_lines
from assetgen.core.decision import Verdict
from assetgen.core.report import plan_json
from assetgen.session import Session, Settings

if TYPE_CHECKING:
    import argparse

    from assetgen.core.decision import Decision
    from assetgen.core.report import Plan

EXIT_NOT_UP_TO_DATE = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_selectors(parser)
    parser.add_argument(
        "--inputs",
        action="store_true",
        help="compare manifest and references with the lockfile only, for outputs not in git",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit 4 also when moved or removed assets left files"
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="also write the findings to FILE, for a pull request (.md) or a program (.json)",
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print what is not as the lockfile says, and exit 4 when there is such a thing."""
    settings = Settings(selectors=tuple(args.selectors))
    plan = Session(args.manifest).check(settings, inputs_only=args.inputs)
    findings = [decision for decision in plan.decisions if not is_fresh(decision)]
    if args.json:
        print_json(plan_json(plan), indent=2)
    else:
        _print(plan, findings)
    if args.report:
        write_report(args.report, plan)
    failed = bool(findings) or (args.strict and bool(plan.orphans))
    return EXIT_NOT_UP_TO_DATE if failed else 0


def _print(plan: Plan, findings: list[Decision]) -> None:
    rows = [
        [state_of(decision), decision.asset.name, decision.asset.output, printable(decision.reason)]
        for decision in plan.decisions
        if decision.verdict is not Verdict.KEEP
    ]
    lines = list(render_table(rows))
    lines += [f"orphan  {printable(entry.output)}  nothing needs it" for entry in plan.orphans]
    count = len(plan.decisions)
    if findings:
        lines.append(f"{len(findings)} of {count} assets not up to date")
    else:
        lines.append(f"up to date: {count} asset{'' if count == 1 else 's'}")
    print_lines(lines)
