"""A decider whose clock, or whose broker's clock, is wrong: it waits, reports why, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from msgspec import UNSET, Raw
from msgspec.structs import replace

from assent.decider.broker_time import ask_time
from assent.decider.clocks import Appends
from assent.decider.timekeeper import Timekeeper
from assent.decider.wall_clock_watch import MachineClock
from assent.infra_files import infra_path
from assent.ledger.topic_creation import apply_topics, topic_specs
from assent.observe.health import Health, Reason
from assent.observe.machine_clocks import Reading, read_clock
from assent_contracts import cloudevents
from assent_contracts.client.connection import Connection, open_consumer, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import NotDecidedError, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Revoke, SubmitChange, command_type
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import (
    ApprovalGiven,
    ApprovalRevoked,
    ChangeSubmitted,
    RequestExpired,
)
from assent_contracts.ledger import decode_events, decode_refusal
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import RefusalCode
from assent_contracts.signing import command_message
from assent_contracts.topics import COMMANDS, HEADS
from tests.support.containers import Endpoints
from tests.support.log import (
    PARTITIONS,
    UPSTREAM,
    Log,
    deciding,
    delete_topics,
    following,
    fresh_log,
    publishing,
    read_ledger,
)
from tests.support.stack import until

MINUTE_MS = 60 * 1_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
OBJECT = "script/clock.ps1"
HERE = partition_for(OBJECT.encode(), PARTITIONS)


class Hands:
    """This machine's clocks; the wall clock can be turned."""

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead

    def __call__(self) -> Reading:
        now = read_clock()
        return Reading(wall=now.wall + self.ahead, steady=now.steady)


@pytest_asyncio.fixture
async def log(running: Endpoints, tmp_path: Path) -> Log:
    """A log of its own, in which a request expires after a day."""
    governance = tmp_path / "governance.toml"
    demo = infra_path("demo/governance.toml").read_text()
    assert 'expiry = "30d"' in demo
    governance.write_text(demo.replace('expiry = "30d"', 'expiry = "1d"'))
    return await fresh_log(running.bootstrap, tmp_path, governance=governance)


@pytest_asyncio.fixture
async def follower(log: Log) -> AsyncIterator[GovernanceFollower]:
    async with following(log) as somebody:
        yield somebody


def submission(resource: str = OBJECT) -> SubmitChange:
    return SubmitChange(
        id=new_command_id(),
        principal=UPSTREAM,
        at=now_ms(),
        resource=resource,
        operation="create",
        justification="It is needed.",
        payload=Raw(b'"echo hello"'),
    )


async def send(log: Log, command: SubmitChange | Approve | Revoke, *, dated_ms: int | None = None) -> int:
    """Append a command, dated by the broker or, where the topic allows it, as given; returns its offset."""
    value, key = encode(command), log.keys[command.principal]
    signature = to_base64url(key.sign(command_message(log.identity, value)))
    headers = [
        ("assent-key", key.id.encode()),
        ("assent-signature", signature.encode()),
        *cloudevents.headers(
            event_type=command_type(command), event_id=command.id, source="tests", at_ms=command.at
        ),
    ]
    producer = await open_producer(log.connection)
    try:
        sent = await producer.send_and_wait(
            COMMANDS,
            value,
            key=command.resource.encode(),
            partition=HERE,
            headers=headers,
            timestamp_ms=dated_ms,
        )
    finally:
        await producer.stop()
    return sent.offset


async def let_senders_date(connection: Connection, topic: str = COMMANDS) -> None:
    """In place of a broker clock that a test can turn: the broker keeps the sender's time.

    A decider does not lead such a partition: it must lead it already.
    """
    await set_topic(
        connection,
        topic,
        {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(90 * DAY_MS)},
    )


async def set_topic(connection: Connection, topic: str, other: dict[str, str]) -> None:
    """Configure it correctly except for these settings."""
    config = topic_specs()[topic].config | other
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    finally:
        await admin.close()


