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
    manifest,
    seeded,
    start_anew,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

FIRST_SEED = int(os.environ.get("ASSETGEN_ATTACK_SEED", "1"))
"""Rounds are numbered from here: the number of a failed round, set here, is that round again."""
FEW, MANY = 25, 200
TOGETHER = 5
"""Rounds of one test: a build to measure their moments by is made once for them."""
TRIES = 12
"""A build that ended before its kill is tried again, with half the time to live each time.

So kills come early rather than late; `test_crashes_at_calls.py` kills before the last calls too.
"""
AT_ONCE = 2
ASSETS = tuple("abcdefgh")


def first_seeds() -> list[object]:
    """The first seed of each test; those after the first few are slow."""
    seeds = range(FIRST_SEED, FIRST_SEED + MANY, TOGETHER)
    few = FEW // TOGETHER
    return [*seeds[:few], *(pytest.param(seed, marks=pytest.mark.slow) for seed in seeds[few:])]


def kill_at_a_moment(cli: Cli, openrouter: OpenRouterStandIn, seed: int, longest_s: float) -> bool:
    """Start a build and kill it; says whether it was still running."""
    chance = seeded(seed)
    already = len(openrouter.generations)
    process = cli.start("build", "-j", str(AT_ONCE))
    if chance.random() < 0.9:  # the others die while they start
        openrouter.wait_for_generations(already + 1, PATIENCE_S)
    time.sleep(chance.uniform(0, longest_s))
    process.kill()
    return cli.finish(process).code < 0


@pytest.mark.parametrize("first_seed", first_seeds())
def test_a_build_that_is_killed_at_any_moment_is_completed_by_the_next_one(
    *,
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    first_seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    """A build that is killed at any moment is completed by the next one, which asks again for no \
more than was in flight"""
    text = manifest(*ASSETS)
    start_anew(project, cli, text)
    assert cli("build", "-j", str(AT_ONCE)).code == 0
    longest_s = time.monotonic() - openrouter.generations[0].at
    for seed in range(first_seed, first_seed + TOGETHER):
        for halved in range(TRIES):
            start_anew(project, cli, text)
            already = len(openrouter.generations)
            try:
                killed = kill_at_a_moment(cli, openrouter, seed, longest_s / 2**halved)
                assert_nothing_is_half_written(project)
                build_after(cli, openrouter, of=len(ASSETS), asked_before=already, at_once=AT_ONCE)
                assert_all_is_well(project, cli, of=len(ASSETS))
            except AssertionError as error:
                error.add_note(f"seed {seed}: set ASSETGEN_ATTACK_SEED to it")
                raise
            if killed:
                break
        else:
            pytest.fail(f"seed {seed}: each of {TRIES} builds ended before its kill")
    record_property("rounds", TOGETHER)
