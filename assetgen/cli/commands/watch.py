"""`assetgen watch`: builds, then follows the manifest and all that it reads while people work."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assetgen.cli.options import add_calls, add_json, add_selectors, usd
from assetgen.cli.printable import printable
from assetgen.cli.render import event_line, goodbye_line
from assetgen.cli.streams import print_json, say
from assetgen.core.events import Done, event_json
from assetgen.errors import UsageError
from assetgen.session import Session, Settings
from assetgen.watch.loop import POLL_S, Watch

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from assetgen.core.events import Event


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_selectors(parser)
    parser.add_argument(
        "--draft", action="store_true", help="fill what has no image with free placeholders"
    )
    parser.add_argument(
        "--max-cost",
        type=usd,
        metavar="USD",
        help="cap for the whole session, instead of the manifest's `per_build`",
    )
    add_calls(parser)
    parser.add_argument(
        "--poll",
        action="store_true",
        help=f"look at the files every {POLL_S} s, for file systems that give no notice of "
        "changes, such as network shares; found out by itself, after the first change missed",
    )
    add_json(parser, "one event a line")


def run(args: argparse.Namespace) -> int:
    """Watch until interrupted."""
    if not os.path.isdir(os.path.dirname(args.manifest) or "."):
        raise UsageError(
            f"there is no folder `{os.path.dirname(args.manifest)}` to watch",
            hint="`-f FILE` names the manifest",
        )
    settings = Settings(
        selectors=tuple(args.selectors),
        draft=args.draft,
        max_cost_usd=args.max_cost,
        jobs=args.jobs,
        timeout_s=args.timeout,
    )
    if not args.json:
        say(f"watching {printable(args.manifest)}; Ctrl-C ends\n")
    with _shown(as_json=args.json) as show:
        return asyncio.run(_watch(Session(args.manifest), settings, show, polls=args.poll))


async def _watch(
    session: Session, settings: Settings, emit: Callable[[Event], None], *, polls: bool
) -> int:
    """Watch; the first Ctrl-C finishes what is under way, the second cuts it."""
    loop = asyncio.get_running_loop()
    ended = 0

    def note(event: Event) -> None:
        nonlocal ended
        if isinstance(event, Done):
            ended = event.exit_code
        emit(event)

    async with session.rounds(settings, note) as rounds:
        watch = Watch(rounds, polls=polls)
        watching = asyncio.ensure_future(watch.run())

        def interrupt() -> None:
            if watch.is_stopping:
                watching.cancel()
                return
            watch.stop()
            if not rounds.is_idle:
                say("finishing the calls under way; press Ctrl-C again to cut them\n")

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` asks to go on
                loop.add_signal_handler(number, interrupt)
        try:
            await watching
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    return ended


@contextmanager
def _shown(*, as_json: bool) -> Iterator[Callable[[Event], None]]:
    """How events are told."""
    if as_json:
        yield _print_json
    elif sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
        from assetgen.cli.progress import live_rounds  # noqa: PLC0415 - loads rich

        with live_rounds(goodbye_line) as show:
            yield show
    else:
        yield _print_line


def _print_line(event: Event) -> None:
    line = goodbye_line(event) if isinstance(event, Done) else event_line(event)
    if line is not None:
        say(f"{line}\n")


def _print_json(event: Event) -> None:
    print_json(event_json(event))  # a reader that leaves ends the watch: nobody wants its images
    sys.stdout.flush()
