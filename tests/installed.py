"""Packages as an installer leaves them, in a folder of their own: code beside its `.dist-info`."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "assetgen.providers"


def install(source: Path, site: Path) -> None:
    """Do with the project in `source` what an installer does, without a network or a builder."""
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    for package in source.glob("*/__init__.py"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package.parent, site / package.parent.name, ignore=ignored)
    write_dist_info(site, project["name"], project["version"], project["entry-points"][GROUP])


def write_module(site: Path, name: str, code: str, **entry_points: str) -> None:
    """Install a package of one module; `entry_points` are names and what they lead to."""
    site.mkdir(exist_ok=True)
    (site / f"{name}.py").write_text(code, encoding="utf-8")
    write_dist_info(site, name, "0.1", entry_points)


def write_dist_info(site: Path, name: str, version: str, entry_points: dict[str, str]) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in entry_points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
