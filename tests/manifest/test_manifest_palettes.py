"""Palette files: three formats that pixel artists have, read in order and no further than sane."""

from __future__ import annotations

import pytest

from assetgen.errors import ManifestError
from assetgen.manifest.palettes import read_palette

GPL = """\
GIMP Palette
Name: Two
Columns: 2
# a comment
255   0 255	Magenta, or so
  0 255   0
"""
JASC = "JASC-PAL\r\n0100\r\n2\r\n255 0 255\r\n0 255 0\r\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.hex", "ff00ff\n00ff00"),
        ("a.HEX", "\ufeff; a comment\n#FF00FF\n\n00ff00ff\nff00ff\n"),
        ("a.gpl", GPL),
        ("a.pal", JASC),
    ],
)
def test_a_palette_is_read(path: str, text: str) -> None:
    assert read_palette(text.encode(), path) == ("#ff00ff", "#00ff00")


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("a.hex", b"", "0 colours"),
        ("a.hex", b"ff00ff", "1 colour"),
        ("a.hex", b"".join(b"%06x\n" % n for n in range(257)), "257 colours"),
        ("a.hex", b"ff00f\n", "line 1 is `ff00f`"),
        ("a.hex", b"\xff\xfe", "not UTF-8"),
        ("a.gpl", b"255 0 255\n", "first line is not `GIMP Palette`"),
        ("a.gpl", b"GIMP Palette\n1 2 256\n", "line 2 is `1 2 256`"),
        ("a.pal", b"RIFF\x00\x00", "first lines are not `JASC-PAL`"),
        ("a.pal", b"JASC-PAL\n0100\n1\n1 2\n", "line 4 is `1 2`"),
    ],
)
def test_what_is_no_palette_says_why(path: str, data: bytes, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_palette(data, path)
    assert said in caught.value.what
    assert caught.value.hint
