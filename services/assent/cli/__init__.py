"""The command line. `assent --help` lists the commands."""

import sys


def main() -> None:
    """Run one command. Exits 0 when done or decided, 2 when refused, 3 without a decision, 1 on failure."""
    try:
        # Imported here, so that Ctrl-C while Python loads modules is handled too.
        from assent.cli.app import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
