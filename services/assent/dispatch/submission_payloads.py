"""The payloads of submissions, read again from the ledger by offset."""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import SEEK_MAX_WAIT_MS, Connection, Consumer, started
from assent_contracts.client.open_requests import OpenRequest, submitted_payload
from assent_contracts.topics import LEDGER

RECENT_MAX_BYTES = 8 * 1024 * 1024
"""Recently read payloads are kept, because many changes are released soon after they were submitted."""
_FETCH_MAX_BYTES = 64 * 1024
_READ_ON_RECORDS = 200
"""Reading over up to this many records is cheaper than seeking."""
_POLL_MS = 500


class ReleaseMismatchError(Exception):
    """The record at a submission's offset is not the one that was accepted: the ledger was altered."""


class SubmissionPayloads:
    """One partition's payloads."""

    def __init__(self, connection: Connection, partition: int) -> None:
        self._connection = connection
        self._place = TopicPartition(LEDGER, partition)
        self._consumer: AIOKafkaConsumer | None = None
        self._recent: OrderedDict[int, msgspec.Raw] = OrderedDict()
        self._recent_bytes = 0

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        self._consumer = Consumer(
            **self._connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="none",
            # Small, because what follows a submission is not needed. A larger record is still delivered.
            max_partition_fetch_bytes=_FETCH_MAX_BYTES,
            fetch_max_wait_ms=SEEK_MAX_WAIT_MS,
        )
        await started(self._consumer)
        self._consumer.assign([self._place])
        self._consumer.pause(self._place)

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    def remember(self, accepted: Accepted) -> None:
        """Keep the payload of an accepted submission for a while."""
        payload = submitted_payload(accepted.value)
        self._recent[accepted.offset] = payload
        self._recent_bytes += len(payload)
        while self._recent_bytes > RECENT_MAX_BYTES:
            _, oldest = self._recent.popitem(last=False)
            self._recent_bytes -= len(oldest)

    async def read(self, requests: Iterable[OpenRequest]) -> dict[str, msgspec.Raw]:
        """The payloads of these requests, by request id.

        Raises KafkaError, and ReleaseMismatchError when a record is no longer a submission.
        """
        payloads: dict[str, msgspec.Raw] = {}
        missing: list[OpenRequest] = []
        for request in requests:
            recent = self._recent.get(request.offset)
            if recent is None:
                missing.append(request)
            else:
                payloads[request.request] = recent
        if missing:
            missing.sort(key=lambda request: request.offset)
            await self._read_again(missing, payloads)
        return payloads

    async def _read_again(self, requests: list[OpenRequest], payloads: dict[str, msgspec.Raw]) -> None:
        consumer = self._consumer
        assert consumer is not None
        consumer.resume(self._place)
        try:
            position = -1
            for request in requests:
                if not 0 <= request.offset - position <= _READ_ON_RECORDS or position < 0:
                    consumer.seek(self._place, request.offset)
                record = await self._record_at(consumer, request)
                # More than this record may have been read.
                position = await consumer.position(self._place)
                payloads[request.request] = _payload(record, request)
        finally:
            consumer.pause(self._place)

    async def _record_at(self, consumer: AIOKafkaConsumer, request: OpenRequest) -> ConsumerRecord:
        while True:
            fetched = await consumer.getmany(self._place, timeout_ms=_POLL_MS, max_records=1)
            for record in fetched.get(self._place, ()):
                if record.offset > request.offset:
                    msg = f"request {request.request}: offset {request.offset} of the ledger was deleted"
                    raise ReleaseMismatchError(msg)
                if record.offset == request.offset:
                    return record


def _payload(record: ConsumerRecord, request: OpenRequest) -> msgspec.Raw:
    try:
        return submitted_payload(record.value or b"")
    except msgspec.MsgspecError as error:
        msg = f"request {request.request}: offset {request.offset} of the ledger holds no submission"
        raise ReleaseMismatchError(msg) from error
