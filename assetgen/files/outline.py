"""The outline of the last build's manifest on disk, beside the build record."""

from __future__ import annotations

import os

from assetgen.core.outline import Outline, dump_outline, parse_outline
from assetgen.errors import OutputError
from assetgen.files.project import PrivateFiles

MOST_BYTES = 64 * 1024 * 1024
"""10,000 assets take 1.3 MB."""


def outline_name(manifest: str) -> str:
    """What the outline of a manifest is called: `assets.outline` for `assets.yaml`."""
    return os.path.splitext(manifest)[0] + ".outline"


def read_outline(root: str, name: str) -> Outline | None:
    """The outline called `name` of the project at `root`; None when there is none to be used."""
    data = _bytes_of(PrivateFiles(root), name)
    return None if data is None else parse_outline(data)


def write_outline(root: str, name: str, outline: Outline) -> None:
    """Write `outline` when it says something new.

    Raises:
        OutputError: the system refuses.
    """
    private, data = PrivateFiles(root), dump_outline(outline)
    try:
        if _bytes_of(private, name) != data:
            private.write(name, data)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"cannot write the outline of the manifest: {reason}") from error


def _bytes_of(private: PrivateFiles, name: str) -> bytes | None:
    try:
        return private.read(name, MOST_BYTES)
    except OSError:
        return None