async def why_waiting(health: Health) -> Reason:
    """The reason why the partition waits, as soon as it does."""
    found: list[Reason] = []

    async def waits() -> bool:
        reason = health.missing().get(f"clocks-{HERE}")
        found.extend([] if reason is None else [reason])
        return bool(found)

    await until(waits)
    return found[0]


async def why_not_led(health: Health, word: str) -> Reason:
    """The reason why the partition is not led, as soon as it contains this word."""
    found: list[Reason] = []

    async def is_named() -> bool:
        reason = health.missing().get(f"partition-{HERE}")
        found.extend([reason] if reason is not None and word in reason.why else [])
        return bool(found)

    await until(is_named)
    return found[0]


async def goes_on(health: Health) -> None:
    async def is_ready() -> bool:
        return f"clocks-{HERE}" not in health.missing()

    await until(is_ready)


async def decided(log: Log, follower: GovernanceFollower, records: int) -> list[type[object]]:
    """The first event of each of the partition's records, once there are this many."""

    async def are_there() -> bool:
        return len((await read_ledger(log, follower))[HERE]) >= records

    await until(are_there)
    ledger = (await read_ledger(log, follower))[HERE]
    assert len(ledger) == records
    assert all(decode_refusal(each.record) is None for each in ledger)
    return [type(decode_events(each.record)[0]) for each in ledger]


@pytest.mark.parametrize("ahead", [2 * HOUR_MS, 2 * DAY_MS, 31 * DAY_MS, -2 * DAY_MS])
async def test_wrong_wall_clock_for_a_moment_decides_nothing_and_leaves_nothing_behind(
    log: Log, follower: GovernanceFollower, ahead: int
) -> None:
    """No request expires, no command is stale, and it continues at once."""
    health, hands = Health(), Hands()
    async with (
        publishing(log, follower) as actor,
        deciding(log, follower, {HERE}, machine=MachineClock(hands), health=health, governing=False),
    ):
        request = await actor.opened(OBJECT)
        hands.ahead = ahead
        assert "This machine's clock shows" in (await why_waiting(health)).why
        with pytest.raises(NotDecidedError):
            await actor.publisher.send(submission(), log.keys[UPSTREAM], timeout_s=0.5)
        hands.ahead = 0
        await goes_on(health)
        assert (await actor.approve(request)).refusal is None
    ledger = (await read_ledger(log, follower))[HERE]
    assert not any(
        isinstance(event, RequestExpired) for each in ledger for event in decode_events(each.record)
    )
    assert all(abs(each.record.at - now_ms()) < HOUR_MS for each in ledger)


@pytest.mark.parametrize("ahead", [2 * DAY_MS, -2 * DAY_MS])
async def test_decider_that_starts_with_a_wrong_clock_waits_and_names_both(
    log: Log, follower: GovernanceFollower, ahead: int
) -> None:
    async with publishing(log, follower) as actor:
        async with deciding(log, follower, {HERE}, governing=False):
            request = await actor.opened(OBJECT)
        health, hands = Health(), Hands(ahead)
        async with deciding(
            log, follower, {HERE}, machine=MachineClock(hands), health=health, governing=False
        ):
            reason = await why_waiting(health)
            assert "the broker's was" in reason.why
            assert "when this machine's was" in reason.why
            assert "Set the clock that is wrong" in reason.todo
            hands.ahead = 0
            await goes_on(health)
            assert (await actor.approve(request)).refusal is None


