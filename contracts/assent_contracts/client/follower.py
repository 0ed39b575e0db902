"""Follow the governance ledger: whose seals count, and everything else that it says, in order."""

import asyncio
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.partition_probe import Probe
from assent_contracts.client.record_fetching import Records, positions
from assent_contracts.client.refused_commands import RefusedCommands
from assent_contracts.client.task_end import end
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.governance_messages import GovernanceEvent, LogFounded
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import NOTHING, Finding, Found, KnownHead, compare, known_of
from assent_contracts.ledger import LedgerRecord, decode_governance_events, decode_record
from assent_contracts.topics import GOVERNANCE
from assent_contracts.writer_registry import WriterRegistry

_PARTITION = TopicPartition(GOVERNANCE, 0)
_SHA256_BYTES: Final = 32
_POLL_MS = 500
_CONFIRM_EVERY_S = 3.0
CONFIRMED_WITHIN_S: Final = 15.0
"""Whoever decides by governance stops when it has not been known for so long to be all that there is."""

GovernanceListener = Callable[[LedgerRecord, tuple[GovernanceEvent, ...]], None]
"""Takes an accepted record of the governance ledger, and its events."""


class NotFoundedError(Exception):
    """The governance ledger does not begin with the record that its identity names."""


class NotFollowingError(Exception):
    """Following the governance ledger has ended: what this process believes would be out of date."""


