"""What is known about the world when verdicts are given, as plain values."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal

from assetgen.core.lock import Lock
from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.bundle import Bundle
    from assetgen.core.digest import Digest
    from assetgen.core.fingerprint import Keyed
    from assetgen.core.model import Asset
    from assetgen.core.result import ActionResult


class FileState(Enum):
    """What a file of the project was found to be."""

    MISSING = "missing"
    EMPTY = "empty"
    FILE = "file"
    """Bytes that count whatever they are: a reference or a source."""
    UNREADABLE = "unreadable"
    """Bytes that are no image."""
    IMAGE = "image"
    OBSTRUCTED = "obstructed"
    """No file, or one that must not be read: `problem` says why."""
    POINTER = "pointer"
    """A Git LFS pointer: its digest is the oid it names."""
    DRAFT = "draft"
    """A placeholder that `build --draft` drew, and that nobody has edited since."""


class FileFact(Value):
    """One file: its state, the digest of its bytes, and for a draft its key."""

    state: FileState
    digest: Digest | None = None
    draft_key: str | None = None
    problem: str = ""

    @property
    def is_image(self) -> bool:
        """Whether someone's picture is there, if only by pointer."""
        return self.state in {FileState.IMAGE, FileState.POINTER}


MISSING = FileFact(FileState.MISSING)

QuestionKind = Literal["result", "here", "ours", "bundle", "picture", "file"]


class Question(Value):
    """Something a verdict depends on that is only looked up when it is needed.

    `result`: what does the action cache know of this fingerprint?
    `here`: can these bytes be had on this machine? Verified before the answer is yes.
    `ours`: are these bytes something assetgen made, so that they may be replaced?
    `bundle`: which pictures were made under this key?
    `picture`: can this image be had here, if only as it was made again from the same inputs?
    `file`: what is at this path? Asked for paths that only the pictures tell.
    """

    kind: QuestionKind
    key: str


class Ours(Value):
    """Digests of what assetgen has made or recorded in this project; asked, never listed."""

    lock: Lock
    journal: Mapping[str, str]

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and (digest in self.journal or self.lock.names(digest))


class Facts(Value):
    """Everything verdicts may look at. Answers to questions are added as they come."""

    lock: Lock = field(default_factory=Lock)
    outputs: Mapping[str, FileFact] = field(default_factory=dict)
    """By output path; a path that is not listed is missing."""
    inputs: Mapping[str, FileFact] = field(default_factory=dict)
    """References and sources by path."""
    journal: Mapping[str, str] = field(default_factory=dict)
    """Digests of files assetgen wrote here, each with the key of the work that made it."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """Key of today's placeholder draft by asset name."""
    results: dict[str, ActionResult | None] = field(default_factory=dict)
    here: dict[str, bool] = field(default_factory=dict)
    ours: dict[str, bool] = field(default_factory=dict)
    bundles: dict[str, Bundle | None] = field(default_factory=dict)
    pictures: dict[str, bool] = field(default_factory=dict)
    files: dict[str, FileFact] = field(default_factory=dict)
    """Files of products by path; a data file is `FILE`, whatever it says."""

    keys: dict[str, tuple[Asset, list[Digest], Keyed]] = field(default_factory=dict)
    """Keys by the names of their assets, each with what it was made from."""

    @property
    def known(self) -> Ours:
        """Digests that need not be looked into to be taken for images of ours."""
        return Ours(self.lock, self.journal)

    def output(self, path: str) -> FileFact:
        """What is at an output path."""
        return self.outputs.get(path, MISSING)

    def has_seen(self, path: str) -> bool:
        """Whether anybody has looked at a path."""
        return path in self.files or path in self.outputs

    def file(self, path: str) -> FileFact:
        """What is at the path of a product's file."""
        return self.files.get(path) or self.outputs.get(path, MISSING)
