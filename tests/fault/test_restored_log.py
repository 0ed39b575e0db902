"""A log that was cut, restored or recreated: nothing is decided on it until all known records are back."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from assent.cli.log_completeness import missing, outside_heads, present_log
from assent.decider.service import Decider
from assent.ledger.topic_creation import apply_topics
from assent.local.stack import Stack
from assent.observe.health import Health, Reason
from assent.store.stored_heads import stored_heads
from assent_contracts.client.connection import open_producer
from assent_contracts.client.follower import GovernanceFollower, NotWholeError
from assent_contracts.client.newest_heads import NewestHeads
from assent_contracts.events import RequestCompleted
from assent_contracts.governance_changes import DefineGroup, DisablePrincipal, object_of
from assent_contracts.governance_objects import Group
from assent_contracts.heads import decode_head
from assent_contracts.partitioner import partition_for
from assent_contracts.topics import COMMANDS, GOVERNANCE, LEDGER
from tests.support.backups import copy_kafka, restore_kafka, restore_topics
from tests.support.governor import assert_verified, ended, governing, released
from tests.support.log import (
    PARTITIONS,
    Actor,
    Log,
    deciding,
    delete_topics,
    following,
    fresh_log,
    publishing,
    read_ledger,
)
from tests.support.losses import accept_the_loss
from tests.support.raw_records import RawRecord, build_batch, produce_raw, raw_headers
from tests.support.recount import read_topic
from tests.support.services import Services
from tests.support.stack import migrated_database, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.long]


class Deciding:
    """One decider of a log, with a client that sends commands."""

    def __init__(self, decider: Decider, health: Health, actor: Actor) -> None:
        self.decider = decider
        self.health = health
        self.actor = actor

    async def lacking(self, partition: str, *words: str) -> Reason:
        """Wait until the partition is not led for a reason that contains these words; returns the reason."""

        def why() -> Reason | None:
            found = self.health.missing().get(f"partition-{partition}")
            return found if found is not None and all(word in found.why for word in words) else None

        async def is_lacking() -> bool:
            return why() is not None

        await until(is_lacking)
        found = why()
        assert found is not None
        assert found.todo
        return found

    async def leading(self) -> None:
        """Wait until every partition is led."""

        async def is_whole() -> bool:
            return not self.health.missing()

        await until(is_whole)


class Machine:
    """A log on a broker, and the file that its decider keeps."""

    def __init__(self, stack: Stack, log: Log, folder: Path) -> None:
        self.stack = stack
        self.log = log
        self.folder = folder
        self.heads_file = folder / "state" / "heads.json"

    @asynccontextmanager
    async def deciding(self, *, postgres: str | None = None) -> AsyncIterator[Deciding]:
        """A decider that is started now and stopped cleanly."""
        async with AsyncExitStack() as open_things:
            follower = await open_things.enter_async_context(following(self.log))
            health = Health()
            running = deciding(
                self.log, follower, health=health, heads_file=self.heads_file, postgres=postgres
            )
            decider = await open_things.enter_async_context(running)
            actor = await open_things.enter_async_context(publishing(self.log, follower))
            yield Deciding(decider, health, actor)

    async def works(self, *names: str) -> None:
        """Have a change to each of these scripts submitted, by a decider that starts and stops."""
        async with self.deciding() as it:
            await it.leading()
            for name in names:
                await it.actor.opened(f"script/{name}")

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Kafka's own administration tools."""
        admin = AIOKafkaAdminClient(**self.log.connection.options())
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


@pytest_asyncio.fixture
async def machine(stack: Stack, tmp_path: Path) -> AsyncIterator[Machine]:
    log = await fresh_log(stack.bootstrap, tmp_path / "keys")
    yield Machine(stack, log, tmp_path)


def partition_of(name: str) -> int:
    return partition_for(f"script/{name}".encode(), PARTITIONS)


async def test_older_kafka_is_not_led_until_the_newer_one_is_back(machine: Machine) -> None:
    await machine.works("a", "b", "c", "d", "e")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    await machine.works("f")
    new = await copy_kafka(machine.stack, machine.folder / "new")
    await restore_kafka(machine.stack, old)
    async with machine.deciding() as it:
        why = await it.lacking(str(partition_of("f")), f"assent.ledger/{partition_of('f')} ends at offset")
        assert "restore" in why.todo
        await restore_kafka(machine.stack, new)
        await it.leading()
        await it.actor.opened("script/g")


