"""One partition's released changes, from the ledger to `assent.changes`.

Where it continues after a restart. Its position is in its output: what it has written is on `assent.changes`.
But anyone may have written a record there. If the writer trusted the last position, one forged record with a
huge position would make it skip every release up to that. So it starts from the ledger instead. The ledger,
read from its start through the acceptance rule, shows which releases still wait for a claim. Each of them
that is not on `assent.changes` yet, equal in every byte, is written. Other records there are ignored,
whatever their position: only an exact copy of a release, headers included, counts as one. A release that was
claimed or has ended is not written. One that still waits is written again before the topic deletes it (see
`standing`).

What may happen. A release may be written twice: after a crash before the acknowledgement, by two dispatchers
at once, or when it waits for long. An applier recognises that by the ledger. Nothing is written before the
ledger has accepted it, and nothing that the signed commands in this partition do not lead to. Whether other
partitions support governance is left to appliers, which read all of them.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from assent.dispatch.release_spans import ReleaseSpans
from assent.dispatch.submission_payloads import ReleaseMismatchError, SubmissionPayloads
from assent.dispatch.written_releases import AGAIN_AFTER_S, WrittenReleases, copy_of
from assent.observe import metrics
from assent.observe.lag import Lag
from assent_contracts import cloudevents
from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.open_requests import OpenRequest, OpenRequests, ReleasedAt
from assent_contracts.client.partition_probe import LOOK_EVERY_S
from assent_contracts.codec import encode
from assent_contracts.commands import command_type
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import POSITION_HEADER, Change, decode_change
from assent_contracts.topics import CHANGES, LEDGER
from assent_contracts.trace_context import without_trace

SOURCE = "/assent/dispatch"
"""The CloudEvents source of every change; its id is the request's."""
_WRITE_AT_ONCE = 100
"""Up to this many payloads, of at most 256 KiB each, are in memory together."""
_NAMED_MAX = 20
"""So many released requests are named in a log line."""
_POLL_MS = 500
_POLL_RECORDS = 2_000


