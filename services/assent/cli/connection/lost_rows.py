"""A warning on standard error when a command may show what is no longer in the log."""

from collections.abc import Sequence
from functools import cache

from assent.cli import output
from assent.cli.connection.log_access import LogAccess
from assent.store.pool import Executor
from assent.store.queries import projected_heads
from assent_contracts.client.partition_probe import Probe
from assent_contracts.heads import known_of
from assent_contracts.topics import GOVERNANCE


async def warn_of_lost_rows(access: LogAccess, db: Executor) -> None:
    """Compare the log with the positions of the tables, and warn where the log has less.

    Raises KafkaError, TimeoutError, and what asyncpg raises.
    """
    known = [
        known_of("governance", n, head)
        for n, head in (await projected_heads(db, "audit", GOVERNANCE)).items()
    ]
    known += [known_of("ledger", number, head) for number, head in (await projected_heads(db)).items()]
    async with Probe(access.connection) as probe:
        warn_of_loss([finding.place for finding in await probe.findings(known)])


def warn_of_loss(places: Sequence[str]) -> None:
    """Warn once, however often a command looks."""
    if places:
        _warn_once(", ".join(places))


@cache
def _warn_once(places: str) -> None:
    output.print_problem(
        f"Part of the log is lost ({places}): this may show what the log no longer has, and nothing"
        " is decided there until it is whole again. `assent doctor`, where the log is, names what to do."
    )
