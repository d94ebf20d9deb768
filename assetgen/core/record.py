"""The build record: what the last build concluded here, packed so that it can be compared at once.

    assetgen-record 4
    CRC-32 of the rest of the front
    byte order, number of paths, and the lengths of head, paths and details
    head: version, manifest, folder, known, draft, complete
    stamps: all mtimes, all ctimes, all sizes, all inodes
    settled: one byte a path
    paths
    ---- what follows is not read by a build that has nothing to do
    CRC-32 of the rest
    details: kinds, then digests

Numbers have 8 bytes in this machine's order, texts end with a NUL, which no path can hold. A path
that is absent has four zeros; a stamp that would say the same is written as not settled. `folder`
is where it was written: a project that has moved needs an ordinary build, which tells the cache so.
`known` is the file by which the cache knows the project; nothing when there is none, or none that
has a text. Anything unexpected makes the whole record worthless, which costs one ordinary build.

Columns instead of lines: 10,000 paths are read in 2 ms where one object a line takes 25. No
`struct` and no `array`, as `memoryview` does as well and is there already; nothing that runs code
when it is damaged. Imports next to nothing: see `core/stamp.py`.
"""

from zlib import crc32

FORMAT = b"assetgen-record 4\n"

ORDER = 0x0102030405060708
_NUMBER = 8
_LENGTHS = 5
_CHECK_END = len(FORMAT) + _NUMBER
_LENGTHS_END = _CHECK_END + _LENGTHS * _NUMBER
_HEAD_FIELDS = 6
_FLAGS = {"0": False, "1": True}
_ABSENT = (0, 0, 0, 0)
_SIGNED, _UNSIGNED = range(-(2**63), 2**63), range(2**64)


Columns = tuple[list[int], list[int], list[int], list[int]]
"""Stamps of many paths: a list for each number."""


class Entry:
    """One path of a record."""

    __slots__ = ("digest", "kind", "path", "settled", "stamp")

    def __init__(
        self,
        path: str,
        stamp: tuple[int, int, int, int] | None,
        *,
        settled: bool = True,
        kind: str = "-",
        digest: str = "-",
    ) -> None:
        self.path = path
        self.stamp = stamp
        self.settled = settled
        """Whether an unchanged stamp proves an unchanged file."""
        self.kind = kind
        """What an image file was found to be: `image`, `draft:KEY`, …; `-` for others."""
        self.digest = digest

    def row(self) -> "tuple[tuple[int, int, int, int], bool]":
        """Four numbers for the stamp, and whether it is settled: not one that has no room."""
        fits = self.stamp is None or _fits(self.stamp)
        return self.stamp if self.stamp is not None and fits else _ABSENT, self.settled and fits


class Head:
    """What a record says of the build; `complete`: with these options nothing was left to do."""

    __slots__ = ("complete", "draft", "folder", "known", "manifest", "version")

    def __init__(
        self, *, version: str, manifest: str, folder: str, known: str, draft: bool, complete: bool
    ) -> None:
        self.version = version
        self.manifest = manifest
        self.folder = folder
        """As `named_path` says it."""
        self.known = known
        self.draft = draft
        self.complete = complete


class Front:
    """What a build that has nothing to do reads of a record."""

    __slots__ = ("end", "head", "paths", "settled", "stamps")

    def __init__(
        self,
        *,
        head: Head,
        paths: list[str],
        stamps: Columns,
        settled: bytes,
        end: int,
    ) -> None:
        self.head = head
        self.paths = paths
        self.stamps = stamps
        """Zeros for a path that is absent."""
        self.settled = settled
        self.end = end
        """Where the details begin."""


class Record:
    """A whole record."""

    __slots__ = ("entries", "head")

    def __init__(self, *, head: Head, entries: list[Entry]) -> None:
        self.head = head
        self.entries = entries


def named_path(path: str) -> str:
    """A path of the system on one line of text, whatever bytes it has."""
    raw = path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return raw.decode("utf-8", "backslashreplace")


def dump_record(record: Record) -> bytes:
    """The bytes of a record."""
    entries = record.entries
    rows = [entry.row() for entry in entries]
    return dump_parts(
        record.head,
        [entry.path for entry in entries],
        [[row[number] for row, _ in rows] for number in range(4)],
        bytes(settled for _, settled in rows),
        [*(entry.kind for entry in entries), *(entry.digest for entry in entries)],
    )


