"""The last command that a ledger has decided, found from a signed head that is known to be on it."""

from collections.abc import Sequence
from typing import Final

from aiokafka import TopicPartition

from assent.decider.term import decided_by
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.record_fetching import positions
from assent_contracts.digests import sha256_hex
from assent_contracts.heads import Place, SignedHead
from assent_contracts.ledger import decode_record
from assent_contracts.topics import LEDGER_TOPICS

_BACK: Final = 100
"""How many offsets before a head are searched: few records between two commands are about no command."""
_POLL_MS: Final = 500


async def decided_before(connection: Connection, heads: Sequence[SignedHead]) -> dict[Place, str]:
    """For each partition the hash of the command before its head's `next_input`, as its ledger has it.

    A partition is left out where that command is further back, or the ledger has no hash of it. Raises
    KafkaError.
    """
    ends = {TopicPartition(LEDGER_TOPICS[head.ledger], head.partition): head for head in heads}
    consumer = await open_consumer(
        connection, {place: max(0, head.next_offset - _BACK) for place, head in ends.items()}
    )
    values: dict[str, bytes] = {}
    left = set(ends)
    try:
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=_POLL_MS)).values():
                values |= {sha256_hex(each.value): each.value for each in records if each.value is not None}
            at = await positions(consumer, *left)
            left = {place for place in left if at[place] < ends[place].next_offset}
    finally:
        await consumer.stop()
    found: dict[Place, str | None] = {(head.ledger, head.partition): _decided(values, head) for head in heads}
    return {place: sha256 for place, sha256 in found.items() if sha256 is not None}


def _decided(values: dict[str, bytes], head: SignedHead) -> str | None:
    """Follows the hash chain only, so that junk on the topic is ignored."""
    sha256 = head.sha256
    while sha256 in values:
        record = decode_record(values[sha256])
        if isinstance(record.input, int):
            return decided_by(record).sha256 if record.input == head.next_input - 1 else None
        sha256 = record.prev
    return None
