"""Decide one partition's commands, from a takeover until somebody else's run stands or Kafka fails."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from msgspec import UNSET, UnsetType

from assent.decider.desk import Decision, Desk, OwnRecord
from assent.decider.signatures import SignatureChecker
from assent.decider.stopped import StoppedError
from assent.decider.term import Term
from assent.decider.together import until_one_ends
from assent.ledger.appender import Appender, LostLeadError, fits, size_of
from assent.ledger.chain import Chain, Link, RecordTooLargeError
from assent.observe import metrics
from assent.observe.traces import TRACER
from assent_contracts import limits
from assent_contracts.client.fetch import fetch
from assent_contracts.codec import malformed, too_large
from assent_contracts.core.received import Envelope, Omitted, Received, open_envelope
from assent_contracts.core.sender import UNAUTHENTICATED
from assent_contracts.ledger import OmittedCommand, RecordedCommand
from assent_contracts.refusals import Refusal

POLL_RECORDS = 2_000
POLL_MS = 500
"""How long a poll waits at most, and so how late an expiry may be written."""
PORTION_BYTES = 2 * 1024 * 1024
"""What is decided before others have their turn: a compressed batch may be a thousand times as large."""
_AHEAD = 2

Clock = Callable[[], int]
"""Wall clock in ms since 1970."""


class Batch(msgspec.Struct, frozen=True):
    """A portion of what was polled, and the answers of the signature check, which may be under way."""

    records: Sequence[ConsumerRecord]
    envelopes: Sequence[Envelope | Omitted]
    good: asyncio.Future[list[bool]]
    governance: int
    """The governance seq that the signatures were checked under."""


class Session:
    """One term of one writer over one partition."""

    def __init__(
        self,
        desk: Desk,
        term: Term,
        appender: Appender,
        consumer: AIOKafkaConsumer,
        checker: SignatureChecker,
        clock: Clock,
    ) -> None:
        """The consumer stands at `term.next_input` of `desk.place`."""
        self._desk = desk
        self._chain = Chain(term.head, term.epoch)
        self._appender = appender
        self._consumer = consumer
        self._checker = checker
        self._clock = clock
        self._received: asyncio.Queue[Batch] = asyncio.Queue(_AHEAD)
        self._links: list[Link] = []
        self._size = 0
        self._log = structlog.get_logger().bind(partition=desk.name, epoch=term.epoch)

    async def run(self) -> None:
        """Decide until cancelled.

        Raises LostLeadError, KafkaError, TimeoutError: then start over. And NotFollowingError.
        """
        await until_one_ends(
            self._take_in(), self._wake(), self._decide_all(), self._appender.keep_confirming()
        )

    async def _take_in(self) -> None:
        place = self._desk.place
        while True:
            fetched = await fetch(self._consumer, place, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for portion in portions(fetched.get(place, [])):
                await self._hand_over(portion)

    async def _wake(self) -> None:
        """What another ledger makes due is not to wait for the next poll's end."""
        while True:
            await self._desk.news()
            await self._hand_over([])

    async def _hand_over(self, records: Sequence[ConsumerRecord]) -> None:
        await self._desk.catch_up()
        governance = self._desk.governance
        envelopes = [open_envelope(record.value, record.key, record.headers) for record in records]
        # Not awaited here: while signatures are checked, the next commands are read.
        good = self._checker.check(envelopes, governance)
        await self._received.put(Batch(records, envelopes, good, governance.seq))

    async def _decide_all(self) -> None:
        while True:
            batch = await self._received.get()
            good = await batch.good
            started = time.perf_counter()
            first = self._chain.seq + 1
            at = max(self._desk.at, self._clock())
            with TRACER.start_as_current_span("decide", attributes={"partition": self._desk.name}):
                await self._end_if_retired(at)
                await self._record_due(at)
                refused = await self._decide(batch, good, at)
                await self._send(at)
            if self._chain.seq >= first:
                self._tell(batch, first, refused, time.perf_counter() - started)
            # The queue may hold more: health, heartbeats and other partitions have their turn in between.
            await asyncio.sleep(0)

    async def _decide(self, batch: Batch, answers: Sequence[bool], at: int) -> int:
        refused = 0
        for record, envelope, good in zip(batch.records, batch.envelopes, answers, strict=True):
            if self._desk.is_retired:
                await self._end_if_retired(at)
            refusal = self._decide_one(record, envelope, at, good=good or self._late_key(envelope, batch))
            if refusal is not None:
                refused += 1
                metrics.DECISIONS.labels(self._desk.name, refusal.code).inc()
            if self._is_full():
                await self._send(at)
        metrics.DECISIONS.labels(self._desk.name, "").inc(len(batch.records) - refused)
        return refused

    def _late_key(self, envelope: Envelope | Omitted, batch: Batch) -> bool:
        # A key that was registered between the check and now has not been tried.
        governance = self._desk.governance
        if governance.seq == batch.governance or isinstance(envelope, Omitted):
            return False
        return self._checker.check_one(envelope, governance)

    def _decide_one(
        self, record: ConsumerRecord, envelope: Envelope | Omitted, at: int, *, good: bool
    ) -> Refusal | None:
        """Decide one record and link its decision; the refusal, if it is one. Raises StoppedError."""
        try:
            it = self._read(record, envelope, at, good=good)
            if isinstance(it, Omitted):
                return self._omit(record, it, at)
            return self._decide_command(record, it, at)
        except Exception as error:
            # Nobody can say what comes after a record on which the rules fail: it is not skipped.
            raise StoppedError(self._desk.place.topic, record.offset) from error

    def _read(
        self, record: ConsumerRecord, envelope: Envelope | Omitted, at: int, *, good: bool
    ) -> Received[Any] | Omitted:
        """The command, once a key is known to have signed it."""
        if isinstance(envelope, Omitted):
            return envelope
        refusal = self._desk.unattributed(envelope, signature_good=good, at=at)
        if refusal is None:
            try:
                it = self._desk.read(envelope)
            except Exception as error:  # noqa: BLE001  whatever a sender's bytes make a reader do is their refusal
                self._log.exception("reading failed", input=record.offset, error=repr(error))
                it = malformed("The record cannot be read.")
            if not isinstance(it, Refusal):
                return it
            refusal = it
        return Omitted(refusal, envelope.value_sha256, len(envelope.value))

    def _decide_command(self, record: ConsumerRecord, received: Received[Any], at: int) -> Refusal | None:
        seq, desk = self._chain.seq + 1, self._desk
        decision = desk.decide(received, seq=seq, at=at)
        if isinstance(decision, Refusal) and decision.code in UNAUTHENTICATED:
            return self._omit(record, Omitted(decision, received.value_sha256, len(received.value)), at)
        command = RecordedCommand(
            value=msgspec.Raw(received.value), key=received.key_id, signature=received.signature
        )
        try:
            link = self._link(record, decision, command, at)
        except RecordTooLargeError as error:
            decision = too_large("the decision's record", error.size, limits.RECORD_MAX_BYTES, "bytes")
            link = self._link(record, decision, command, at)
        desk.keep_decision(received, decision, seq=seq, at=at)
        self._put(link)
        return decision if isinstance(decision, Refusal) else None

    def _link(self, record: ConsumerRecord, decision: Decision, command: RecordedCommand, at: int) -> Link:
        return self._chain.link(
            record.key,
            decision,
            at=at,
            governance=self._desk.governance_named,
            input_offset=record.offset,
            command=command,
        )

    def _omit(self, record: ConsumerRecord, it: Omitted, at: int) -> Refusal:
        """Record hash and size alone; the Kafka key stays behind too, as anybody may have written it."""
        command = OmittedCommand(sha256=it.value_sha256.hex(), size=it.size)
        seq, named = self._chain.seq + 1, self._desk.governance_named
        link = self._chain.link(
            None, it.refusal, at=at, governance=named, input_offset=record.offset, command=command
        )
        self._desk.keep((), seq=seq, at=at)
        self._put(link)
        self._log.warning(
            "omitted", input=record.offset, sha256=command.sha256, size=it.size, code=it.refusal.code
        )
        return it.refusal

    async def _record_due(self, at: int) -> None:
        due = self._desk.due(at)
        while True:
            await self._end_if_retired(at)
            link = self._next_due(due, at)
            if link is None:
                return
            self._put(link)
            if self._is_full():
                await self._send(at)

    def _next_due(self, due: Iterator[OwnRecord], at: int) -> Link | None:
        desk = self._desk
        try:
            own = next(due, None)
            if own is None:
                return None
            link = self._chain.link(
                own.key, own.events, at=at, governance=desk.governance_named, command=own.command
            )
            desk.keep(own.events, seq=self._chain.seq, at=at)
        except Exception as error:
            raise StoppedError(desk.place.topic, None) from error
        return link

    async def _end_if_retired(self, at: int) -> None:
        """Raises LostLeadError once the key is retired: what it sealed up to then is sent, nothing after."""
        if self._desk.is_retired:
            await self._send(at)
            await self._appender.flush()
            raise LostLeadError(f"{self._desk.name}: this writer's key was retired")

    def _put(self, link: Link) -> None:
        self._links.append(link)
        self._size += size_of(link)

    def _is_full(self) -> bool:
        return not fits(len(self._links), self._size)

    async def _send(self, at: int) -> None:
        if not self._links:
            return
        links, self._links, self._size = self._links, [], 0
        # Nothing has awaited since these links were made: they all name this governance seq.
        head = self._chain.head(_seq_or_none(self._desk.governance_named), next_offset=0)
        await self._appender.append(links, head, at=at)

    def _tell(self, batch: Batch, first: int, refused: int, took_s: float) -> None:
        metrics.DECIDE_SECONDS.observe(took_s)
        self._desk.measure()
        self._log.info(
            "decided",
            commands=len(batch.records),
            refused=refused,
            first_seq=first,
            last_seq=self._chain.seq,
            last_input=batch.records[-1].offset if batch.records else None,
            governance=self._desk.governance.seq,
            took_ms=round(took_s * 1_000, 2),
        )


def portions(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """The records in portions of about PORTION_BYTES and at most POLL_RECORDS; at least one portion."""
    first = size = 0
    for number, record in enumerate(records, start=1):
        size += len(record.value or b"") + len(record.key or b"")
        if size > PORTION_BYTES or number - first >= POLL_RECORDS:
            yield records[first:number]
            first, size = number, 0
    if first < len(records) or not records:
        yield records[first:]


def _seq_or_none(governance: int | UnsetType) -> int:
    """The seq, or -1 for the ledger whose records name none."""
    return -1 if governance is UNSET else governance
