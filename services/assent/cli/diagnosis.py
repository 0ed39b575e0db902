"""`assent env` and `assent doctor`."""

import asyncio
import os
import shlex
from collections.abc import Sequence

from rich.text import Text

from assent.cli import output
from assent.cli.consequences import faults, others
from assent.cli.doctor import examine
from assent.cli.errors import sentence
from assent.cli.governance_warnings import Check
from assent.cli.log_access import following, log_access
from assent.cli.options import Options
from assent.decider.clock_file import note_offset
from assent.local.directory import Directory
from assent.local.founded import NotFounded, read_founded
from assent.observe.clock import read_clock
from assent_contracts.digests import to_base64url


def env(options: Options) -> None:
    """Print it as JSON, or as what a shell can evaluate."""
    to = log_access(options)

    async def writers() -> dict[str, str]:
        async with following(to) as follower:
            return {key_id: to_base64url(key) for key_id, key in follower.writers.public_keys().items()}

    document = {
        "kafka": to.connection.bootstrap,
        "postgres": to.dsn,
        "identity": to.identity,
        "writers": asyncio.run(writers()),
    }
    if options.json:
        output.print_json(document)
        return
    for name in ("kafka", "postgres", "identity"):
        output.say(f"export ASSENT_{name.upper()}={shlex.quote(str(document[name]))}")
    for key_id, public_key in document["writers"].items():
        output.say(f"# writer {key_id}: {public_key}")


def take_clock_for_right(options: Options) -> None:
    """Note it for the decider of the log in --data, whether that runs or not."""
    if "ASSENT_KAFKA" in os.environ:
        output.fail(
            "This decider goes by a broker: set the clock right on its machine, and it goes on by itself."
        )
    directory = Directory(options.data.resolve())
    try:
        founded = read_founded(directory)
        note_offset(directory.clock, read_clock())
    except (NotFounded, OSError) as error:
        output.fail(sentence(str(error)))
    output.say(f"The clock of this machine is taken for right in the log {founded.identity[:16]}…")


def doctor(options: Options, *, accept_clock: bool) -> None:
    """Print what was found; exits 1 when something is wrong. First accept the clock, if asked to."""
    if accept_clock:
        take_clock_for_right(options)
    findings = asyncio.run(examine(options))
    if options.json:
        output.print_json(findings)
    else:
        _print(findings)
    if wrong := sum(not finding.ok for finding in findings):
        follow = sum(bool(finding.follows_from) for finding in findings)
        output.fail(
            f"{wrong} of {len(findings)} {'is' if wrong == 1 else 'are'} wrong"
            + (f", {follow} of them because of another." if follow else ".")
        )


def _print(findings: Sequence[Check]) -> None:
    """What is wrong with the log itself comes first: much else may follow from it."""
    for fault in faults(findings):
        _print_one(fault.what, ok=False, lines=(*fault.whys, fault.remedy, fault.follows))
    for each in others(findings):
        _print_one(each.what, ok=each.ok, lines=() if each.ok else (each.why, each.remedy))


def _print_one(what: str, *, ok: bool, lines: Sequence[str]) -> None:
    mark = Text("✔ ok    ", style="green") if ok else Text("✘ WRONG ", style="bold red")
    output.show(mark + Text(output.visible(what), style="default"))
    for line in filter(None, lines):
        output.say(f"        {line}")
