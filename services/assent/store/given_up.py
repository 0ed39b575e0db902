"""What the tables hold of records that the log has lost, listed so that people can make up for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiokafka import TopicPartition
from msgspec import Struct, convert

from assent.store.named_sql import load_sql
from assent.store.pool import Executor
from assent_contracts.client.partition_probe import Probe
from assent_contracts.topics import GOVERNANCE

LISTED_MAX: Final = 10_000
_SQL: Final = load_sql(Path(__file__).with_name("given_up.sql"))


class GivenUpChange(Struct, frozen=True, kw_only=True):
    """A record of governance that changed something."""

    seq: int
    at: int
    principal: str | None
    resource: str | None
    command: str | None
    outcome: str


class LostRequest(Struct, frozen=True, kw_only=True):
    """A request that was submitted or changed in the lost part, and its status at the end of that part."""

    id: str
    resource: str
    status: str
    requester: str


class GivenUpRows(Struct, frozen=True, kw_only=True):
    """What the tables hold of it; at most LISTED_MAX of each."""

    governance: tuple[GivenUpChange, ...] = ()
    requests: tuple[LostRequest, ...] = ()
    governance_count: int = 0
    requests_count: int = 0


async def given_up_rows(db: Executor, probe: Probe, ends: Mapping[TopicPartition, int]) -> GivenUpRows:
    """What is in the rows but not in the ledgers, which end before these offsets.

    Raises asyncpg.PostgresError, KafkaError.
    """
    lost = {place: await _first_lost(db, probe, place, end) for place, end in ends.items()}
    after = {place: seq for place, seq in lost.items() if seq is not None}
    of_governance = after.pop(TopicPartition(GOVERNANCE, 0), None)
    governance = await db.fetch(_SQL["governance"], of_governance, LISTED_MAX)
    requests = await db.fetch(_SQL["requests"], *_columns(after), LISTED_MAX)
    return GivenUpRows(
        governance=tuple(convert(dict(row), GivenUpChange) for row in governance),
        requests=tuple(convert(dict(row), LostRequest) for row in requests),
        governance_count=governance[0]["count"] if governance else 0,
        requests_count=requests[0]["count"] if requests else 0,
    )


async def _first_lost(db: Executor, probe: Probe, place: TopicPartition, end: int) -> int | None:
    """The first seq of the audit table that the ledger does not have; None when it has all.

    The records of a ledger are chained: where one differs, all after it do.
    """
    newest = await db.fetchval(_SQL["newest"], place.topic, place.partition)
    if newest is None or await _stands(db, probe, place, end, newest):
        return None
    first, lost = 0, newest
    while first < lost:
        middle = (first + lost) // 2
        if await _stands(db, probe, place, end, middle):
            first = middle + 1
        else:
            lost = middle
    return lost


async def _stands(db: Executor, probe: Probe, place: TopicPartition, end: int, seq: int) -> bool:
    row = await db.fetchrow(_SQL["at"], place.topic, place.partition, seq)
    if row is None:
        # Rows are only added after the newest, so a missing row was not lost.
        return True
    if row["ledger_offset"] >= end:
        return False
    found = (await probe.found({place: row["ledger_offset"] + 1}))[place]
    return found.sha256 == row["value_sha256"]


def _columns(after: Mapping[TopicPartition, int]) -> tuple[list[int], list[int]]:
    return [place.partition for place in after], list(after.values())