async def test_nothing_is_decided_by_a_restored_governance_ledger(machine: Machine) -> None:
    """Otherwise a disabled account would be enabled again and could approve."""
    await machine.works("a")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    async with (
        machine.deciding() as it,
        following(machine.log) as follower,
        governing(machine.log, follower) as governor,
    ):
        await it.leading()
        await governor.change(DisablePrincipal(principal="bob"))
    await restore_kafka(machine.stack, old)
    async with machine.deciding() as it:
        for partition in ("governance", *map(str, range(PARTITIONS))):
            await it.lacking(partition, "assent.governance/0 ends at offset")


async def test_follower_stops_by_name_when_governance_is_recreated_under_it(machine: Machine) -> None:
    async with following(machine.log) as follower:
        known = follower.head
        await delete_topics(machine.log.connection, {GOVERNANCE})
        await apply_topics(machine.log.connection, partitions=PARTITIONS)

        async def has_stopped() -> bool:
            try:
                follower.check()
            except NotWholeError as error:
                return error.finding.kind == "cut"
            return False

        await until(has_stopped)
    assert known.seq > 0
    later = GovernanceFollower(machine.log.connection, machine.log.identity, known=known)
    with pytest.raises(NotWholeError, match=r"assent\.governance/0 ends at offset 0"):
        await later.start()


async def test_recreated_ledger_is_not_begun_again(machine: Machine) -> None:
    await machine.works("a", "b")
    await delete_topics(machine.log.connection, {LEDGER})
    await apply_topics(machine.log.connection, partitions=PARTITIONS)
    async with machine.deciding() as it:
        await it.lacking(str(partition_of("a")), "ends at offset 0")


async def test_ledger_without_its_first_records_is_not_led(machine: Machine) -> None:
    await machine.works("a")
    place = TopicPartition(LEDGER, partition_of("a"))
    async with machine.admin() as admin:
        await admin.delete_records({place: RecordsToDelete(before_offset=1)})
    async with machine.deciding() as it:
        await it.lacking(str(place.partition), f"{LEDGER}/{place.partition} begins at offset 1")


async def test_commands_deleted_before_their_decision_are_named(machine: Machine) -> None:
    await machine.works("a")
    place = TopicPartition(COMMANDS, partition_of("a"))
    await send_junk(machine.log, place, 5)
    async with machine.admin() as admin:
        await admin.delete_records({place: RecordsToDelete(before_offset=4)})
    async with machine.deciding() as it:
        why = await it.lacking(str(place.partition), f"{COMMANDS}/{place.partition} begins at offset 4")
        assert "3 commands" in why.why


async def found_by_doctor(machine: Machine) -> set[tuple[int | None, str]]:
    """What `assent doctor` reports as missing, from the content of Kafka alone."""
    async with following(machine.log) as follower:
        outside = await outside_heads(machine.log.connection, follower, NewestHeads())
        there = await present_log(machine.log.connection, follower, outside)
        return {(each.partition, each.kind) for each in missing(outside, there, follower)}


async def test_recreated_commands_are_not_skipped(machine: Machine) -> None:
    await machine.works("a", "b", "c", "d")
    assert not await found_by_doctor(machine)
    place = TopicPartition(COMMANDS, partition_of("a"))
    await delete_topics(machine.log.connection, {COMMANDS})
    await apply_topics(machine.log.connection, partitions=PARTITIONS)
    async with machine.deciding() as it:
        await it.lacking(str(place.partition), f"{COMMANDS}/{place.partition} ends at offset 0")
        # Longer than before: only the bytes reveal it.
        await send_junk(machine.log, place, 20)
        assert (place.partition, "input-other") in await found_by_doctor(machine)
        await it.lacking(str(place.partition), "is another command")


