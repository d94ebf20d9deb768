"""Finds the files that `include` names: paths and patterns inside the project."""

from __future__ import annotations

import fnmatch
import os
import re
from itertools import takewhile
from typing import TYPE_CHECKING

from assetgen.errors import ManifestError
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import check_not_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.manifest.disk import ProjectFiles

MOST_LISTINGS = 20_000
"""How often the patterns of one manifest may list a folder."""

_WILDCARD = re.compile(r"[*?\[]")


class Includes:
    """Matches patterns below the project folder, and keeps which folders decided the matches."""

    def __init__(self, root: str, files: ProjectFiles) -> None:
        """`root` is the project folder, and `files` knows what is inside it."""
        self._root = root
        self._files = files
        self._listings = 0
        self.folders: dict[str, None] = {}
        """Listed folders relative to the project folder, `.` for itself, in order."""

    def match(self, pattern: str) -> list[str]:
        """Paths of the files that `pattern` matches, sorted; a path without wildcard is itself.

        `*` and `?` stand for characters of one name, `**` for any folders; a leading dot must be
        written out, and symbolic links to folders are not followed by `**`.

        Raises:
            ManifestError: without a place: the pattern leaves the project, or lists too much.
        """
        parts = _parts(pattern)
        fixed = list(takewhile(lambda part: not _WILDCARD.search(part), parts))
        if fixed == parts:
            return ["/".join(parts)]
        return sorted(set(self._match("/".join(fixed), parts[len(fixed) :])))

    def _match(self, folder: str, parts: list[str]) -> Iterator[str]:
        first, *rest = parts
        if first == "**":
            yield from self._match_any_depth(folder, rest or ["*"])
            return
        for name, is_folder in self._candidates(folder, first):
            path = f"{folder}/{name}" if folder else name
            if rest and is_folder:
                yield from self._match(path, rest)
            elif not rest and not is_folder:
                yield path

    def _match_any_depth(self, folder: str, rest: list[str]) -> Iterator[str]:
        pending = [folder]
        while pending:
            here = pending.pop()
            yield from self._match(here, rest)
            pending += [
                f"{here}/{entry.name}" if here else entry.name
                for entry in self._list(here)
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]

    def _candidates(self, folder: str, part: str) -> Iterator[tuple[str, bool]]:
        if not _WILDCARD.search(part):
            self.folders.setdefault(folder)
            path = os.path.join(self._root, folder, part)
            if os.path.lexists(path):
                yield part, os.path.isdir(path)
            return
        matches = re.compile(fnmatch.translate(part)).match
        for entry in self._list(folder):
            if matches(entry.name) and (part.startswith(".") or not entry.name.startswith(".")):
                yield entry.name, os.path.isdir(entry.path)

    def _list(self, folder: str) -> list[os.DirEntry[str]]:
        self.folders.setdefault(folder or ".")
        self._listings += 1
        if self._listings > MOST_LISTINGS:
            raise ManifestError(
                f"lists more than {MOST_LISTINGS:,} folders",
                hint="name the folder in the pattern instead of `**`",
            )
        if self._files.real(f"{folder}/any") is None:
            return []  # through a symbolic link out of the project: nothing there is looked at
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return []  # a folder that cannot be listed has no matches; no match is a fault


def _parts(pattern: str) -> list[str]:
    if not pattern:
        raise ManifestError("names no path", hint="name a file, or a pattern like `art/*.yaml`")
    if "\\" in pattern or "\x00" in pattern:
        raise ManifestError(
            f"names {shown(pattern)}, which is no path", hint="separate folders with `/`"
        )
    parts = [part for part in pattern.split("/") if part not in {"", "."}]
    if pattern.startswith(("/", "~")) or ".." in parts or re.match("[A-Za-z]:", pattern):
        raise ManifestError(
            f"names {shown(pattern)}, which is outside the project",
            hint="write a path relative to the manifest's folder, without `..`",
        )
    if not parts or pattern.endswith("/"):
        raise ManifestError(
            f"names {shown(pattern)}, which is a folder", hint="write a pattern like `art/*.yaml`"
        )
    check_not_private("/".join(parts))
    return parts
