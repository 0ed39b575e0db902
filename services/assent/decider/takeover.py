"""Take a partition of requests over: read its ledger to the end; that gives the state and the term."""

import gc

import msgspec
import structlog

from assent.decider.stopped import StoppedError
from assent.decider.term import Reading, Term
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.reader import LedgerReader
from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.book import Book
from assent_contracts.core.requests.replay import replay
from assent_contracts.heads import KnownHead
from assent_contracts.topics import GOVERNANCE, LEDGER

_PROGRESS_RECORDS = 100_000


class Lead(Term, kw_only=True):
    """Everything that a writer of requests starts from."""

    book: Book
    governance: Governance


async def take_over(
    connection: Connection, partition: int, follower: GovernanceFollower, known: KnownHead | None = None
) -> Lead:
    """Read the ledger partition to where it ends now. Raises KafkaError, StoppedError.

    `known`: a head of it that is known from elsewhere; what stands at its seq is in the lead.
    """
    reader = LedgerReader(connection, follower, {partition: None})
    start = first_head("ledger", follower.identity)
    lead = Lead(book=Book(partition), governance=Governance(), head=start, head_end=0, epoch=0, next_input=0)
    noted = Reading(-1 if known is None else known.seq)
    log = structlog.get_logger().bind(partition=partition)
    await reader.start()
    gc.disable()
    try:
        ends = await reader.end_offsets()
        told = 0
        while not reader.has_read(ends):
            for accepted in (await reader.poll()).get(partition, ()):
                _take(lead, accepted)
                noted.note(accepted)
            if lead.book.records - told >= _PROGRESS_RECORDS:
                told = lead.book.records
                log.info("taking over", records=told, of_offset=ends[partition])
        acceptance = reader.acceptances[partition]
        lead.head_end = acceptance.head.next_offset
        lead.head = msgspec.structs.replace(acceptance.head, next_offset=ends[partition])
    finally:
        # What was read lives as long as this lead: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        await reader.stop()
    try:
        advance(lead.governance, follower.history, len(follower.history) - 1)
    except Exception as error:
        raise StoppedError(GOVERNANCE, None) from error
    lead.epoch += 1
    lead.at = lead.book.at
    noted.say(lead)
    log.info(
        "took over",
        seq=lead.head.seq,
        epoch=lead.epoch,
        next_input=lead.next_input,
        open_requests=lead.book.open_requests(),
        quarantined=acceptance.quarantined,
    )
    return lead


def _take(lead: Lead, accepted: Accepted) -> None:
    record = accepted.record
    try:
        replay(lead.book, record)
    except Exception as error:
        raise StoppedError(LEDGER, accepted.offset) from error
    lead.epoch = record.epoch
    if isinstance(record.input, int):
        lead.next_input = record.input + 1
