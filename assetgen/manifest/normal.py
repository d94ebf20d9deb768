"""Normal forms of what a manifest states: one way to write each value, so one fingerprint.

Each function takes filled text and raises `ManifestError` without a place; the message goes on
after the name of the field.
"""

from __future__ import annotations

import re
from functools import lru_cache

from assetgen.errors import ManifestError
from assetgen.manifest.faults import listed, shown

_often = lru_cache(maxsize=1_000)
"""For values that thousands of assets share; what is refused is looked at again."""

IMAGE_SIZES = ("0.5K", "1K", "2K", "4K")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MOST_NAME = 200
_RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)\s*:\s*(\d{1,5}(?:\.\d{1,5})?)", re.ASCII)
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_MODEL = re.compile(r"[^\s/]+/\S+")
_TAG = re.compile(r"[^\s,*?+\[\]]{1,100}")


def asset_name(text: str, kind: str = "an asset") -> str:
    """The name of an asset, or of something else that has such names."""
    if not _NAME.fullmatch(text) or len(text) > _MOST_NAME:
        raise ManifestError(
            f"{shown(text)} is not a name for {kind}",
            hint="use letters A-Z and a-z, digits, `.`, `_` and `-`, and start with a letter or "
            f"a digit; at most {_MOST_NAME} characters",
        )
    return text


@_often
def aspect_ratio(text: str) -> str:
    """`W:H` without spaces, or `auto`."""
    stripped = text.strip().lower()
    if stripped == "auto":
        return stripped
    match = _RATIO.fullmatch(stripped)
    if match is None or not (float(match[1]) and float(match[2])):
        raise ManifestError(
            f"is {shown(text)}, which is no ratio", hint="write it like `16:9`, or `auto`"
        )
    return f"{match[1]}:{match[2]}"


@_often
def image_size(text: str) -> str:
    """One of `IMAGE_SIZES`, with an upper-case K."""
    size = text.strip().upper()
    if size not in IMAGE_SIZES:
        raise ManifestError(
            f"is {shown(text)}, which is no size",
            hint=f"write one of {listed(IMAGE_SIZES)}; the shape is `aspect_ratio`",
        )
    return size


@_often
def word(text: str) -> str:
    """A word in lower case, such as a quality."""
    lowered = text.strip().lower()
    if not _WORD.fullmatch(lowered):
        raise ManifestError(f"is {shown(text)}, which is no word", hint="write it like `high`")
    return lowered


@_often
def model_id(text: str) -> str:
    """The id of a model; the caller refuses one without an author."""
    stripped = text.strip()
    if not stripped or len(stripped.split()) != 1:
        raise ManifestError(
            f"is {shown(text)}, which is no model id",
            hint="write it like `google/gemini-2.5-flash-image`",
        )
    return stripped


@_often
def has_author(model: str) -> bool:
    """Whether a model id is of the form `author/model`."""
    return _MODEL.fullmatch(model) is not None


@_often
def tag(text: str) -> str:
    """A tag: nothing that means something in a selector, so that a selector can name it."""
    stripped = text.strip()
    if not _TAG.fullmatch(stripped):
        raise ManifestError(
            f"has {shown(text)}, which is no tag",
            hint="a tag has no spaces, commas or `*?+[]`, and at most 100 characters",
        )
    return stripped
