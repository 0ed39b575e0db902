"""Decide one partition's commands, from a takeover until somebody else's run stands or Kafka fails."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from msgspec import UNSET, UnsetType

from assent.core.received import Received, Unreadable
from assent.decider.desk import Desk
from assent.decider.signatures import SignatureChecker
from assent.decider.term import Term
from assent.decider.together import until_one_ends
from assent.ledger.appender import Appender, fits, size_of
from assent.ledger.chain import Chain, Link
from assent.observe import metrics
from assent.observe.traces import TRACER
from assent_contracts.client.batches import UnreadableRecord
from assent_contracts.client.fetch import fetch
from assent_contracts.codec import malformed
from assent_contracts.ledger import RecordedCommand, UnreadableCommand
from assent_contracts.refusals import Refusal

POLL_RECORDS = 2_000
POLL_MS = 500
"""How long a poll waits at most, and so how late an expiry may be written."""
_AHEAD = 2

Clock = Callable[[], int]
"""Wall clock in ms since 1970."""


class Batch(msgspec.Struct, frozen=True):
    """One polled batch, and the answers of the signature check, which may be under way."""

    records: Sequence[ConsumerRecord]
    received: Sequence[Received[Any] | Unreadable]
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
            await self._hand_over(fetched.get(place, []))

    async def _wake(self) -> None:
        """What another ledger makes due is not to wait for the next poll's end."""
        while True:
            await self._desk.news()
            await self._hand_over([])

    async def _hand_over(self, records: Sequence[ConsumerRecord]) -> None:
        await self._desk.catch_up()
        governance = self._desk.governance
        received = [self._receive(record) for record in records]
        # Not awaited here: while signatures are checked, the next commands are read.
        good = self._checker.check(received, governance)
        await self._received.put(Batch(records, received, good, governance.seq))

    async def _decide_all(self) -> None:
        while True:
            batch = await self._received.get()
            good = await batch.good
            started = time.perf_counter()
            first = self._chain.seq + 1
            at = max(self._desk.at, self._clock())
            with TRACER.start_as_current_span("decide", attributes={"partition": self._desk.name}):
                await self._record_due(at)
                refused = await self._decide(batch, good, at)
                await self._send(at)
            if self._chain.seq >= first:
                self._tell(batch, first, refused, time.perf_counter() - started)

    async def _decide(self, batch: Batch, answers: Sequence[bool], at: int) -> int:
        refused = 0
        for record, received, good in zip(batch.records, batch.received, answers, strict=True):
            refusal = self._decide_one(record, received, at, good=good or self._late_key(received, batch))
            if refusal is not None:
                refused += 1
                metrics.DECISIONS.labels(self._desk.name, refusal.code).inc()
            if self._is_full():
                await self._send(at)
        metrics.DECISIONS.labels(self._desk.name, "").inc(len(batch.records) - refused)
        return refused

    def _late_key(self, received: Received[Any] | Unreadable, batch: Batch) -> bool:
        # A key that was registered between the check and now has not been tried.
        governance = self._desk.governance
        if governance.seq == batch.governance or isinstance(received, Unreadable):
            return False
        return self._checker.check_one(received, governance)

    def _decide_one(
        self, record: ConsumerRecord, received: Received[Any] | Unreadable, at: int, *, good: bool
    ) -> Refusal | None:
        seq, desk = self._chain.seq + 1, self._desk
        governance = desk.governance_named
        if isinstance(received, Unreadable):
            command = UnreadableCommand(sha256=received.value_sha256.hex(), size=received.size)
            decision = received.refusal
            desk.keep((), seq=seq, at=at)
        else:
            command = RecordedCommand(
                value=msgspec.Raw(received.value), key=received.key_id, signature=received.signature
            )
            decision = desk.decide(received, signature_good=good, seq=seq, at=at)
        self._put(
            self._chain.link(
                record.key,
                decision,
                at=at,
                governance=governance,
                input_offset=record.offset,
                command=command,
            )
        )
        return decision if isinstance(decision, Refusal) else None

    async def _record_due(self, at: int) -> None:
        desk = self._desk
        for own in desk.due(at):
            link = self._chain.link(
                own.key, own.events, at=at, governance=desk.governance_named, command=own.command
            )
            desk.keep(own.events, seq=self._chain.seq, at=at)
            self._put(link)
            if self._is_full():
                await self._send(at)

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
        for record, received in zip(batch.records, batch.received, strict=True):
            if isinstance(received, Unreadable):
                self._log.warning(
                    "unreadable",
                    input=record.offset,
                    sha256=received.value_sha256.hex(),
                    code=received.refusal.code,
                )

    def _receive(self, record: ConsumerRecord) -> Received[Any] | Unreadable:
        if isinstance(record, UnreadableRecord):
            refusal = malformed("The name of a header is not UTF-8.")
            return Unreadable(refusal, hashlib.sha256(record.content).digest(), len(record.content))
        return self._desk.receive(record.value, record.key, record.headers)


def _seq_or_none(governance: int | UnsetType) -> int:
    """The seq, or -1 for the ledger whose records name none."""
    return -1 if governance is UNSET else governance
