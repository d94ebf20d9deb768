"""What `use` and `adopt` say: one line an asset, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.printable import printable
from assetgen.cli.render import event_line
from assetgen.cli.streams import print_lines, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.events import Event
    from assetgen.session.choose import Choice


def say_event(event: Event) -> None:
    """Tell what happens on the way, such as that bytes are kept."""
    line = event_line(event)
    if line is not None:
        say(f"{line}\n")


def print_choices(choices: Sequence[Choice]) -> None:
    """A line for each asset; refusals and what follows go to standard error."""
    readers: dict[str, None] = {}
    for choice in choices:
        if choice.is_done:
            word = "recorded" if choice.is_new else "up to date"
            line = f"{word}  {choice.name}  {printable(choice.output)}"
            image = f"  {choice.image}" if choice.is_new else ""
            print_lines([f"{line}{image}"])
            readers |= dict.fromkeys(choice.readers)
            continue
        say(f"error: {choice.name}: {printable(choice.message)}\n")
        if choice.hint:
            say(f"hint: {printable(choice.hint)}\n")
    for choice in choices:
        readers.pop(choice.name, None)
    if readers:
        names = ", ".join(readers)
        say(f"read another image now: {names}; `assetgen plan` says what follows from it\n")
