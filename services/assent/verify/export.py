"""Both ledgers as one file: a manifest, then a line of JSON for each accepted record, with its seal if any.

Only what is proved goes in: the value, and the seal. Offsets, keys and times of the broker do not.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from assent_contracts import seal
from assent_contracts.acceptance import Acceptance, Headers
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.fetch import fetch
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify
from assent_contracts.client.reader import acceptance_of
from assent_contracts.ledger import decode_governance_events
from assent_contracts.topics import GOVERNANCE
from assent_contracts.writers import WriterRegistry

Progress = Callable[[int, int], None]


class ExportedRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of an exported file. `value` is the record's exact text."""

    ledger: str
    partition: int
    value: str
    writer: str | None = None
    seal: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: how many records of which ledger partition follow, in this order."""

    assent_export: Literal[1] = 1
    identity: str
    parts: tuple[tuple[str, int, int], ...]
    """(ledger, partition, records)"""


async def export_ledgers(
    connection: Connection,
    identity: str,
    follower: GovernanceFollower,
    partitions: int,
    path: Path,
    progress: Progress,
) -> int:
    """Write `path`, which must not exist; returns how many records. Raises FileExistsError, KafkaError."""
    writers = WriterRegistry()
    governance = Acceptance(GOVERNANCE, 0, writers=writers, verify=verify, identity=identity)
    chains = [governance, *(acceptance_of(partition, follower) for partition in range(partitions))]
    with path.open("xb") as file, tempfile.TemporaryFile(dir=path.parent) as body:
        for chain in chains:
            await _export(connection, chain, body, progress, writers=writers if chain is governance else None)
        parts = tuple((chain.topic, chain.partition, chain.head.seq + 1) for chain in chains)
        file.write(msgspec.json.encode(Manifest(identity=identity, parts=parts)) + b"\n")
        body.seek(0)
        shutil.copyfileobj(body, file)
    return sum(records for _, _, records in parts)


async def _export(
    connection: Connection,
    acceptance: Acceptance,
    file: BinaryIO,
    progress: Progress,
    *,
    writers: WriterRegistry | None,
) -> None:
    place = TopicPartition(acceptance.topic, acceptance.partition)
    consumer = await reading(connection, {place: 0})
    # A run is accepted as a whole, at its seal: until then only its headers have to be kept.
    pending: dict[int, Headers] = {}
    read_to = 0
    try:
        end = (await consumer.end_offsets([place]))[place]
        while read_to < end:
            for record in (await fetch(consumer, timeout_ms=500)).get(place, ()):
                read_to = record.offset + 1
                _take(acceptance, record, pending, file, writers)
            progress(read_to, end)
    finally:
        await consumer.stop()


def _take(
    acceptance: Acceptance,
    record: ConsumerRecord,
    pending: dict[int, Headers],
    file: BinaryIO,
    writers: WriterRegistry | None,
) -> None:
    if record.headers:
        pending[record.offset] = record.headers
    run = acceptance.offer(record.offset, record.value, record.headers)
    for accepted in run:
        if writers is not None:
            writers.apply(accepted.record.seq, decode_governance_events(accepted.record))
        headers = dict(pending.get(accepted.offset, ()))
        writer, signature = headers.get(seal.WRITER_HEADER), headers.get(seal.SEAL_HEADER)
        line = ExportedRecord(
            ledger=acceptance.topic,
            partition=acceptance.partition,
            value=accepted.value.decode(),
            writer=None if writer is None else writer.decode(),
            seal=None if signature is None else signature.decode(),
        )
        file.write(msgspec.json.encode(line) + b"\n")
    if run:
        pending.clear()
