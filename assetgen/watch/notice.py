"""Signs that files have changed, from the operating system; the only home of watchfiles.

Single folders are watched, not trees: those that hold something a build depends on, and the
folders above them up to the project's own, so that one that is made, moved or replaced shows too.
What is told is only that something happened: what it was is decided by content.

watchfiles' Rust part is used directly. Its `awatch` says nothing when it has begun to watch, so a
change in that moment is lost, and its own polling compares whole seconds, so the second of two
quick saves is lost (measured with 1.3).
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchfiles._rust_notify import RustNotify

STEP_MS = 20
DEBOUNCE_MS = 50
"""With these two a change is told after about 25 ms; an idle watch takes 0.3 % of a core."""

Identity = tuple[int, int]
"""Device and inode: another folder of the same name must be watched anew."""


class NoEventsError(Exception):
    """The system does not tell of changes here; says why."""


@dataclass(slots=True)
class Notices:
    """Calls `wake`, from a thread, when something happened in a folder that is followed."""

    wake: Callable[[], None]
    _watched: dict[str, Identity] = field(default_factory=dict)
    _stop: threading.Event | None = None
    _thread: threading.Thread | None = None

    def follow(self, paths: Iterable[str], root: str) -> bool:
        """Watch the folders of `paths`, absolute and below `root`, and no others.

        Returns whether folders were added: what happened in them before may be news.

        Raises:
            NoEventsError: they cannot be watched; nothing is watched any more.
        """
        folders = _identities(folders_of(paths, root))
        if folders == self._watched:
            return False
        from watchfiles._rust_notify import (  # noqa: PLC0415 - polling needs none
            RustNotify,
            WatchfilesRustInternalError,
        )

        try:
            notify = RustNotify(
                sorted(folders),
                False,  # noqa: FBT003 - positional only: no debug output,
                False,  # noqa: FBT003 - no polling,
                0,
                False,  # noqa: FBT003 - no trees,
                True,  # noqa: FBT003 - and a folder that may not be read is left out
            )
        except (OSError, WatchfilesRustInternalError) as error:
            self.close()
            raise NoEventsError(str(error)) from error
        former, self._watched = self._watched, folders
        self._end_thread()
        self._begin_thread(notify)
        return not folders.items() <= former.items()

    def close(self) -> None:
        """Watch nothing any more."""
        self._end_thread()
        self._watched = {}

    def _begin_thread(self, notify: RustNotify) -> None:
        stop = self._stop = threading.Event()

        def pass_on() -> None:
            with notify:
                while not isinstance(notify.watch(DEBOUNCE_MS, STEP_MS, 0, stop), str):
                    if stop.is_set():
                        return
                    self.wake()

        self._thread = threading.Thread(target=pass_on, name="assetgen-notices", daemon=True)
        self._thread.start()

    def _end_thread(self) -> None:
        if self._stop is not None and self._thread is not None:
            self._stop.set()
            self._thread.join()
        self._stop = self._thread = None


def folders_of(paths: Iterable[str], root: str) -> set[str]:
    """Existing folders that show a change of `paths`: their own, where links lead, and all above.

    Of a path that is missing, the nearest folder that exists; nothing above `root`.
    """
    near: set[str] = set()
    for path in paths:
        near.add(path if os.path.isdir(path) else os.path.dirname(path))
        if os.path.islink(path):
            near.add(os.path.dirname(os.path.realpath(path)))
    near |= {os.path.realpath(folder) for folder in near}
    tops = {root, os.path.realpath(root)}
    folders = {root}
    for folder in near:
        here = folder
        while here not in folders and any(here.startswith(top + os.sep) for top in tops):
            if os.path.isdir(here):
                folders.add(here)
            here = os.path.dirname(here)
    return folders


def _identities(folders: Iterable[str]) -> dict[str, Identity]:
    found: dict[str, Identity] = {}
    for folder in folders:
        try:
            status = os.stat(folder)
        except OSError:
            continue  # gone this moment: the folder above tells when it comes back
        found[folder] = (status.st_dev, status.st_ino)
    return found
