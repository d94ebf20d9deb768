"""Where the user's cache is. The only home of platformdirs."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "ASSETGEN_CACHE_DIR"


def cache_root(environ: Mapping[str, str]) -> str:
    """Absolute path of the cache folder, which need not exist.

    `ASSETGEN_CACHE_DIR` decides when it is set and not empty: `~` is the home folder, a relative
    path starts at the working directory. Otherwise it is where the system keeps user caches.
    """
    stated = environ.get(VARIABLE)
    if stated:
        return os.path.abspath(os.path.expanduser(stated))
    return platformdirs.user_cache_dir("assetgen", appauthor=False)


def exposure(root: str) -> str | None:
    """Why others may decide what the cache says, or None.

    Images are verified against their digests, but who can write the ledger can say which image
    belongs to which request. The folder may be reached through a link of the user's own.
    """
    try:
        found = os.stat(root)
    except OSError:
        return None  # opening it says more
    if found.st_mode & stat.S_IWOTH:
        return f"everybody can write the cache `{root}`, and so choose images: `chmod o-w` it"
    if found.st_uid not in {os.geteuid(), 0}:
        return f"the cache `{root}` belongs to another user, who can choose images"
    return None
