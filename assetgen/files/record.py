"""The build record on disk, and the outline of the manifest that belongs to it."""

from __future__ import annotations

import os

from assetgen.core.outline import Outline, dump_outline, parse_outline
from assetgen.core.record_kept import KeptRecord, parse_record
from assetgen.errors import OutputError
from assetgen.files.project import PrivateFiles

MOST_BYTES = 64 * 1024 * 1024
"""10,000 assets take 1.5 MB."""


def record_name(manifest: str) -> str:
    """What the record of a manifest is called: `assets.record` for `assets.yaml`."""
    return os.path.splitext(manifest)[0] + ".record"


def outline_name(manifest: str) -> str:
    """What the outline of a manifest is called: `assets.outline` for `assets.yaml`."""
    return os.path.splitext(manifest)[0] + ".outline"


def read_record(root: str, name: str) -> KeptRecord | None:
    """The record called `name` of the project at `root`; None when there is none to be used."""
    data = _bytes_of(PrivateFiles(root), name)
    return None if data is None else parse_record(data)


def read_outline(root: str, name: str) -> Outline | None:
    """The outline called `name`, likewise."""
    data = _bytes_of(PrivateFiles(root), name)
    return None if data is None else parse_outline(data)


def write_record(root: str, name: str, data: bytes) -> None:
    """Write a record when it says something new.

    Raises:
        OutputError: the system refuses.
    """
    _write_new(root, name, data, "the build record")


def write_outline(root: str, name: str, outline: Outline) -> None:
    """Write an outline, likewise."""
    _write_new(root, name, dump_outline(outline), "the outline of the manifest")


def _write_new(root: str, name: str, data: bytes, what: str) -> None:
    private = PrivateFiles(root)
    try:
        if _bytes_of(private, name) != data:
            private.write(name, data)
    except OSError as error:
        raise OutputError(f"cannot write {what}: {error.strerror or error}") from error


def _bytes_of(private: PrivateFiles, name: str) -> bytes | None:
    try:
        return private.read(name, MOST_BYTES)
    except OSError:
        return None
