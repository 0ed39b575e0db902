"""Publish signed commands and wait for their decisions on the ledger."""

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from assent_contracts.acceptance import Accepted
from assent_contracts.client.awaited_answers import AwaitedAnswers
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.ledger_completeness import LedgerCompleteness
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.client.task_end import end
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.events import CommandRepeated, Event
from assent_contracts.heads import Finding, HeadInEra, KnownHead, known_of, remembered_after
from assent_contracts.ledger import decode_events, decode_refusal
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from assent_contracts.topics import COMMANDS

Hears = Callable[[int, Accepted], None]
"""Called with the partition and an accepted record."""

_RETRY_S = 1.0


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's answer to a command."""

    partition: int
    seq: int
    at: int
    events: tuple[Event, ...]
    refusal: Refusal | None
    repeated: bool = False
    """Whether it was looked up, because the command had been decided before."""


class NotPublishedError(KafkaError):
    """Nothing was sent: known records of the ledger are missing, so no answer would count."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.why} {finding.todo}")
        self.finding: Final = finding


class NotDecidedError(Exception):
    """No decision arrived in time. The command may still be decided: send the same bytes again to ask."""


def new_command_id() -> str:
    """A new unique command id."""
    return uuid.uuid4().hex


def now_ms() -> int:
    """Milliseconds since 1970 in UTC."""
    return time.time_ns() // 1_000_000


class Publisher:
    """Sends commands of one source and waits for their decisions. One instance can send many at once."""

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        *,
        source: str,
        read: Mapping[int, HeadInEra] | None = None,
        known: Mapping[int, HeadInEra] | None = None,
        on_accepted: Hears | None = None,
    ) -> None:
        """`governance` has been started, and has the number of partitions. Without `read` the ledger is read
        from its start.

        `read`: the heads up to which partitions were read elsewhere. Heads that were given up since are
        ignored.

        `known`: as for LedgerReader. `on_accepted` gets every accepted record, before the call that waits for
        it as its decision.
        """
        self.partitions: Final = governance.partitions
        self._source = source
        self._identity = governance.identity
        start = remembered_after(read or {}, governance.losses)
        self._reader = LedgerReader(
            connection,
            governance,
            {n: start[n].head if n in start else None for n in range(self.partitions)},
            known=known,
            hold=True,
        )
        self._known: dict[int, KnownHead] = {}
        self._whole = LedgerCompleteness(connection, self.partitions, self._newest)
        self._watching: asyncio.Task[None] | None = None
        self._producer = CommandProducer(connection, COMMANDS)
        self._task: asyncio.Task[None] | None = None
        self._answers: AwaitedAnswers[tuple[int, int], Decided] = AwaitedAnswers()
        self._on_accepted = on_accepted
        self._heard_to = self._reader.positions()
        self._moved = asyncio.Condition()

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        await self._producer.start()
        await self._reader.start()
        await self._whole.look()
        self._watching = asyncio.create_task(self._whole.keep_looking(), name="wholeness")
        self._task = asyncio.create_task(self._listen(), name="decisions")

    async def stop(self) -> None:
        """Disconnect. Calls that still wait raise CancelledError."""
        await end(*(task for task in (self._watching, self._task) if task is not None))
        self._answers.cancel()
        await self._whole.stop()
        await self._reader.stop()
        await self._producer.stop()

    def know(self, known: Mapping[int, KnownHead]) -> None:
        """Set the heads known from other sources. Nothing is published to a partition that ends before."""
        self._known = dict(known)

    @property
    def findings(self) -> Mapping[int, Finding]:
        """What is missing of each partition. Nothing is published to these partitions or read from them."""
        return {**self._reader.findings, **self._whole.findings}

    def _newest(self) -> dict[int, KnownHead]:
        """The newest known head of each partition, from other sources or read here."""
        newest = dict(self._known)
        for partition, acceptance in self._reader.acceptances.items():
            heard = known_of("ledger", partition, acceptance.head)
            if heard.next_offset > 0 and (partition not in newest or heard.seq > newest[partition].seq):
                newest[partition] = heard
        return newest

    async def catch_up(self, *, but: Collection[int] = ()) -> None:
        """Return when everything that is now on the ledger has been read.

        `but`: partitions that need not be read. Raises LedgerDiffersError if another partition is not the one
        that was read, and what reading raised.
        """
        assert self._task is not None
        ends = await self._reader.end_offsets()
        ends = {partition: end for partition, end in ends.items() if partition not in but}
        async with self._moved:
            await self._moved.wait_for(lambda: self._has_heard(ends) or self._differing(but) or self._deaf())
        self.check(but=but)
        if not self._has_heard(ends) and self._task.done():
            self._task.result()

    def heads(self) -> dict[int, HeadInEra]:
        """The newest known accepted head of each partition."""
        return self._reader.heads()

    def check(self, *, but: Collection[int] = ()) -> None:
        """Raises LedgerDiffersError while a partition that is not in `but` is not the one that was read."""
        differing = self._differing(but)
        if differing:
            raise LedgerDiffersError(differing)

    async def until_deaf(self) -> None:
        """Return when nothing more is read, and raise why."""
        assert self._task is not None
        await asyncio.wait([self._task])
        self._task.result()

    def _differing(self, but: Collection[int]) -> list[Finding]:
        return [finding for partition, finding in self._reader.findings.items() if partition not in but]

    def _has_heard(self, ends: dict[int, int]) -> bool:
        return all(self._heard_to[partition] >= end for partition, end in ends.items())

    def _deaf(self) -> bool:
        return self._task is None or self._task.done()

    async def send(self, command: Command, key: SecretKey, *, timeout_s: float = 30.0) -> Decided:
        """Sign and publish a command and wait for its decision.

        `key`: the own key of the command's principal, or a gateway's, which then signs on behalf of that
        principal. Raises NotDecidedError if `timeout_s` passes first, and KafkaError if the command could not
        be published. That includes NotPublishedError, if known records of the ledger are missing.
        """
        value = encode(command)
        headers = signed_headers(key, self._identity, command, value, self._source)
        return await self.send_bytes(value, command.resource.encode(), headers, timeout_s=timeout_s)

    async def send_bytes(
        self,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
        *,
        timeout_s: float = 30.0,
        partition: int | None = None,
    ) -> Decided:
        """Publish a record unchanged and wait for its decision, which may be that it is malformed."""
        if partition is None:
            partition = partition_for(key or b"", self.partitions)
        finding = self.findings.get(partition)
        if finding is not None:
            raise NotPublishedError(finding)
        until = time.monotonic() + timeout_s
        with self._answers.expected():
            ack = await self._acknowledged(value, key, headers, partition, timeout_s)
        try:
            return await self._answers.wait((ack.partition, ack.offset), max(0.0, until - time.monotonic()))
        except TimeoutError as error:
            msg = f"No decision within {timeout_s:g} s on the command at {ack.partition}/{ack.offset}."
            raise NotDecidedError(msg) from error

    async def _acknowledged(
        self,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
        partition: int,
        timeout_s: float,
    ) -> RecordMetadata:
        # aiokafka itself tries for REQUEST_TIMEOUT_MS.
        try:
            async with asyncio.timeout(timeout_s):
                return await self._producer.send(value, key, headers, partition)
        except TimeoutError as error:
            msg = (
                f"Kafka did not acknowledge the command within {timeout_s:g} s. Check that its brokers run."
                " The command may still arrive."
            )
            raise NotDecidedError(msg) from error

    async def _listen(self) -> None:
        try:
            while True:
                for partition, accepted in (await self._poll()).items():
                    for each in accepted:
                        if self._on_accepted is not None:
                            self._on_accepted(partition, each)
                        self._hear(partition, each)
                self._heard_to = self._reader.positions()
                async with self._moved:
                    self._moved.notify_all()
        finally:
            async with self._moved:
                self._moved.notify_all()

    async def _poll(self) -> dict[int, list[Accepted]]:
        try:
            return await self._reader.poll()
        except KafkaError:
            # The reader continues where it was once Kafka is back. Calls that wait in the meantime have
            # timeouts.
            await asyncio.sleep(_RETRY_S)
            return {}

    def _hear(self, partition: int, accepted: Accepted) -> None:
        offset = accepted.record.input
        if isinstance(offset, int) and self._answers.wanted((partition, offset)):
            self._answers.give((partition, offset), decided_of(partition, accepted))


def decided_of(partition: int, accepted: Accepted) -> Decided:
    """The answer in an accepted record."""
    record = accepted.record
    return Decided(
        partition=partition,
        seq=record.seq,
        at=record.at,
        events=decode_events(record),
        refusal=decode_refusal(record),
    )


def repeats(decided: Decided) -> int | None:
    """The seq of the first decision, if this one answers a repeated command."""
    for event in decided.events:
        if isinstance(event, CommandRepeated):
            return event.decided
    return None
