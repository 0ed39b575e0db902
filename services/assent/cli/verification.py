"""Verify a running log, and print what was verified."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assent.cli import output
from assent.cli.connection.log_access import LogAccess, following_governance, reading_tables
from assent.cli.formatting import table
from assent.verify.audit_table import AuditTable
from assent.verify.elsewhere_sources import IN_FILE, kept_heads, known_by_writers, known_to_postgres
from assent.verify.expected_heads import Expected, check_signed, expected_known_heads
from assent.verify.finding import FindingError
from assent.verify.heads_elsewhere import HeadsElsewhere
from assent.verify.report import Verified, verified_report
from assent.verify.running_log import verify_governance, verify_requests
from assent_contracts.client.keys import verify_signature
from assent_contracts.heads import KeptHead


async def verify_live(
    access: LogAccess, expected: Expected | None = None, *, own: Sequence[KeptHead] = ()
) -> Verified:
    """Verify the running log and its audit table, and compare the log with the heads known elsewhere.

    `own`: the heads that its decider keeps in its file.
    Raises FindingError, ExpectError, and what reading raises.
    """
    async with reading_tables(access) as db:
        # Heads are read before the ledgers, which can then only be longer.
        known = HeadsElsewhere(await known_to_postgres(db))
        known.add(() if expected is None else expected_known_heads(expected))
        kept, audited = await kept_heads(access.connection, access.dsn), AuditTable(db)
        governance = await verify_governance(
            access.connection, access.identity, verify_signature, audited.compare, known
        )
        if expected is not None:
            check_signed(expected, governance.writers, verify_signature)
        writers = governance.writers.public_keys()
        known.add(known_by_writers(access.identity, kept, writers, governance.losses))
        known.add(known_by_writers(access.identity, own, writers, governance.losses, where=IN_FILE))
        await audited.has_nothing_beside(governance.partitions)
        async with following_governance(access) as follower:
            with progress_bar("verifying") as progress:
                tallies = await verify_requests(
                    access.connection,
                    follower,
                    governance.partitions,
                    verify_signature,
                    progress,
                    compare=audited.compare,
                    claims=governance.claims,
                    known=known,
                )
            if len(follower.history) > len(governance.history):
                # In the meantime requests were decided under newer governance.
                await verify_governance(access.connection, access.identity, verify_signature)
    by_name = {"governance": governance.tally, **{str(number): each for number, each in tallies.items()}}
    return verified_report(by_name, known.sources(), from_file=False)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error. Yields a function of how much is done, and how much there is."""
    err = output.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def fail_with_finding(finding: FindingError, what: str, *, as_json: bool) -> NoReturn:
    """Print what is wrong, and exit. `what`: what the log therefore is not, such as `verified`."""
    if as_json:
        output.print_json(
            {
                what: False,
                "ledger": finding.ledger,
                "partition": finding.partition,
                "seq": finding.seq,
                "what": finding.what,
                "difference": finding.difference,
                "todo": finding.todo,
            }
        )
        sys.exit(output.NOT_VERIFIED)
    todo = f" {finding.todo}" if finding.todo else ""
    output.fail(f"Not {what}. The first bad thing: {finding}.{todo}", output.NOT_VERIFIED)


def print_verified(found: Verified) -> None:
    """Print a table of what was verified, and what was checked and what was not."""
    tallies = found.partitions
    counts = ("records", "commands", "refused", "carried", "signatures", "unreadable", "quarantined")
    made = table("partition", *counts, right=counts)
    for name, tally in tallies.items():
        numbers = (
            tally.records,
            tally.commands,
            tally.refusals,
            tally.carried,
            tally.signatures,
            tally.unreadable,
            tally.quarantined,
        )
        made.add_row(name, *(f"{number:,}" for number in numbers))
    output.print_block(made)
    for name, tally in tallies.items():
        if tally.quarantined:
            output.print_line(
                f"{name}: {tally.quarantined} records on the topic do not count (forged, late or altered);"
                f" the first is at offset {tally.first_quarantined}.",
                style="yellow",
            )
        if tally.given_up:
            output.print_line(
                f"{name}: {tally.given_up} changes were carried out for requests that were given up with an"
                " accepted loss: they cannot be confirmed.",
                style="yellow",
            )
    output.print_line("✔ Verified:", style="green")
    for each in found.checked:
        output.print_line(f"  {each}.", style="green")
    for each in found.not_checked:
        output.print_line(f"Not checked: {each}.", style="yellow")
