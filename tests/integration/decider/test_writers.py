"""Changes of writers on the real broker: rotated by two administrators, or replaced with the recovery key.

The tests continue each other on one log: writer-1 retires, writer-2 is added, the recovery key replaces it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiokafka import TopicPartition

from assent.decider.loss_acceptance import accept_loss, ends_now
from assent.decider.service import Decider, serve
from assent.decider.writer_recovery import RETIRE_ALL, Recovered, recover_writers
from assent.founding.first_records import RECOVERY_KEY
from assent.ledger.appender import Appender
from assent.ledger.topic_creation import apply_topics
from assent.observe.health import Health
from assent.process_settings import read_settings
from assent_contracts.acceptance import Head
from assent_contracts.client.connection import open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.ledger_reader import acceptance_of
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.chain import Chain
from assent_contracts.events import CommandRepeated, WritersChanged
from assent_contracts.governance_changes import AddWriter, RetireWriter
from assent_contracts.governance_objects import Writer
from assent_contracts.ledger import decode_events
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode
from assent_contracts.topics import HEADS, LEDGER
from tests.support.governor import (
    Governor,
    approved,
    assert_verified,
    ended,
    governance_of,
    governing,
    released,
)
from tests.support.log import PARTITIONS, Log, deciding, delete_topics, publishing, read_ledger
from tests.support.stack import until

SECOND = SecretKey("writer-2", "decider")
THIRD = SecretKey("writer-3", "decider")
EVERY = set(range(PARTITIONS))


def writer(key: SecretKey) -> Writer:
    return Writer(id=key.id, public_key=key.public)


@asynccontextmanager
async def deciding_with(
    log: Log, follower: GovernanceFollower, key: SecretKey
) -> AsyncIterator[tuple[Decider, Health]]:
    """A decider with this key that is told to lead everything."""
    health = Health()
    decider = Decider(log.connection, key, follower, health)
    await decider.govern()
    await decider.lead(EVERY)
    try:
        yield decider, health
    finally:
        await decider.close()


async def named(log: Log, follower: GovernanceFollower) -> list[list[int]]:
    """The changes of writers that each partition names, by their governance seqs."""
    return [
        [
            event.since
            for each in accepted
            for event in decode_events(each.record)
            if isinstance(event, WritersChanged)
        ]
        for accepted in (await read_ledger(log, follower)).values()
    ]


async def forge(log: Log, follower: GovernanceFollower, key: SecretKey, governance: int) -> bool:
    """Append a record to idle partition 3 that names this governance seq; whether readers accept it."""
    acceptance = acceptance_of(3, follower)
    place = TopicPartition(LEDGER, 3)
    accepted = (await read_ledger(log, follower))[3]
    consumer = await open_consumer(log.connection, {place: 0})
    end = (await consumer.end_offsets([place]))[place]
    await consumer.stop()
    last = accepted[-1] if accepted else None
    head = acceptance.head if last is None else Head(last.record.seq, last.value_sha256)
    head = msgspec.structs.replace(head, next_offset=end)
    chain = Chain(head, epoch=99)
    link = chain.link(b"forged", (CommandRepeated(decided=0),), at=0, governance=governance)
    appender = Appender(
        log.connection, key, confirmed=head, acceptance_from=lambda at: acceptance_of(3, follower, at)
    )
    await appender.start()
    try:
        await appender.append(Batch([link], chain.head(governance, 0), 0))
        await appender.flush()
    finally:
        await appender.stop()
    return len((await read_ledger(log, follower))[3]) > len(accepted)


async def until_missing(health: Health, number: int, said: str, prefix: str = "partition") -> None:
    """Wait until this many conditions do not hold, for this reason."""

    async def are_missing() -> bool:
        missing = {name: each.why for name, each in health.missing().items() if name.startswith(prefix)}
        return len(missing) == number and all(said in why for why in missing.values())

    await until(are_missing)


async def test_decider_whose_key_is_not_a_writer_s_leads_nothing_and_reports_why(
    log: Log, follower: GovernanceFollower
) -> None:
    """Regression: everything was up, ready and healthy, and nothing was ever decided."""
    other = SecretKey("writer-1", "decider")
    for key, said in ((SECOND, "is not a writer of this log"), (other, "the keys differ")):
        health, stop = Health("kafka", "writer"), asyncio.Event()
        path = log.folder / f"{key.public}.key"
        key.save(path)
        environ = {"ASSENT_KAFKA": log.connection.bootstrap, "ASSENT_IDENTITY": log.identity}
        settings = read_settings(environ | {"ASSENT_KEY_FILE": str(path)})
        serving = asyncio.create_task(serve(settings, health, stop))
        try:
            await until_missing(health, 1, "is not", "writer")
            assert said in health.missing()["writer"].why
            assert "assent writers recover" in health.missing()["writer"].todo
            assert "kafka" in health.missing(), "it is in no group"
        finally:
            stop.set()
            await serving
    async with deciding_with(log, follower, SECOND) as (_, health):
        await until_missing(health, PARTITIONS + 1, "is not a writer")


async def test_writers_are_rotated_and_the_retired_key_is_invalid_on_idle_partitions_too(
    log: Log, follower: GovernanceFollower
) -> None:
    async with publishing(log, follower) as actor, governing(log, follower) as governor:
        async with deciding(log, follower):
            alone = await governor.change(AddWriter(writer=writer(SECOND)))
            assert alone.refusal is not None
            assert alone.refusal.code is RefusalCode.APPROVAL_REQUIRED
            last = await actor.submit(
                "governance/writer/writer-1",
                principal="alice-admin",
                payload=b'{"type":"assent.retire-writer.v1","writer":"writer-1"}',
            )
            assert last.refusal is not None
            assert last.refusal.code is RefusalCode.LAST_WRITER
            await ended(log, follower, await released(actor, AddWriter(writer=writer(SECOND))))
            added = governance_of(follower).writers_since
            await until(lambda: _names_it(log, follower, added))
        async with (
            deciding_with(log, follower, log.writer) as (_, old),
            deciding_with(log, follower, SECOND) as (_, new),
        ):
            request = await approved(actor, RetireWriter(writer="writer-1"))
            assert (await actor.complete(request, "alice-admin")).refusal is None
            await until_missing(old, PARTITIONS + 1, "was retired")
            await ended(log, follower, request)
            await until(lambda: _is_ready(new))
            retired = governance_of(follower).writers_since
            await until(lambda: _names_it(log, follower, retired))
            assert (await actor.submit("script/after.ps1")).refusal is None
            for seq in (added, retired - 1, retired):
                assert not await forge(log, follower, log.writer, seq)
            assert all(names == [added, retired] for names in await named(log, follower))
            assert (await actor.submit("script/after-the-forger.ps1")).refusal is None
        await assert_verified(log, follower)


async def _is_ready(health: Health) -> bool:
    return not health.missing()


async def _names_it(log: Log, follower: GovernanceFollower, since: int) -> bool:
    return all(names[-1:] == [since] for names in await named(log, follower))


@pytest.mark.parametrize("days", [40, -40])
async def test_recovery_key_records_nothing_by_a_clock_that_the_broker_contradicts(
    log: Log, follower: GovernanceFollower, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """A laptop's clock: log time would be 40 days ahead, and every administrator's command stale."""
    key = load_key(log.folder / RECOVERY_KEY)
    ends = await ends_now(log.connection, follower)
    for module in ("writer_recovery", "loss_acceptance"):
        monkeypatch.setattr(f"assent.decider.{module}.now_ms", lambda: now_ms() + days * 86_400_000)
    head = ends.lead.writer.head
    for done in (
        await recover_writers(log.connection, log.identity, key, add=(writer(THIRD),), retire=()),
        await accept_loss(log.connection, log.identity, key, ends, ()),
    ):
        assert isinstance(done, Refusal)
        assert done.code is RefusalCode.STALE
        assert "the broker's was" in done.detail
        assert "Correct the clock" in WHAT_TO_DO[done.code]
    assert (await ends_now(log.connection, follower)).lead.writer.head == head


async def test_recovery_key_records_nothing_if_no_broker_confirms_the_time(log: Log) -> None:
    key = load_key(log.folder / RECOVERY_KEY)
    await delete_topics(log.connection, [HEADS])
    try:
        done = await recover_writers(log.connection, log.identity, key, add=(writer(THIRD),), retire=())
    finally:
        await apply_topics(log.connection, partitions=PARTITIONS)
    assert isinstance(done, Refusal)
    assert "`assent topics apply`" in done.detail


async def test_recovery_key_replaces_every_writer_while_no_decider_runs(
    log: Log, follower: GovernanceFollower
) -> None:
    key = load_key(log.folder / RECOVERY_KEY)
    for stranger in (log.writer, log.keys["alice-admin"], SecretKey("recovery", "recovery")):
        thief = SecretKey("recovery", "recovery", _seed(stranger))
        refused = await recover_writers(
            log.connection, log.identity, thief, add=(writer(THIRD),), retire=(RETIRE_ALL,)
        )
        assert isinstance(refused, Refusal)
        assert refused.code is RefusalCode.BAD_SIGNATURE
    refused = await recover_writers(log.connection, log.identity, key, add=(), retire=(RETIRE_ALL,))
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.LAST_WRITER
    # In the meantime a thief's decider is running.
    async with deciding_with(log, follower, SECOND) as (_, thiefs):
        await until(lambda: _is_ready(thiefs))
        done = await recover_writers(
            log.connection, log.identity, key, add=(writer(THIRD),), retire=(RETIRE_ALL,)
        )
        assert isinstance(done, Recovered)
        assert done.writers == (THIRD.id,)
        async with deciding_with(log, follower, THIRD) as (_, health):
            await until(lambda: _is_ready(health))
            await until(lambda: _names_it(log, follower, done.seq))
            assert "was retired" in " ".join(each.why for each in thiefs.missing().values())
            async with publishing(log, follower) as actor, governing(log, follower) as governor:
                assert (await actor.submit("script/recovered.ps1")).refusal is None
                assert await _answers(governor)
                assert not await forge(log, follower, SECOND, done.seq - 1)
    await assert_verified(log, follower)


async def _answers(governor: Governor) -> bool:
    decided = await governor.change(RetireWriter(writer=THIRD.id), "dave")
    return decided.refusal is not None and decided.refusal.code is RefusalCode.NOT_PERMITTED


def _seed(key: SecretKey) -> bytes:
    return bytes(key._key)