class NotWholeError(NotFollowingError):
    """The governance ledger is less than what was known of it: its end was cut, or it was put back."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.why} {finding.todo}")
        self.finding = finding


class GovernanceFollower:
    """The accepted governance ledger, read from its start and then as it grows.

    `history` holds each seq's events, so that a reader can know the state at any seq.
    """

    def __init__(
        self,
        connection: Connection,
        identity: str,
        *,
        confirmed_within_s: float = CONFIRMED_WITHIN_S,
        with_evidence: bool = False,
        known: KnownHead | None = None,
    ) -> None:
        """`identity` is the SHA-256 (hex) of governance record 0; `confirmed_within_s`: of `is_confirmed`.

        `known`: a head of this ledger that is known from elsewhere: `start` does not go by less.
        `with_evidence`: judge every record again by the command that it holds, for who acts on releases.
        """
        self.identity: Final = identity
        self._confirmed_within_s = confirmed_within_s
        self._confirmed_at = -math.inf
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self.writers = WriterRegistry()
        self.evidence: Final = GovernanceEvidence(identity, verify_signature) if with_evidence else None
        self._hashes = bytearray()
        """Of each seq's record, one behind the other: anybody can make records, of refusals."""
        self._known = known
        self._connection = connection
        self._probe = Probe(connection)
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._confirming: asyncio.Task[None] | None = None
        self._read_to = 0
        self._beginning = 0
        self._finding: Finding | None = None
        self._moved = asyncio.Condition()
        self._acceptance = Acceptance(
            "governance", 0, identity=identity, writers=self.writers, verify=verify_signature
        )
        self.refused: Final = RefusedCommands()
        """By seq: the records that are a refusal, as long as somebody may ask."""
        self.listeners: list[GovernanceListener] = []
        """Called with each accepted record, once everything here has moved past it."""

    @property
    def partitions(self) -> int:
        """How many partitions the log was founded with; 0 before record 0 is read."""
        match self.history[0] if self.history else ():
            case (LogFounded(founding=founding), *_):
                return founding.partitions
            case _:
                return 0

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses that were accepted, in order."""
        return self.writers.losses

    @property
    def quarantined(self) -> int:
        """Records on the governance topic that nobody accepted."""
        return self._acceptance.quarantined

    async def start(self) -> None:
        """Read to the end and go on in the background. Raises NotFoundedError, NotWholeError, KafkaError."""
        self._consumer = await open_consumer(self._connection, {_PARTITION: 0})
        self._beginning = (await self._consumer.beginning_offsets([_PARTITION]))[_PARTITION]
        self._task = asyncio.create_task(self._follow(self._consumer), name="governance")
        self._confirming = asyncio.create_task(self._confirm(), name="governance-confirming")
        await self.catch_up()
        finding = None if self._known is None else self.compare(self._known)
        if finding is not None:
            await self.stop()
            raise NotWholeError(finding)
        if not self.history:
            await self.stop()
            msg = "The governance ledger does not begin with the record that the identity names."
            raise NotFoundedError(msg)

    async def hold_against(self, known: KnownHead) -> Finding | None:
        """Hold a head that is known from elsewhere against this ledger, and look at its end where needed.

        Raises as `catch_up` does.
        """
        if known.next_offset > self._read_to:
            # Who makes heads known may have read further.
            await self.catch_up()
        return self.compare(known)

    def compare(self, known: KnownHead) -> Finding | None:
        """Hold a head of this ledger that is known from elsewhere against what was read here."""
        there = self._hash_of(known.seq) if 0 <= known.seq < len(self.history) else NOTHING
        return compare(known, Found(beginning=self._beginning, end=self._read_to, sha256=there))

    def _hash_of(self, seq: int) -> str:
        return self._hashes[seq * _SHA256_BYTES : (seq + 1) * _SHA256_BYTES].hex()

    @property
    def head(self) -> KnownHead:
        """How far the ledger was read and accepted."""
        return known_of("governance", 0, self._acceptance.head)

    async def stop(self) -> None:
        """Stop following."""
        await end(*(task for task in (self._confirming, self._task) if task is not None))
        await self._probe.stop()
        if self._consumer is not None:
            await self._consumer.stop()

    async def catch_up(self) -> None:
        """Return when everything that is in the topic now has been read. Raises what reading raised."""
        assert self._consumer is not None
        assert self._task is not None
        asked_at = asyncio.get_running_loop().time()
        # Before it is asked where the topic ends: what is read meanwhile may lie beyond that.
        read = self.head
        end = (await self._consumer.end_offsets([_PARTITION]))[_PARTITION]
        finding = compare(read, Found(beginning=self._beginning, end=end))
        if finding is not None:
            self._finding = self._finding or finding
            self._task.cancel()
            raise NotWholeError(finding)
        async with self._moved:
            await self._moved.wait_for(lambda: self._read_to >= end or self._stopped())
            if self._read_to >= end:
                self._confirmed_at = max(self._confirmed_at, asked_at)
                self._moved.notify_all()
        if self._read_to < end and self._task.done():
            self._task.result()

    @property
    def is_confirmed(self) -> bool:
        """Whether what is known here was all that there was, a moment ago at most.

        Records that cannot be fetched do not show by themselves: it is asked for, again and again.
        """
        return asyncio.get_running_loop().time() - self._confirmed_at <= self._confirmed_within_s

    async def confirmed(self) -> None:
        """Return when `is_confirmed`, or following has ended: `check` tells."""
        if not self.is_confirmed:
            async with self._moved:
                await self._moved.wait_for(lambda: self.is_confirmed or self._stopped())

    async def _confirm(self) -> None:
        while not self._stopped():
            # `start` has asked already.
            await asyncio.sleep(_CONFIRM_EVERY_S)
            # Else it is asked again soon; meanwhile it gets old, and whoever goes by it waits.
            with suppress(KafkaError, TimeoutError):
                await self.catch_up()
                await self._look()

    async def beyond(self, seq: int) -> None:
        """Return when governance has gone on past `seq`. Raises what reading raised."""
        assert self._task is not None
        async with self._moved:
            await self._moved.wait_for(lambda: self.writers.head > seq or self._stopped())
        if self.writers.head <= seq and self._task.done():
            self._task.result()

    def check(self) -> None:
        """Raises NotFollowingError when following has ended by itself: stop, or start a new follower."""
        if self._finding is not None:
            raise NotWholeError(self._finding)
        if self._task is not None and self._task.done():
            raise NotFollowingError from (None if self._task.cancelled() else self._task.exception())

    def _stopped(self) -> bool:
        return self._task is None or self._task.done()

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        try:
            while True:
                for records in (await self._fetch(consumer)).values():
                    for record in records:
                        for accepted in self._acceptance.offer(record.offset, record.value, record.headers):
                            self._take(accepted)
                self._read_to = (await positions(consumer))[_PARTITION]
                async with self._moved:
                    self._moved.notify_all()
        finally:
            async with self._moved:
                self._moved.notify_all()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> Records:
        try:
            return await consumer.getmany(timeout_ms=_POLL_MS)
        except OffsetOutOfRangeError:
            await self._look()
            raise

    async def _look(self) -> None:
        """Raises NotWholeError when the ledger is not the one that was read, however long it is."""
        findings = await self._probe.findings([self.head])
        if findings:
            self._finding = self._finding or findings[0]
            raise NotWholeError(findings[0])

    def _take(self, accepted: Accepted) -> None:
        record = accepted.record
        self._hashes += bytes.fromhex(accepted.value_sha256)
        events = decode_governance_events(record)
        self.writers.apply(record.seq, events)
        self.history.append(events)
        if self.evidence is not None:
            self.evidence.take(record, events)
        self.refused.take(record)
        for listener in tuple(self.listeners):
            listener(record, events)

    async def know(self, values: Iterable[bytes | None]) -> None:
        """Make sure that the governance seqs that sealed records name are known, as far as they exist.

        The records have been read already, so one look at the end of governance is enough for all.
        """
        if any(_named(value) > self.writers.head for value in values):
            await self.catch_up()


def _named(value: bytes | None) -> int:
    """The governance seq that a record names; -1 for what is not a record."""
    if value is None:
        return -1
    try:
        named = decode_record(value).governance
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return -1
    return named if isinstance(named, int) else -1
