"""Which projects use this cache: where the lockfiles are that name its images.

    projects-v1/<64 hex>.json     {"lockfile": "/home/me/lantern-bay/assets.lock"}
    projects-v1/<64 hex>.names    digests and fingerprints, one a line

Named after the path of the lockfile, so a damaged file is one project's business. The names are all
that this lockfile was ever seen to name, on whatever branch; there are never more of them than
images that were made. Nothing here is forgotten by itself, not even a project whose disk is away;
and of a project that is forgotten the names stay, for it may only have moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING

from assetgen.cache.durable import (
    PART,
    cache_errors,
    make_folder,
    read_only_error,
    sync_folder,
    write_synced,
)
from assetgen.cache.locks import hold
from assetgen.core.digest import parse_digest
from assetgen.core.needs import Needs
from assetgen.errors import CacheError

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "projects-v1"
"""The number is the version of the files; a new one is a new place."""

_NAMES = ".names"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_PATIENCE_S = 60.0
_FEW = 8


class FileProjects:
    """The known projects, in a folder that several processes may share.

    Methods raise `CacheError` when the system refuses.
    """

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._folder = os.path.join(root, FOLDER)
        self._incoming = os.path.join(root, "incoming")
        self._lock_path = os.path.join(root, "projects.lock")

    def remember(self, lockfile: str, needs: Needs) -> None:
        """Know the project of a lockfile, and what this names now; free when all is known."""
        self._remember_names(self.path_of(lockfile).removesuffix(".json") + _NAMES, needs)
        path = self.path_of(lockfile)
        data = json.dumps({"lockfile": lockfile}).encode() + b"\n"
        if _bytes_at(path) != data:
            self._write(path, data)

    def _remember_names(self, path: str, needs: Needs) -> None:
        wanted = {name.encode() for name in needs.digests | needs.fingerprints if name}
        if _are_in(wanted, _bytes_at(path) or b""):
            return
        if not self._create:
            raise read_only_error(self._root)
        with hold(self._lock_path, timeout_s=_PATIENCE_S):
            # Lines that nobody understands stay, so that they go on being told of.
            lines = set((_bytes_at(path) or b"").split(b"\n")) | wanted
            self._write(path, b"\n".join([*sorted(lines - {b""}), b""]))

    def _write(self, path: str, data: bytes) -> None:
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
        return sorted(self._read(name) for name in names if not name.endswith((PART, _NAMES)))

    def named(self, lockfiles: Iterable[str]) -> tuple[Needs, Needs]:
        """What these lockfiles were ever seen to name, and what those of all other projects were.

        Raises:
            CacheError: also when a line cannot be read: it may name any image.
        """
        own = {os.path.basename(self.path_of(lockfile)) for lockfile in lockfiles}
        past, others = Needs(), Needs()
        with cache_errors("list", self._folder):
            try:
                names = sorted(os.listdir(self._folder))
            except FileNotFoundError:
                return past, others
        for name in names:
            if not name.endswith(_NAMES):
                continue
            found = self._read_names(os.path.join(self._folder, name))
            if name.removesuffix(_NAMES) + ".json" in own:
                past |= found
            else:
                others |= found
        return past, others

    def _read_names(self, path: str) -> Needs:
        with cache_errors("read", path), open(path, "rb") as file:
            lines = file.read().decode("utf-8", "replace").split("\n")
        fingerprints = {line for line in lines if _FINGERPRINT.fullmatch(line)}
        digests = {line for line in lines if parse_digest(line) is not None}
        if lines.pop() or len(fingerprints) + len(digests) != len(lines):
            raise CacheError(
                f"`{path}` does not say which images a project had",
                hint="remove that file; images that only it names then count as unknown",
            )
        return Needs(frozenset(digests), frozenset(fingerprints))

    def forget(self, lockfiles: Iterable[str]) -> None:
        """Know these no longer."""
        if not self._create:
            raise read_only_error(self._root)
        for lockfile in lockfiles:
            path = self.path_of(lockfile)
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
        if not isinstance(lockfile, str) or self.path_of(lockfile) != path:
            raise CacheError(
                f"`{path}` does not say which project it stands for",
                hint="remove that file once each of your projects was built again, "
                "which notes it anew",
            )
        return lockfile

    def path_of(self, lockfile: str) -> str:
        """The file that is there while the project of this lockfile is known."""
        name = hashlib.sha256(lockfile.encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._folder, f"{name}.json")


def _are_in(names: set[bytes], data: bytes) -> bool:
    """Whether these are lines of a text; of a few, each is searched for."""
    if len(names) > _FEW:
        return names <= set(data.split(b"\n"))
    return all(data.startswith(name + b"\n") or b"\n" + name + b"\n" in data for name in names)


def _bytes_at(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
