"""Opens what is inside one folder and nothing else, whatever links are in the way.

Every component of a path is opened relative to the one before it and without following links; a
symbolic link is read here and walked in the same way, so that neither `..` nor an absolute target
ever reaches the system. What was checked is what is opened: nobody can swap a folder for a link
in between, as they could with a path that is looked at first and opened by name later. It is what
Linux calls `RESOLVE_BENEATH` (openat2), which Python cannot ask for.

A link that stays inside is followed: projects share folders by them. Hard links cannot be told
from files; writing never goes through one, as it puts a new file in place of the old one.

Standard library only: the manifest, the project's files and the command line all need it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from assetgen import disk
from assetgen.temporary import temporary_name, writing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

MOST_LINKS = 40
"""Links on the way to one file, as in Linux (path_resolution(7))."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK  # not blocking: a FIFO must not wait for somebody to write
_MAYBE_LINK = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}
"""What opening a link without following it gives; EMLINK on the BSDs."""


class Unfit(OSError):
    """What a path leads to is not for us; `strerror` goes on after the path."""


class Beneath:
    """The inside of the folder at `root`, which itself may be reached through links.

    Paths are relative, with `/`. With `follows_links` false every link in them is refused. Methods
    raise `Unfit` for what leads out, `ValueError` for a path that no file can have, and otherwise
    `OSError` as the system says.
    """

    def __init__(self, root: str, *, follows_links: bool = True) -> None:
        self._root = root
        self._follows_links = follows_links

    @contextmanager
    def folder_of(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The open folder that holds `path`, and the name in it, which may be a link.

        `make` makes the folders that are missing.
        """
        walk = self._walk(path)
        try:
            name = walk.to_the_last(make=make)
            if name == ".":
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            yield walk.here, name
        finally:
            walk.close()

    def open(self, path: str, flags: int, mode: int = 0o666, *, make: bool = False) -> int:
        """A descriptor of what is at `path`, behind the links that stay inside."""
        walk = self._walk(path)
        try:
            while True:
                name = walk.to_the_last(make=make)
                try:
                    how = flags | os.O_NOFOLLOW | os.O_CLOEXEC
                    return os.open(name, how, mode, dir_fd=walk.here)
                except OSError as error:
                    if error.errno not in _MAYBE_LINK or not walk.follow(name):
                        raise
        finally:
            walk.close()

    def open_regular(self, path: str) -> BinaryIO:
        """A regular file, for reading."""
        descriptor = self.open(path, _READ)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unfit(errno.EINVAL, "is not a regular file", path)
        return os.fdopen(descriptor, "rb")

    def read(self, path: str, most_bytes: int) -> bytes:
        """Bytes of a regular file that holds at most `most_bytes`, also while it grows."""
        return self._read(path, most_bytes, lambda file, most: file.read(most))

    def read_back(self, path: str, most_bytes: int) -> bytes:
        """The same of a file that was just written: see `disk.read_back`."""
        return self._read(path, most_bytes, lambda file, most: disk.read_back(file.fileno(), most))

    def _read(self, path: str, most_bytes: int, take: Callable[[BinaryIO, int], bytes]) -> bytes:
        with self.open_regular(path) as file:
            is_small = os.fstat(file.fileno()).st_size <= most_bytes
            data = take(file, most_bytes + 1) if is_small else b""
        if not is_small or len(data) > most_bytes:
            raise Unfit(errno.EFBIG, f"is larger than {most_bytes // 2**20} MiB", path)
        return data

    def write(self, path: str, data: bytes) -> None:
        """Replace a file in one step, making the folders on the way: see `write_in_one_step`."""
        with self.folder_of(path, make=True) as (folder, name):
            write_in_one_step(folder, name, data)

    def _walk(self, path: str) -> _Walk:
        if path.startswith("/"):
            raise _outside(path)
        start = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return _Walk(self._root, start, path, follows_links=self._follows_links)


class _Walk:
    """A way into the folder: the folders open behind us, and the names before us."""

    def __init__(self, root: str, start: int, path: str, *, follows_links: bool) -> None:
        self._root = root
        self._path = path
        self._open = [start]
        self._left = _names(path)
        self._links_left = MOST_LINKS if follows_links else 0
        self._follows_links = follows_links

    @property
    def here(self) -> int:
        return self._open[-1]

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def to_the_last(self, *, make: bool) -> str:
        """Enter every folder on the way and return the last name; `.` when a folder is the end."""
        while len(self._left) > 1 or self._left == [".."]:
            self._enter(self._left.pop(), make=make)
        return self._left.pop() if self._left else "."

    def follow(self, name: str) -> bool:
        """Go on to where the link `name` leads; False when it is no link."""
        try:
            target = os.readlink(name, dir_fd=self.here)
        except OSError:
            return False
        if not self._links_left:
            reason = os.strerror(errno.ELOOP) if self._follows_links else "it is a symbolic link"
            raise OSError(errno.ELOOP, reason, self._path)
        self._links_left -= 1
        if os.path.isabs(target):
            target = self._from_root(target)
            while len(self._open) > 1:
                os.close(self._open.pop())
        self._left += _names(target)
        return True

    def _enter(self, name: str, *, make: bool) -> None:
        if name == "..":
            if len(self._open) == 1:
                raise _outside(self._path)
            os.close(self._open.pop())
            return
        try:
            self._open.append(self._folder(name, make=make))
        except OSError as error:
            if error.errno not in _MAYBE_LINK or not self.follow(name):
                raise

    def _folder(self, name: str, *, make: bool) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=self.here)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):  # somebody else has just made it
            os.mkdir(name, dir_fd=self.here)
        return os.open(name, _FOLDER, dir_fd=self.here)

    def _from_root(self, target: str) -> str:
        """An absolute target as a path inside, by its text: it is walked like any other."""
        root, real = os.path.realpath(self._root), os.path.realpath(target)
        if real == root:
            return "."
        prefix = os.path.join(root, "")
        if not real.startswith(prefix):
            raise _outside(self._path)
        return real.removeprefix(prefix)


def write_in_one_step(folder: int, name: str, data: bytes) -> None:
    """Write `data` beside `name` in an open folder, sync it, and rename it to `name`.

    A link that has the name is replaced, not followed. The permissions are those of the file that
    is replaced, else what the user's umask gives.

    Raises:
        OSError: as the system says; the temporary file is gone then.
    """
    temporary = temporary_name(name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with writing_in(folder):
        descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)
        try:
            try:
                disk.write_directly(descriptor, data)
                _copy_mode(folder, name, descriptor)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise


def _copy_mode(folder: int, name: str, descriptor: int) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISREG(found.st_mode):
        os.fchmod(descriptor, stat.S_IMODE(found.st_mode))


def _names(path: str) -> list[str]:
    """The names of a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _outside(path: str) -> Unfit:
    return Unfit(errno.EXDEV, "leads out of the project folder through a link", path)
