"""How many calls may run at once before this process runs out of files it may open.

Whoever cannot open a file cannot store an image either, so calls are bounded before they are paid
for.
"""

from __future__ import annotations

import os
import resource

_RESERVE = 40
"""For the threads that store, book and deliver, and for name look-ups: each has a few open."""
_EACH = 3
"""A purchase keeps its claim, its connection and the file with its answer open."""
_OPEN_AT_MOST = 32
"""Taken where the system does not list what is open."""


def room_for_calls() -> int:
    """How many purchases may be open at once; 0 when not even one is safe."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _RESERVE * 1000
    return max(0, limit - _open_now() - _RESERVE) // _EACH


def files_limit() -> int:
    """How many files this process may open at once, as `ulimit -n` says."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _open_now() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return _OPEN_AT_MOST
