"""`assent demo`: the main job on real input, from an empty directory to a verified ledger."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assent.cli.options import Options

_DEMO_OPTIONS = Options(data=Path(".data/demo"))


def demo(
    *,
    once: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="End after the demo: 0 only if every step held."),
    ] = False,
    options: Options = _DEMO_OPTIONS,
) -> None:
    """Play the main job on this machine: publish, approve, apply, verify. Stays up until Ctrl-C."""
    from assent.cli import demo_story

    demo_story.demo(once=once, options=options)
