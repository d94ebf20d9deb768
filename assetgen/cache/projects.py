"""Which projects use this cache: where the lockfiles are that name its images.

    projects-v1/<64 hex>.json    {"lockfile": "/home/me/lantern-bay/assets.lock"}

One small file a project, named after the path, so that builds never wait for each other here and a
damaged file is one project's business. What a known lockfile names is never collected; so nothing
here is forgotten by itself, not even a project whose disk is away.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from assetgen.cache.durable import (
    PART,
    cache_errors,
    make_folder,
    read_only_error,
    sync_folder,
    write_synced,
)
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "projects-v1"
"""The number is the version of the files; a new one is a new place."""


class FileProjects:
    """The known projects, in a folder that several processes may share.

    Methods raise `CacheError` when the system refuses.
    """

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._folder = os.path.join(root, FOLDER)
        self._incoming = os.path.join(root, "incoming")

    def remember(self, lockfile: str) -> None:
        """Know the project of a lockfile, which need not exist yet; free when it is known."""
        path = self._path(lockfile)
        data = json.dumps({"lockfile": lockfile}).encode() + b"\n"
        if _bytes_at(path) == data:
            return
        if not self._create:
            raise read_only_error(self._root)
        with cache_errors("write", path):
            make_folder(self._folder)
            make_folder(self._incoming)
            write_synced(path, data, mode=0o600, through=self._incoming)

    def known(self) -> list[str]:
        """Absolute paths of the lockfiles of all known projects, sorted.

        Raises:
            CacheError: also when one of the files cannot be read as one: it may name a project.
        """
        with cache_errors("list", self._folder):
            try:
                names = sorted(os.listdir(self._folder))
            except FileNotFoundError:
                return []
        return sorted(self._read(name) for name in names if not name.endswith(PART))

    def forget(self, lockfiles: Iterable[str]) -> None:
        """Know these no longer."""
        if not self._create:
            raise read_only_error(self._root)
        for lockfile in lockfiles:
            path = self._path(lockfile)
            with cache_errors("remove", path):
                os.unlink(path)
                sync_folder(self._folder)

    def _read(self, name: str) -> str:
        path = os.path.join(self._folder, name)
        try:
            with cache_errors("read", path), open(path, "rb") as file:
                lockfile = json.load(file)["lockfile"]
        except (ValueError, LookupError, TypeError, RecursionError):
            lockfile = None
        if not isinstance(lockfile, str) or self._path(lockfile) != path:
            raise CacheError(
                f"`{path}` does not say which project it stands for",
                hint="remove that file once each of your projects was built again, "
                "which notes it anew",
            )
        return lockfile

    def _path(self, lockfile: str) -> str:
        name = hashlib.sha256(lockfile.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._folder, f"{name}.json")


def _bytes_at(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
