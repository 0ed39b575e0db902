"""Whether a gap between decided commands contains only transaction markers.

Kafka gives such a marker an offset, but delivers no record for it. Anything else in the gap is a command that
was skipped.
"""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from assent.verify.decided_inputs import InputGap
from assent.verify.finding import FindingError
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.record_fetching import positions
from assent_contracts.topics import COMMANDS, GOVERNANCE_COMMANDS, LedgerName

COMMAND_TOPICS: dict[LedgerName, str] = {"ledger": COMMANDS, "governance": GOVERNANCE_COMMANDS}
_POLL_MS = 500


async def must_be_markers(
    connection: Connection, ledger: LedgerName, partition: int, gaps: Sequence[InputGap]
) -> None:
    """Raises FindingError for the first gap in which the command topic may have had a command.

    Also KafkaError.
    """
    if not gaps:
        return
    place = TopicPartition(COMMAND_TOPICS[ledger], partition)
    consumer = await open_consumer(connection, {place: 0})
    try:
        beginning = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        for gap in gaps:
            if gap.first < beginning or gap.end > end:
                what = f"{gap}, and {place.topic}/{partition} no longer has it (it has {beginning} to"
                raise FindingError(ledger, partition, gap.seq, f"{what} {end - 1})", todo=_TODO)
            offset = await _first_record(consumer, place, gap)
            if offset is not None:
                what = f"{gap}: a record at {offset} of {place.topic}/{partition} was skipped"
                raise FindingError(ledger, partition, gap.seq, what)
    finally:
        await consumer.stop()


_TODO = (
    "Either commands were lost undecided, or a sender's transactions left their markers there. This cannot be"
    " known of what Kafka has deleted. Give senders no right to a transactional id."
)


async def _first_record(consumer: AIOKafkaConsumer, place: TopicPartition, gap: InputGap) -> int | None:
    """The offset of the first record in a gap; None when there is none."""
    if (await positions(consumer))[place] != gap.first:
        consumer.seek(place, gap.first)
    while (await positions(consumer))[place] < gap.end:
        records = (await consumer.getmany(timeout_ms=_POLL_MS, max_records=1)).get(place, ())
        if records:
            return records[0].offset if records[0].offset < gap.end else None
    return None
