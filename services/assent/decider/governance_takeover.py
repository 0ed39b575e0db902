"""Take governance over: read its ledger to the end, as its own records say who may seal it."""

import msgspec
import structlog
from aiokafka import TopicPartition

from assent.decider.stopped import StoppedError
from assent.decider.term import Reading, Term
from assent_contracts.acceptance import Acceptance, Head, first_head
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch, positions
from assent_contracts.client.keys import verify
from assent_contracts.core.governance.judge import Record
from assent_contracts.core.governance.replay import replay_governance
from assent_contracts.heads import KnownHead
from assent_contracts.ledger import LedgerRecord
from assent_contracts.topics import GOVERNANCE
from assent_contracts.writers import WriterRegistry

_PLACE = TopicPartition(GOVERNANCE, 0)
_POLL_MS = 500


class GovernanceLead(Term, kw_only=True):
    """Everything that the writer of governance starts from."""

    identity: str
    record: Record
    writers: WriterRegistry

    def acceptance_from(self, head: Head) -> Acceptance:
        """The acceptance rule from a head on that this lead has come past."""
        return Acceptance(
            "governance", 0, identity=self.identity, writers=self.writers, verify=verify, head=head
        )


async def take_over_governance(
    connection: Connection, identity: str, known: KnownHead | None = None
) -> GovernanceLead:
    """Read `assent.governance` to where it ends now. Raises KafkaError.

    `identity` is the SHA-256 (hex) of its record 0; `known`: a head that is known from elsewhere.
    """
    start = first_head("governance", identity)
    lead = GovernanceLead(
        identity=identity,
        record=Record(),
        writers=WriterRegistry(),
        head=start,
        head_end=0,
        epoch=0,
        next_input=0,
    )
    noted = Reading(-1 if known is None else known.seq)
    acceptance = lead.acceptance_from(start)
    consumer = await reading(connection, {_PLACE: 0})
    try:
        end = (await consumer.end_offsets([_PLACE]))[_PLACE]
        read_to = 0
        while read_to < end:
            for record in (await fetch(consumer, timeout_ms=_POLL_MS)).get(_PLACE, ()):
                # What comes in beyond the end may be a run's first half: it is not looked at.
                if record.offset >= end:
                    break
                for accepted in acceptance.offer(record.offset, record.value, record.headers):
                    try:
                        _take(lead, accepted.record)
                    except Exception as error:
                        raise StoppedError(GOVERNANCE, accepted.offset) from error
                    noted.note(accepted)
            read_to = (await positions(consumer))[_PLACE]
    finally:
        await consumer.stop()
    lead.head_end = acceptance.head.next_offset
    lead.head = msgspec.structs.replace(acceptance.head, next_offset=end)
    lead.epoch += 1
    lead.at = lead.record.at
    noted.say(lead)
    structlog.get_logger().info(
        "took over",
        partition="governance",
        seq=lead.head.seq,
        epoch=lead.epoch,
        next_input=lead.next_input,
        quarantined=acceptance.quarantined,
    )
    return lead


def _take(lead: GovernanceLead, record: LedgerRecord) -> None:
    lead.writers.apply(record.seq, replay_governance(lead.record, record))
    lead.epoch = record.epoch
    if isinstance(record.input, int):
        lead.next_input = record.input + 1
