"""Entry point: the path for nothing-to-do first, everything else only when it is needed."""

import os
import sys

from assetgen._version import __version__


def start() -> int:
    """Run the command line as a process of its own, and return its exit code.

    With nothing to do the process ends here: taking the interpreter apart object by object would
    take another twentieth of the time.
    """
    if _is_answered():
        os._exit(0)
    return _run()


def main() -> int:
    """Run the command line and return its exit code."""
    return 0 if _is_answered() else _run()


def _is_answered() -> bool:
    """Whether all is said: only the version was asked for, or everything is up to date."""
    if sys.argv[1:] == ["--version"]:
        return _tells_version()
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


def _tells_version() -> bool:
    """Answer without the argument parser; what cannot be written at once is left to it."""
    told = f"assetgen {__version__}\n".encode()
    try:
        return sys.stdout is not None and os.write(sys.stdout.fileno(), told) == len(told)
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(start())
