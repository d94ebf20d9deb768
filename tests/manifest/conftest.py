from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.manifest.support import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "lantern-bay"
    root.mkdir()
    return Workspace(root)
