"""Records that are odd as Kafka records: none stops a reader, none is lost, and none hides its neighbours."""

import os
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError

from assent.verify.running_log import verify_governance, verify_requests
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import RefusalCode
from assent_contracts.topics import COMMANDS, GOVERNANCE, LEDGER
from tests.support.invalid_commands import RESOURCE, approval, code_of, fields, good_goes_on, send, sign
from tests.support.log import PARTITIONS, Actor, Log, deciding, following
from tests.support.raw_records import CODECS, POISON, RawRecord, build_batch, produce_raw, raw_headers
from tests.support.recount import read_topic, recount
from tests.support.stack import until

HERE = partition_for(RESOURCE.encode(), PARTITIONS)
MIB = 1024 * 1024


def refused(actor: Actor) -> RawRecord:
    """A well-formed command that is refused (unknown request), as a raw record."""
    value = encode(approval())
    return RawRecord(value, RESOURCE.encode(), raw_headers(sign(actor, value, "bob")))


def poisoned(actor: Actor) -> RawRecord:
    """The same with a header name that is not UTF-8."""
    good = refused(actor)
    return RawRecord(good.value, good.key, good.headers + POISON)


async def decided_codes(log: Log, follower: GovernanceFollower, first: int, count: int) -> list[str]:
    """The refusal codes of the commands at these offsets, once all of them are decided."""
    codes: list[str] = []

    async def all_decided() -> bool:
        try:
            counted = await recount(log, follower)
        except AssertionError:
            return False
        if counted.commands[HERE][-1].offset < first + count - 1:
            return False
        codes[:] = [counted.decision(HERE, first + number)["refusal"]["code"] for number in range(count)]
        return True

    await until(all_decided)
    return codes


async def test_header_value_that_is_not_utf_8_is_malformed(actor: Actor) -> None:
    value = encode(fields())
    good = sign(actor, value)
    for name in ("assent-key", "assent-signature", "ce_id"):
        headers = [*(header for header in good if header[0] != name), (name, b"\xff\xfe")]
        assert code_of(await send(actor, value, headers=headers)) is RefusalCode.MALFORMED
    await good_goes_on(actor, HERE)


@pytest.mark.parametrize("header", [("ce_source", None), ("traceparent", b"\xff\x00"), ("", b"")])
async def test_tracing_agent_s_header_does_not_affect_a_command(
    actor: Actor, header: tuple[str, bytes | None]
) -> None:
    value = encode(approval())
    headers = [*sign(actor, value, "bob"), header]
    assert code_of(await send(actor, value, headers=headers)) is RefusalCode.UNKNOWN_REQUEST


async def test_cloudevents_header_that_contradicts_the_body_is_malformed(actor: Actor) -> None:
    value = encode(fields())
    for header in (("ce_id", b"another"), ("ce_type", b"assent.approve.v1")):
        assert (
            code_of(await send(actor, value, headers=[*sign(actor, value), header])) is RefusalCode.MALFORMED
        )


@pytest.mark.parametrize("codec", [None, *CODECS])
async def test_header_name_that_is_not_utf_8_affects_neither_its_command_nor_its_neighbours(
    actor: Actor, log: Log, follower: GovernanceFollower, codec: str | None
) -> None:
    good, bad = refused, poisoned
    batch = [good(actor), bad(actor), good(actor), bad(actor), bad(actor), good(actor)]
    offset = await produce_raw(log.connection, COMMANDS, HERE, build_batch(batch, codec))
    await good_goes_on(actor, HERE)
    codes = await decided_codes(log, follower, offset, len(batch))
    assert codes == ["unknown-request"] * len(batch)


