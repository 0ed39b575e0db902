"""A log as one account sees it: send commands until they are decided, and follow requests.

Nothing has to be kept between runs. Reading starts at the newest heads that writers have signed, and the
answer to a command that was sent before is looked up. Only to follow a request from before this connection,
its partition is read from its start, once.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from aiokafka.errors import KafkaError

from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.first_decisions import PastRecords, read_partition
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.publisher import (
    Decided,
    NotDecidedError,
    NotPublishedError,
    Publisher,
    now_ms,
    repeats,
)
from assent_contracts.client.request_updates import RequestUpdate
from assent_contracts.client.request_watches import Watch, Watches
from assent_contracts.client.starting_heads import newest_heads, starting_heads
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode
from assent_contracts.resources import parse_request_id

ANSWER_WITHIN_S: Final = 60.0
_ASK_EVERY_S: Final = 10.0
_PAUSE_S: Final = 0.2
_PAUSE_MAX_S: Final = 5.0


_FIRST_ANSWER: Final = "(The answer to the first command with this id. If its cause is gone, use another id.)"


class RefusedError(Exception):
    """The ledger refused a command. That is recorded there, and the same command is never decided again."""

    def __init__(self, refusal: Refusal, *, repeated: bool = False) -> None:
        said = f"{refusal.code}: {refusal.detail} {WHAT_TO_DO[refusal.code]}"
        super().__init__(f"{said} {_FIRST_ANSWER}" if repeated else said)
        self.refusal: Final = refusal
        self.repeated: Final = repeated
        """Whether this is the answer to an earlier command with the same id."""

    @property
    def code(self) -> RefusalCode:
        """Why it was refused."""
        return self.refusal.code


class NoKeyError(Exception):
    """The connection has no key to sign with: set ASSENT_KEY_FILE."""


class AssentConnection:
    """A log, as one account sees it. Many tasks may use one connection."""

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        key: SecretKey | None,
        source: str | None = None,
    ) -> None:
        """`governance` has been started."""
        self._connection = connection
        self._governance = governance
        self._key = key
        self._source = source or f"/assent/client/{'' if key is None else key.principal}"
        self._past = PastRecords(connection, governance)
        self._watches = Watches()
        self._publisher: Publisher | None = None

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        known = await newest_heads(self._connection, self._governance)
        read = await starting_heads(self._connection, self._governance, known)
        publisher = Publisher(
            self._connection, self._governance, source=self._source, read=read, on_accepted=self._hear
        )
        publisher.know(known)
        for partition, head in publisher.heads().items():
            self._past.start_at(partition, head.head)
        self._publisher = publisher
        await publisher.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._publisher is not None:
            await self._publisher.stop()
        await self._past.stop()

    @property
    def key(self) -> SecretKey:
        """The key that signs. Raises NoKeyError."""
        if self._key is None:
            msg = "This needs a key to sign with: set ASSENT_KEY_FILE."
            raise NoKeyError(msg)
        return self._key

    def _hear(self, partition: int, accepted: Accepted) -> None:
        self._past.take(partition, accepted)
        self._watches.take(partition, accepted)

    async def decide(self, command: Command, *, timeout_s: float = ANSWER_WITHIN_S) -> Decided:
        """Sign and send a command and return its decision, which may be a refusal.

        The same bytes are sent again while Kafka fails and while no decision arrives. If the command was sent
        before, by this or another process, this is its first decision. Raises NotDecidedError after
        `timeout_s`: the command may still be decided, so send the same one again to ask. Raises
        NotPublishedError if known records of the ledger are missing.
        """
        value = encode(command)
        headers = signed_headers(self.key, self._governance.identity, command, value, self._source)
        until, pause_s = time.monotonic() + timeout_s, _PAUSE_S
        while True:
            left_s = until - time.monotonic()
            try:
                decided = await self._ready.send_bytes(
                    value, command.resource.encode(), headers, timeout_s=min(_ASK_EVERY_S, max(0.0, left_s))
                )
            except NotPublishedError:
                raise
            except (KafkaError, NotDecidedError) as error:
                if time.monotonic() + pause_s >= until:
                    msg = f"No decision within {timeout_s:g} s: {error}"
                    raise NotDecidedError(msg) from error
            else:
                wait_s = _again_in_s(decided.refusal)
                if wait_s is None or time.monotonic() + wait_s >= until:
                    return await self._first(decided)
                pause_s = max(wait_s, _PAUSE_S)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    async def _first(self, decided: Decided) -> Decided:
        """The first decision, if this answers a command that was sent before."""
        seq = repeats(decided)
        return decided if seq is None else await self.decision_at(decided.partition, seq)

    async def decision_at(self, partition: int, seq: int) -> Decided:
        """The decision in a record. Raises NotDecidedError if there is no such record."""
        record = await self._record_at(partition, seq)
        if record is None:
            msg = f"The ledger has no record {partition}/{seq}."
            raise NotDecidedError(msg)
        return Decided(
            partition=partition,
            seq=seq,
            at=record.at,
            events=decode_events(record),
            refusal=decode_refusal(record),
            repeated=True,
        )

    async def command_at(self, partition: int, seq: int) -> bytes | None:
        """The bytes of the command that a record decided; None if the ledger does not have them."""
        record = await self._record_at(partition, seq)
        recorded = None if record is None else decode_recorded_command(record)
        return bytes(recorded.value) if isinstance(recorded, RecordedCommand) else None

    async def _record_at(self, partition: int, seq: int) -> LedgerRecord | None:
        if partition >= self._ready.partitions:
            return None
        return await self._past.at(partition, seq)

    def watch(self, resource: str) -> Watch:
        """A watch of everything that is accepted from now on in an object's partition."""
        return self._watches.begin(partition_for(resource.encode(), self._ready.partitions))

    async def updates(
        self, request: str, watch: Watch | None = None
    ) -> AsyncGenerator[tuple[RequestUpdate, ...]]:
        """What happened to a request and happens to it, record by record, until it has ended.

        `watch`: one that has seen its submission. Raises LookupError if there is no such request, KafkaError,
        and what reading raises when it ends.
        """
        watch = watch or await self._watch_from_start(request)
        deaf = asyncio.create_task(self._ready.until_deaf(), name="deaf")
        try:
            async with aclosing(watch.records(deaf)) as records:
                async for updates in records:
                    yield updates
        finally:
            deaf.cancel()

    async def until_deaf(self) -> None:
        """Return when nothing more is read of the log, and raise why."""
        await self._ready.until_deaf()

    async def _watch_from_start(self, request: str) -> Watch:
        place = parse_request_id(request)
        if place is None or place[0] >= self._ready.partitions:
            msg = f"{request!r} is not a request of this log."
            raise LookupError(msg)
        watch = self._watches.begin(place[0])
        watch.name(request)
        async with aclosing(read_partition(self._connection, self._governance, place[0])) as records:
            async for accepted in records:
                watch.take_next(accepted)
        watch.caught_up()
        if not watch.updates:
            msg = f"The log has no request {request}."
            raise LookupError(msg)
        return watch

    @property
    def _ready(self) -> Publisher:
        assert self._publisher is not None, "it has been started"
        return self._publisher


def _again_in_s(refusal: Refusal | None) -> float | None:
    """After how many seconds the same bytes may be decided otherwise; None if never."""
    if refusal is None or refusal.code is not RefusalCode.TOO_MANY_COMMANDS or refusal.again_at is None:
        return None
    return max(0.0, (refusal.again_at - now_ms()) / 1_000)
