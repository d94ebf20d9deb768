"""Measures every bar of `docs/performance.md`: `python -m tests.benchmarks [BAR ...]`.

Nothing here is a test, and no test is timed: figures belong to a machine and a moment. What the
suite holds instead are counts (imports, stats, reads, requests), which cannot flake.
"""
