"""Crashes: a build that is killed costs nothing but what was in flight."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.attacks.support import (
    PATIENCE_S,
    assert_all_is_well,
    assert_nothing_is_half_written,
    build_after,
    seeded,
    small_manifest,
)

if TYPE_CHECKING:
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

FIRST_SEED = int(os.environ.get("ASSETGEN_ATTACK_SEED", "1"))
"""Rounds are numbered from here: the number of a failed round, set here, is that round again."""
FEW, MANY = 25, 200
_LONGEST_S = 0.7
"""From the first request to the end of a build, on a slow machine."""


def rounds(few: int, many: int) -> list[object]:
    """Seeds of the rounds; those after the first few are slow."""
    seeds = range(FIRST_SEED, FIRST_SEED + many)
    return [*seeds[:few], *(pytest.param(seed, marks=pytest.mark.slow) for seed in seeds[few:])]


@pytest.mark.parametrize("seed", rounds(FEW, MANY))
def test_a_build_that_is_killed_at_any_moment_is_completed_by_the_next_one(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, seed: int
) -> None:
    project.write("assets.yaml", small_manifest())
    chance = seeded(seed)
    openrouter.latency_s = chance.choice([0.0, 0.02])
    process = cli.start("build")
    if chance.random() < 0.9:  # the others die while they start
        openrouter.wait_for_generations(1, PATIENCE_S)
    time.sleep(chance.uniform(0, _LONGEST_S))
    process.kill()
    cli.finish(process)
    assert_nothing_is_half_written(project)
    build_after(cli, openrouter)
    assert_all_is_well(project, cli)
