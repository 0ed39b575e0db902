"""`assent audit export` and `assent audit heads`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from assent.cli import output
from assent.cli.log_access import LogAccess, following, governance_of, log_access, reading
from assent.cli.log_completeness import deciders_heads
from assent.cli.options import Options
from assent.cli.proving import progressing, tell_finding
from assent.verify.elsewhere import IN_FILE, kept_heads, known_by_writers, known_to_postgres
from assent.verify.expected import Expected, ExpectedHead, SealedHead
from assent.verify.export import Exported, export_ledgers
from assent.verify.finding import FindingError
from assent.verify.known import HeadsElsewhere
from assent_contracts.client.heads import good_heads
from assent_contracts.eras import is_void
from assent_contracts.heads import KeptHead


def export(file: Path, *, options: Options) -> None:
    """Write the file; it is not there when that fails."""
    to = log_access(options)
    try:
        exported = asyncio.run(export_held(to, file, own=deciders_heads(options, to.identity)))
    except FileExistsError:
        output.fail(f"{file} is there already; choose another name.")
    except FindingError as finding:
        tell_finding(finding, "exported", as_json=options.json)
    if options.json:
        output.print_json(
            {
                "file": str(file),
                "records": exported.records,
                "identity": to.identity,
                "heads": Expected(identity=to.identity, heads=exported.heads),
            }
        )
        return
    output.say(f"Exported {exported.records:,} records to {file}")
    output.say(f"Prove it anywhere: assent audit verify --file {file} --identity {to.identity}")
    output.say(
        "That nothing was cut off it proves who has `assent audit heads` of another day: --expect FILE"
    )


async def export_held(to: LogAccess, file: Path, *, own: Sequence[KeptHead] = ()) -> Exported:
    """Write the file of ledgers that have all that is known of them. Raises as `export_ledgers` does.

    `own`: what its decider keeps in its file.
    """
    # Before the ledgers are read: they may only have grown since.
    async with reading(to) as db:
        known = await known_to_postgres(db)
    kept = await kept_heads(to.connection, to.dsn)
    async with following(to) as follower:
        governance = governance_of(follower)
        known += known_by_writers(to.identity, kept, governance.writers, governance.losses)
        known += known_by_writers(to.identity, own, governance.writers, governance.losses, where=IN_FILE)
        with progressing("exporting") as progress:
            return await export_ledgers(
                to.connection,
                to.identity,
                follower,
                governance.partitions,
                file,
                progress,
                HeadsElsewhere(known),
            )


def heads(*, options: Options) -> None:
    """Print the newest head of each partition that is known outside the ledgers."""
    to = log_access(options)
    expected = asyncio.run(_heads(to, deciders_heads(options, to.identity)))
    if not expected.heads:
        output.fail(
            "The audit table has nothing yet, so there is nothing to print: is the audit service running?"
        )
    output.print_json(expected)


async def _heads(to: LogAccess, own: Sequence[KeptHead]) -> Expected:
    async with reading(to) as db:
        known = await known_to_postgres(db)
    kept = await kept_heads(to.connection, to.dsn)
    async with following(to) as follower:
        writers, losses = follower.writers.public_keys(), follower.losses
    of_audit = [each.head for each in known if each.source == known[0].source]
    return Expected(
        identity=to.identity,
        heads=tuple(
            ExpectedHead(ledger=head.ledger, partition=head.partition, seq=head.seq, sha256=head.sha256)
            for head in of_audit
        ),
        signed=tuple(
            SealedHead(value=each.value, writer=each.writer, seal=each.seal)
            for head, each in good_heads(to.identity, [*kept, *own], writers)
            # What was given up with an accepted loss is not expected.
            if not is_void(head.era, losses)
        ),
    )
