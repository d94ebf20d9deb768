"""Standard streams as they come: closed, full, narrow in letters, or with readers that leave early.

What cannot be said is dropped: a stream never decides about a build. The only place that writes to
them, so that no text from outside reaches a terminal as a command.
"""

from __future__ import annotations

import io
import os
import sys

from assetgen.cli.printable import printable

TYPE_CHECKING = False  # `typing` would take a tenth of the time of `--help`
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from assetgen.core.model import Json


def prepare_streams() -> None:
    """Make every stream writable: closed ones lead nowhere, unknown letters become escapes."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as we
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Talk on standard error, at once; nobody may be listening."""
    try:
        sys.stderr.write("\n".join(map(printable, text.split("\n"))))
        sys.stderr.flush()
    except OSError:
        abandon(sys.stderr)


def print_lines(lines: Iterable[str]) -> None:
    """Write lines for people to standard output."""
    sys.stdout.writelines(f"{printable(line)}\n" for line in lines)


def abandon(stream: TextIO) -> None:
    """Send what is still to be written nowhere, so that Python does not complain at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # no descriptor behind it
        stream.close()


def print_json(document: Json, *, indent: int | None = None) -> None:
    """Write a document and a line end, in ASCII: valid under every encoding of the stream."""
    import json  # noqa: PLC0415 - most commands print none

    sys.stdout.write(json.dumps(document, indent=indent) + "\n")
