"""Manifests in a temporary folder, and faults compared with marks in their text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from assetgen.core.catalogue import ModelFacts, ModelTable
from assetgen.core.model import Asset, Generate, Project
from assetgen.errors import ManifestError, ManifestFaults
from assetgen.manifest.load import load

if TYPE_CHECKING:
    from pathlib import Path

TABLE = ModelTable(
    date="2026-09-30",
    models={
        facts.id: facts
        for facts in (
            ModelFacts(
                id="google/gemini-2.5-flash-image",
                max_references=3,
                aspect_ratios=frozenset({"1:1", "2:3", "16:9", "21:9"}),
                image_sizes=frozenset({"1K"}),
            ),
            ModelFacts(id="openai/gpt-5-image", aspect_ratios=frozenset(), image_sizes=frozenset()),
            ModelFacts(id="recraft/recraft-v3", max_references=1),
            ModelFacts(id="text/only", max_references=0),
        )
    },
)

HEAD = "version: 1\ndefaults: {model: some/model}\n"
"""Two lines in front of what a test is about."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project folder."""

    root: Path

    def write(self, path: str, content: str | bytes = b"image") -> None:
        """Write a file, with the folders it needs."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def load(self, manifest: str | bytes) -> Project:
        """The project of a manifest with this text."""
        self.write("assets.yaml", manifest)
        return load(os.fspath(self.root / "assets.yaml"), table=TABLE)

    def assets(self, text: str) -> dict[str, Asset]:
        """The assets of `HEAD` and `text`, by name."""
        return {asset.name: asset for asset in self.load(HEAD + text).assets}

    def generate(self, fields: str) -> Generate:
        """The action of an asset `hero` with these fields, one a line, beside its output."""
        action = self.assets(hero(fields))["hero"].action
        assert isinstance(action, Generate)
        return action

    def faults(self, manifest: str | bytes) -> tuple[ManifestError, ...]:
        """All faults of a manifest with this text."""
        with pytest.raises(ManifestFaults) as caught:
            self.load(manifest)
        return caught.value.faults

    def fault(self, manifest: str | bytes) -> ManifestError:
        """The only fault of a manifest with this text."""
        faults = self.faults(manifest)
        assert len(faults) == 1, [fault.what for fault in faults]
        return faults[0]

    def check_fault(self, marked: str, what: str, hint: str | None, path: str = "") -> None:
        """Assert the only fault of a manifest, at the text between `«` and `»`."""
        line, column, length, text = place_of_mark(marked)
        fault = self.fault(text)
        assert (fault.what, fault.hint) == (what, hint)
        where = fault.where
        assert where is not None
        assert (where.line, where.column, where.length) == (line, column, length)
        assert where.file == os.fspath(self.root / "assets.yaml")
        assert where.source_line == text.split("\n")[line - 1]
        if path:
            assert where.path == path


def hero(fields: str) -> str:
    """An asset `hero` with these fields, one a line, beside its output."""
    lines = "".join(f"    {line}\n" for line in fields.strip().splitlines())
    prompt = "" if "prompt:" in fields or "source:" in fields else "    prompt: a keeper\n"
    output = "" if "output:" in fields else "    output: hero.png\n"
    return f"assets:\n  hero:\n{prompt}{lines}{output}"


def place_of_mark(marked: str) -> tuple[int, int, int, str]:
    """Line, column and length of what stands between `«` and `»`, and the text without them."""
    before, _, rest = marked.partition("«")
    inside, _, after = rest.partition("»")
    lines = before.split("\n")
    return len(lines), len(lines[-1]) + 1, len(inside), before + inside + after
