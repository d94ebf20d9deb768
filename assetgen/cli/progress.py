"""Live progress on a terminal; the only home of rich."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from assetgen.cli.printable import printable
from assetgen.cli.render import event_line
from assetgen.core.events import (
    Broken,
    Done,
    Finished,
    Planned,
    Retrying,
    Round,
    Started,
    Stored,
    Warned,
)
from assetgen.core.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from assetgen.core.events import Event

_SHOWN = 12
"""Running assets shown at once, at most; more would push the finished ones off the screen."""
_OTHER_LINES = 4
"""Lines of the screen that are not for running assets."""

EXIT_FAILED = 1

_STYLES = {
    "generated": "green",
    "drafted": "green",
    "derived": "green",
    "restored": "cyan",
    "held": "yellow",
    "stale": "yellow",
    "stopped": "yellow",
}


@contextmanager
def live_progress() -> Iterator[Callable[[Event], None]]:
    """Shows events: finished assets scroll by, running ones stay below with their time and cost."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    board = _Board(console)
    with Live(board, console=console, refresh_per_second=8, transient=True):
        yield board.show
    board.say_goodbye()


@contextmanager
def live_rounds(last_line: Callable[[Done], str]) -> Iterator[Callable[[Event], None]]:
    """The same for a watch: the lines below are there only while something runs."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    board = _Board(console)
    live = Live(board, console=console, refresh_per_second=8, transient=True)

    def show(event: Event) -> None:
        if isinstance(event, Started) and not live.is_started:
            live.start()
        elif isinstance(event, Round | Broken | Done):
            live.stop()
        if isinstance(event, Done):
            console.print(Text(last_line(event), style=_style_of(event)), soft_wrap=True)
        else:
            board.show(event)

    try:
        yield show
    finally:
        live.stop()


class _Board:
    """The lines below: what is running, for how long, and what it has cost so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._running: dict[str, tuple[float, str]] = {}
        self._left = 0
        self._spent = Decimal(0)
        self._last: Text | None = None
        self._spinner = Spinner("dots")

    def show(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            match event:
                case Planned():
                    self._left = event.assets
                case Started():
                    self._running[event.name] = (time.monotonic(), event.verdict)
                    return
                case Retrying():
                    since, _ = self._running.get(event.name, (time.monotonic(), ""))
                    self._running[event.name] = (since, "retry")
                case Finished():
                    self._running.pop(event.name, None)
                    self._left = max(0, self._left - 1)
                    self._spent += event.cost_usd or Decimal(0)
                case Stored():
                    self._running.pop(event.name, None)
                    self._spent += event.cost_usd or Decimal(0)
                case Round() | Broken():
                    self._running.clear()
                    self._left = 0
                case Warned() | Done():
                    pass
            line = event_line(event)
        if line is None:
            return
        shown = "\n".join(map(printable, line.split("\n")))
        text = Text(shown, style=_style_of(event), overflow="fold", no_wrap=True)
        if isinstance(event, Done):
            self._last = text  # below everything, once the live lines are gone
        else:
            self._console.print(text, soft_wrap=True)

    def say_goodbye(self) -> None:
        """Print the sum."""
        if self._last is not None:
            self._console.print(self._last, soft_wrap=True)

    def __rich__(self) -> RenderableType:
        with self._lock:
            if not self._running:
                return Text("")
            now = time.monotonic()
            shown = max(1, min(_SHOWN, self._console.height - _OTHER_LINES))
            lines: list[RenderableType] = []
            for name, (since, verdict) in list(self._running.items())[:shown]:
                lines.append(
                    Text(f"  {verdict:<8} {printable(name)}  {now - since:.0f} s", style="dim")
                )
            hidden = len(self._running) - len(lines)
            if hidden > 0:
                lines.append(Text(f"  and {hidden} more", style="dim"))
            self._spinner.update(text=f"{self._left} to go, {format_usd(self._spent)} so far")
            return Group(*lines, self._spinner)


def _style_of(event: Event) -> str:
    if isinstance(event, Warned | Retrying):
        return "yellow"
    if isinstance(event, Finished):
        return _STYLES.get(event.status, "red")
    if isinstance(event, Broken):
        return "red"
    if isinstance(event, Round) and event.exit_code:
        return "bold red" if event.exit_code == EXIT_FAILED else "bold yellow"
    return "bold" if isinstance(event, Planned | Done | Round) else ""
