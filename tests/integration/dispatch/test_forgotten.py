"""`assent.changes` loses records or is recreated: waiting releases are written again for appliers."""

from pathlib import Path

from aiokafka import ConsumerRecord, TopicPartition

from assent.dispatch.partition_dispatch import PartitionDispatch
from assent_contracts.client.connection import open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_probe import Probe
from assent_contracts.released_change import decode_change
from assent_contracts.topics import CHANGES
from tests.support.handover import Folders, applying, dispatching, events_of
from tests.support.log import PARTITIONS, Actor, Log
from tests.support.stack import until
from tests.support.tampering import forget_records, recreate_topic

PLACES = tuple(TopicPartition(CHANGES, partition) for partition in range(PARTITIONS))


async def copies_of(log: Log, request: str) -> list[ConsumerRecord]:
    """The records on `assent.changes` that release this request, as far as the topic still has them."""
    probe = Probe(log.connection)
    try:
        there = await probe.found(dict.fromkeys(PLACES, 0))
    finally:
        await probe.stop()
    consumer = await open_consumer(log.connection, {place: found.beginning for place, found in there.items()})
    records: list[ConsumerRecord] = []
    try:
        while any([await consumer.position(place) < found.end for place, found in there.items()]):
            for fetched in (await consumer.getmany(timeout_ms=200)).values():
                records += fetched
    finally:
        await consumer.stop()
    return [record for record in records if decode_change(record.value or b"").request == request]


async def written(log: Log, request: str, copies: int = 1) -> list[ConsumerRecord]:
    """Its copies, once there are this many."""
    found: list[ConsumerRecord] = []

    async def are_there() -> bool:
        found[:] = await copies_of(log, request)
        return len(found) >= copies

    await until(are_there)
    return found


async def test_release_deleted_by_retention_is_written_again_while_dispatch_runs(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    async with dispatching(log, follower):
        request = await actor.released("script/forgotten")
        await written(log, request.request)
        await forget_records(log.connection, dict.fromkeys(PLACES, -1))
        assert await copies_of(log, request.request) == []
        [again] = await written(log, request.request)
        assert again.timestamp > decode_change(again.value or b"").at, "the time of today"
        async with applying(log, follower, Folders.of(tmp_path)) as applier:
            await applier.of(request.request, "succeeded")
    assert (await events_of(log, follower, request.request))[-1] == "request-completed"


async def test_release_deleted_by_retention_is_written_again_at_the_start(
    log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    async with dispatching(log, follower):
        request = await actor.released("script/forgotten-before")
        await written(log, request.request)
    await forget_records(log.connection, dict.fromkeys(PLACES, -1))
    async with dispatching(log, follower):
        await written(log, request.request)


async def test_release_is_written_again_before_retention_deletes_it(
    log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    assert follower.evidence is not None
    request = await actor.released("script/nearly-forgotten")
    partition = int(request.request.partition("-")[0])
    dispatch = PartitionDispatch(log.connection, follower, follower.evidence, partition, again_after_s=1.0)
    try:
        await dispatch.start()
        [first] = await written(log, request.request)

        async def is_there_again() -> bool:
            await dispatch.go_on()
            return len(await copies_of(log, request.request)) > 1

        await until(is_there_again)
    finally:
        await dispatch.stop()
    newest = (await copies_of(log, request.request))[-1]
    assert (newest.key, newest.value, newest.headers) == (first.key, first.value, first.headers)
    assert newest.timestamp > first.timestamp


async def test_waiting_releases_are_written_again_if_the_topic_was_recreated(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        for number in range(3):
            applied = await actor.released("script/anew", f'"{number}"'.encode())
            await applier.of(applied.request, "succeeded")
    async with dispatching(log, follower):
        waiting = await actor.released("script/anew", b'"waits"')
        await written(log, waiting.request)
        await recreate_topic(log.connection, CHANGES)
        await written(log, waiting.request)
        # Its position is beyond the end of this partition in the new topic.
        async with applying(log, follower, folders) as applier:
            await applier.of(waiting.request, "succeeded")
            again = await actor.released("script/anew", b'"again"')
            await applier.of(again.request, "succeeded")
            await recreate_topic(log.connection, CHANGES)
            last = await actor.released("script/anew", b'"last"')
            await applier.of(last.request, "succeeded")
    assert (folders.target / "script" / "anew").read_text() == "last"
