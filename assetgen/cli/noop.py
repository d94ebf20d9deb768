"""The fastest answer to `assetgen build`: nothing has changed since the last complete build.

Compares the build record with the file system and imports nothing but what that takes. Anything
it does not fully understand is left to the ordinary path.
"""

import os

from assetgen._version import __version__
from assetgen.core.record import named_path, parse_record
from assetgen.core.stamp import stamp_of

MOST_BYTES = 64 * 1024 * 1024
"""10,000 assets take 2 MB."""
_KIND, _REGULAR = 0o170000, 0o100000  # of a mode (inode(7)): the module `stat` is not loaded yet


def is_up_to_date(arguments: list[str]) -> bool:
    """Whether `arguments` ask for a plain build and the record proves that it has nothing to do."""
    asked = _plain_build(arguments)
    if asked is None:
        return False
    root, manifest, draft = asked
    path = os.path.join(root, ".assetgen", os.path.splitext(manifest)[0] + ".record")
    try:
        record = parse_record(_read_small(path).decode("utf-8"))
    except (OSError, ValueError):
        return False
    if record is None or not record.complete or record.draft != draft:
        return False
    if record.version != __version__ or record.manifest != manifest:
        return False
    if record.folder != named_path(os.path.realpath(root)):
        return False  # the cache knows a project by its place
    if record.known and not os.path.exists(record.known):
        return False
    first = record.entries[0] if record.entries else None
    if first is None or first.path != manifest or first.stamp is None:
        return False  # a record that knows no stamp of the manifest would prove any manifest
    prefix = root + os.sep if root else ""
    return all(
        entry.settled and stamp_of(prefix + entry.path) == entry.stamp for entry in record.entries
    )


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
