"""The command line. `assent --help` lists the commands."""

import sys


def main() -> None:
    """Run one command. Exits 0 on a decision, 2 on a refusal, 3 without one, 1 on any other failure."""
    try:
        # Here, not above: Ctrl-C while Python still reads modules is Ctrl-C too.
        from assent.cli.app import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
