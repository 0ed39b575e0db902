"""Inspect the topics of a log: their partitions, their retention, and who dates their records."""

from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError

from assent.ledger.topic_state import topic_states
from assent_contracts.client.connection import Connection
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
    admin = AIOKafkaAdminClient(**connection.options())
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
