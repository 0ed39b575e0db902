"""Follow the governance ledger: the writers whose seals count, and all other records, in order."""

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
from assent_contracts.core.governance.state import Governance
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.past_governance import PastGovernance
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
"""A decider stops if it could not confirm for this long that it has read all of governance."""

GovernanceListener = Callable[[LedgerRecord, tuple[GovernanceEvent, ...]], None]
"""Called with an accepted record of the governance ledger and its events."""


class NotFoundedError(Exception):
    """The governance ledger does not begin with the record that its identity names."""


class NotFollowingError(Exception):
    """Following the governance ledger has ended, so this process's view of it would become outdated."""


class NotWholeError(NotFollowingError):
    """Known records of the governance ledger are missing: its end was cut, or an older copy was restored."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.why} {finding.todo}")
        self.finding = finding


class GovernanceFollower:
    """The accepted governance ledger, read from its start and then as it grows.

    `history` has the events of each seq, so that a reader can compute the state at any seq.
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
        """`identity` is the SHA-256 (hex) of governance record 0. `confirmed_within_s`: see `is_confirmed`.

        `known`: a head of this ledger from another source. `start` raises NotWholeError if less is there.
        `with_evidence`: check every record against the command that it contains, for readers that act on
        releases.
        """
        self.identity: Final = identity
        self._confirmed_within_s = confirmed_within_s
        self._confirmed_at = -math.inf
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self.past: Final = PastGovernance(self.history)
        """The state at any seq of `history`."""
        self.writers = WriterRegistry()
        self.evidence: Final = GovernanceEvidence(identity, verify_signature) if with_evidence else None
        self._hashes = bytearray()
        """The hashes of all records, joined to save memory: anyone can cause records, namely refusals."""
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
        """The refusals by seq, as long as a copy of their command may arrive."""
        self.listeners: list[GovernanceListener] = []
        """Called with each accepted record, after the follower's own state includes it."""

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
        """The number of records on the governance topic that were not accepted."""
        return self._acceptance.quarantined

    @property
    def last_quarantined(self) -> int | None:
        """The offset of the last of them."""
        return self._acceptance.last_quarantined

    async def start(self) -> None:
        """Read to the end, then continue in the background.

        Raises NotFoundedError, NotWholeError, KafkaError.
        """
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
            msg = (
                "The governance ledger does not begin with the record that the identity names. Check that the"
                " identity and the Kafka address are of the same log: `assent env` prints both."
            )
            raise NotFoundedError(msg)

    async def hold_against(self, known: KnownHead) -> Finding | None:
        """Compare a head from another source with this ledger, after reading to its end if needed.

        Raises as `catch_up` does.
        """
        if known.next_offset > self._read_to:
            # The source of the head may have read further.
            await self.catch_up()
        return self.compare(known)

    def compare(self, known: KnownHead) -> Finding | None:
        """Compare a head of this ledger from another source with what was read here."""
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
        """Return when everything that is now in the topic has been read. Raises what reading raised."""
        assert self._consumer is not None
        assert self._task is not None
        asked_at = asyncio.get_running_loop().time()
        # Before asking for the topic's end: records that are read in the meantime may be beyond it.
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
        """Whether this follower has recently been confirmed to have read everything.

        Records that cannot be fetched are not noticed otherwise, so the end of the topic is checked
        regularly.
        """
        return asyncio.get_running_loop().time() - self._confirmed_at <= self._confirmed_within_s

    async def confirmed(self) -> None:
        """Return when `is_confirmed`, or when following has ended: see `check`."""
        if not self.is_confirmed:
            async with self._moved:
                await self._moved.wait_for(lambda: self.is_confirmed or self._stopped())

    async def _confirm(self) -> None:
        while not self._stopped():
            # `start` has asked already.
            await asyncio.sleep(_CONFIRM_EVERY_S)
            # On an error it is asked again soon. Until then the confirmation ages, and those who need it
            # wait.
            with suppress(KafkaError, TimeoutError):
                await self.catch_up()
                await self._look()

    async def state_at(self, seq: int) -> Governance:
        """The state at `seq`, read-only; governance is read up to there first. Raises as `catch_up` does."""
        if len(self.history) <= seq:
            await self.catch_up()
        return self.past.at(seq)

    async def beyond(self, seq: int) -> None:
        """Return when governance has records after `seq`. Raises what reading raised."""
        assert self._task is not None
        async with self._moved:
            await self._moved.wait_for(lambda: self.writers.head > seq or self._stopped())
        if self.writers.head <= seq and self._task.done():
            self._task.result()

    def check(self) -> None:
        """Raises NotFollowingError if following has ended by itself: stop, or start a new follower."""
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
        """Raises NotWholeError if the ledger is not the one that was read, whatever its length."""
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
        """Read governance as far as these sealed records name it, as far as it exists.

        The records have already been read, so one read to the end of governance is enough for all of them.
        """
        if any(_named(value) > self.writers.head for value in values):
            await self.catch_up()


def _named(value: bytes | None) -> int:
    """The governance seq that a record names; -1 if the value is not a record."""
    if value is None:
        return -1
    try:
        named = decode_record(value).governance
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return -1
    return named if isinstance(named, int) else -1
