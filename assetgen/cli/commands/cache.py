"""`assetgen cache`: what the store holds, whether it is sound, and what nothing needs any more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assetgen.cli.options import add_json, days
from assetgen.cli.printable import printable
from assetgen.cli.render import counted, format_bytes, render_table
from assetgen.cli.streams import print_json, print_lines
from assetgen.core.digest import short
from assetgen.core.money import format_usd
from assetgen.core.store import collect_json, cost_of, left_by_consent, size_json, verify_json
from assetgen.session.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.store import (
        Collected,
        Consent,
        Damaged,
        Holding,
        Leftover,
        Purchase,
        Verified,
    )

EXIT_DAMAGED = 1

_LEFT: dict[Consent, str] = {
    "superseded": "{} left that only an earlier lockfile of a known project names",
    "unknown": "{} left that cost money, or may have, and that no known project ever had",
    "kept": "{} left that you made, or that were put aside",
}

_WORDS = {
    "images": ("image", "images as they came, and converted outputs"),
    "kept": ("file", "your own bytes, put aside"),
    "incoming": ("file", "arriving"),
    "damaged": ("file", "found damaged and set aside"),
    "inputs": ("file", "inputs that images were made from, readable"),
    "ledger": ("file", "every call and its cost"),
    "actions": ("file", "index of what is known by its inputs"),
    "projects": ("file", "known projects"),
    "other": ("file", "locks, and what was learnt about models"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    size = actions.add_parser(
        "size",
        help="how much there is of what (default)",
        description="Say how much the store holds of what, and where it is; the default.",
    )
    verify = actions.add_parser(
        "verify",
        help="read every image and compare it with its digest",
        description="Read every image; set damaged ones aside, name them, and exit 1.",
    )
    collect = actions.add_parser(
        "collect",
        help="list what nobody needs and costs nothing to make again; with --yes, remove it",
        description="List what no lockfile of a known project names and what can be made again "
        "free: drafts, and conversions of images that are here. What was bought or made by hand "
        "goes only by --superseded, --unknown or --kept. Nothing is removed without --yes.",
    )
    collect.add_argument("--yes", action="store_true", help="remove what is listed, for ever")
    collect.add_argument(
        "--older-than",
        type=days,
        default=0,
        metavar="DAYS",
        help="leave what is younger (always: what is younger than an hour)",
    )
    collect.add_argument(
        "--superseded",
        action="append_const",
        dest="consents",
        const="superseded",
        help="also bought images that a known project had and its present lockfile does not name; "
        "those of its other branches are among them",
    )
    collect.add_argument(
        "--unknown",
        action="append_const",
        dest="consents",
        const="unknown",
        help="also bought images that no known project ever had; projects that were moved, or "
        "not built for long, may need them",
    )
    collect.add_argument(
        "--kept",
        action="append_const",
        dest="consents",
        const="kept",
        help="also what you made: adopted files, and bytes put aside before they were replaced",
    )
    collect.add_argument(
        "--forget",
        action="append",
        default=[],
        metavar="DIR",
        help="this project is gone for good; what it bought is unknown from then on; "
        "may be repeated",
    )
    add_json(parser, "one document")
    for action in (size, verify, collect):
        # Its default would take back what `cache --json size` says.
        add_json(action, "one document", default=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for; without an action, say the size."""
    store = Store()
    if args.action == "verify":
        return _verify(store, as_json=args.json)
    if args.action == "collect":
        return _collect(store, args)
    holdings = store.size()
    if args.json:
        print_json(size_json(store.root, holdings), indent=2)
    else:
        _print(_size_lines(store, holdings))
    return 0


def _verify(store: Store, *, as_json: bool) -> int:
    verified = store.verify()
    if as_json:
        print_json(verify_json(store.root, verified), indent=2)
    else:
        _print(_verify_lines(store, verified))
    return EXIT_DAMAGED if verified.damaged else 0


