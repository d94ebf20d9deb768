"""Where the cache is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.folder import cache_root

if TYPE_CHECKING:
    from pathlib import Path


def test_the_environment_decides(tmp_path: Path) -> None:
    assert cache_root({"ASSETGEN_CACHE_DIR": str(tmp_path)}) == str(tmp_path)


def test_a_relative_folder_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cache_root({"ASSETGEN_CACHE_DIR": "some/../cache"}) == os.path.join(os.getcwd(), "cache")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root({"ASSETGEN_CACHE_DIR": "~/images"}) == str(tmp_path / "images")


@pytest.mark.parametrize("environ", [{}, {"ASSETGEN_CACHE_DIR": ""}])
def test_otherwise_it_is_where_the_system_keeps_caches(environ: dict[str, str]) -> None:
    root = cache_root(environ)
    assert os.path.isabs(root)
    assert "assetgen" in root
