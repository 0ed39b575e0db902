"""The command that checks everything that can be wrong: doctor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

if TYPE_CHECKING:
    from assent.cli.diagnosis.check import Check


def doctor(
    *,
    accept_clock: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Confirm that this machine's clock is right now, although it was set by more than an hour.",
        ),
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Check everything that can be wrong, and print what to do about it. Exits 1 when something is."""
    import asyncio

    from assent.cli.diagnosis.examination import examine

    if accept_clock:
        accept_this_clock(options)
    findings = asyncio.run(examine(options))
    if options.json:
        output.print_json(findings)
    else:
        _print_findings(findings)
    if wrong := sum(not finding.ok for finding in findings):
        follow = sum(bool(finding.follows_from) for finding in findings)
        output.fail(
            f"{wrong} of {len(findings)} {'is' if wrong == 1 else 'are'} wrong"
            + (f", {follow} of them because of another." if follow else ".")
        )


def accept_this_clock(options: Options) -> None:
    """Note, for the decider of the log in --data, that this clock is right. It need not be running."""
    import os

    from assent.cli.errors import sentence
    from assent.decider.clock_file import note_offset
    from assent.local.data_directory import Directory
    from assent.local.founded_log import NotFounded, read_founded
    from assent.observe.machine_clocks import read_clock

    if "ASSENT_KAFKA" in os.environ:
        output.fail(
            "A decider on a cluster follows the broker: set the clock right on its machine, and it continues."
        )
    directory = Directory(options.data.resolve())
    try:
        founded = read_founded(directory)
        note_offset(directory.clock, read_clock())
    except (NotFounded, OSError) as error:
        output.fail(sentence(str(error)))
    output.print_line(f"The clock of this machine is accepted as right for the log {founded.identity[:16]}…")


def _print_findings(findings: "Sequence[Check]") -> None:
    """Print the faults of the log itself first, because others may follow from them."""
    from assent.cli.diagnosis.faults import faults, others

    for fault in faults(findings):
        _print_one(fault.what, ok=False, lines=(*fault.whys, fault.remedy, fault.follows))
    for each in others(findings):
        _print_one(each.what, ok=each.ok, lines=() if each.ok else (each.why, each.remedy))


def _print_one(what: str, *, ok: bool, lines: Sequence[str]) -> None:
    from rich.text import Text

    from assent.reading.visible_text import visible

    mark = Text("✔ ok    ", style="green") if ok else Text("✘ WRONG ", style="bold red")
    output.print_block(mark + Text(visible(what), style="default"))
    for line in filter(None, lines):
        output.print_line(f"        {line}")
