"""`assent.snapshots`: write a snapshot of a partition, and read the newest one that counts."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import BinaryIO, Final

from aiokafka import ConsumerRecord, TopicPartition

from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey, verify_signature, writer_headers
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.client.partition_probe import Probe
from assent_contracts.core.writer.requests_snapshot import FORMAT
from assent_contracts.heads import HeadInEra
from assent_contracts.snapshots import (
    MANIFEST_KEY,
    PIECE_BYTES,
    SNAPSHOT_MAX_BYTES,
    SnapshotManifest,
    decode_manifest,
    encode_manifest,
    snapshot_message,
    verify_manifest,
)
from assent_contracts.topics import SNAPSHOTS

_LOOK_BACK: Final = (1, 32, 512)
"""How many of the last records are searched for a manifest: these, until there is one."""


async def write_snapshot(
    producer: CommandProducer,
    file: BinaryIO,
    partition: int,
    at: HeadInEra,
    *,
    key: SecretKey,
    identity: str,
) -> SnapshotManifest | None:
    """Write what is in `file`, from its present position on; None for a snapshot that is too large.

    Each piece is on every in-sync replica before the next is read, and all of them before the manifest. So a
    manifest never names what is not there. `at`: the accepted head that the snapshot was taken at. Raises
    KafkaError.
    """
    name, digest, size, first = secrets.token_hex(16), hashlib.sha256(), 0, -1
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        digest.update(piece)
        size += len(piece)
        if size > SNAPSHOT_MAX_BYTES:
            return None
        sent = await producer.send(piece, name.encode(), [], partition)
        first = sent.offset if first < 0 else first
    manifest = SnapshotManifest(
        id=name,
        format=FORMAT,
        partition=partition,
        seq=at.head.seq,
        sha256=at.head.value_sha256,
        governance=at.head.governance,
        next_offset=at.head.next_offset,
        era=at.era,
        first_offset=first,
        size=size,
        content=digest.hexdigest(),
    )
    value = encode_manifest(manifest)
    headers = writer_headers(key, snapshot_message(identity, value))
    await producer.send(value, MANIFEST_KEY, headers, partition)
    return manifest


class SnapshotPlace:
    """One partition of the topic, as it is when it is looked at."""

    def __init__(self, connection: Connection, partition: int, *, beginning: int, end: int) -> None:
        self._connection = connection
        self._place = TopicPartition(SNAPSHOTS, partition)
        self._beginning = beginning
        self._end = end

    async def newest(self, identity: str, writers: Mapping[str, bytes]) -> SnapshotManifest | None:
        """The last manifest that a writer has signed; None if there is none near the end. Raises KafkaError.

        `writers`: the keys that governance lists now, by id.
        """
        searched = self._end
        for records in _LOOK_BACK:
            start, found = max(self._beginning, self._end - records), None
            async for polled in self._records(start, searched):
                for record in polled:
                    found = _signed(record, identity, writers) or found
            if found is not None or start == self._beginning:
                return found
            searched = start
        return None

    async def content(self, manifest: SnapshotManifest) -> bytes | None:
        """The bytes of a snapshot; None if they are not all there as signed. Raises KafkaError."""
        content, name = bytearray(), manifest.id.encode()
        async for polled in self._records(manifest.first_offset, self._end):
            for record in polled:
                # Others may have written in between.
                if record.key == name and record.value is not None:
                    content += record.value
            if len(content) >= manifest.size:
                break
        is_whole = len(content) == manifest.size and hashlib.sha256(content).hexdigest() == manifest.content
        return bytes(content) if is_whole else None

    async def _records(self, start: int, end: int) -> AsyncIterator[list[ConsumerRecord]]:
        if not self._beginning <= start < end:
            return
        async with partition_contents(self._connection, self._place, start=start, end=end) as contents:
            async for polled in contents:
                yield polled


async def look_at_snapshots(connection: Connection, partition: int) -> SnapshotPlace | None:
    """The snapshots of a partition; None if there is no such topic. Raises KafkaError, TimeoutError."""
    place = TopicPartition(SNAPSHOTS, partition)
    async with Probe(connection) as probe:
        if partition >= (await probe.partitions(SNAPSHOTS) or 0):
            return None
        found = (await probe.found({place: 0}))[place]
    return SnapshotPlace(connection, partition, beginning=found.beginning, end=found.end)


def _signed(record: ConsumerRecord, identity: str, writers: Mapping[str, bytes]) -> SnapshotManifest | None:
    manifest = decode_manifest(record.value) if record.key == MANIFEST_KEY else None
    if record.value is None or manifest is None:
        return None
    verdict = verify_manifest(identity, record.value, list(record.headers), writers, verify_signature)
    return manifest if verdict == "good" else None
