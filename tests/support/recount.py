"""The expected result, recomputed from the commands on the topic, without the product's rules.

Everything here reads JSON as JSON and hashes bytes itself. Only reading from Kafka and the acceptance rule
(`read_ledger`) are the product's.
"""

import hashlib
import json
from typing import Any

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.record_fetching import positions
from assent_contracts.topics import COMMANDS
from tests.support.log import PARTITIONS, Log, read_ledger


class Recount(msgspec.Struct, frozen=True):
    """The two topics side by side."""

    commands: dict[int, list[ConsumerRecord]]
    ledger: dict[int, list[Accepted]]

    def decision(self, partition: int, offset: int) -> dict[str, Any]:
        """The ledger record that decided the command at this offset."""
        [found] = [json.loads(each.value) for each in self.ledger[partition] if each.record.input == offset]
        return found


async def read_topic(
    connection: Connection, topic: str, partitions: int = PARTITIONS
) -> dict[int, list[ConsumerRecord]]:
    """Every record that is in a topic now, by partition."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer = await open_consumer(connection, dict.fromkeys(places, 0))
    records: dict[int, list[ConsumerRecord]] = {number: [] for number in range(partitions)}
    try:
        ends = await consumer.end_offsets(places)
        while any(at < ends[place] for place, at in (await positions(consumer)).items()):
            for place, fetched in (await consumer.getmany(timeout_ms=500)).items():
                records[place.partition] += fetched
    finally:
        await consumer.stop()
    return records


async def recount(log: Log, follower: GovernanceFollower) -> Recount:
    """Read both topics; fails unless every command has one decision, in order, in one unbroken chain."""
    commands = await read_topic(log.connection, COMMANDS)
    ledger = await read_ledger(log, follower)
    for partition in range(PARTITIONS):
        decided = [each.record.input for each in ledger[partition] if isinstance(each.record.input, int)]
        assert decided == [record.offset for record in commands[partition]], f"partition {partition}"
        before = log.identity
        for seq, each in enumerate(ledger[partition]):
            said = json.loads(each.value)
            assert (said["seq"], said["prev"]) == (seq, before), (
                f"partition {partition}, offset {each.offset}"
            )
            assert ("events" in said) != ("refusal" in said)
            before = hashlib.sha256(each.value).hexdigest()
    return Recount(commands, ledger)
