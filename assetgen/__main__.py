"""Entry point: the path for nothing-to-do first, everything else only when it is needed."""

import os
import sys

from assetgen._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def start() -> "NoReturn":
    """Run the command line as a process of its own, which ends here.

    Taking the interpreter apart object by object would take a twentieth of the time of a build with
    nothing to do, and a seventh of that after one edit. Nothing waits for it: the work of every
    thread is awaited, and every file closed, by the command.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass  # whoever read it has seen enough, as `cli.main` has found out
    os._exit(code)


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
    start()
