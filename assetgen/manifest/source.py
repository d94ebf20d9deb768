"""The text of one manifest file: bytes decoded, and places in it as editors count them."""

from __future__ import annotations

import re
from array import array
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from assetgen.errors import Location

if TYPE_CHECKING:
    from assetgen.manifest.faults import Faults

MOST_BYTES = 64 * 1024 * 1024

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""Where libyaml starts a new line (YAML 1.1, section 4.1.4)."""
_RARE_BREAKS = "\r\x85\u2028\u2029"
_UNACCEPTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""YAML 1.2.2, section 5.1. Looked for here, as libyaml tells only the byte offset."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class SourceText:
    """A file's text and how users know the file."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _lines(self) -> tuple[array[int], array[int]]:
        """Where each line starts and ends: the lines themselves would be all of it twice."""
        if any(found in self.text for found in _RARE_BREAKS):
            found = [match.span() for match in _BREAK.finditer(self.text)]
            starts = array("q", [0, *(end for _, end in found)])
            return starts, array("q", [*(start for start, _ in found), len(self.text)])
        ends = array("q", accumulate(len(line) + 1 for line in self.text.split("\n")))
        return array("q", [0, *ends[:-1]]), array("q", (end - 1 for end in ends))

    @property
    def line_count(self) -> int:
        """Number of lines; at least one."""
        return len(self._lines[0])

    def line(self, number: int) -> str:
        """A line without its end, counted from 0."""
        starts, ends = self._lines
        return self.text[starts[number] : ends[number]]

    def at(self, line: int, column: int, *, length: int = 1, path: str = "") -> Location:
        """Place of `length` characters; line and column from 0, and kept inside the text."""
        line = min(line, self.line_count - 1)
        source_line = self.line(line)
        return Location(
            file=self.file,
            line=line + 1,
            column=min(column, len(source_line)) + 1,
            path=path,
            source_line=source_line,
            length=length,
        )

    def at_index(self, index: int) -> Location:
        """Place of the character at `index`; takes time in proportion to it."""
        before = _BREAK.split(self.text[:index])
        return self.at(len(before) - 1, len(before[-1]))

    def find(self, needle: str, start: int, end: int) -> tuple[int, int] | None:
        """Lines below `start`, and column there, of the first `needle` up to `end`; from 0."""
        index = self.text.find(needle, start, end)
        if index < 0:
            return None
        before = _BREAK.split(self.text[start:index])
        return len(before) - 1, len(before[-1])


def decode(data: bytes, file: str, faults: Faults) -> SourceText | None:
    """`data` as text without its byte order mark, or None after a fault."""
    start = Location(file=file, line=1, column=1)
    if len(data) > MOST_BYTES:
        faults.add(
            f"the file is larger than {MOST_BYTES // 1024**2} MiB",
            start,
            "split it and name the parts under `include`",
        )
        return None
    if data.startswith(_UTF_16_MARKS) or b"\0" in data[:4]:
        faults.add("the file is not UTF-8 but looks like UTF-16", start, "save it as UTF-8")
        return None
    try:
        source = SourceText(file, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        what = f"byte 0x{data[error.start]:02X} is not UTF-8"
        faults.add(what, SourceText(file, before).at_index(len(before)), "save the file as UTF-8")
        return None
    unfit = _UNACCEPTABLE.search(source.text)
    if unfit is not None:
        what = f"control character U+{ord(unfit[0]):04X} in the file"
        faults.add(what, source.at_index(unfit.start()), "remove the character")
        return None
    return source
