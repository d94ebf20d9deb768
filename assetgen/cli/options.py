"""Options that several commands share, and how arguments become `Settings`."""

from __future__ import annotations

import argparse
import re
from datetime import date
from typing import TYPE_CHECKING

from assetgen.core.money import parse_usd
from assetgen.session import DEFAULT_JOBS, DEFAULT_TIMEOUT_S, Settings

if TYPE_CHECKING:
    from decimal import Decimal


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """NAME, tag:TAG, GLOB, each with an optional +."""
    parser.add_argument(
        "selectors", nargs="*", metavar="SELECTOR", help="assets to look at (default: all)"
    )


def add_json(parser: argparse.ArgumentParser, what: str, *, default: object = False) -> None:
    """`--json`."""
    parser.add_argument(
        "--json", action="store_true", default=default, help=f"{what} on standard output"
    )


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """What changes verdicts: the same for `plan` and `build`, so that one predicts the other."""
    parser.add_argument(
        "--draft", action="store_true", help="fill what has no image with free placeholders"
    )
    parser.add_argument(
        "--force",
        action="append",
        default=[],
        metavar="SELECTOR",
        help="make these anew, whatever the verdict; may be repeated",
    )
    parser.add_argument(
        "--rebuy", action="store_true", help="buy again what was bought and is not on this machine"
    )
    parser.add_argument(
        "--max-cost", type=usd, metavar="USD", help="cap for this build, instead of the manifest's"
    )


def add_calls(parser: argparse.ArgumentParser) -> None:
    """How calls are made: the same for `build` and `watch`."""
    parser.add_argument(
        "-j",
        dest="jobs",
        type=positive_int,
        default=DEFAULT_JOBS,
        metavar="N",
        help=f"calls at once (default {DEFAULT_JOBS})",
    )
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help=f"seconds for one call, in total (default {DEFAULT_TIMEOUT_S:.0f})",
    )


def wishes(args: argparse.Namespace) -> Settings:
    """What `add_selectors` and `add_wishes` have read."""
    return Settings(
        selectors=tuple(args.selectors),
        draft=args.draft,
        rebuy=args.rebuy,
        force=tuple(args.force),
        max_cost_usd=args.max_cost,
    )


def usd(text: str) -> Decimal:
    """A non-negative amount of dollars."""
    amount = parse_usd(text.removeprefix("$"))
    if amount is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 1.50")
    return amount


def day(text: str) -> str:
    """A day written `YYYY-MM-DD`."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-01-31")


def days(text: str) -> float:
    """A number of days from 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days")
    return number


def positive_int(text: str) -> int:
    """A whole number from 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def positive_seconds(text: str) -> float:
    """A number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
