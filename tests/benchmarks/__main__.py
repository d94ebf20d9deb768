"""`python -m tests.benchmarks [BAR ...]`: every bar, or the ones that are named."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.table import tables, write_into
from tests.benchmarks.workshop import CHECKOUT, Workshop

BARS = {
    "noop": "nothing to do, against ninja",
    "edit": "one prompt edited among 10,000, against ninja",
    "scale": "plans of up to 100,000 assets",
    "first": "from nothing to the first request, against its unavoidable parts",
    "throughput": "images bought at once, against a bare script",
    "images": "drafts on all cores, against a bare pool",
    "finish": "variants on all cores, against a bare pool",
    "peers": "other tools with nothing to do, against ninja",
    "watch": "from a save to the decision, and what waiting takes",
    "start": "what only says something, against a bare interpreter",
}
PAGE = CHECKOUT / "docs/performance.md"


def main() -> int:
    """Measure, print the tables, and write them into the page when that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("bars", nargs="*", choices=[*BARS, []], metavar="BAR", help=", ".join(BARS))
    parser.add_argument("--rounds", type=int, default=10, help="pairs of runs (default 10)")
    parser.add_argument("--folder", type=Path, help="work here, and leave it for the next time")
    parser.add_argument("--write", action="store_true", help=f"write into {PAGE.name}")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="assetgen-benchmarks-"))
    folder.mkdir(parents=True, exist_ok=True)
    shop = Workshop(folder.resolve(), asked.rounds)
    found = {}
    try:
        for bar in asked.bars or BARS:
            module = importlib.import_module(f"tests.benchmarks.bar_{bar}")
            rows = []
            for row in module.measure(shop):
                rows.append(row)
                sys.stderr.write(f"{row}\n")
            found[bar] = rows
    finally:
        if asked.folder is None:
            shop.close()
    written = tables(found)
    sys.stdout.write("\n\n".join(written.values()) + "\n")
    if asked.write:
        write_into(PAGE, written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
