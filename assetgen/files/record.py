"""The build record on disk."""

from __future__ import annotations

import os

from assetgen.core.record import Record, dump_record, parse_record
from assetgen.errors import OutputError
from assetgen.files.project import make_private_folder, write_in_one_step


def record_path(root: str, manifest: str) -> str:
    """Where the record of a manifest is kept: `.assetgen/assets.record` for `assets.yaml`."""
    return os.path.join(root, ".assetgen", os.path.splitext(manifest)[0] + ".record")


def read_record(path: str) -> Record | None:
    """The record at `path`; None when there is none that can be used."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse_record(file.read())
    except (OSError, UnicodeDecodeError):
        return None


def write_record(path: str, record: Record) -> None:
    """Write `record` when it says something new.

    Raises:
        OutputError: the system refuses.
    """
    data = dump_record(record).encode("utf-8")
    try:
        if _bytes_at(path) != data:
            make_private_folder(os.path.dirname(path))
            write_in_one_step(path, data)
    except OSError as error:
        raise OutputError(f"cannot write `{path}`: {error.strerror or error}") from error


def _bytes_at(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
