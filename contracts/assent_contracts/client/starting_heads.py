"""Where a reader without a memory can start: at the newest heads that writers have signed.

Only a reader of the whole ledger knows that its chain begins at the founding. A publisher need not: it waits
for answers, and whoever could sign a false head could sign a false answer too.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from assent_contracts.acceptance import Head
from assent_contracts.client.connection import Connection, Consumer, open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import sift_topic
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.digests import sha256_hex
from assent_contracts.eras import era_of
from assent_contracts.heads import HeadInEra, KnownHead, known_heads
from assent_contracts.ledger import decode_record
from assent_contracts.topics import LEDGER

_WITHIN_S: Final = 10.0
_POLL_MS: Final = 500


async def newest_heads(connection: Connection, governance: GovernanceFollower) -> dict[int, KnownHead]:
    """The newest signed head of each request partition that has one. Raises KafkaError."""
    newest = NewestHeads()
    await sift_topic(connection, newest, governance.identity, trusted_keys(governance.writers.public_keys()))
    known = known_heads([head for head, _ in newest.heads()], governance.losses)
    return {
        number: head
        for (ledger, number), head in known.items()
        if ledger == "ledger" and number < governance.partitions
    }


async def starting_heads(
    connection: Connection, governance: GovernanceFollower, known: Mapping[int, KnownHead]
) -> dict[int, HeadInEra]:
    """The heads from which to read, for the partitions in which the known head's record is there.

    In the others reading starts at offset 0, and what differs is reported there. Raises KafkaError.
    """
    places = {
        TopicPartition(LEDGER, number): head.next_offset - 1
        for number, head in known.items()
        if head.next_offset > 0
    }
    if not places:
        return {}
    consumer = await open_consumer(connection, places)
    found: dict[int, HeadInEra] = {}
    try:
        async with asyncio.timeout(_WITHIN_S):
            for place in places:
                consumer.pause(*places)
                consumer.resume(place)
                head = await _head(consumer, place, known[place.partition])
                if head is not None:
                    found[place.partition] = HeadInEra(head, era_of(governance.losses))
    except TimeoutError:
        pass  # what was not found in time is read from its start
    finally:
        await consumer.stop()
    return found


async def _head(consumer: Consumer, place: TopicPartition, known: KnownHead) -> Head | None:
    """The head with the governance seq of its record, below which no later record may go."""
    if (await consumer.end_offsets([place]))[place] < known.next_offset:
        return None
    while True:
        try:
            records = (await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=1)).get(place)
        except OffsetOutOfRangeError:
            return None
        if not records:
            continue
        value = records[0].value
        if value is None or sha256_hex(value) != known.sha256:
            return None
        try:
            governance = decode_record(value).governance
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(governance, int):
            return None
        return Head(known.seq, known.sha256, governance, known.next_offset)
