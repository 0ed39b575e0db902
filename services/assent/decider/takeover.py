"""Take over a partition of requests: reading its ledger to the end gives the state and the term."""

import gc

import structlog

from assent.decider.session_inputs import follow_governance
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


async def take_over(
    connection: Connection,
    partition: int,
    follower: GovernanceFollower,
    sealer: Sealer | None,
    known: KnownHead | None = None,
) -> tuple[PartitionWriter[RequestsDesk], Term]:
    """Read the ledger partition to its present end. Returns its writer, whose term has begun, and the term.

    `sealer`: the key that the writer seals with, if it is to append. `known`: a head known from elsewhere, to
    compare with what is read. Raises KafkaError, StoppedError.
    """
    reader = LedgerReader(connection, follower, {partition: None})
    writer = PartitionWriter(
        RequestsDesk(partition),
        first_head("ledger", follower.identity),
        sealer=sealer,
        is_signed=CommandSignatures(follower.identity, verify_signature).has_signed,
    )
    noted = TermReading(known)
    log = structlog.get_logger().bind(partition=partition)
    await reader.start()
    gc.disable()
    try:
        ends = await reader.end_offsets()
        told = 0
        async for polled in reader.until(ends):
            for accepted in polled.get(partition, ()):
                _take(writer, accepted)
                noted.note(accepted)
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
    )
    return writer, noted.term(acceptance, ends[partition])


def _take(writer: PartitionWriter[RequestsDesk], accepted: Accepted) -> None:
    try:
        writer.replay(accepted)
    except Exception as error:
        raise StoppedError(LEDGER, accepted.offset) from error
