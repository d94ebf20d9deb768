"""Runs one parser under atheris, which looks for inputs that reach code not reached before.

    python -m tests.attacks.fuzz TARGET [--seconds N] [--keep]

Needs `pip install atheris`. It starts from the corpus of the target and works in a temporary
folder. `--keep` adds the inputs that reach something new, each as small as it was found, to the
corpus. An input that breaks a promise is printed with its traceback and ends the run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
from pathlib import Path

MOST_BYTES = 4096
"""Of an input: enough for every construct, and small files stay readable."""
MOST_MEMORY_MIB = 1024
ONE_INPUT_S = 10
"""An input that takes longer is a fault."""


def main() -> int:
    """Fuzz, then keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    corpus = Path(__file__).parent / "corpus" / args.target
    with tempfile.TemporaryDirectory(prefix="assetgen-atheris-") as folder:
        code = _run(args.target, [f"-max_total_time={args.seconds}", folder, str(corpus)])
        if code == 0 and args.keep:
            _keep(Path(folder), corpus)
    return code


def _run(target: str, arguments: list[str]) -> int:
    """libFuzzer ends its process, so it gets one of its own."""
    process = multiprocessing.get_context("spawn").Process(target=_fuzz, args=(target, arguments))
    process.start()
    process.join()
    return process.exitcode or 0


def _fuzz(target: str, arguments: list[str]) -> None:
    import atheris  # noqa: PLC0415 - only here, and only where it is installed

    with atheris.instrument_imports(include=["assetgen", "yaml"]):
        from tests.attacks.fuzz_targets import TARGETS  # noqa: PLC0415 - instrumented

    limits = [
        f"-max_len={MOST_BYTES}",
        f"-rss_limit_mb={MOST_MEMORY_MIB}",
        f"-timeout={ONE_INPUT_S}",
    ]
    atheris.Setup([sys.argv[0], *limits, *arguments], TARGETS[target])
    atheris.Fuzz()


def _keep(found: Path, corpus: Path) -> None:
    for path in found.iterdir():
        shutil.copyfile(path, corpus / path.name[:16])
    total = sum(path.stat().st_size for path in corpus.iterdir())
    sys.stderr.write(f"{len(os.listdir(corpus))} inputs, {total} bytes\n")


if __name__ == "__main__":
    sys.exit(main())
