"""What `assent doctor` looks at."""

import sys

import asyncpg
import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from assent.cli.options import Options, Reach, following, governance_of, reach, reading
from assent.core.governance.eligible import eligible_people
from assent.ledger.topics import topic_specs
from assent.local import StackNotRunning
from assent.local.founded import NotFounded
from assent.store.positions import Reader
from assent.store.queries import heads
from assent_contracts.acceptance import Head
from assent_contracts.client.follower import GovernanceFollower, NotFoundedError
from assent_contracts.client.reader import LedgerReader

LAG_MAX_RECORDS = 10_000
_READERS: tuple[Reader, ...] = ("status", "audit")


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    ok: bool
    what: str
    remedy: str = ""


async def examine(options: Options) -> list[Finding]:
    """Look at all of it, as far as one can get."""
    findings = [_python()]
    try:
        to = reach(options)
    except (NotFounded, StackNotRunning) as error:
        return [*findings, Finding(ok=False, what="the log", remedy=str(error))]
    findings.append(Finding(ok=True, what=f"the log is founded: {to.identity[:16]}…"))
    findings += await _topics(to)
    try:
        async with following(to) as follower:
            findings += _governance(follower)
            findings += await _readers(to, follower)
    except (KafkaError, NotFoundedError) as error:
        findings.append(Finding(ok=False, what="the governance ledger", remedy=str(error)))
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        ok=sys.version_info >= (3, 11), what=f"Python {version}", remedy="Use Python 3.11 or newer."
    )


async def _topics(to: Reach) -> list[Finding]:
    admin = AIOKafkaAdminClient(**to.connection.options())
    try:
        await admin.start()
        there = set(await admin.list_topics())
    except KafkaError as error:
        return [Finding(ok=False, what=f"Kafka at {to.connection.bootstrap}", remedy=str(error))]
    finally:
        await admin.close()
    missing = sorted(topic_specs().keys() - there)
    return [
        Finding(ok=True, what=f"Kafka answers at {to.connection.bootstrap}"),
        Finding(
            ok=not missing,
            what=f"{len(topic_specs())} topics",
            remedy=f"Missing {missing}: assent topics apply",
        ),
    ]


def _governance(follower: GovernanceFollower) -> list[Finding]:
    governance = governance_of(follower)
    findings = [
        Finding(
            ok=follower.quarantined == 0,
            what=f"governance at seq {governance.seq}, {follower.quarantined} records quarantined",
            remedy="Somebody without the writer's key has written to assent.governance: check the ACLs.",
        )
    ]
    for policy in governance.policies.values():
        people = len(eligible_people(governance, policy.groups))
        findings.append(
            Finding(
                ok=people > policy.quorum,
                what=f"policy {policy.id} ({policy.resource_type}): quorum {policy.quorum} of {people} people",
                remedy="Add people to its approver groups: a requester among them could not be approved.",
            )
        )
    return findings


async def _readers(to: Reach, follower: GovernanceFollower) -> list[Finding]:
    reader = LedgerReader(
        to.connection, follower, dict.fromkeys(range(governance_of(follower).partitions), Head())
    )
    await reader.start()
    try:
        ends = await reader.end_offsets()
    finally:
        await reader.stop()
    try:
        async with reading(to) as db:
            positions = {name: await heads(db, name) for name in _READERS}
    except (OSError, asyncpg.PostgresError) as error:
        return [Finding(ok=False, what="Postgres", remedy=f"{error}; see the log postgres.log")]
    findings = [Finding(ok=True, what="Postgres answers")]
    for name in _READERS:
        lag = sum(end - positions[name].get(partition, Head()).next_offset for partition, end in ends.items())
        findings.append(
            Finding(
                ok=lag <= LAG_MAX_RECORDS,
                what=f"{name} is {lag:,} records behind the ledger",
                remedy=f"Is the service running? See logs/{name}.log.",
            )
        )
    return findings
