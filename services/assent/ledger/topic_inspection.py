"""Inspect the topics of a log: their partitions, their retention, and who dates their records."""

from collections.abc import Mapping
from typing import Final

from aiokafka.errors import UnknownTopicOrPartitionError

from assent.ledger.topic_creation import TopicsError
from assent.ledger.topic_state import topic_specs, topic_states
from assent_contracts.client.connection import Connection, admin_client
from assent_contracts.findings import (
    compare_command_settings,
    compare_heads_settings,
    compare_ledger_settings,
    compare_partitions,
    heads_missing,
)
from assent_contracts.heads import Finding
from assent_contracts.topics import CHANGES, COMMANDS, GOVERNANCE, GOVERNANCE_COMMANDS, HEADS, LEDGER

_OF_ONE_PARTITION: Final = (GOVERNANCE_COMMANDS, GOVERNANCE)
_TOPICS: Final = (COMMANDS, LEDGER, CHANGES, *_OF_ONE_PARTITION)


async def look_at_topics(connection: Connection, partitions: int) -> list[Finding]:
    """What is wrong with the topics of a log that was founded with this number of partitions.

    Raises KafkaError: UnknownTopicOrPartitionError for a topic that is not there.
    """
    admin = admin_client(connection)
    try:
        await admin.start()
        there = await topic_states(admin, (*_TOPICS, HEADS))
    finally:
        await admin.close()
    for name in _TOPICS:
        if name not in there:
            raise UnknownTopicOrPartitionError(name)
    findings = [
        *(
            compare_partitions(
                name, founded=1 if name in _OF_ONE_PARTITION else partitions, there=there[name].partitions
            )
            for name in _TOPICS
        ),
        *(compare_ledger_settings(name, there[name].settings) for name in (LEDGER, GOVERNANCE)),
        *(compare_command_settings(name, there[name].settings) for name in (COMMANDS, GOVERNANCE_COMMANDS)),
        compare_heads_settings(HEADS, there[HEADS].settings) if HEADS in there else heads_missing(HEADS),
    ]
    return [finding for finding in findings if finding is not None]


async def request_partitions(connection: Connection) -> int:
    """How many partitions the topics of a log's requests have. Raises TopicsError, KafkaError.

    TopicsError: a topic is missing, or they do not all have the same number.
    """
    admin = admin_client(connection)
    try:
        await admin.start()
        there = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    finally:
        await admin.close()
    return one_count({name: there.get(name) for name, spec in topic_specs().items() if spec.is_of_requests})


def one_count(found: Mapping[str, int | None]) -> int:
    """The number that all these topics have. None is a topic that is not there. Raises TopicsError. Pure."""
    missing = sorted(name for name, count in found.items() if count is None)
    if missing:
        msg = (
            f"Missing: {', '.join(missing)}. `assent topics apply` makes them. Where the brokers have an"
            " authorizer, a login sees them only with the rights that `assent acls apply --founding` gives."
        )
        raise TopicsError(msg)
    counts = {count for count in found.values() if count is not None}
    if len(counts) > 1:
        each = ", ".join(f"{name} has {count}" for name, count in sorted(found.items()))
        msg = (
            f"The topics have different numbers of partitions: {each}. Delete them, and type"
            " `assent topics apply`."
        )
        raise TopicsError(msg)
    return counts.pop()
