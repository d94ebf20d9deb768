"""The files of a project as the manifest needs them: present, regular, and inside the project."""

from __future__ import annotations

import difflib
import os
import stat
import unicodedata

from assetgen.beneath import Beneath
from assetgen.errors import ManifestError
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import check_not_private

_MOST_NEIGHBOURS = 2_000
"""Names a hint is looked for in."""
_CUTOFF = 0.75
"""Similarity a hint needs: above difflib's usual 0.6, as most names share their extension."""
_MOST_HINTS = 50
"""Listings made for hints: a file full of missing references must not list folders for ever."""


class ProjectFiles:
    """Looks at the project folder; every folder is looked at once."""

    def __init__(self, root: str) -> None:
        """`root` is the project folder."""
        self._root = root
        self._beneath = Beneath(root)
        self._real_root = os.path.realpath(root)
        self._real_folders: dict[str, str | None] = {}
        self._found: dict[str, tuple[str, str] | ManifestError] = {}
        self._hints = 0

    def find(self, path: str) -> tuple[str, str]:
        """An existing regular file: its path as it is spelt on disk, and behind symbolic links.

        Raises:
            ManifestError: without a place: there is none, or it is outside the project.
        """
        found = self._found.get(path)
        if found is None:
            try:
                found = self._find(path)
            except ManifestError as error:
                found = error
            self._found[path] = found
        if isinstance(found, ManifestError):
            raise found
        return found

    @property
    def looked_for(self) -> list[str]:
        """Paths that `find` was asked for, whether or not there is a file."""
        return list(self._found)

    def real(self, path: str) -> str | None:
        """`path` behind the symbolic links of its folders; None when that leaves the project."""
        folder, _, name = path.rpartition("/")
        real_folder = self._real_folder(folder)
        if real_folder is None:
            return None
        return f"{real_folder}/{name}" if real_folder else name

    def read(self, path: str, most_bytes: int) -> bytes:
        """Bytes of a file that `find` gave.

        Raises:
            ManifestError: without a place: it cannot be read, or is larger.
        """
        try:
            with self._beneath.open_regular(path) as file:
                data = file.read(most_bytes + 1)
        except OSError as error:
            raise ManifestError(
                f"names {shown(path)}, which cannot be read: {error.strerror}"
            ) from error
        if len(data) > most_bytes:
            raise ManifestError(
                f"names {shown(path)}, which is larger than {most_bytes // 1024} KiB"
            )
        return data

    def _find(self, path: str) -> tuple[str, str]:
        for spelt in _spellings(path):
            try:
                status = os.lstat(os.path.join(self._root, spelt))
            except (OSError, ValueError):  # ValueError: a name the system cannot take
                continue
            if stat.S_ISLNK(status.st_mode):
                return self._find_linked(spelt)
            if not stat.S_ISREG(status.st_mode):
                raise _not_a_file(spelt)
            real = self.real(spelt)
            if real is None:
                raise _outside(spelt)
            check_not_private(real)
            return spelt, real
        raise ManifestError(f"names {shown(path)}, which does not exist", hint=self._nearest(path))

    def _find_linked(self, path: str) -> tuple[str, str]:
        real = os.path.realpath(os.path.join(self._root, path))
        inside = self._inside(real)
        if inside is None:
            raise _outside(path)
        try:
            status = os.stat(real)
        except OSError as error:
            raise ManifestError(
                f"names {shown(path)}, a symbolic link to nothing", hint="link it to a file"
            ) from error
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file(path)
        check_not_private(inside)
        return path, inside

    def _real_folder(self, folder: str) -> str | None:
        if folder not in self._real_folders:
            real = os.path.realpath(os.path.join(self._root, folder))
            self._real_folders[folder] = self._inside(real)
        return self._real_folders[folder]

    def _inside(self, real: str) -> str | None:
        """A real path relative to the project folder; None when it is outside."""
        if real == self._real_root:
            return ""
        prefix = os.path.join(self._real_root, "")
        if not real.startswith(prefix):
            return None
        return real.removeprefix(prefix).replace(os.sep, "/")

    def _nearest(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        shown_folder = shown(folder) if folder else "the project folder"
        self._hints += 1
        if self._hints > _MOST_HINTS or self._real_folder(folder) is None:
            return f"put the file into {shown_folder}"
        try:
            names = sorted(os.listdir(os.path.join(self._root, folder)))[:_MOST_NEIGHBOURS]
        except (OSError, ValueError):
            return f"there is no folder {shown_folder} in the project"
        close = difflib.get_close_matches(name, names, n=1, cutoff=_CUTOFF)
        if not close:
            return f"put the file into {shown_folder}"
        return f"did you mean {shown(f'{folder}/{close[0]}' if folder else close[0])}?"


def _spellings(path: str) -> list[str]:
    """`path`, then its composed and decomposed Unicode forms: some systems store either."""
    if path.isascii():
        return [path]
    composed = unicodedata.normalize("NFC", path)
    return list(dict.fromkeys((path, composed, unicodedata.normalize("NFD", path))))


def _outside(path: str) -> ManifestError:
    return ManifestError(
        f"names {shown(path)}, which leads out of the project through a symbolic link",
        hint="everything read or written stays in the manifest's folder: copy the file into it",
    )


def _not_a_file(path: str) -> ManifestError:
    return ManifestError(f"names {shown(path)}, which is not a file", hint="name a file")
