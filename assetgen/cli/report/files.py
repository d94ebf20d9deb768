"""Where a report and its pictures are written.

CI runs `check --report` on what strangers have proposed, so nothing of the checkout may lead the
report out of it: a link at the report's place is replaced, a linked folder is refused.
"""

from __future__ import annotations

import json
import os
import posixpath
import urllib.parse

from assetgen.beneath import Beneath
from assetgen.core.digest import digest_of
from assetgen.errors import OutputError, UsageError

_NAME_LENGTH = 16
MARK = "<!-- written by `assetgen check --report` -->"
"""Last line of a report in Markdown, so that the next one knows what it may replace."""
_MOST_BYTES = 64 * 1024 * 1024


class ReportFiles:
    """The file of a report, and the folder of former pictures that is named after it."""

    def __init__(self, path: str, root: str) -> None:
        """`root` is the project folder.

        Raises:
            UsageError: the extension is neither `.md` nor `.json`, or a file of somebody else's
                is there.
        """
        stem, self.suffix = os.path.splitext(path)
        self.suffix = self.suffix.lower()
        if self.suffix not in {".md", ".json"}:
            raise UsageError(f"`{path}` is no report", hint="its name must end in `.md` or `.json`")
        self._full = os.path.abspath(path)
        self._folder = os.path.dirname(self._full)
        self._pictures = os.path.abspath(f"{stem}-before")
        self._root = os.path.abspath(root)
        if os.path.isfile(self._full) and not os.path.islink(self._full) and not self._is_report():
            raise UsageError(
                f"`{path}` is there already and is no report of assetgen",
                hint="choose another name, or move it away",
            )

    def _is_report(self) -> bool:
        """Whether what is at the report's place is empty, or a report."""
        try:
            with open(self._full, "rb") as file:
                data = file.read(_MOST_BYTES)
        except OSError:
            return True  # what is wrong with it shows when it is written
        if not data or data.rstrip().endswith(MARK.encode()):
            return True
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and {"version", "findings", "base"} <= set(found)

    def link(self, path: str) -> str:
        """How the report names a file."""
        relative = os.path.relpath(path, self._folder).replace(os.sep, posixpath.sep)
        return urllib.parse.quote(relative, errors="surrogateescape")

    def keep(self, data: bytes, suffix: str) -> str:
        """Write a former picture, named by its digest, and say how the report names it."""
        name = digest_of(data).removeprefix("sha256:")[:_NAME_LENGTH] + suffix
        full = os.path.join(self._pictures, name)
        self._write(full, data)
        return self.link(full)

    def write(self, text: str) -> None:
        """Write the report itself."""
        self._write(self._full, text.encode("utf-8", "backslashreplace"))

    def _write(self, full: str, data: bytes) -> None:
        """Put a file in place of what is there, making the folders on the way."""
        inside = full.startswith(self._root.rstrip(os.sep) + os.sep)
        folder = self._root if inside else self._folder
        try:
            if not inside:
                os.makedirs(folder, exist_ok=True)
            Beneath(folder).write(os.path.relpath(full, folder), data)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file can have this path"
            shown = os.path.relpath(full)
            raise OutputError(
                f"cannot write `{shown}`: {reason}", hint="write the report to another place"
            ) from error
