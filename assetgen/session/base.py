"""A project compared with what it was at another commit: lockfiles and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.comparison import Comparison, compare
from assetgen.core.lock import Lock
from assetgen.core.lock_text import parse_lock
from assetgen.core.value import Value
from assetgen.errors import LockfileError, UsageError
from assetgen.files.git import Commit, open_commit

if TYPE_CHECKING:
    from assetgen.session.adapters import Adapters


class Base(Value):
    """What a project is compared with."""

    ref: str
    """As the user names it."""
    comparison: Comparison
    has_lockfile: bool
    """Whether there was a lockfile then; without one, every image counts as new."""
    _commit: Commit

    @property
    def commit(self) -> str:
        """The id of the commit."""
        return self._commit.digest

    def read(self, path: str) -> bytes | None:
        """A file of the project as it was; None when it cannot be had."""
        return self._commit.read(path)


def open_base(adapters: Adapters, ref: str) -> Base:
    """The project at `ref`.

    Raises:
        UsageError: no git, no such commit, or a lockfile there that cannot be read.
        LockfileError: the present one cannot be read.
    """
    commit = open_commit(adapters.root, ref)
    data = commit.read(adapters.lockfile_name)
    try:
        name = adapters.lockfile_name
        before = Lock() if data is None else parse_lock(data.decode("utf-8"), name)
    except (LockfileError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the lockfile at `{ref}` cannot be read: {error}", hint="compare with another commit"
        ) from error
    comparison = compare(before, adapters.lockfile.read())
    return Base(ref, comparison, data is not None, commit)
