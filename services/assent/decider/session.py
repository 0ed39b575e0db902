"""Decide one partition's commands, from a takeover until somebody else's run stands or Kafka fails."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent.core.governance.cursor import advance
from assent.core.requests.expire import decide_expiry
from assent.core.requests.judge import judge, keep
from assent.core.requests.receive import Received, Unreadable, receive
from assent.core.requests.states import Closed, Unsettled
from assent.decider.signatures import SignatureChecker
from assent.decider.takeover import Lead
from assent.ledger.appender import Appender, fits, size_of
from assent.ledger.chain import Chain, Link
from assent.observe import metrics
from assent.observe.traces import TRACER
from assent_contracts.acceptance import Head
from assent_contracts.client.batches import UnreadableRecord
from assent_contracts.client.fetch import fetch
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.codec import malformed
from assent_contracts.ledger import RecordedCommand, UnreadableCommand
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id
from assent_contracts.topics import COMMANDS

POLL_RECORDS = 2_000
POLL_MS = 500
"""How long a poll waits at most, and so how late an expiry may be written."""
_AHEAD = 2

Clock = Callable[[], int]
"""Wall clock in ms since 1970."""


class Batch(msgspec.Struct, frozen=True):
    """One polled batch, and the answers of the signature check, which may be under way."""

    records: Sequence[ConsumerRecord]
    received: Sequence[Received | Unreadable]
    good: asyncio.Future[list[bool]]
    governance: int
    """The governance seq that the signatures were checked under."""


class Session:
    """One term of one writer over one partition."""

    def __init__(
        self,
        lead: Lead,
        appender: Appender,
        consumer: AIOKafkaConsumer,
        follower: GovernanceFollower,
        checker: SignatureChecker,
        clock: Clock,
    ) -> None:
        """The consumer stands at `lead.next_input` of the partition's commands."""
        self._lead = lead
        self._book = lead.book
        self._chain = Chain(lead.head, lead.epoch)
        self._appender = appender
        self._consumer = consumer
        self._place = TopicPartition(COMMANDS, lead.book.partition)
        self._follower = follower
        self._checker = checker
        self._clock = clock
        self._received: asyncio.Queue[Batch] = asyncio.Queue(_AHEAD)
        self._links: list[Link] = []
        self._size = 0
        self._log = structlog.get_logger().bind(partition=lead.book.partition, epoch=lead.epoch)

    async def run(self) -> None:
        """Decide until cancelled. Raises LostLeadError, KafkaError, TimeoutError: then start over."""
        work = (self._take_in(), self._decide_all(), self._appender.keep_confirming())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_in(self) -> None:
        while True:
            fetched = await fetch(self._consumer, self._place, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            records = fetched.get(self._place, [])
            advance(self._lead.governance, self._follower.history, len(self._follower.history) - 1)
            governance = self._lead.governance
            self._follower.check()
            received = [_receive(record) for record in records]
            # Not awaited here: while signatures are checked, the next commands are read.
            good = self._checker.check(received, governance)
            await self._received.put(Batch(records, received, good, governance.seq))

    async def _decide_all(self) -> None:
        while True:
            batch = await self._received.get()
            good = await batch.good
            started = time.perf_counter()
            first = self._chain.seq + 1
            at = max(self._book.at, self._clock())
            with TRACER.start_as_current_span("decide", attributes={"partition": self._book.partition}):
                await self._expire(at)
                refused = await self._decide(batch, good, at)
                await self._send(at)
            if self._chain.seq >= first:
                self._tell(batch, first, refused, time.perf_counter() - started)

    async def _decide(self, batch: Batch, answers: Sequence[bool], at: int) -> int:
        refused = 0
        partition = str(self._book.partition)
        for record, received, good in zip(batch.records, batch.received, answers, strict=True):
            refusal = self._decide_one(record, received, at, good=good or self._late_key(received, batch))
            if refusal is not None:
                refused += 1
                metrics.DECISIONS.labels(partition, refusal.code).inc()
            if self._is_full():
                await self._send(at)
        metrics.DECISIONS.labels(partition, "").inc(len(batch.records) - refused)
        return refused

    def _late_key(self, received: Received | Unreadable, batch: Batch) -> bool:
        # A key that was registered between the check and now has not been tried.
        governance = self._lead.governance
        if governance.seq == batch.governance or isinstance(received, Unreadable):
            return False
        return self._checker.check_one(received, governance)

    def _decide_one(
        self, record: ConsumerRecord, received: Received | Unreadable, at: int, *, good: bool
    ) -> Refusal | None:
        seq, governance, book = self._chain.seq + 1, self._lead.governance, self._book
        if isinstance(received, Unreadable):
            command = UnreadableCommand(sha256=received.value_sha256.hex(), size=received.size)
            decision = received.refusal
            book.record(seq, at, ())
        else:
            command = RecordedCommand(
                value=msgspec.Raw(received.value), key=received.key_id, signature=received.signature
            )
            decision = judge(book, received, signature_good=good, seq=seq, at=at, governance=governance)
            keep(book, received, decision, seq=seq, at=at)
        self._put(
            self._chain.link(
                record.key,
                decision,
                at=at,
                governance=governance.seq,
                input_offset=record.offset,
                command=command,
            )
        )
        return decision if isinstance(decision, Refusal) else None

    async def _expire(self, at: int) -> None:
        for seq in self._book.due(at):
            request = self._book.requests[seq]
            assert not isinstance(request, Closed | Unsettled)
            event = decide_expiry(request_id(self._book.partition, seq), request)
            link = self._chain.link(
                request.submission.resource.encode(), (event,), at=at, governance=self._lead.governance.seq
            )
            self._book.record(self._chain.seq, at, (event,))
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
        head = Head(self._chain.seq, self._chain.value_sha256, self._lead.governance.seq)
        await self._appender.append(links, head, at=at)

    def _tell(self, batch: Batch, first: int, refused: int, took_s: float) -> None:
        metrics.DECIDE_SECONDS.observe(took_s)
        metrics.OPEN_REQUESTS.labels(str(self._book.partition)).set(self._book.open_requests())
        self._log.info(
            "decided",
            commands=len(batch.records),
            refused=refused,
            first_seq=first,
            last_seq=self._chain.seq,
            last_input=batch.records[-1].offset if batch.records else None,
            governance=self._lead.governance.seq,
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


def _receive(record: ConsumerRecord) -> Received | Unreadable:
    if isinstance(record, UnreadableRecord):
        refusal = malformed("The name of a header is not UTF-8.")
        return Unreadable(refusal, hashlib.sha256(record.content).digest(), len(record.content))
    return receive(record.value, record.key, record.headers)
