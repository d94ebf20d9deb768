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
    try:
        return parse_outline(PrivateFiles(root).read(name, MOST_BYTES))
    except OSError:
        return None


def write_outline(root: str, name: str, outline: Outline) -> None:
    """Write `outline`.

    Raises:
        OutputError: the system refuses.
    """
    try:
        PrivateFiles(root).write(name, dump_outline(outline))
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"cannot write the outline of the manifest: {reason}") from error
