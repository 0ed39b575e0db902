"""Take snapshots of a partition while it is led, without holding up decisions."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiokafka.errors import KafkaError

from assent.decider.encoding_aside import EncodingAside, EncodingError
from assent.decider.snapshot_topic import write_snapshot
from assent.observe import metrics
from assent_contracts.acceptance import Head
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.task_end import end
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.requests_snapshot import snapshot_of
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.heads import HeadInEra
from assent_contracts.topics import SNAPSHOTS


class SnapshotPace(msgspec.Struct, frozen=True, kw_only=True):
    """After how much of the ledger there is another snapshot, whichever comes first."""

    records: int = 100_000
    """A takeover reads so many records in about a second."""
    ledger_bytes: int = 128 * 1024 * 1024
    """And at least twice the size of the last snapshot, so that taking them costs less than deciding."""


class SnapshotTaking:
    """Takes the snapshots of one partition during one term. They are only a shortcut: it never fails."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        identity: str,
        writer: PartitionWriter[RequestsDesk],
        *,
        begun_at: HeadInEra,
        read_records: int,
        read_bytes: int,
        make_known: Callable[[], Awaitable[None]],
        pace: SnapshotPace,
    ) -> None:
        """`begun_at`: the accepted head at the beginning of the term, and the era in which it was read.

        `read_records`, `read_bytes`: what the takeover read after the last snapshot. `make_known` publishes
        the confirmed head, and raises KafkaError, TimeoutError or OSError.
        """
        self._connection = connection
        self._key = key
        self._identity = identity
        self._writer = writer
        self._begun_at = begun_at
        self._records, self._bytes = read_records, read_bytes
        self._make_known = make_known
        self._pace = pace
        self._last_size = 0
        self._partition = writer.desk.state.partition
        self._publishing: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(partition=str(self._partition))

    def passed(self, batch: Batch) -> None:
        """Count a batch of the ledger."""
        self._records += len(batch.links)
        self._bytes += sum(len(link.value) for link in batch.links)

    @property
    def is_due(self) -> bool:
        """Whether one should be taken now."""
        if self._publishing is not None:
            if not self._publishing.done():
                return False
            self._publishing.result()
        enough_bytes = max(self._pace.ledger_bytes, 2 * self._last_size)
        return self._records >= self._pace.records or self._bytes >= enough_bytes

    def take(self, confirmed: Head) -> None:
        """Take one of the writer's state, which is exactly that of the ledger up to `confirmed`."""
        self._records = self._bytes = 0
        begun, era = self._begun_at.head, self._begun_at.era
        # At the beginning of the term the confirmed head's offset is the end of the partition.
        head = begun if confirmed.seq == begun.seq else confirmed
        if head.seq < 0:
            return
        started = time.perf_counter()
        try:
            encoding = EncodingAside(lambda: snapshot_of(self._writer))
        except OSError as error:  # no memory for a fork
            self._log.warning("no snapshot was taken", error=repr(error))
            return
        finally:
            metrics.SNAPSHOT_PAUSE_SECONDS.observe(time.perf_counter() - started)
        self._publishing = asyncio.create_task(
            self._publish(encoding, HeadInEra(head, era)), name=f"snapshot-{self._partition}"
        )

    async def _publish(self, encoding: EncodingAside, at: HeadInEra) -> None:
        started = time.perf_counter()
        try:
            with await encoding.file() as file:
                # First, because no snapshot is used that goes beyond what is known of its ledger.
                await self._make_known()
                producer = CommandProducer(self._connection, SNAPSHOTS)
                await producer.start()
                try:
                    manifest = await write_snapshot(
                        producer, file, self._partition, at, key=self._key, identity=self._identity
                    )
                finally:
                    await producer.stop()
        except (KafkaError, TimeoutError, OSError, EncodingError) as error:
            self._log.warning("the snapshot was not written", seq=at.head.seq, error=repr(error))
            return
        if manifest is None:
            self._log.warning("the snapshot is too large to be written", seq=at.head.seq)
            return
        self._last_size = manifest.size
        metrics.SNAPSHOT_SEQ.labels(str(self._partition)).set(manifest.seq)
        took_s = round(time.perf_counter() - started, 2)
        self._log.info("snapshot written", seq=manifest.seq, size=manifest.size, took_s=took_s)

    async def written(self) -> None:
        """Return when nothing is being written any more."""
        if self._publishing is not None:
            await asyncio.wait([self._publishing])

    async def stop(self) -> None:
        """End what is being written. Its manifest is not there, so nobody uses it."""
        if self._publishing is not None:
            await end(self._publishing)