@pytest.mark.parametrize("is_open", [False, True], ids=["waits with its submission", "of an open request"])
async def test_decider_that_was_down_for_days_refuses_nothing_that_arrived_in_time(
    log: Log, follower: GovernanceFollower, *, is_open: bool
) -> None:
    """The approval came before the deadline and the decider after it: the approval counts, then it expires.

    Both clocks are two days ahead by then: on one machine they are the same.
    """
    change = submission()
    await send(log, change)
    if is_open:
        async with deciding(log, follower, {HERE}, governing=False):
            assert await decided(log, follower, 1) == [ChangeSubmitted]
    await send(
        log,
        Approve(
            id=new_command_id(),
            principal="bob",
            at=now_ms(),
            resource=OBJECT,
            request=f"{HERE}-0",
            submission=sha256_hex(encode(change)),
        ),
    )
    machine = MachineClock(Hands(2 * DAY_MS), log.folder / "clock.json")
    async with deciding(log, follower, {HERE}, machine=machine, governing=False):
        assert await decided(log, follower, 3) == [ChangeSubmitted, ApprovalGiven, RequestExpired]
    ledger = (await read_ledger(log, follower))[HERE]
    assert all(each.record.at == each.record.received for each in ledger[:2])
    assert ledger[2].record.at > now_ms() + DAY_MS
    assert ledger[2].record.received is UNSET


@pytest.mark.parametrize("off", [-2 * DAY_MS, 36 * HOUR_MS])
@pytest.mark.parametrize("one_machine", [False, True], ids=["cluster", "one machine"])
async def test_wrong_broker_clock_for_a_moment_while_the_decider_was_down_refuses_nothing(
    log: Log, follower: GovernanceFollower, off: int, *, one_machine: bool
) -> None:
    """Three commands from three days ago, of which the middle one has a wrong date."""
    async with deciding(log, follower, {HERE}, governing=False):
        pass
    await let_senders_date(log.connection)
    sent = now_ms() - 3 * DAY_MS
    for late, wrong in ((0, 0), (MINUTE_MS, off), (2 * MINUTE_MS, 0)):
        await send(log, replace(submission(), at=sent + late), dated_ms=sent + late + wrong)
    await set_topic(log.connection, COMMANDS, {})
    machine = MachineClock(file=log.folder / "clock.json" if one_machine else None)
    async with deciding(log, follower, {HERE}, machine=machine, governing=False):
        await until(lambda: has_decided(log, follower, 3))
    ledger = [each.record for each in (await read_ledger(log, follower))[HERE]]
    received = [each.received for each in ledger if each.received is not UNSET]
    assert len(received) == 3
    assert received[0] == sent
    assert received[0] <= received[1] <= received[2] == sent + 2 * MINUTE_MS
    refused = [decode_refusal(each) for each in ledger]
    assert not any(each is not None and each.code == RefusalCode.STALE for each in refused)


async def has_decided(log: Log, follower: GovernanceFollower, commands: int) -> bool:
    ledger = (await read_ledger(log, follower))[HERE]
    return sum(each.record.received is not UNSET for each in ledger) >= commands


async def test_end_of_a_partition_is_read_again_and_again_while_commands_keep_arriving(
    log: Log,
) -> None:
    """Otherwise the earliest arrival time of the next one would be unknown."""
    place = TopicPartition(COMMANDS, HERE)
    time = Timekeeper(log.connection, place, str(HERE), MachineClock(), Health())
    consumer = await open_consumer(log.connection, {place: 0})

    async def next_one() -> Appends:
        await send(log, submission())
        return time.seen((await consumer.getmany(place, timeout_ms=10_000))[place])

    first = await next_one()
    assert first.afters == [None]
    looking = asyncio.create_task(time.keep_looking(consumer, every_s=0.05))
    try:
        for began in (first.by, first.by + 500):

            async def is_known(began: int = began) -> bool:
                after = (await next_one()).afters[-1]
                return after is not None and after >= began

            await until(is_known)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await consumer.stop()


async def test_no_topic_keeps_the_time_that_a_sender_claims(log: Log) -> None:
    """Kafka would delete a record dated 1970 before it is decided, and keep one dated far ahead."""
    producer = await open_producer(log.connection)
    try:
        for topic in topic_specs():
            for dated_ms in (0, now_ms() + 90 * DAY_MS):
                sent = await producer.send_and_wait(
                    topic, b"{}", key=b"k", partition=0, timestamp_ms=dated_ms
                )
                assert sent.timestamp is not None
                assert abs(sent.timestamp - now_ms()) < HOUR_MS, topic
    finally:
        await producer.stop()


