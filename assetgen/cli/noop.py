"""The fastest answer to `assetgen build`: nothing has changed since the last complete build.

Compares the build record with the file system and imports nothing but what that takes. Anything
it does not fully understand is left to the ordinary path.
"""

import os

from assetgen._version import __version__
from assetgen.core.record import Head, named_path, read_front
from assetgen.core.stamp import are_unchanged

MOST_BYTES = 64 * 1024 * 1024
"""10,000 assets take 1.5 MB."""
_KIND, _REGULAR = 0o170000, 0o100000  # of a mode (inode(7)): the module `stat` is not loaded yet


def is_up_to_date(arguments: list[str]) -> bool:
    """Whether `arguments` ask for a plain build and the record proves that it has nothing to do."""
    asked = _plain_build(arguments)
    if asked is None:
        return False
    root, manifest, draft = asked
    path = os.path.join(root, ".assetgen", os.path.splitext(manifest)[0] + ".record")
    try:
        front = read_front(_read_small(path))
    except (OSError, ValueError):
        return False
    if front is None or not _is_of(front.head, root, manifest, draft=draft):
        return False
    paths = front.paths
    if not paths or paths[0] != manifest or not any(column[0] for column in front.stamps):
        return False  # a record that knows no stamp of the manifest would prove any manifest
    if front.settled.count(1) != len(paths):
        return False
    if root:
        paths = [f"{root}{os.sep}{path}" for path in paths]
    return are_unchanged(paths, front.stamps)


def _is_of(head: Head, root: str, manifest: str, *, draft: bool) -> bool:
    """Whether a record is that of a complete build with these options, here and by this version."""
    if not head.complete or head.draft != draft:
        return False
    if head.version != __version__ or head.manifest != manifest:
        return False
    if head.folder != named_path(os.path.realpath(root)):
        return False  # the cache knows a project by its place
    return not head.known or os.path.exists(head.known)


def _read_small(path: str) -> bytes:
    """Bytes of a regular file; in a stranger's clone a link to a device may be in its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_mode & _KIND != _REGULAR or found.st_size > MOST_BYTES:
            return b""
        return os.read(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def _plain_build(arguments: list[str]) -> tuple[str, str, bool] | None:
    """(folder, manifest's file name, draft) of `[-C DIR] [-f FILE] build [--draft]`, else None."""
    folder, manifest, draft = "", "assets.yaml", False
    rest = list(arguments)
    while rest and rest[0] in {"-C", "-f"}:
        if len(rest) == 1:
            return None
        option, value = rest.pop(0), rest.pop(0)
        if option == "-C":
            folder = os.path.join(folder, value)
        else:
            manifest = value
    if rest == ["build", "--draft"]:
        draft = True
    elif rest != ["build"]:
        return None
    root, name = os.path.split(os.path.join(folder, manifest))
    return root, name, draft