async def test_R16_unsigned_input_leaves_hash_size_and_a_short_detail_and_no_key(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    secret = b"What a stranger wants the ledger to keep for ever."
    value = b'{"type":"assent.submit-change.v1","' + secret * 5_000 + b'":1}'
    stranger = SecretKey("stranger-1", "stranger")
    for headers in ([], sign(actor, value, key=stranger), sign(actor, b"other bytes")):
        record = RawRecord(value, secret, raw_headers(headers))
        offset = await produce_raw(log.connection, COMMANDS, HERE, build_batch([record]))
        # Not malformed: unsigned content is not parsed.
        assert (await decided_codes(log, follower, offset, 1))[0] in ("bad-signature", "unknown-key")
        counted = await recount(log, follower)
        decision = counted.decision(HERE, offset)
        assert decision["command"] == {"sha256": sha256_hex(value), "size": len(value)}
        assert len(decision["refusal"]["detail"]) < 100
    [kept] = [each for each in counted.ledger[HERE] if each.record.input == offset]
    topic = await read_topic(log.connection, LEDGER)
    assert next(each for each in topic[HERE] if each.offset == kept.offset).key is None
    assert all(secret not in (each.value or b"") for each in topic[HERE])


async def test_kafka_keys_of_nearly_a_batch_are_not_carried_over(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    for size in (1_048_000, 1_048_485):
        batch = build_batch([RawRecord(b"{}", b"k" * size)])
        with suppress(MessageSizeTooLargeError):
            offset = await produce_raw(log.connection, COMMANDS, HERE, batch)
            assert await decided_codes(log, follower, offset, 1) == ["bad-signature"]
        await good_goes_on(actor, HERE)


async def test_poison_at_both_ends_of_a_batch_and_in_all_partitions_at_once_loses_nothing(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    batch = build_batch([poisoned(actor), refused(actor), poisoned(actor)])
    for partition in range(PARTITIONS):
        for _ in range(3):
            await produce_raw(log.connection, COMMANDS, partition, batch)
    for partition in range(PARTITIONS):
        await good_goes_on(actor, partition)
    await recount(log, follower)


async def test_poison_on_the_ledgers_is_quarantined_and_hides_nothing(actor: Actor, log: Log) -> None:
    batch = build_batch([RawRecord(b"{}", None, POISON), RawRecord(b"junk"), RawRecord(None, None, POISON)])
    await produce_raw(log.connection, GOVERNANCE, 0, batch)
    for partition in range(PARTITIONS):
        await produce_raw(log.connection, LEDGER, partition, batch)
    for partition in range(PARTITIONS):
        await good_goes_on(actor, partition)
    async with following(log) as fresh:
        assert fresh.quarantined == 3
        counted = await recount(log, fresh)
        assert all(counted.ledger.values())


async def test_decider_that_takes_over_reads_through_poison(log: Log, follower: GovernanceFollower) -> None:
    async with deciding(log, follower):
        await until(lambda: _all_decided(log, follower))


async def _all_decided(log: Log, follower: GovernanceFollower) -> bool:
    try:
        await recount(log, follower)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("value", [None, b""])
async def test_empty_record_is_malformed(actor: Actor, value: bytes | None) -> None:
    decided = await actor.publisher.send_bytes(value, RESOURCE.encode(), [])
    assert code_of(decided) is RefusalCode.MALFORMED
    await good_goes_on(actor, HERE)


@pytest.mark.parametrize("key", [None, b"", b"script/other", b"\xff\xfe", RESOURCE.encode() + b" "])
async def test_record_whose_key_is_not_its_resource_is_malformed(actor: Actor, key: bytes | None) -> None:
    assert code_of(await send(actor, fields(), kafka_key=key, partition=HERE)) is RefusalCode.MALFORMED
    await good_goes_on(actor, HERE)


@pytest.mark.parametrize("codec", CODECS)
async def test_compressed_batch_is_decided(
    actor: Actor, log: Log, follower: GovernanceFollower, codec: str
) -> None:
    batch = build_batch([refused(actor) for _ in range(50)], codec)
    offset = await produce_raw(log.connection, COMMANDS, HERE, batch)
    await good_goes_on(actor, HERE)
    assert await decided_codes(log, follower, offset, 50) == ["unknown-request"] * 50


async def test_record_of_one_MiB_is_too_large_and_delays_no_other(actor: Actor) -> None:
    # The topic accepts batches of up to 1 MiB.
    value = b"{" + os.urandom(MIB - 400) + b"}"
    assert code_of(await send(actor, value)) is RefusalCode.TOO_LARGE
    await good_goes_on(actor, HERE)


async def test_publisher_still_works_after_a_record_that_the_topic_refuses(actor: Actor) -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await send(actor, b"{" + os.urandom(MIB) + b"}")
    await good_goes_on(actor, HERE)


@pytest.mark.parametrize("codec", CODECS)
async def test_batch_that_unpacks_to_more_than_the_topic_accepts_is_refused_by_the_broker(
    actor: Actor, log: Log, codec: str
) -> None:
    """49 KB of zstd can be half a GiB: the topics store what they serve to readers uncompressed."""
    records = [RawRecord(b"{" + b" " * (255 * 1024) + b"}", RESOURCE.encode()) for _ in range(50)]
    batch = build_batch(records, codec)
    assert len(batch) < MIB
    with pytest.raises(MessageSizeTooLargeError):
        await produce_raw(log.connection, COMMANDS, HERE, batch)
    await good_goes_on(actor, HERE)


async def test_command_is_decided_before_its_producer_s_transaction_ends_and_if_it_is_aborted(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    # A signed command is valid by itself. Waiting for transactions would let any sender stop a partition.
    producer = AIOKafkaProducer(**log.connection.options(), transactional_id="an-upstream")
    await producer.start()
    try:
        for end in (producer.abort_transaction, producer.commit_transaction):
            record = refused(actor)
            await producer.begin_transaction()
            headers = [(name.decode(), content) for name, content in record.headers]
            ack = await producer.send_and_wait(
                COMMANDS, record.value, record.key, partition=HERE, headers=headers
            )
            assert await decided_codes(log, follower, ack.offset, 1) == ["unknown-request"]
            await end()
            assert await decided_codes(log, follower, ack.offset, 1) == ["unknown-request"]
    finally:
        await producer.stop()
    await good_goes_on(actor, HERE)


async def test_transaction_marker_at_the_end_of_a_ledger_stops_no_reader(actor: Actor, log: Log) -> None:
    producer = AIOKafkaProducer(**log.connection.options(), transactional_id="an-intruder")
    await producer.start()
    try:
        for end in (producer.abort_transaction, producer.commit_transaction):
            await producer.begin_transaction()
            for topic in (GOVERNANCE, LEDGER):
                await producer.send_and_wait(topic, b"junk", partition=0)
            await end()
    finally:
        await producer.stop()
    async with following(log) as fresh:
        await recount(log, fresh)
        async with deciding(log, fresh, {0}):
            await good_goes_on(actor, 0)


async def test_every_record_has_one_decision_and_all_of_it_verifies(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    for partition in range(PARTITIONS):
        await good_goes_on(actor, partition)
    await recount(log, follower)
    governance = await verify_governance(log.connection, log.identity, verify_signature)
    assert governance.tally.quarantined == follower.quarantined
    tallies = await verify_requests(
        log.connection, follower, PARTITIONS, verify_signature, lambda _read, _all: None
    )
    assert all(tally.quarantined >= 3 for tally in tallies.values())
    assert sum(tally.commands + tally.unreadable for tally in tallies.values()) == sum(
        tally.records for tally in tallies.values()
    )