def _collect(store: Store, args: argparse.Namespace) -> int:
    collected = store.collect(
        older_than_days=args.older_than,
        consents=args.consents or (),
        forget=args.forget,
        yes=args.yes,
    )
    if args.json:
        print_json(collect_json(store.root, collected), indent=2)
    else:
        _print(_collect_lines(collected))
    return 0


def _print(lines: Iterable[str]) -> None:
    print_lines(lines)


def _size_lines(store: Store, holdings: list[Holding]) -> Iterable[str]:
    rows = [
        [held.kind, counted(held.count, _WORDS[held.kind][0]), format_bytes(held.size_bytes)]
        for held in holdings
    ]
    notes = [_WORDS[held.kind][1] for held in holdings]
    yield from render_table([[*row, note] for row, note in zip(rows, notes, strict=True)])
    total = sum(held.size_bytes for held in holdings)
    yield f"{format_bytes(total)} in {printable(store.root)}"


def _verify_lines(store: Store, verified: Verified) -> Iterable[str]:
    for found in verified.damaged:
        yield f"damaged: {found.stored.key}, {_origin(found)}"
        yield from (f"  needed by {printable(user)}" for user in found.assets)
    read = f"{counted(verified.count, 'image')}, {format_bytes(verified.size_bytes)} read"
    if not verified.damaged:
        yield f"sound: {read}"
        return
    count, folder = len(verified.damaged), f"{printable(store.root)}/damaged"
    yield f"{count} damaged and set aside in {folder}; {read}"
    yield (
        "outputs that are there stay; where one is missing, `assetgen plan` says whether it can be "
        "had without buying it again"
    )


def _origin(found: Damaged) -> str:
    if found.purchase is not None:
        return _bought(found.purchase)
    return "your own bytes" if found.stored.kind == "kept" else "not bought"


def _bought(purchase: Purchase) -> str:
    whose = f"{purchase.project}: {purchase.asset}" if purchase.project else purchase.asset
    return f"bought {printable(purchase.date)} for {printable(whose or 'an unknown asset')}"


def _collect_lines(collected: Collected) -> Iterable[str]:
    found = collected.leftovers
    yield from render_table([_leftover_row(leftover, collected) for leftover in found])
    yield f"{_sum_text(found)} that no known project needs" if found else "nothing to collect"
    yield from (f"known project: {printable(path)}" for path in collected.projects)
    if not collected.projects:
        yield "no project is known; each is from its next build on"
    counts = left_by_consent(collected.left)
    yield from (f"{_LEFT[c].format(counted(n, 'file'))}: `--{c}`" for c, n in counts.items() if n)
    if not found:
        return
    if collected.is_dry_run:
        yield "nothing is removed yet; `--yes` does it, for ever"
        return
    gone = [leftover for leftover in found if leftover.stored.path in collected.removed]
    yield f"removed: {_sum_text(gone)}"
    left = len(found) - len(gone)
    if left:
        yield f"{left} left: a build is at work on them"


def _leftover_row(leftover: Leftover, collected: Collected) -> list[str]:
    stored, purchase = leftover.stored, leftover.purchase
    cost = format_usd(purchase.cost_usd) if purchase is not None else "not bought"
    kind = {"images": "image", "kept": "kept"}.get(stored.kind, stored.kind)
    is_gone = stored.path in collected.removed
    return [
        "removed" if is_gone else "in use" if not collected.is_dry_run else "unneeded",
        kind,
        short(stored.key),
        format_bytes(stored.size_bytes),
        cost if stored.kind != "inputs" else "",
        _bought(purchase) if purchase is not None else "",
    ]


def _sum_text(found: Iterable[Leftover]) -> str:
    found = list(found)
    cost, unknown = cost_of(found)
    size = format_bytes(sum(leftover.stored.size_bytes for leftover in found))
    text = f"{counted(len(found), 'file')}, {size}, once bought for {format_usd(cost)}"
    return f"{text} and {counted(unknown, 'unknown bill')}" if unknown else text
