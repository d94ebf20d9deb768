"""Paths of project files as other files name them: relative, under a base, as part of an address.

`urllib` and `posixpath` reach the world, which core does not; what is needed of them is here.
"""

from __future__ import annotations

import re

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9/._~-]")
"""Anything but the unreserved characters of RFC 3986, section 2.3, and the separator."""
_MEANT_OTHERWISE = re.compile(r"[%?#]")
"""What would end a path in an address."""


def relative_to(path: str, file: str) -> str:
    """`path` as it is named from beside `file`; both relative to the project folder."""
    names, folders = path.split("/"), file.split("/")[:-1]
    shared = 0
    while shared < min(len(names) - 1, len(folders)) and names[shared] == folders[shared]:
        shared += 1
    return "/".join([".."] * (len(folders) - shared) + names[shared:])


def under(path: str, root: str, base: str) -> str:
    """`path` relative to the folder `root`, with `base` in front."""
    inside = path.removeprefix(f"{root}/") if root else path
    return base + inside


def percent_encoded(path: str) -> str:
    """`path` as the path of an address, plain enough for every attribute and for `srcset`."""
    return _NOT_PLAIN.sub(_encode, path)


def barely_encoded(path: str) -> str:
    """`path` as programs may join it to an address, and still like the file's own name."""
    return _MEANT_OTHERWISE.sub(_encode, path)


def _encode(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))
