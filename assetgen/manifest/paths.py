"""Rules for the paths a manifest may name: portable, relative, and inside the project.

Pure text; whether a file is there, and where symbolic links lead, is looked up in `load`. The rules
of Windows hold on every system, so that a project stays portable.
"""

from __future__ import annotations

import re
import unicodedata

from assetgen.core.model import FORMAT_OF_SUFFIX, ImageFormat
from assetgen.errors import ManifestError
from assetgen.manifest.faults import listed, shown

MOST_CHARACTERS = 1_000
"""Length of a path; systems stop between 1,024 (macOS) and 4,096 bytes."""
MOST_FOLDERS = 64
"""Depth of a path: nobody needs more, and looking at each takes time."""
MOST_BYTES_OF_A_NAME = 255
"""Length of one component in UTF-8 (ext4, APFS; NTFS counts 255 UTF-16 units)."""

_DRIVE = re.compile(r"[A-Za-z]:")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|data:)", re.IGNORECASE)
_FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]'
)
"""Control characters, those Windows refuses, bytes that are no UTF-8, and changes of direction."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\..*)?", re.IGNORECASE)
"""Names Windows keeps for devices, with any extension (Microsoft, Naming Files, Paths)."""
_PLAIN_NAME = r"(?!(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:[./]|\Z))[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_PLAIN = re.compile(f"{_PLAIN_NAME}(?:/{_PLAIN_NAME})*", re.IGNORECASE | re.ASCII)
"""Paths that no rule below forbids, nearly all there are: one look instead of ten."""
_GIT_SHORT_NAME = re.compile(r"git~[0-9]+")
"""What `.git` is called where Windows makes 8.3 names (CVE-2014-9390)."""
_PRIVATE = {".git": "git's own folder", ".assetgen": "assetgen's own folder"}
_HINTS_OF_SUFFIX = {
    ".svg": "vector images are not part of version 1: write a `.png` or `.webp`",
    ".gif": "animated images are not part of version 1: write a `.png` or `.webp`",
}


def is_address(text: str) -> bool:
    """Whether `text` is an address on a network, or data in one, and no path."""
    return _SCHEME.match(text) is not None


def fold(path: str) -> str:
    """What two paths share when some file system takes them for one: Unicode form and case."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def normal_path(text: str) -> str:
    """`text` as a POSIX path relative to the project folder, without `.`, `..` or `//`.

    Messages go on after the name of the field.

    Raises:
        ManifestError: without a place: the path leaves the project, is not portable, or leads into
            a folder that belongs to git or assetgen.
    """
    return text if is_plain(text) else checked_path(text)


def is_plain(text: str) -> bool:
    """Whether `checked_path` would return `text` as it is, as far as one look can tell."""
    is_short = len(text) <= MOST_BYTES_OF_A_NAME and text.count("/") < MOST_FOLDERS
    return is_short and _PLAIN.fullmatch(text) is not None


def checked_path(text: str) -> str:
    """`normal_path` by every rule in turn."""
    _check_form(text)
    parts: list[str] = []
    for name in text.split("/"):
        if name == "..":
            if not parts:
                raise ManifestError(
                    f"names {shown(text)}, which is outside the project",
                    hint="everything read or written stays in the manifest's folder",
                )
            parts.pop()
        elif name not in {"", "."}:
            _check_name(name, text)
            parts.append(name)
    if not parts or text.endswith("/"):
        raise ManifestError(f"names {shown(text)}, which is a folder", hint="name a file")
    if len(parts) > MOST_FOLDERS:
        raise ManifestError(f"names a path more than {MOST_FOLDERS} folders deep")
    check_not_private("/".join(parts))
    return "/".join(parts)


def normal_output(text: str) -> tuple[str, ImageFormat]:
    """`text` as the normal path of an output in NFC, and the format that its extension decides.

    Raises:
        ManifestError: as `normal_path`, and when the extension is none of an image.
    """
    path = normal_path(text)
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    suffix = f".{extension.lower()}" if dot and stem else ""
    image_format = FORMAT_OF_SUFFIX.get(suffix)
    if image_format is None:
        known = f"write one of {listed(FORMAT_OF_SUFFIX)}"
        raise ManifestError(
            f"names {shown(text)}, which has no extension of an image",
            hint=_HINTS_OF_SUFFIX.get(suffix, known),
        )
    return path, image_format


def normal_text_file(text: str, suffixes: tuple[str, ...]) -> str:
    """`text` as the normal path of a text file in NFC, with one of these extensions.

    Raises:
        ManifestError: as `normal_path`, and when it has another extension.
    """
    path = unicodedata.normalize("NFC", normal_path(text))
    if not path.lower().endswith(suffixes) or path.rpartition("/")[2].lower() in suffixes:
        raise ManifestError(
            f"names {shown(text)}, which has not the extension of its format",
            hint=f"let it end in {' or '.join(shown(suffix) for suffix in suffixes)}",
        )
    return path


def normal_folder(text: str) -> str:
    """`text` as the normal path of a folder of the project; empty for the project's own.

    Raises:
        ManifestError: as `normal_path`.
    """
    stripped = text.strip().rstrip("/")
    return "" if stripped in {"", "."} and not text.startswith("/") else normal_path(stripped)


def check_not_private(path: str) -> None:
    """Refuse a normal path that leads into `.git` or `.assetgen`.

    Raises:
        ManifestError: without a place.
    """
    for name in fold(path).split("/"):
        owner = _PRIVATE.get(".git" if _GIT_SHORT_NAME.fullmatch(name) else name)
        if owner is not None:
            raise ManifestError(
                f"names {shown(path)}, which is inside {owner}",
                hint="choose another folder of the project",
            )


def _check_form(text: str) -> None:
    if not text:
        raise ManifestError("names no path", hint="write a path relative to the project folder")
    if len(text) > MOST_CHARACTERS:
        raise ManifestError(f"names a path longer than {MOST_CHARACTERS:,} characters")
    if "\\" in text:
        raise ManifestError(
            f"names {shown(text)}, which has a backslash",
            hint="separate folders with `/` on every system",
        )
    if text.startswith(("/", "~")) or _DRIVE.match(text):
        raise ManifestError(
            f"names {shown(text)}, which is not relative",
            hint="write a path relative to the project folder, which is the manifest's",
        )


def _check_name(name: str, text: str) -> None:
    unfit = _FORBIDDEN.search(name)
    if unfit is not None:
        raise ManifestError(
            f"names {shown(text)}, which has the character {shown(unfit[0])}",
            hint='leave out invisible characters and `<>:"|?*`, which Windows does not allow',
        )
    if name[-1] in ". ":
        raise ManifestError(
            f"names {shown(text)}, in which a name ends in a dot or a space",
            hint="Windows drops them: choose another name",
        )
    if _RESERVED.fullmatch(name):
        raise ManifestError(
            f"names {shown(text)}, in which Windows keeps {shown(name)} for a device",
            hint="choose another name",
        )
    if len(name.encode("utf-8", "surrogatepass")) > MOST_BYTES_OF_A_NAME:
        raise ManifestError(f"names a path with a part longer than {MOST_BYTES_OF_A_NAME} bytes")
