"""`assetgen check`: proves in CI that outputs, manifest and lockfile belong together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.cli.annotations import annotate_error, annotate_findings
from assetgen.cli.options import add_json, add_selectors
from assetgen.cli.printable import printable
from assetgen.cli.render import counted, render_table
from assetgen.cli.report.state import is_fresh, state_of
from assetgen.cli.streams import print_json, print_lines
from assetgen.core.decision import Verdict
from assetgen.core.report import plan_json
from assetgen.errors import AssetgenError, UsageError
from assetgen.session import Session, Settings

if TYPE_CHECKING:
    import argparse

    from assetgen.core.report import AnyDecision, Plan

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
    parser.add_argument(
        "--base",
        metavar="REF",
        help="let the report show what changed since a commit of git, before and after",
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print what is not as the lockfile says, and exit 4 when there is such a thing."""
    if args.base is not None and not args.report:
        raise UsageError("`--base` says what a report compares with", hint="add `--report FILE`")
    try:
        return _check(args)
    except AssetgenError as error:
        annotate_error(error, os.environ)
        raise


def _check(args: argparse.Namespace) -> int:
    session = Session(args.manifest)
    plan = session.check(Settings(selectors=tuple(args.selectors)), inputs_only=args.inputs)
    findings = [decision for decision in plan.everything if not is_fresh(decision)]
    if args.report:
        from assetgen.cli.report.files import ReportFiles  # noqa: PLC0415 - for a report only
        from assetgen.cli.report.write import write_report  # noqa: PLC0415

        files = ReportFiles(args.report, plan.project.root)
        write_report(files, plan, session.base(args.base) if args.base is not None else None)
    if args.json:
        print_json(plan_json(plan), indent=2)
    else:
        _print(plan, findings)
    annotate_findings(findings, os.environ)
    failed = bool(findings) or (args.strict and bool(plan.orphans))
    return EXIT_NOT_UP_TO_DATE if failed else 0


def _print(plan: Plan, findings: list[AnyDecision]) -> None:
    rows = [
        [state_of(decision), decision.name, printable(decision.output), printable(decision.reason)]
        for decision in plan.everything
        if decision.verdict is not Verdict.KEEP
    ]
    lines = list(render_table(rows))
    lines += [f"orphan  {printable(entry.output)}  nothing needs it" for entry in plan.orphans]
    more = f" and {counted(len(plan.products), 'product')}" if plan.products else ""
    if findings:
        lines.append(f"{len(findings)} of {len(plan.decisions)} assets{more} not up to date")
    else:
        lines.append(f"up to date: {counted(len(plan.decisions), 'asset')}{more}")
    print_lines(lines)
