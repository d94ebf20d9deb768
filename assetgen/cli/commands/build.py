"""`assetgen build`: makes what is stale, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from assetgen.cli.options import add_calls, add_json, add_selectors, add_wishes, wishes
from assetgen.cli.printable import printable
from assetgen.cli.render import event_line
from assetgen.cli.streams import abandon, print_json, say
from assetgen.core.events import event_json
from assetgen.core.value import replace
from assetgen.session import Session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from assetgen.core.events import Event
    from assetgen.core.report import Report
    from assetgen.session import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_selectors(parser)
    add_wishes(parser)
    parser.add_argument(
        "--locked",
        action="store_true",
        help="restore only; exit 4 where an image would have to be generated",
    )
    add_calls(parser)
    parser.add_argument("--fail-fast", action="store_true", help="start nothing after a failure")
    parser.add_argument(
        "--rebuild-lock",
        action="store_true",
        help="mend a damaged lockfile from what is known here, buying nothing",
    )
    add_json(parser, "one event a line")


def run(args: argparse.Namespace) -> int:
    """Build, telling what happens as it happens."""
    settings = replace(
        wishes(args),
        locked=args.locked,
        jobs=args.jobs,
        timeout_s=args.timeout,
        fail_fast=args.fail_fast,
        rebuild_lock=args.rebuild_lock,
    )
    session = Session(args.manifest)
    if args.json:
        report = asyncio.run(_build(session, settings, _print_json))
    elif sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
        from assetgen.cli.progress import live_progress  # noqa: PLC0415 - loads rich

        with live_progress() as show:
            report = asyncio.run(_build(session, settings, show))
    else:
        report = asyncio.run(_build(session, settings, _print_line))
    if not args.json:
        _print_orphans(report)
    return report.exit_code


async def _build(session: Session, settings: Settings, emit: Callable[[Event], None]) -> Report:
    """Build; the first Ctrl-C finishes what is under way, the second cuts it."""
    loop = asyncio.get_running_loop()
    building = asyncio.ensure_future(session.build(settings, emit))

    def interrupt() -> None:
        halt = session.halt
        if halt is None or halt.is_interrupt:
            building.cancel()
            return
        halt.set("interrupted", is_interrupt=True)
        say("finishing the calls under way; press Ctrl-C again to cut them\n")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` asks to go on
            loop.add_signal_handler(number, interrupt)
    try:
        return await building
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _print_line(event: Event) -> None:
    line = event_line(event)
    if line is not None:
        say(f"{line}\n")


def _print_json(event: Event) -> None:
    try:
        print_json(event_json(event))
        sys.stdout.flush()
    except OSError:
        abandon(sys.stdout)  # the build was asked for, whether or not anybody listens to its end


def _print_orphans(report: Report) -> None:
    for orphan in report.orphans:
        say(f"orphan: {printable(orphan)}: nothing needs it any more\n")
