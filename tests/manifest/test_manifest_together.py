"""Faults of one asset are told together, even when one of them is a misspelt field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.core.catalogue import ModelTable
from assetgen.errors import ManifestFaults
from assetgen.manifest.load import load

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
version: 1
assets:
  hero:
    promt: A lighthouse
    output: a.gif
    reference: asset:herro
  icon:
    negative_prompt: no text
    prompt: A sword
    outputs: icon.png
"""


def test_a_misspelt_field_hides_no_other_fault(tmp_path: Path) -> None:
    path = tmp_path / "assets.yaml"
    path.write_text(MANIFEST)
    with pytest.raises(ManifestFaults) as caught:
        load(str(path), table=ModelTable(date="2026-11-22"))
    told = [(f.where.line, f.what) for f in caught.value.faults if f.where is not None]
    assert [line for line, _ in told] == [3, 4, 5, 6, 7, 8, 10]
    assert "promt" in told[1][1]
    assert ".gif" in told[2][1]
    assert "herro" in told[3][1]