async def test_resending_a_command_at_its_old_offset_hides_nothing_that_is_missing(
    machine: Machine,
) -> None:
    """The topic was recreated, and the sender of the last decided command happens to get its old offset."""
    place = TopicPartition(COMMANDS, partition_of("a"))
    names = [name for name in map(str, range(40)) if partition_of(name) == place.partition][:2]
    await machine.works(*names)
    _, last = (await read_topic(machine.log.connection, COMMANDS))[place.partition]
    await delete_topics(machine.log.connection, {COMMANDS})
    await apply_topics(machine.log.connection, partitions=PARTITIONS)
    await send_junk(machine.log, place, 1)
    again = RawRecord(last.value, last.key, raw_headers(list(last.headers)))
    await produce_raw(machine.log.connection, COMMANDS, place.partition, build_batch([again]))
    async with machine.deciding() as it:
        await it.lacking(str(place.partition), "at 0 is another command")


async def test_commands_recreated_while_they_are_decided_are_noticed(machine: Machine) -> None:
    place = TopicPartition(COMMANDS, partition_of("a"))
    async with machine.deciding() as it:
        await it.leading()
        await it.actor.opened("script/a")
        await delete_topics(machine.log.connection, {COMMANDS})
        await apply_topics(machine.log.connection, partitions=PARTITIONS)
        await it.lacking(str(place.partition), f"{COMMANDS}/{place.partition} ends at offset")


async def test_additional_partitions_are_not_led(machine: Machine) -> None:
    async with machine.admin() as admin:
        await admin.create_partitions({COMMANDS: NewPartitions(PARTITIONS + 4)})
    async with machine.deciding() as it:
        for partition in range(PARTITIONS):
            await it.lacking(str(partition), f"{COMMANDS} has 8 partitions")


@pytest.mark.parametrize("topic", [LEDGER, GOVERNANCE])
async def test_ledger_with_limited_retention_is_not_led_until_it_is_corrected(
    machine: Machine, topic: str
) -> None:
    async with machine.admin() as admin:

        async def keep_for(ms: str) -> None:
            settings = {"retention.ms": ms, "cleanup.policy": "delete"}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])

        await keep_for("604800000")
        async with machine.deciding() as it:
            await it.lacking("0", f"{topic} would forget", "retention.ms=604800000")
            await keep_for("-1")
            await it.leading()


async def test_accepted_loss_lets_the_log_continue_from_its_end(machine: Machine) -> None:
    await machine.works("a", "b")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    await machine.works("c", "d")
    await restore_kafka(machine.stack, old)
    async with machine.deciding() as it:
        await it.lacking(str(partition_of("c")), "ends at offset")
    await accept_the_loss(machine.log)
    async with machine.deciding() as it:
        await it.leading()
        # What was given up no longer exists: its object is free.
        await it.actor.opened("script/c")
        async with following(machine.log) as follower:
            await assert_verified(machine.log, follower)
    await machine.works("e")


async def test_given_up_records_do_not_count_when_they_are_sent_again(machine: Machine) -> None:
    """Their seals are good and they chain to the head: anybody who can write the ledger may have a copy."""
    await machine.works("a", "b")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    await machine.works("c")
    place = TopicPartition(LEDGER, partition_of("c"))
    lost = (await read_topic(machine.log.connection, LEDGER))[place.partition]
    await restore_kafka(machine.stack, old)
    await accept_the_loss(machine.log)
    there = len((await read_topic(machine.log.connection, LEDGER))[place.partition])
    again = [RawRecord(each.value, each.key, raw_headers(list(each.headers))) for each in lost[there:]]
    await produce_raw(machine.log.connection, LEDGER, place.partition, build_batch(again))
    async with machine.deciding() as it:
        await it.leading()
        # Its object is free.
        await it.actor.opened("script/c")
        async with following(machine.log) as follower:
            await assert_verified(machine.log, follower)


async def test_requests_decided_by_a_lost_governance_are_given_up_with_it(machine: Machine) -> None:
    """Only governance was restored: requests that name its lost records remain and would count again."""
    await machine.works("a")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    async with (
        machine.deciding() as it,
        following(machine.log) as follower,
        governing(machine.log, follower) as governor,
    ):
        await it.leading()
        await governor.change(DisablePrincipal(principal="bob"))
        request = await it.actor.opened("script/b")
        partition, _, seq = request.request.partition("-")
        lost = (await read_ledger(machine.log, follower))[int(partition)][int(seq)]
    await restore_topics(machine.stack, old, GOVERNANCE)
    async with machine.deciding() as it:
        await it.lacking("0", "assent.governance/0 ends at offset")
    await accept_the_loss(machine.log)
    async with (
        machine.deciding() as it,
        following(machine.log) as follower,
        governing(machine.log, follower) as governor,
    ):
        await it.leading()
        # Governance continues past the seq of the lost change.
        await governor.change(DisablePrincipal(principal="carol"))
        await it.actor.opened("script/c")
        # Its command is still there, so it is decided again, by the current governance.
        again = (await read_ledger(machine.log, follower))[int(partition)][int(seq)]
        assert again.offset > lost.offset
        await assert_verified(machine.log, follower)


