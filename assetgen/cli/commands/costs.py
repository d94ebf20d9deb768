"""`assetgen costs`: what the ledger of this machine says was spent, on what, and how surely."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.cli.options import add_json, day
from assetgen.cli.printable import printable
from assetgen.cli.render import counted, render_table
from assetgen.cli.streams import print_json, print_lines
from assetgen.core.costs import costs_json
from assetgen.core.money import format_usd
from assetgen.session import DEFAULT_MANIFEST, Session
from assetgen.session.costs import costs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from decimal import Decimal

    from assetgen.core.costs import Sum
    from assetgen.session.costs import Spending

ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--since", type=day, metavar="DATE", help="only calls from this day on (UTC), as 2026-01-31"
    )
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="only this project, or `all` (default: that of the manifest; without one, all)",
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print the sums."""
    project = _project(args)
    spending = costs(project=project, since=args.since)
    if args.json:
        print_json(costs_json(spending.costs, project=project, since=args.since), indent=2)
    else:
        lines = _lines(spending, project, args.since)
        print_lines(lines)
    return 0


def _project(args: argparse.Namespace) -> str | None:
    """The name of the project that was asked for; None for all of them."""
    if args.project is not None:
        return None if args.project == ALL else args.project
    if args.manifest == DEFAULT_MANIFEST and not os.path.exists(args.manifest):
        return None
    return Session(args.manifest).load().name


def _lines(spending: Spending, project: str | None, since: str | None) -> Iterable[str]:
    costs = spending.costs
    whose = f"project {printable(project)}" if project is not None else "all projects"
    title = f"{whose}, since {since}" if since else whose
    if not costs.total.calls:
        yield f"{title}: no call is recorded on this machine"
        yield from _unnamed(spending)
        return
    yield f"{title}: {format_usd(costs.total.total_usd)} for {counted(costs.total.images, 'image')}"
    yield ""
    rows = [*_rows("day (UTC)", costs.by_day.items()), *_rows("model", costs.by_model.items())]
    assets = [(asset, one) for (_, asset), one in costs.by_asset.items()]
    if project is None:
        rows += _rows("project", costs.by_project.items())
        assets = [(f"{name or '-'}: {asset}", one) for (name, asset), one in costs.by_asset.items()]
    rows += [*_rows("asset", assets), *_rows("", [("total", costs.total)])]
    yield from render_table(rows)
    yield from _notes(costs.total)
    yield from _unnamed(spending)


def _rows(what: str, sums: Iterable[tuple[str, Sum]]) -> Iterable[list[str]]:
    """A header, a row for each sum, and an empty one; all parts of one table, to line up."""
    yield [what, "spent", "images", "failed", "may be billed"]
    for name, one in sums:
        spent = format_usd(one.total_usd)
        yield [
            printable(name) or "-",
            f"about {spent}" if one.unknown_bills else spent,
            str(one.images),
            _with_bill(one.failed, one.failed_usd),
            str(one.may_be_billed + one.unanswered),
        ]
    yield [""] * 5


def _with_bill(count: int, usd: Decimal) -> str:
    return f"{count} ({format_usd(usd)})" if usd else str(count)


def _notes(total: Sum) -> Iterable[str]:
    """What keeps the sums from being exact, each said once."""
    if total.unknown_bills:
        bills, estimate = counted(total.unknown_bills, "bill"), format_usd(total.estimated_usd)
        what = f"{bills} unknown, counted by estimate: {estimate} of the total"
        if total.unpriced:
            what += f"; {total.unpriced} of them without one, counted as nothing"
        yield what
    if total.may_be_billed:
        yield f"{counted(total.may_be_billed, 'call')} failed and may be billed all the same"
    if total.unanswered:
        yield (
            f"{counted(total.unanswered, 'call')} without a recorded answer (a build was killed, "
            "or is still running): may be billed"
        )
    if total.may_be_billed or total.unanswered:
        yield "the activity page of your OpenRouter account shows what was billed"


def _unnamed(spending: Spending) -> Iterable[str]:
    if spending.unnamed_calls:
        calls = counted(spending.unnamed_calls, "call")
        yield f"{calls} without a project's name not included; `--project all` includes them"
