"""Standard streams as they come: closed, full, narrow in letters, or with readers that leave early.

What cannot be said is dropped: a stream never decides about a build.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
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
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        abandon(sys.stderr)


def abandon(stream: TextIO) -> None:
    """Send what is still to be written nowhere, so that Python does not complain at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):  # no descriptor behind it
        stream.close()


def print_json(document: Json, *, indent: int | None = None) -> None:
    """Write a document and a line end, in ASCII: valid under every encoding of the stream."""
    sys.stdout.write(json.dumps(document, indent=indent) + "\n")