async def test_R18_requests_restored_alone_change_governance_under_a_reused_id(
    machine: Machine,
) -> None:
    await machine.works("a")
    old = await copy_kafka(machine.stack, machine.folder / "old")
    changes = [DefineGroup(group=Group(id=f"new-{n}", members=("bob",))) for n in range(2 * PARTITIONS)]
    # In one partition, so its requests get the same ids.
    where = [partition_for(object_of(change).encode(), PARTITIONS) for change in changes]
    changes = [change for change, partition in zip(changes, where, strict=True) if partition == where[0]][:2]
    requests: list[str] = []
    for change in changes:
        async with machine.deciding() as it, following(machine.log) as follower:
            await it.leading()
            await assert_verified(machine.log, follower)
            request = await released(it.actor, change)
            end = await ended(machine.log, follower, request)
            assert isinstance(end, RequestCompleted)
            await assert_verified(machine.log, follower)
            requests.append(request.request)
        if len(requests) < len(changes):
            await restore_topics(machine.stack, old, LEDGER, COMMANDS)
            await accept_the_loss(machine.log)
    assert requests[0] == requests[1], "the id is used once more"


async def test_recreated_commands_count_from_their_start_once_that_is_accepted(
    machine: Machine,
) -> None:
    await machine.works("a", "b", "c", "d")
    await delete_topics(machine.log.connection, {COMMANDS})
    await apply_topics(machine.log.connection, partitions=PARTITIONS)
    await accept_the_loss(machine.log)
    await machine.works("e", "f", "g", "h")
    await machine.works("i")


async def test_decider_without_its_file_learns_from_postgres(machine: Machine) -> None:
    dsn = await migrated_database(machine.stack.dsn, "heads")
    environ = {
        "ASSENT_KAFKA": machine.stack.bootstrap,
        "ASSENT_IDENTITY": machine.log.identity,
        "ASSENT_POSTGRES": dsn,
    }
    await machine.works("a")
    # Its own file has answered, so Postgres does not block it, but is named all the same.
    async with machine.deciding(postgres="postgresql://127.0.0.1:1/none") as it:
        await it.leading()
        assert "Start Postgres" in it.health.noted()["postgres"].todo
    async with machine.deciding(postgres=dsn) as it:
        await it.leading()
        assert not it.health.noted()
    old = await copy_kafka(machine.stack, machine.folder / "old")
    async with Services(machine.folder, environ) as services:
        services.start("status")
        await machine.works("b")

        async def has_heard() -> bool:
            kept = await stored_heads(dsn)
            heads = [decode_head(each.value.encode()) for each in kept]
            places = {(head.ledger, head.partition, head.seq) for head in heads if head is not None}
            # Both may be in one partition: it must learn of the second.
            last = [partition_of(name) for name in ("a", "b")].count(partition_of("b")) - 1
            return ("ledger", partition_of("b"), last) in places

        await until(has_heard)
    await restore_kafka(machine.stack, old)
    machine.heads_file.unlink()
    async with machine.deciding(postgres=dsn) as it:
        await it.lacking(str(partition_of("b")), "ends at offset")
    # Neither a file nor a Postgres that answers: nothing could reveal it.
    async with machine.deciding(postgres="postgresql://127.0.0.1:1/none") as it:
        await it.lacking(str(partition_of("b")), "no file of heads")


async def send_junk(log: Log, place: TopicPartition, count: int) -> None:
    """Records that are not commands but take their place."""
    producer = await open_producer(log.connection)
    try:
        for number in range(count):
            await producer.send_and_wait(place.topic, b"junk %d" % number, partition=place.partition)
    finally:
        await producer.stop()
