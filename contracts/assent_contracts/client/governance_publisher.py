"""Publish immediate changes to governance, and wait for their decisions on the governance ledger."""

import msgspec

from assent_contracts.client.awaited_answers import AwaitedAnswers
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower, NotWholeError
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.publisher import NotDecidedError, NotPublishedError, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import GOVERNANCE_KEY, ChangeGovernance, GovernanceEvent
from assent_contracts.ledger import LedgerRecord, decode_refusal
from assent_contracts.refusals import Refusal
from assent_contracts.topics import GOVERNANCE_COMMANDS

HeaderList = list[tuple[str, bytes]]


class GovernanceDecided(msgspec.Struct, frozen=True, kw_only=True):
    """The governance ledger's answer to a command; the first decision if the command was repeated."""

    seq: int
    at: int
    """Log time of this answer, ms."""
    events: tuple[GovernanceEvent, ...]
    refusal: Refusal | None
    repeated: bool = False


class GovernancePublisher:
    """Sends governance commands and waits for their decisions. One instance can send many at once."""

    def __init__(self, connection: Connection, governance: GovernanceFollower, *, source: str) -> None:
        """`governance` has been started."""
        self._governance = governance
        self._source = source
        self._producer = CommandProducer(connection, GOVERNANCE_COMMANDS)
        self._answers: AwaitedAnswers[int, GovernanceDecided] = AwaitedAnswers()

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        await self._producer.start()
        self._governance.listeners.append(self._hear)

    async def stop(self) -> None:
        """Disconnect. Calls that still wait raise CancelledError."""
        if self._hear in self._governance.listeners:
            self._governance.listeners.remove(self._hear)
        self._answers.cancel()
        await self._producer.stop()

    async def send(
        self,
        change: GovernanceChange,
        key: SecretKey,
        *,
        principal: str | None = None,
        command_id: str | None = None,
        at: int | None = None,
        timeout_s: float = 30.0,
    ) -> GovernanceDecided:
        """Sign and publish a change and wait for its decision.

        `principal`: the account on whose behalf a gateway's key signs; by default the key's own.
        `command_id`, `at` (ms): those of a command that is sent again; by default a new id, and now. Raises
        NotDecidedError if `timeout_s` passes first, and KafkaError if the command could not be published.
        """
        command = ChangeGovernance(
            id=command_id or new_command_id(),
            principal=principal or key.principal,
            at=now_ms() if at is None else at,
            change=change,
        )
        value = encode(command)
        headers = signed_headers(key, self._governance.identity, command, value, self._source)
        return await self.send_bytes(value, headers, timeout_s=timeout_s)

    async def send_bytes(
        self,
        value: bytes | None,
        headers: HeaderList,
        *,
        key: bytes | None = GOVERNANCE_KEY,
        timeout_s: float = 30.0,
    ) -> GovernanceDecided:
        """Publish a record unchanged and wait for its decision, which may be that it is malformed.

        After a NotDecidedError or KafkaError the same bytes can be sent again. They are decided only once.
        """
        try:
            self._governance.check()
        except NotWholeError as error:
            raise NotPublishedError(error.finding) from error
        with self._answers.expected():
            ack = await self._producer.send(value, key, headers, 0)
        try:
            return await self._answers.wait(ack.offset, timeout_s)
        except TimeoutError as error:
            msg = f"No decision within {timeout_s:g} s on the governance command at {ack.offset}."
            raise NotDecidedError(msg) from error

    def _hear(self, record: LedgerRecord, events: tuple[GovernanceEvent, ...]) -> None:
        if isinstance(record.input, int) and self._answers.wanted(record.input):
            self._answers.give(record.input, self._answer(record, events))

    def _answer(self, record: LedgerRecord, events: tuple[GovernanceEvent, ...]) -> GovernanceDecided:
        match events:
            case (CommandRepeated(decided=first),):
                return GovernanceDecided(
                    seq=first,
                    at=record.at,
                    events=self._governance.history[first],
                    refusal=self._governance.refused.of(first),
                    repeated=True,
                )
            case _:
                return GovernanceDecided(
                    seq=record.seq, at=record.at, events=events, refusal=decode_refusal(record)
                )
