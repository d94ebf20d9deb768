"""`assetgen models`: what is known about models, and who says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from assetgen.cli.options import add_json
from assetgen.cli.printable import printable
from assetgen.cli.render import counted, render_table
from assetgen.cli.streams import print_json, print_lines, say
from assetgen.core.catalogue import models_json
from assetgen.core.money import format_usd
from assetgen.session.models import models, refresh_models

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from assetgen.core.catalogue import Sheet
    from assetgen.session.models import KnownModels

_MOST_NAMED = 5
"""Models in a warning; a catalogue that is half away would fill the screen."""
_FACTS = {
    "is_image_only": "class",
    "max_references": "references",
    "aspect_ratios": "aspect ratios",
    "image_sizes": "image sizes",
    "default_max_tokens": "max_tokens",
    "route": "route",
    "price": "price",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "pattern",
        nargs="?",
        metavar="NAME",
        help="a model in detail, or a GLOB such as 'google/*' (default: all)",
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="fetch OpenRouter's catalogue first and keep it; needs no key",
    )
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print what is known."""
    if args.refresh:
        known = asyncio.run(refresh_models(args.pattern))
        if known.unread:
            named = ", ".join(known.unread[:_MOST_NAMED])
            rest = len(known.unread) - _MOST_NAMED
            named += f" and {counted(rest, 'other model')}" if rest > 0 else ""
            say(f"warning: the catalogue does not tell the details of {printable(named)}\n")
    else:
        known = models(args.pattern)
    if args.json:
        document = models_json(known.sheets, known.table_date, known.catalogue_date)
        print_json(document, indent=2)
    else:
        print_lines(_lines(known, args.pattern))
    return 0


def _lines(known: KnownModels, pattern: str | None) -> Iterable[str]:
    if pattern is not None and pattern in known.sheets:
        yield from _details(known.sheets[pattern], known)
        return
    header = ["model", "class", "price of an image", "refs", "sizes", "ratios", "route", "from"]
    yield from render_table([header, *(_row(sheet) for sheet in known.sheets.values())])
    yield ""
    count = counted(len(known.sheets), "model")
    yield f"{count}; - is not known, which is never a reason to refuse"
    yield from _ages(known)


def _row(sheet: Sheet) -> list[str]:
    facts = sheet.facts
    return [
        printable(facts.id),
        {True: "image", False: "image+text", None: "-"}[facts.is_image_only],
        _price_range(sheet),
        "-" if facts.max_references is None else str(facts.max_references),
        _sizes(facts.image_sizes),
        "-" if facts.aspect_ratios is None else str(len(facts.aspect_ratios)),
        sheet.route,
        "+".join(
            origin
            for origin in ("table", "learnt", "catalogue")
            if origin in sheet.origins.values()
        ),
    ]


def _sizes(sizes: frozenset[str] | None) -> str:
    if sizes is None:
        return "-"
    return printable(" ".join(sorted(sizes))) or "none"


def _price_range(sheet: Sheet) -> str:
    price = sheet.facts.price
    if price is None or not price.per_image_usd:
        return "-"
    usd = sorted(set(price.per_image_usd.values()))
    return format_usd(usd[0]) if len(usd) == 1 else f"{format_usd(usd[0])} to {format_usd(usd[-1])}"


def _details(sheet: Sheet, known: KnownModels) -> Iterable[str]:
    yield f"{printable(sheet.facts.id)}  {printable(sheet.name)}".rstrip()
    rows = [[title, _value_and_source(sheet, fact, known)] for fact, title in _FACTS.items()]
    price = sheet.facts.price
    if price is not None:
        rows += [
            [f"  at {size}" if size else "  at no stated size", format_usd(usd)]
            for size, usd in price.per_image_usd.items()
        ]
        rows.append(["  for each reference", format_usd(price.per_reference_usd)])
    rows += [["charged", f"{charge} (catalogue)"] for charge in sheet.charges]
    yield from render_table([[f"  {printable(cell)}" for cell in row] for row in rows])
    yield from _ages(known)


def _value_and_source(sheet: Sheet, fact: str, known: KnownModels) -> str:
    origin = sheet.origins.get(fact)
    if origin is None:
        return "not known"
    source = {
        "table": f"table of {known.table_date}",
        "learnt": "learnt from a call",
        "catalogue": f"catalogue of {known.catalogue_date}",
        "default": "default",
    }[origin]
    return f"{_value_text(sheet, fact)} ({source})"


def _value_text(sheet: Sheet, fact: str) -> str:
    facts = sheet.facts
    match fact:
        case "is_image_only":
            return "image only" if facts.is_image_only else "image and text"
        case "max_references":
            return f"at most {facts.max_references}"
        case "aspect_ratios":
            return " ".join(sorted(facts.aspect_ratios or ())) or "none"
        case "image_sizes":
            return _sizes(facts.image_sizes)
        case "default_max_tokens":
            return f"{facts.default_max_tokens}, unless the manifest states one"
        case "price":
            return facts.price.basis if facts.price is not None else ""
        case _:
            return sheet.route


def _ages(known: KnownModels) -> Iterable[str]:
    yield f"shipped table: {known.table_date}"
    if known.catalogue_date is None:
        yield "catalogue: never fetched here; `assetgen models --refresh` does"
    else:
        yield f"catalogue: fetched {printable(known.catalogue_date)}"
