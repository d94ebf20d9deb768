"""The build record: what the last build concluded here, as text.

    assetgen-record 3
    version 0.1.0
    manifest assets.yaml
    folder /home/me/lantern-bay
    known /home/me/.cache/assetgen/projects-v1/<64 hex>.json
    draft 0
    complete 1
    <mtime> <ctime> <size> <inode> <settled> <kind> <digest> <path>     one line a path
    end <number of lines> <CRC-32 of everything before this line>

`folder` is where it was written: a project that has moved needs an ordinary build, which tells the
cache so. `known` is the file by which the cache knows the project; nothing when there is none, or
none that a line can name. A path that is absent has `-` for its four numbers. Anything unexpected
makes the whole record worthless, which costs one ordinary build. Imports next to nothing: see
`core/stamp.py`.
"""

from zlib import crc32

FORMAT = "assetgen-record 3"

HEAD = ("version", "manifest", "folder", "known", "draft", "complete")
HEAD_LINES = 1 + len(HEAD)
FLAGS = {"0": False, "1": True}
ABSENT = ("-", "-", "-", "-")


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


class Record:
    """A whole record; `complete` says that a build with these options had nothing left to do."""

    __slots__ = ("complete", "draft", "entries", "folder", "known", "manifest", "version")

    def __init__(
        self,
        *,
        version: str,
        manifest: str,
        folder: str,
        known: str,
        draft: bool,
        complete: bool,
        entries: list[Entry],
    ) -> None:
        self.version = version
        self.manifest = manifest
        self.folder = folder
        """As `named_path` says it."""
        self.known = known
        self.draft = draft
        self.complete = complete
        self.entries = entries


def named_path(path: str) -> str:
    """A path of the system on one line of text, whatever bytes it has."""
    raw = path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return raw.decode("utf-8", "backslashreplace")


def dump_record(record: Record) -> str:
    """The text of a record."""
    lines = [
        FORMAT,
        f"version {record.version}",
        f"manifest {record.manifest}",
        f"folder {record.folder}",
        f"known {record.known}",
        f"draft {int(record.draft)}",
        f"complete {int(record.complete)}",
    ]
    for entry in record.entries:
        mtime, ctime, size, inode = entry.stamp or ABSENT
        lines.append(
            f"{mtime} {ctime} {size} {inode} {int(entry.settled)} "
            f"{entry.kind} {entry.digest} {entry.path}"
        )
    return "\n".join([*lines, _end(lines), ""])


def parse_record(text: str) -> Record | None:
    """The record in `text`, or None when any part of it is not as written."""
    lines = text.split("\n")
    if len(lines) < HEAD_LINES + 2 or lines[0] != FORMAT or lines.pop() != "":
        return None
    if lines.pop() != _end(lines):
        return None
    head = [line.partition(" ") for line in lines[1:HEAD_LINES]]
    if tuple(name for name, _, _ in head) != HEAD:
        return None
    entries = []
    try:
        for line in lines[HEAD_LINES:]:
            mtime, ctime, size, inode, settled, kind, digest, path = line.split(" ", 7)
            if mtime == ctime == size == inode == "-":
                stamp = None
            else:
                stamp = (int(mtime), int(ctime), int(size), int(inode))
            entries.append(Entry(path, stamp, settled=FLAGS[settled], kind=kind, digest=digest))
        version, manifest, folder, known = (value for _, _, value in head[:4])
        draft, complete = FLAGS[head[4][2]], FLAGS[head[5][2]]
    except (ValueError, KeyError):
        return None
    return Record(
        version=version,
        manifest=manifest,
        folder=folder,
        known=known,
        draft=draft,
        complete=complete,
        entries=entries,
    )


def _end(lines: list[str]) -> str:
    """The last line, which proves the others: a flipped bit must not say `up to date`."""
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return f"end {len(lines) - HEAD_LINES} {crc32(text):08x}"
