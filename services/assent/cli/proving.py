"""`assent audit export` and `assent audit verify`."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assent.cli import output
from assent.cli.options import Options
from assent.cli.reach import Reach, following, governance_of, reach, reading
from assent.cli.views import table
from assent.verify.audited import AuditTable
from assent.verify.export import export_ledgers
from assent.verify.file import verify_file
from assent.verify.finding import FindingError, Tally
from assent.verify.live import verify_governance, verify_requests
from assent_contracts.client.keys import verify as verify_signature


def export(file: Path, *, options: Options) -> None:
    """Write the file; it is not there when that fails."""
    to = reach(options)

    async def run() -> int:
        async with following(to) as follower:
            partitions = governance_of(follower).partitions
            with progressing("exporting") as progress:
                return await export_ledgers(to.connection, to.identity, follower, partitions, file, progress)

    try:
        records = asyncio.run(run())
    except FileExistsError:
        output.fail(f"{file} is there already; choose another name.")
    if options.json:
        output.print_json({"file": str(file), "records": records, "identity": to.identity})
        return
    output.say(f"Exported {records:,} records to {file}")
    output.say(f"Prove it anywhere: assent audit verify --file {file} --identity {to.identity}")


def verify(file: Path | None, identity: str | None, *, options: Options) -> None:
    """Verify a file, or without one the running log."""
    try:
        if file is not None:
            if identity is None:
                output.fail("Say which log it must be: --identity HASH (`assent env` prints it).")
            with progressing("verifying") as progress:
                tallies = verify_file(file, identity, progress)
        else:
            tallies = asyncio.run(verify_live(reach(options)))
    except FindingError as finding:
        _tell_finding(finding, as_json=options.json)
    if options.json:
        output.print_json({"verified": True, "partitions": tallies})
        return
    tell_tallies(tallies)


async def verify_live(to: Reach) -> dict[str, Tally]:
    """Verify the running log with its audit table. Raises FindingError, and what reading raises."""
    async with reading(to) as db:
        audited = AuditTable(db)
        governance = await verify_governance(to.connection, to.identity, verify_signature, audited.compare)
        async with following(to) as follower:
            partitions = governance_of(follower).partitions
            with progressing("verifying") as progress:
                tallies = await verify_requests(
                    to.connection,
                    follower,
                    partitions,
                    verify_signature,
                    progress,
                    compare=audited.compare,
                    claims=governance.claims,
                )
            if len(follower.history) > len(governance.history):
                # Requests were decided meanwhile under what governance had not said before.
                await verify_governance(to.connection, to.identity, verify_signature)
    return {"governance": governance.tally, **{str(number): tally for number, tally in tallies.items()}}


@contextmanager
def progressing(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; what it yields is told (done, in all)."""
    err = output.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell_finding(finding: FindingError, *, as_json: bool) -> NoReturn:
    if as_json:
        output.print_json(
            {
                "verified": False,
                "ledger": finding.ledger,
                "partition": finding.partition,
                "seq": finding.seq,
                "what": finding.what,
            }
        )
        sys.exit(output.FAILED)
    output.fail(f"Not verified. The first bad record: {finding}.")


def tell_tallies(tallies: dict[str, Tally]) -> None:
    """A table of what was verified, for people."""
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
    output.show(made)
    for name, tally in tallies.items():
        if tally.quarantined:
            output.say(
                f"{name}: {tally.quarantined} records on the topic do not count (forged, late or altered);"
                f" the first is at offset {tally.first_quarantined}.",
                style="yellow",
            )
    audited = [tally.audited for tally in tallies.values() if tally.audited is not None]
    table_too = f", and {sum(audited):,} rows of the audit table" if audited else ""
    output.say(f"✔ Verified: chain, seals, signatures, every decision{table_too}.", style="green")
