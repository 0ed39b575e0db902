"""A ledger with everything that readers can meet, and a migrated database for each test."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition

from assent_contracts.acceptance import Acceptance, Accepted, Head
from assent_contracts.client.connection import open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.record_fetching import positions
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.topics import GOVERNANCE, LEDGER, ledger_of
from tests.support.containers import Endpoints
from tests.support.forged_records import FORGERIES, Place
from tests.support.governor import ended, released
from tests.support.log import PARTITIONS, Actor, Log
from tests.support.people import policy_of
from tests.support.readers import SPECS, Heads
from tests.support.stack import migrated_database

AWKWARD = 'Grüße – „it\'s" \\ "quoted"\n\ttab, 日本語, emoji 🦊, \\u0000 as text, \ufeff and %s {} $1 --'
"""Text that a justification or a note may contain."""
PAYLOAD = '{"text": "\\u0000 \\ud83d\\ude00 é", "n": 1e400, "deep": [[[{}]]]}'.encode()
"""Valid JSON that jsonb would refuse."""
NEW_POLICY = CreatePolicy(policy=policy_of("reports", "report", groups=("endpoint-admins",)))
_numbers = itertools.count()


class Written(msgspec.Struct, frozen=True):
    """The ledgers, as their readers must find them."""

    accepted: dict[tuple[str, int], list[Accepted]]
    heads: Heads

    @property
    def records(self) -> int:
        """Of the request ledger, in all partitions."""
        return sum(len(run) for (ledger, _), run in self.accepted.items() if ledger == LEDGER)


async def _lives(actor: Actor, number: int) -> None:
    """One request for each kind of end, with refusals on the way."""
    done = await actor.released(f"script/done-{number}.sh", PAYLOAD)
    await actor.claim(done)
    await actor.report(done, "succeeded")
    failed = await actor.released(f"script/failed-{number}.sh")
    await actor.claim(failed)
    await actor.report(failed, "failed" if number % 2 else "unknown")
    await actor.approve(failed)
    rejected = await actor.opened(f"script/rejected-{number}.sh", justification=AWKWARD)
    await actor.reject(rejected, note=AWKWARD)
    canceled = await actor.opened(f"script/canceled-{number}.sh")
    await actor.submit(canceled.resource)
    await actor.cancel(canceled, "bob")
    await actor.cancel(canceled)
    revoked = await actor.opened(f"script/revoked-{number}.sh")
    await actor.approve(revoked, note=AWKWARD)
    await actor.revoke(revoked)
    await actor.approve(await actor.opened(f"script/approved-{number}.sh"), note="Fine.")
    await actor.opened(f"script/open-{number}.sh", justification=AWKWARD)


async def _junk(log: Log, written: Written) -> None:
    """What an attacker without the writer's key can put on the topics, including an invisible marker."""
    for (topic, partition), run in written.accepted.items():
        place = Place(log, topic, partition, run)
        forged = {name: forge(place) for name, forge in FORGERIES.items()}
        await place.put(forged.pop("a header name that is not UTF-8"))
        await place.put(*forged.values())
    producer = AIOKafkaProducer(**log.connection.options(), transactional_id="forger")
    await producer.start()
    try:
        async with producer.transaction():
            for topic, partition in written.accepted:
                await producer.send(topic, b"junk", partition=partition)
    finally:
        await producer.stop()


async def _read(log: Log, follower: GovernanceFollower, place: TopicPartition) -> tuple[list[Accepted], Head]:
    acceptance = Acceptance(
        ledger_of(place.topic),
        place.partition,
        identity=log.identity,
        writers=follower.writers,
        verify=verify_signature,
    )
    consumer = await open_consumer(log.connection, {place: 0})
    try:
        end = (await consumer.end_offsets([place]))[place]
        accepted: list[Accepted] = []
        while (await positions(consumer))[place] < end:
            for record in (await consumer.getmany(timeout_ms=200)).get(place, []):
                accepted += acceptance.offer(record.offset, record.value, record.headers)
    finally:
        await consumer.stop()
    return accepted, acceptance.head


async def read_all(log: Log, follower: GovernanceFollower) -> Written:
    """Both ledgers as they are now, by the acceptance rule."""
    places = [TopicPartition(LEDGER, partition) for partition in range(PARTITIONS)]
    accepted, heads = {}, {}
    for place in (*places, TopicPartition(GOVERNANCE, 0)):
        key = (place.topic, place.partition)
        accepted[key], heads[key] = await _read(log, follower, place)
    return Written(accepted, heads)


@pytest_asyncio.fixture(scope="module")
async def story(log: Log, follower: GovernanceFollower, actor: Actor) -> None:
    """A ledger with about 200 decisions, with junk in between and at its end."""
    await asyncio.gather(*(_lives(actor, number) for number in range(4)))
    await actor.publisher.send_bytes(b"no command", b"script/x", [])
    await _junk(log, await read_all(log, follower))
    await asyncio.gather(*(_lives(actor, number) for number in range(4, 8)))
    await ended(log, follower, await released(actor, NEW_POLICY))
    await _junk(log, await read_all(log, follower))


@pytest.fixture
async def written(story: None, log: Log, follower: GovernanceFollower) -> Written:
    """The story's ledger, with what earlier tests have added."""
    return await read_all(log, follower)


@pytest.fixture
async def dsn(running: Endpoints) -> str:
    """A migrated database of the test's own."""
    return await migrated_database(running.dsn, f"readers_{next(_numbers)}")


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to it."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    """A consumer group of the test's own."""
    return f"test-{next(_numbers)}"


@pytest.fixture(params=sorted(SPECS))
def name(request: pytest.FixtureRequest) -> str:
    """Each reader."""
    return str(request.param)
