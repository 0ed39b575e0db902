"""Commands for auditors: audit tail, audit export, audit verify."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assent.cli import output
from assent.cli.options import Options, following, partitions_of, reach, reading
from assent.cli.views import print_audit
from assent.verify.audit import compare_audit
from assent.verify.export import export_ledgers
from assent.verify.file import verify_file
from assent.verify.finding import FindingError, Tally
from assent.verify.live import verify_governance, verify_requests
from assent_contracts.client.keys import verify as verify_signature

_DEFAULT_OPTIONS = Options()
audit = App(name="audit", help="The audit log: every decision, refused ones included (R16).")


@audit.command
def tail(
    *,
    limit: Annotated[int, Parameter(alias="-n", help="How many records at first.")] = 20,
    follow: Annotated[bool, Parameter(alias="-f", negative="", help="Go on as new ones come, until Ctrl-C.")] = False,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Show the latest records of the audit log, the oldest of them first."""

    async def look() -> None:
        async with reading(reach(options)) as store:
            async for rows in store.tail(limit, follow=follow):
                if options.json:
                    for row in rows:
                        output.print_json_line(row)
                else:
                    print_audit(rows)

    try:
        asyncio.run(look())
    except KeyboardInterrupt:
        return


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
            with _progress("exporting") as progress:
                return await export_ledgers(to.connection, to.identity, follower, partitions_of(follower), file, progress)

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
            tallies = verify_file(file, identity, _progress("verifying"))
        else:
            tallies = asyncio.run(_verify_live(options))
    except FindingError as finding:
        _tell_finding(finding, as_json=options.json)
    if options.json:
        output.print_json({"verified": True, "partitions": tallies})
        return
    _tell_tallies(tallies)


async def _verify_live(options: Options) -> dict[str, Tally]:
    to = reach(options)
    governance = await verify_governance(to.connection, to.identity, verify_signature)
    async with following(to) as follower:
        partitions = partitions_of(follower)
        with _progress("verifying") as progress:
            tallies = await verify_requests(to.connection, follower, partitions, verify_signature, progress)
    async with reading(to) as store:
        await compare_audit(store, {"governance": governance.tally, **{str(n): t for n, t in tallies.items()}})
    return {"governance": governance.tally, **{str(number): tally for number, tally in tallies.items()}}
