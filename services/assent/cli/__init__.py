"""The command line. `assent --help` lists the commands."""

from assent.cli.app import main

__all__ = ["main"]
