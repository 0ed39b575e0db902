"""Start a takeover from the newest snapshot of the partition, if there is one that fits this ledger."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent.decider.snapshot_topic import look_at_snapshots
from assent.decider.term import DecidedCommand, TermReading
from assent_contracts import limits
from assent_contracts.acceptance import Accepted, Head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.client.partition_probe import Probe
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.requests_snapshot import FORMAT, SnapshotError, writer_from
from assent_contracts.core.writer.writer import IsSigned, PartitionWriter, Sealer
from assent_contracts.eras import era_of
from assent_contracts.heads import KnownHead
from assent_contracts.ledger import decode_record
from assent_contracts.snapshots import why_not_usable
from assent_contracts.topics import LEDGER

_WITHIN_S: Final = 60.0
"""Then it is quicker to read the ledger."""
_RECORDS_BEFORE: Final = 256
"""How many ledger records before the snapshot's head are read: they have the last decided commands."""


class SnapshotStart(msgspec.Struct, frozen=True):
    """Where a takeover goes on from."""

    head: Head
    """The accepted head that the snapshot was taken at."""
    writer: PartitionWriter[RequestsDesk]
    before: list[Accepted]
    """The last accepted records up to that head, in order. They show what was decided last."""

    def noted(self, known: KnownHead | None) -> TermReading:
        """The term's findings up to that head, to be continued with the records after it."""
        seq, offset = self.writer.last_decided
        noted = TermReading(known, DecidedCommand(seq=seq, input=offset, sha256=self.writer.input_sha256))
        for accepted in self.before:
            noted.note(accepted)
        return noted


class _UnusableError(Exception):
    """The snapshot is not used; the message says why."""


async def snapshot_start(
    connection: Connection,
    partition: int,
    follower: GovernanceFollower,
    known: KnownHead | None,
    *,
    sealer: Sealer | None,
    is_signed: IsSigned,
) -> SnapshotStart | None:
    """Where to go on from; None to read the ledger partition from its start. As a shortcut, it never fails.

    `known`: a head known from elsewhere. Without one no snapshot is used.
    """
    log = structlog.get_logger().bind(partition=partition)
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _start(connection, partition, follower, known, sealer, is_signed)
    except _UnusableError as error:
        log.info("reading the whole ledger partition", because=str(error))
    except (KafkaError, TimeoutError) as error:
        log.warning("reading the whole ledger partition", because=repr(error))
    return None


async def _start(
    connection: Connection,
    partition: int,
    follower: GovernanceFollower,
    known: KnownHead | None,
    sealer: Sealer | None,
    is_signed: IsSigned,
) -> SnapshotStart:
    place = await look_at_snapshots(connection, partition)
    if place is None:
        msg = "there is no topic assent.snapshots: create it with `assent topics apply`"
        raise _UnusableError(msg)
    manifest = await place.newest(follower.identity, follower.writers.public_keys())
    if manifest is None:
        raise _UnusableError("there is no snapshot yet")
    why = why_not_usable(
        manifest,
        partition=partition,
        format_read=FORMAT,
        era=era_of(follower.losses),
        governance=len(follower.history) - 1,
        known=-1 if known is None else known.seq,
    )
    if why is not None:
        raise _UnusableError(f"the newest snapshot is not used: {why}")
    before = await _records_before(connection, partition, manifest.head)
    content = await place.content(manifest)
    if content is None:
        raise _UnusableError("the newest snapshot is not whole")
    try:
        # In a thread, so that health is answered and heartbeats are sent meanwhile.
        writer = await asyncio.to_thread(
            writer_from, content, partition, manifest.head, sealer=sealer, is_signed=is_signed
        )
    except SnapshotError as error:
        raise _UnusableError(f"the newest snapshot cannot be read: {error}") from error
    return SnapshotStart(manifest.head, writer, before)


async def _records_before(connection: Connection, partition: int, head: Head) -> list[Accepted]:
    """The last records up to the head. Raises _UnusableError if the ledger does not have it."""
    place = TopicPartition(LEDGER, partition)
    async with Probe(connection) as probe:
        found = (await probe.found({place: head.next_offset}))[place]
    if found.beginning > 0 or found.sha256 != head.value_sha256:
        raise _UnusableError("the ledger does not have the record that the newest snapshot ends with")
    records: list[tuple[int, bytes | None]] = []
    start = max(0, head.next_offset - _RECORDS_BEFORE)
    async with partition_contents(connection, place, start=start, end=head.next_offset) as contents:
        async for polled in contents:
            records += [(record.offset, record.value) for record in polled]
    return chained_to(head, records)


def chained_to(head: Head, records: Sequence[tuple[int, bytes | None]]) -> list[Accepted]:
    """The records of a chain that ends with `head`, in order, out of these offsets and values.

    Empty if `head` is not the last of them.

    Since each names the hash of the one before it, all of them are as they were when `head` was accepted.
    """
    chain: list[Accepted] = []
    wanted = head.value_sha256
    if not records or records[-1][0] != head.next_offset - 1:
        return []
    for at, value in reversed(records):
        if (
            value is None
            or len(value) > limits.RECORD_MAX_BYTES
            or hashlib.sha256(value).hexdigest() != wanted
        ):
            if not chain:
                return []
            continue  # no reader has accepted this one
        try:
            accepted = Accepted(at, decode_record(value), value, wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []  # no reader has accepted this
        chain.append(accepted)
        wanted = accepted.record.prev
    return chain[::-1]
