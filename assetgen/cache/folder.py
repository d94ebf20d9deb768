"""Where the user's cache is. The only home of platformdirs."""

from __future__ import annotations

import os
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
