"""How laws are tried out: the same examples everywhere, no files left behind, no clock."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

LAWFUL = settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
"""For laws about values."""

BUILDING = settings(LAWFUL, max_examples=100)
"""For laws about whole builds."""