@pytest.mark.parametrize("off", [2 * HOUR_MS, 2 * DAY_MS, 31 * DAY_MS, -2 * HOUR_MS, -2 * DAY_MS])
async def test_wrong_broker_clock_holds_the_partition_until_it_is_right(
    log: Log, follower: GovernanceFollower, off: int
) -> None:
    health = Health()
    async with (
        publishing(log, follower) as actor,
        deciding(log, follower, {HERE}, machine=MachineClock(), health=health, governing=False),
    ):
        request = await actor.opened(OBJECT)
        await let_senders_date(log.connection)
        about: dict[str, Any] = {"principal": "bob", "resource": OBJECT, "request": request.request}
        # Twice: what settled it the first time proves nothing about the second.
        for decision in (partial(Approve, submission=request.submission), Revoke):
            late = decision(id=new_command_id(), at=now_ms(), **about)
            await send(log, late, dated_ms=now_ms() + off)
            reason = await why_waiting(health)
            assert "the broker's was" in reason.why
            # Its clock is right again, as the next command shows: both are decided.
            again = await actor.submit(OBJECT)
            assert again.refusal is not None
            await goes_on(health)
    ledger = (await read_ledger(log, follower))[HERE]
    assert isinstance(decode_events(ledger[1].record)[0], ApprovalGiven)
    assert isinstance(decode_events(ledger[3].record)[0], ApprovalRevoked)
    assert all(abs(each.record.at - now_ms()) < HOUR_MS for each in ledger)


async def test_topic_whose_senders_date_commands_is_not_led_until_it_is_corrected(
    log: Log, follower: GovernanceFollower
) -> None:
    health = Health()
    await let_senders_date(log.connection)
    async with deciding(log, follower, {HERE}, health=health, governing=False):
        reason = await why_not_led(health, "CreateTime")
        assert COMMANDS in reason.why
        assert "`assent topics apply`" in reason.todo
        await send(log, submission())
        await set_topic(log.connection, COMMANDS, {})
        assert await decided(log, follower, 1) == [ChangeSubmitted]


async def test_heads_dated_by_senders_confirm_no_clock_and_nothing_is_led_until_corrected(
    log: Log, follower: GovernanceFollower
) -> None:
    """A decider 40 days ahead would read back its own time and expire every request."""
    assert await ask_time(log.connection, MachineClock()) is not None
    await let_senders_date(log.connection, HEADS)
    await until(lambda: tells_no_time(log))
    health = Health()
    async with deciding(log, follower, {HERE}, health=health, governing=False):
        reason = await why_not_led(health, "CreateTime")
        assert HEADS in reason.why
        assert "`assent topics apply`" in reason.todo
        await send(log, submission())
        await set_topic(log.connection, HEADS, {})
        assert await decided(log, follower, 1) == [ChangeSubmitted]


async def tells_no_time(log: Log) -> bool:
    """Whether the broker's answer is known not to be its own time: a setting takes effect a moment later."""
    return await ask_time(log.connection, MachineClock()) is None


async def test_without_the_topic_of_heads_nothing_is_led_until_it_is_created(
    log: Log, follower: GovernanceFollower
) -> None:
    health = Health()
    await delete_topics(log.connection, [HEADS])
    async with deciding(log, follower, {HERE}, health=health, governing=False):
        reason = await why_not_led(health, "does not exist")
        assert HEADS in reason.why
        assert "`assent topics apply`" in reason.todo
        await send(log, submission())
        await apply_topics(log.connection, partitions=PARTITIONS)
        assert await decided(log, follower, 1) == [ChangeSubmitted]