def dump_parts(
    said: Head, paths: list[str], stamps: list[list[int]], settled: bytes, details: list[str]
) -> bytes:
    """The bytes of a record, column by column: stamps as `Entry.row` has them; kinds, digests."""
    texts = (said.version, said.manifest, said.folder, said.known)
    packed = (
        _joined([*texts, str(int(said.draft)), str(int(said.complete))]),
        *(_packed(column, kind) for column, kind in zip(stamps, "qqqQ", strict=True)),
        settled,
        _joined(paths),
    )
    end = _joined(details)
    lengths = _packed([ORDER, len(paths), len(packed[0]), len(packed[-1]), len(end)], "Q")
    front = b"".join([lengths, *packed])
    return b"".join([FORMAT, _check(front), front, _check(end), end])


def read_front(data: bytes) -> Front | None:
    """What stands before the details, or None when any part of it is not as written."""
    if data[: len(FORMAT)] != FORMAT or len(data) < _LENGTHS_END:
        return None
    view = memoryview(data)
    order, count, in_head, in_paths, in_details = view[_CHECK_END:_LENGTHS_END].cast("Q").tolist()
    stamps_at = _LENGTHS_END + in_head
    settled_at = stamps_at + 4 * _NUMBER * count
    paths_at = settled_at + count
    end = paths_at + in_paths
    if order != ORDER or len(data) != end + _NUMBER + in_details:
        return None
    if data[len(FORMAT) : _CHECK_END] != _check(view[_CHECK_END:end]):
        return None
    head = _head(data[_LENGTHS_END:stamps_at])
    paths = _split(data[paths_at:end], count)
    if head is None or paths is None:
        return None
    stamps = _unpacked(view[stamps_at:settled_at], count)
    return Front(head=head, paths=paths, stamps=stamps, settled=data[settled_at:paths_at], end=end)


def read_details(data: bytes, front: Front) -> list[str] | None:
    """Kinds of all paths, then digests; None when they are not as written."""
    at = front.end + _NUMBER
    if data[front.end : at] != _check(memoryview(data)[at:]):
        return None
    return _split(data[at:], 2 * len(front.paths))


def _head(data: bytes) -> Head | None:
    texts = _split(data, _HEAD_FIELDS)
    if texts is None or not _FLAGS.keys() >= {texts[4], texts[5]}:
        return None
    version, manifest, folder, known, draft, complete = texts
    return Head(
        version=version,
        manifest=manifest,
        folder=folder,
        known=known,
        draft=_FLAGS[draft],
        complete=_FLAGS[complete],
    )


def _fits(stamp: tuple[int, int, int, int]) -> bool:
    mtime, ctime, size, inode = stamp
    return (
        stamp != _ABSENT
        and mtime in _SIGNED
        and ctime in _SIGNED
        and size in _SIGNED
        and inode in _UNSIGNED
    )


def _packed(numbers: list[int], kind: str) -> bytes:
    packed = bytearray(_NUMBER * len(numbers))
    if numbers:
        view = memoryview(packed).cast("B").cast(kind)  # type: ignore[call-overload]
        for place, number in enumerate(numbers):
            view[place] = number
    return bytes(packed)


def _unpacked(packed: memoryview, count: int) -> Columns:
    if not count:  # an empty view has nothing to cast
        return [], [], [], []
    signed = packed[: 3 * _NUMBER * count].cast("q").tolist()
    inodes = packed[3 * _NUMBER * count :].cast("Q").tolist()
    return signed[:count], signed[count : 2 * count], signed[2 * count :], inodes


def _check(data: bytes | memoryview) -> bytes:
    """What proves the bytes behind it: a flipped bit must not say `up to date`."""
    return crc32(data).to_bytes(_NUMBER, "big")


def _joined(texts: list[str]) -> bytes:
    return "".join([f"{text}\0" for text in texts]).encode("utf-8", "surrogateescape")


def _split(data: bytes, count: int) -> list[str] | None:
    texts = data.decode("utf-8", "surrogateescape").split("\0")
    return texts if texts.pop() == "" and len(texts) == count else None
