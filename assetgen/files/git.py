"""Files of a project as a commit has them, read through the `git` command.

Only what a commit contains is read, by commands that look at no index and no work tree, run no
filter and start no transport: a partial clone is not completed from the network on the way. Text
of the user goes to git as one argument that cannot be an option.
"""

from __future__ import annotations

import os
import subprocess

from assetgen.core.value import Value
from assetgen.errors import UsageError

MOST_BYTES = 64 * 1024 * 1024
"""Larger files are no pictures for a report."""

_NOT_INHERITED = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "OPENROUTER_API_KEY"}
"""What a hook sets for its own repository, and what git does not need to know."""
_FORCED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class Commit(Value):
    """One commit, seen from a project folder inside the repository."""

    root: str
    digest: str
    """Its id, as git names it."""
    blobs: dict[str, str]
    """Id of each regular file by its path relative to `root`."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file; None when there is none, it is too large, or not here."""
        blob = self.blobs.get(path)
        if blob is None:
            return None
        size = _git(self.root, "cat-file", "-s", blob)
        if size is None or int(size) > MOST_BYTES:
            return None
        return _git(self.root, "cat-file", "blob", blob)


def open_commit(root: str, ref: str) -> Commit:
    """The commit that `ref` names.

    Raises:
        UsageError: git is missing, the folder is in no repository, or there is no such commit.
    """
    if ref.startswith("-") or not ref.strip():
        raise UsageError(
            f"`{ref}` is not the name of a commit",
            hint="name a branch, a tag or a commit, such as `origin/main`",
        )
    if _git(root, "rev-parse", "--show-prefix") is None:
        raise UsageError(
            f"`{root}` is in no git repository that can be read",
            hint=_complaint(root) or "compare in a clone of the project",
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if found is None:
        raise UsageError(
            f"there is no commit `{ref}` in this clone",
            hint="fetch it first; a shallow clone in CI needs its depth raised",
        )
    digest = found.decode("ascii").strip()
    listing = _git(root, "ls-tree", "-r", "-z", digest)
    if listing is None:
        raise UsageError(
            f"the files of commit `{ref}` are not in this clone", hint="fetch it whole"
        )
    return Commit(root, digest, _blobs(listing))


def _blobs(listing: bytes) -> dict[str, str]:
    """Regular files of `MODE TYPE ID TAB PATH`, each ended by NUL; links are left out."""
    found: dict[str, str] = {}
    for line in listing.split(b"\0"):
        head, _, path = line.partition(b"\t")
        words = head.split()
        if len(words) == len(("MODE", "TYPE", "ID")) and words[0] in {b"100644", b"100755"}:
            found[path.decode("utf-8", "surrogateescape")] = words[2].decode("ascii")
    return found


def _git(root: str, *arguments: str) -> bytes | None:
    """What git prints; None when it fails. Raises `UsageError` when there is no git."""
    done = _run(root, *arguments)
    return done.stdout if done.returncode == 0 else None


def _complaint(root: str) -> str:
    """Git's own words, such as those about a folder that belongs to somebody else."""
    said = _run(root, "rev-parse", "--show-prefix").stderr.decode("utf-8", "replace").strip()
    return said.partition("\n")[0].removeprefix("fatal: ")


def _run(root: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED} | _FORCED
    try:
        return subprocess.run(  # noqa: S603 - the user's git, with arguments that are no options
            ["git", "--no-pager", *arguments],  # noqa: S607 - wherever the user has it
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError(
            "`git` is not on the PATH", hint="install it, or leave out the commit to compare with"
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"`git` cannot be run: {error}") from error
