"""Export ledgers that are complete by all known heads, and list the heads that are known elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from assent.cli.connection.log_access import LogAccess, following_governance, governance_of, reading_tables
from assent.cli.verification import progress_bar
from assent.verify.elsewhere_sources import IN_FILE, kept_heads, known_by_writers, known_to_postgres
from assent.verify.expected_heads import Expected, ExpectedHead, SealedHead
from assent.verify.export_file import Exported, export_ledgers
from assent.verify.heads_elsewhere import HeadsElsewhere
from assent_contracts.client.heads_topic import good_heads
from assent_contracts.eras import is_void
from assent_contracts.heads import KeptHead


async def export_held(access: LogAccess, file: Path, *, own: Sequence[KeptHead] = ()) -> Exported:
    """Write the ledgers into a file, if they have every known head. Raises as `export_ledgers` does.

    `own`: the heads that the log's decider keeps in its file.
    """
    # Heads are read before the ledgers, which can then only be longer.
    async with reading_tables(access) as db:
        known = await known_to_postgres(db)
    kept = await kept_heads(access.connection, access.dsn)
    async with following_governance(access) as follower:
        governance = governance_of(follower)
        known += known_by_writers(access.identity, kept, governance.writers, governance.losses)
        known += known_by_writers(access.identity, own, governance.writers, governance.losses, where=IN_FILE)
        with progress_bar("exporting") as progress:
            return await export_ledgers(
                access.connection,
                access.identity,
                follower,
                governance.partitions,
                file,
                progress,
                HeadsElsewhere(known),
            )


async def heads_elsewhere(access: LogAccess, own: Sequence[KeptHead]) -> Expected:
    """The newest head of each partition that is known outside the ledgers. `own`: as for `export_held`."""
    async with reading_tables(access) as db:
        known = await known_to_postgres(db)
    kept = await kept_heads(access.connection, access.dsn)
    async with following_governance(access) as follower:
        writers, losses = follower.writers.public_keys(), follower.losses
    of_audit = [each.head for each in known if each.source == known[0].source]
    return Expected(
        identity=access.identity,
        heads=tuple(
            ExpectedHead(ledger=head.ledger, partition=head.partition, seq=head.seq, sha256=head.sha256)
            for head in of_audit
        ),
        signed=tuple(
            SealedHead(value=each.value, writer=each.writer, seal=each.seal)
            for head, each in good_heads(access.identity, [*kept, *own], writers)
            # A head that was given up with an accepted loss is not expected.
            if not is_void(head.era, losses)
        ),
    )
