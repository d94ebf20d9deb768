"""Entry point: the path for nothing-to-do first, everything else only when it is needed."""

import os
import sys


def start() -> int:
    """Run the command line as a process of its own, and return its exit code.

    With nothing to do the process ends here: taking the interpreter apart object by object would
    take another twentieth of the time.
    """
    if _has_nothing_to_do():
        os._exit(0)
    return _run()


def main() -> int:
    """Run the command line and return its exit code."""
    return 0 if _has_nothing_to_do() else _run()


def _has_nothing_to_do() -> bool:
    from assetgen.cli.noop import is_up_to_date  # noqa: PLC0415 - nothing heavy before this

    if not is_up_to_date(sys.argv[1:]):
        return False
    try:
        if sys.stderr is not None:
            sys.stderr.write("up to date\n")
            sys.stderr.flush()
    except OSError:
        pass  # whoever read it has seen enough
    return True


def _run() -> int:
    from assetgen.cli.main import run  # noqa: PLC0415 - loads the rest

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
