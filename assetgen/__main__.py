"""Entry point: the path for nothing-to-do first, everything else only when it is needed."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:]
    from assetgen.cli.noop import is_up_to_date  # noqa: PLC0415 - nothing heavy before this

    if is_up_to_date(arguments):
        sys.stderr.write("up to date\n")
        return 0
    from assetgen.cli.main import run  # noqa: PLC0415 - loads the rest

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
