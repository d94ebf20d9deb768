"""Standard streams as they come: terminals that know few letters, readers that leave early."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetgen.core.model import Json


def accept_every_letter() -> None:
    """Write letters that a stream's encoding lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_stdout() -> None:
    """Send what is still to be written nowhere, so that Python does not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(document: Json, *, indent: int | None = None) -> None:
    """Write a document and a line end, in ASCII: valid under every encoding of the stream."""
    sys.stdout.write(json.dumps(document, indent=indent) + "\n")
