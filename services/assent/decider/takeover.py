"""Take over a partition of requests: its snapshot and the rest of its ledger give the state and the term."""

import gc

import msgspec
import structlog

from assent.decider.session_inputs import follow_governance
from assent.decider.snapshot_start import snapshot_start
from assent.decider.stopped_error import StoppedError
from assent.decider.term import Term, TermReading
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import PartitionWriter, Sealer
from assent_contracts.evidence.command_signatures import CommandSignatures
from assent_contracts.heads import KnownHead
from assent_contracts.topics import LEDGER

_PROGRESS_RECORDS = 100_000


class RequestsLead(msgspec.Struct, frozen=True):
    """Everything that a session on a partition of requests starts from."""

    writer: PartitionWriter[RequestsDesk]
    """Its term has begun."""
    term: Term
    read_records: int
    """How many records were read after the snapshot, or in all."""
    read_bytes: int


async def take_over(
    connection: Connection,
    partition: int,
    follower: GovernanceFollower,
    sealer: Sealer | None,
    known: KnownHead | None = None,
) -> RequestsLead:
    """Read the ledger partition to its present end, from the newest snapshot on if one can be used.

    `sealer`: the key that the writer seals with, if it is to append. `known`: a head known from elsewhere, to
    compare with what is read. Raises KafkaError, StoppedError.
    """
    is_signed = CommandSignatures(follower.identity, verify_signature).has_signed
    start = await snapshot_start(connection, partition, follower, known, sealer=sealer, is_signed=is_signed)
    if start is None:
        writer = PartitionWriter(
            RequestsDesk(partition),
            first_head("ledger", follower.identity),
            sealer=sealer,
            is_signed=is_signed,
        )
        noted = TermReading(known)
    else:
        writer, noted = start.writer, start.noted(known)
    reader = LedgerReader(connection, follower, {partition: None if start is None else start.head})
    log = structlog.get_logger().bind(partition=partition)
    from_seq, read_bytes = writer.seq, 0
    await reader.start()
    gc.disable()
    try:
        ends = await reader.end_offsets()
        told = from_seq
        async for polled in reader.until(ends):
            for accepted in polled.get(partition, ()):
                _take(writer, accepted)
                noted.note(accepted)
                read_bytes += len(accepted.value)
            if writer.seq - told >= _PROGRESS_RECORDS:
                told = writer.seq
                log.info("taking over", records=told, of_offset=ends[partition])
    finally:
        # What was read lives as long as this lead, so the garbage collector need not look at it again.
        gc.freeze()
        gc.enable()
        await reader.stop()
    follow_governance(writer.desk, follower)
    writer.begin()
    acceptance = reader.acceptances[partition]
    log.info(
        "took over",
        seq=writer.seq,
        epoch=writer.epoch,
        next_input=writer.next_input,
        open_requests=writer.desk.state.open_requests(),
        quarantined=acceptance.quarantined,
        snapshot_seq=None if start is None else start.head.seq,
        read_records=writer.seq - from_seq,
    )
    term = noted.term(acceptance, ends[partition])
    return RequestsLead(writer, term, writer.seq - from_seq, read_bytes)


def _take(writer: PartitionWriter[RequestsDesk], accepted: Accepted) -> None:
    try:
        writer.replay(accepted)
    except Exception as error:
        raise StoppedError(LEDGER, accepted.offset) from error
