"""Commands for auditors: audit tail, audit export, audit verify."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import App, Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from assent.cli import output
from assent.cli.options import Options, Reach, following, governance_of, reach, reading
from assent.cli.views import audit_entry, print_audit
from assent.store.queries import AuditRow, LedgerName, Places, audit_tail, heads, last_places
from assent.verify.export import export_ledgers
from assent.verify.file import verify_file
from assent.verify.finding import FindingError, Tally
from assent.verify.live import verify_governance, verify_requests
from assent_contracts.client.keys import verify as verify_signature

_DEFAULT_OPTIONS = Options()
_FOLLOW_S = 0.3
_LEDGERS: tuple[LedgerName, ...] = ("assent.governance", "assent.ledger")
audit = App(name="audit", group="Audit", help="The audit log: every decision, refused ones included (R16).")


@audit.command
def tail(
    *,
    limit: Annotated[int, Parameter(alias="-n", help="How many records at first.")] = 20,
    follow: Annotated[
        bool, Parameter(alias="-f", negative="", help="Go on as new ones come, until Ctrl-C.")
    ] = False,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Show the latest records of the audit log, the oldest of them first."""
    try:
        asyncio.run(_tail(reach(options), limit, follow=follow, as_json=options.json))
    except KeyboardInterrupt:
        return


async def _tail(to: Reach, limit: int, *, follow: bool, as_json: bool) -> None:
    async with reading(to) as db:
        rows = await audit_tail(db, None, limit)
        places: Places = {}
        for ledger in _LEDGERS:
            places = {
                **places,
                **{(ledger, n): head.seq for n, head in (await heads(db, "audit", ledger)).items()},
            }
        _print(rows, as_json=as_json)
        while follow:
            rows = await audit_tail(db, places, limit)
            places = last_places(rows, places)
            _print(rows, as_json=as_json)
            if not rows:
                await asyncio.sleep(_FOLLOW_S)


def _print(rows: Sequence[AuditRow], *, as_json: bool) -> None:
    if not as_json:
        print_audit(rows)
        return
    for row in rows:
        output.print_json_line(audit_entry(row))


@audit.command
def export(
    file: Annotated[Path, Parameter(help="The file to write; it must not exist.")],
    *,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Write both ledgers, with their seals, into one file that `audit verify --file` proves anywhere."""
    to = reach(options)

    async def run() -> int:
        async with following(to) as follower:
            partitions = governance_of(follower).partitions
            with progressing("exporting") as progress:
                return await export_ledgers(to.connection, to.identity, follower, partitions, file, progress)

    try:
        records = asyncio.run(run())
    except FileExistsError:
        output.fail(f"{file} is there already.")
    if options.json:
        output.print_json({"file": str(file), "records": records, "identity": to.identity})
    else:
        output.out.print(f"Exported {records:,} records to {file}. Identity: {to.identity}", markup=False)


@audit.command
def verify(
    *,
    file: Annotated[Path | None, Parameter(help="An exported file, instead of the running log.")] = None,
    identity: Annotated[str | None, Parameter(help="The log's identity, with --file.")] = None,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Decide every command again and check the chain, the seals, the signatures and the audit table.

    Exits 0 when all of it holds; 1 with the first bad partition and seq when it does not.
    """
    try:
        if file is not None:
            if identity is None:
                output.fail("Say which log it must be: --identity HASH (`assent env` prints it).")
            with progressing("verifying") as progress:
                tallies = verify_file(file, identity, progress)
        else:
            tallies = asyncio.run(_verify_live(options))
    except FindingError as finding:
        _tell_finding(finding, as_json=options.json)
    if options.json:
        output.print_json({"verified": True, "partitions": tallies})
        return
    tell_tallies(tallies)


async def _verify_live(options: Options) -> dict[str, Tally]:
    to = reach(options)
    governance = await verify_governance(to.connection, to.identity, verify_signature)
    async with following(to) as follower:
        partitions = governance_of(follower).partitions
        with progressing("verifying") as progress:
            tallies = await verify_requests(to.connection, follower, partitions, verify_signature, progress)
    return {"governance": governance.tally, **{str(number): tally for number, tally in tallies.items()}}


@contextmanager
def progressing(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; what it yields is told (done, in all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.err, transient=True) as bar:
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
    table = Table(
        "partition", "records", "commands", "refused", "signatures", "unreadable", "quarantined", box=None
    )
    for name, tally in tallies.items():
        counts = (
            tally.records,
            tally.commands,
            tally.refusals,
            tally.signatures,
            tally.unreadable,
            tally.quarantined,
        )
        table.add_row(name, *(f"{count:,}" for count in counts))
    output.out.print(table)
    for name, tally in tallies.items():
        if tally.quarantined:
            output.out.print(
                f"{name}: {tally.quarantined} records on the topic do not count (forged, late or altered);"
                f" the first is at offset {tally.first_quarantined}.",
                style="yellow",
                markup=False,
            )
    output.out.print("Verified: chain, seals, signatures, and every decision.", style="green", markup=False)