class PartitionDispatch:
    """One run over one partition. After an error, make a new one."""

    def __init__(
        self,
        connection: Connection,
        follower: GovernanceFollower,
        evidence: GovernanceEvidence,
        partition: int,
        *,
        known: HeadInEra | None = None,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        """`follower` has been started, and `evidence` is its own. `known`: how far an earlier run came."""
        self._connection = connection
        self._partition = partition
        self._reader = LedgerReader(
            connection, follower, {partition: None}, known=None if known is None else {partition: known}
        )
        self._submissions = SubmissionPayloads(connection, partition)
        self._requests = OpenRequests(partition, evidence)
        self._spans = ReleaseSpans(self._requests.opened_at)
        self._standing = WrittenReleases(connection, partition, _release_of, again_after_s=again_after_s)
        self._look_at = 0.0
        self._held_back: dict[str, str] = {}
        self._place = TopicPartition(LEDGER, partition)
        self._lag = Lag()
        self._producer: AIOKafkaProducer | None = None
        self._quarantined = 0
        self._log = structlog.get_logger().bind(partition=partition)

    async def start(self) -> None:
        """Connect, read the ledger to its end, and write the releases that are not there yet.

        Raises KafkaError, TimeoutError, ReleaseMismatchError.
        """
        self._producer = await open_producer(self._connection)
        await self._submissions.start()
        await self._reader.start()
        async for polled in self._reader.until(await self._reader.end_offsets()):
            for accepted in polled.get(self._partition, ()):
                self._spans.take(accepted, self._requests.take(accepted))
        # What an earlier run has counted is not news, though it is read again.
        self._quarantined = self._reader.acceptances[self._partition].quarantined
        self._spans.forget_ended(self._requests.find)
        waiting = self._waiting()
        missing = await self._standing.missing(waiting)
        self._log.info(
            "resumed",
            open_requests=len(self._requests),
            unclaimed=len(waiting),
            missing=len(missing),
            quarantined=self._quarantined,
        )
        await self._write(missing)
        self._look_at = time.monotonic() + LOOK_EVERY_S

    def head(self) -> HeadInEra:
        """How far the ledger has been read."""
        return self._reader.heads()[self._partition]

    async def stop(self) -> None:
        """Disconnect."""
        self._lag.forget([self._place])
        # Together, so that a slow one does not keep another open when this is cut short.
        stops = [self._reader.stop(), self._submissions.stop(), self._standing.stop()]
        if self._producer is not None:
            stops.append(self._producer.stop())
        await asyncio.gather(*stops)

    async def go_on(self) -> None:
        """Read what the ledger has now, waiting a little if there is nothing, and write its releases.

        Raises as `start` does.
        """
        accepted = await self._poll()
        self._lag.read(self._place, self._reader.positions()[self._partition])
        self._lag.tell({TopicPartition(LEDGER, number): end for number, end in self._reader.ends().items()})
        started = time.perf_counter()
        released: list[OpenRequest] = []
        for each in accepted:
            request = self._requests.take(each)
            self._spans.take(each, request)
            if request is not None and request.is_for_appliers:
                released.append(request)
            opened = self._requests.opened_at(each.record.seq)
            if opened is not None and opened.is_for_appliers:
                self._submissions.remember(each)
        await self._write(released)
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            self._spans.forget_ended(self._requests.find)
            await self._write_again()
        if accepted:
            self._tell(accepted, released, time.perf_counter() - started)

    def held_back(self) -> dict[str, str]:
        """The open requests whose releases were not written, each with what it lacks."""
        if self._held_back:
            still = {name: why for name, why in self._held_back.items() if self._requests.find(name)}
            self._held_back = still
        return self._held_back

    def _waiting(self) -> list[OpenRequest]:
        return self._requests.unclaimed()

    async def _write_again(self) -> None:
        """Write what still waits and is no longer on `assent.changes`, or soon will not be."""
        lost = await self._standing.lost(self._waiting())
        if lost:
            self._log.warning("written again", releases=len(lost), first=lost[0].request)
            await self._write(lost)

    async def _poll(self) -> Sequence[Accepted]:
        return self._counted(await self._reader.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS))

    def _counted(self, polled: Mapping[int, Sequence[Accepted]]) -> Sequence[Accepted]:
        """This partition's records, after counting what was quarantined among them."""
        quarantined = self._reader.acceptances[self._partition].quarantined
        if quarantined > self._quarantined:
            dropped = self._reader.acceptances[self._partition]
            self._log.warning(
                "quarantined",
                records=quarantined - self._quarantined,
                last_offset=dropped.last_quarantined,
            )
            metrics.QUARANTINED.labels(LEDGER, str(self._partition)).inc(quarantined - self._quarantined)
            self._quarantined = quarantined
        return polled.get(self._partition, ())

    async def _write(self, released: Sequence[OpenRequest]) -> None:
        """Write the releases that have evidence; return once every in-sync replica has acknowledged them."""
        released = [request for request in released if self._has_evidence(request)]
        for start in range(0, len(released), _WRITE_AT_ONCE):
            await self._write_some(released[start : start + _WRITE_AT_ONCE])

    def _has_evidence(self, request: OpenRequest) -> bool:
        lacks = self._requests.lacking(request, confirmed=False)
        if lacks is None:
            return True
        self._held_back[request.request] = lacks
        metrics.NO_EVIDENCE.labels(str(self._partition)).inc()
        self._log.error("no evidence", request=request.request, seq=_release(request).seq, lacks=lacks)
        return False

    async def _write_some(self, released: Sequence[OpenRequest]) -> None:
        producer = self._producer
        assert producer is not None
        payloads = await self._submissions.read(released)
        sent = []
        for request in released:
            change = _change(request, payloads[request.request])
            value = encode(change)
            span, traced = self._spans.begin(request)
            ack = await producer.send(
                CHANGES,
                value,
                key=change.resource.encode(),
                partition=self._partition,
                headers=[*_headers(change), *traced],
            )
            sent.append((change.request, value, ack, span))
        for name, value, ack, span in sent:
            self._standing.note(name, copy_of(value, (await ack).offset))
            if span is not None:
                span.end()
        metrics.DISPATCHED.labels(str(self._partition)).inc(len(sent))

    def _tell(self, accepted: Sequence[Accepted], released: Sequence[OpenRequest], took_s: float) -> None:
        first, last = accepted[0].record.seq, accepted[-1].record.seq
        partition = str(self._partition)
        metrics.PROJECTED.labels(LEDGER, partition).inc(len(accepted))
        metrics.PROJECTED_SEQ.labels(LEDGER, partition).set(last)
        metrics.PROJECT_SECONDS.observe(took_s)
        self._log.info(
            "dispatched",
            records=len(accepted),
            released=len(released),
            requests=[each.request for each in released[:_NAMED_MAX]],
            first_seq=first,
            last_seq=last,
            open_requests=len(self._requests),
            took_ms=round(took_s * 1_000, 2),
        )


def _release(request: OpenRequest) -> ReleasedAt:
    assert request.release is not None
    return request.release


def _change(request: OpenRequest, payload: msgspec.Raw) -> Change:
    try:
        return request.change(payload)
    except ValueError as error:
        raise ReleaseMismatchError(str(error)) from error


def _release_of(record: ConsumerRecord, waiting: dict[str, OpenRequest]) -> str | None:
    change = _read(record.value)
    request = None if change is None else waiting.get(change.request)
    if change is None or request is None or not request.is_release(change):
        return None
    # The headers too: a reader that compares positions would skip a true value under a forged position.
    # Only its trace may be another one, because that decides nothing.
    return change.request if without_trace(record.headers) == _headers(change) else None


def _read(value: bytes | None) -> Change | None:
    try:
        return None if value is None else decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _headers(change: Change) -> list[tuple[str, bytes]]:
    return [
        *cloudevents.headers(
            event_type=command_type(change), event_id=change.request, source=SOURCE, at_ms=change.at
        ),
        (POSITION_HEADER, str(change.released).encode()),
    ]
