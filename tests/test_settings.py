"""Settings that make no sense are refused before anything is looked at."""

from __future__ import annotations

import pytest

import assetgen


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_build_needs_at_least_one_place_for_a_call(jobs: int) -> None:
    with pytest.raises(ValueError, match="jobs"):
        assetgen.Settings(jobs=jobs)
    with pytest.raises(ValueError, match="jobs"):
        assetgen.build("no-such-manifest.yaml", jobs=jobs)
