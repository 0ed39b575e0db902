"""The command that plays the demo on this machine: demo."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assent.cli.options import Options, Without

_DEMO_OPTIONS = Options(data=Path(".data/demo"))


def demo(
    *,
    once: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="End after the demo: 0 only if every step held."),
    ] = False,
    without: Without = (),
    options: Options = _DEMO_OPTIONS,
) -> None:
    """Play the main job on this machine: publish, approve, apply, verify. Runs until Ctrl-C."""
    import asyncio
    import sys

    from assent.cli import output
    from assent.cli.demo_play import play

    held = asyncio.run(play(options, once=once, without=without))
    if options.json:
        output.print_json({"held": held})
    if held is None:
        sys.exit(output.INTERRUPTED)
    if not held:
        output.fail("A step of the demo did not hold: see the lines with ✘ above.")
