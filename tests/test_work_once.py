"""How much is done for a build: decodes, encodes, syncs and hashes, counted and not timed."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import assetgen
from assetgen.core import digest
from assetgen.steps import encode, proof
from assetgen.steps import png as png_chunks
from tests.standin import API_KEY
from tests.steps.pictures import gradient, png

if TYPE_CHECKING:
    from pathlib import Path

    from tests.standin import OpenRouterStandIn

COUNT = 12
MANIFEST = f"""\
version: 1
provider: draft
assets:
  "one-${{n}}":
    matrix: {{n: [{", ".join(f'"{n:02}"' for n in range(COUNT))}]}}
    source: "hand/${{n}}.png"
    output: "art/${{n}}.png"
    variants:
      widths: [16, 24, 32]
      formats: [webp, png]
      output: "web/${{n}}-${{width}}.${{format}}"
"""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Every whole decode, lossy or lossless encode, and sync of this process from here on."""
    done: Counter[str] = Counter()

    def count(owner: object, name: str, what: str) -> None:
        real = getattr(owner, name)

        def noted(*arguments: object, **options: object) -> object:
            done[what] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, noted)

    count(png_chunks, "read_chunks", "proofs")
    count(encode, "_encoded", "encodes")
    count(os, "fsync", "syncs")
    reader = proof._READERS["png"]

    def read(*arguments: object) -> object:
        done["decodes"] += 1
        return reader(*arguments)  # type: ignore[arg-type]

    monkeypatch.setitem(proof._READERS, "png", read)
    return done


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ASSETGEN_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "project" / "hand").mkdir(parents=True)
    for number in range(COUNT):
        picture = png(gradient(64 + number, 48))
        (tmp_path / "project" / "hand" / f"{number:02}.png").write_bytes(picture)
    path = tmp_path / "project" / "assets.yaml"
    path.write_text(MANIFEST)
    return str(path)


def test_each_source_is_proved_and_decoded_once_for_all_its_variants(
    manifest: str, counted: Counter[str]
) -> None:
    report = assetgen.build(manifest)
    assert report.exit_code == 0
    assert counted["decodes"] == counted["proofs"] == COUNT
    assert counted["encodes"] == COUNT * 6


def test_sources_larger_than_what_may_stay_decoded_are_decoded_twice(
    manifest: str, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof.HANDED, "_most_bytes", 64 * 48)
    assert assetgen.build(manifest).exit_code == 0
    assert counted["decodes"] == COUNT * 2
    assert counted["encodes"] == COUNT * 6


def test_nothing_stays_decoded_when_a_build_has_ended(manifest: str) -> None:
    assert assetgen.build(manifest).exit_code == 0
    assert proof.HANDED.is_empty


def test_a_product_takes_one_sync_a_file_and_one_for_all_its_notes(
    manifest: str, counted: Counter[str], tmp_path: Path
) -> None:
    assert assetgen.build(manifest).exit_code == 0
    files = COUNT * (1 + 6)
    notes = COUNT * (1 + 1)
    folders = sum(len(names) for _, names, _ in os.walk(tmp_path / "cache"))
    lockfile_and_records = 24
    assert counted["syncs"] <= files + notes + folders + lockfile_and_records


def test_another_width_costs_its_own_encodes(manifest: str, counted: Counter[str]) -> None:
    assert assetgen.build(manifest).exit_code == 0
    counted.clear()
    with open(manifest, encoding="utf-8") as file:
        text = file.read()
    with open(manifest, "w", encoding="utf-8") as file:
        file.write(text.replace("[16, 24, 32]", "[16, 24, 32, 40]"))
    assert assetgen.build(manifest).exit_code == 0
    assert counted["encodes"] == COUNT * 2
    assert counted["decodes"] == COUNT


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_a_bought_image_is_hashed_once_and_its_output_when_it_is_looked_at_again(
    tmp_path: Path, openrouter: OpenRouterStandIn, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setenv("ASSETGEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENROUTER_API_KEY", API_KEY)
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    hashed: Counter[bytes] = Counter()
    real = hashlib.sha256

    class Counting:
        @staticmethod
        def sha256(data: bytes) -> hashlib._Hash:
            hashed[data] += 1
            return real(data)

    monkeypatch.setattr(digest, "hashlib", Counting)
    (tmp_path / "assets.yaml").write_text(
        "version: 1\ndefaults: {model: google/gemini-2.5-flash-image}\nassets:\n"
        f"  hero: {{prompt: A hero, output: hero.{suffix}}}\n"
    )
    assert assetgen.build(str(tmp_path / "assets.yaml")).exit_code == 0
    (bought,) = [data for data in hashed if data.startswith(b"\x89PNG")]
    assert hashed[bought] == (2 if suffix == "png" else 1)  # as PNG the output is the image
