"""The writer of one ledger partition: from received records to the records to append. Pure.

Everything that is not in the ledger is an input: the received bytes, whether their signature is good, and the
time. So the decider, `assent audit verify` and the tests decide with the same object and get the same
records.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts import limits
from assent_contracts.acceptance import Accepted, Head
from assent_contracts.codec import malformed, too_large
from assent_contracts.core.received import Envelope, Omitted, Received
from assent_contracts.core.sender import OMITTED
from assent_contracts.core.writer.batch import Batch, has_room, link_size
from assent_contracts.core.writer.chain import Chain, Link, RecordTooLargeError
from assent_contracts.core.writer.desk import Desk, EventsOrRefusal, OwnRecord
from assent_contracts.ledger import OmittedCommand, RecordedCommand
from assent_contracts.refusals import Refusal

D = TypeVar("D", bound=Desk)

IsSigned = Callable[[Envelope, bytes], bool]
"""Returns whether the key with these 32 bytes has signed an envelope for this log."""


class Sealer(msgspec.Struct, frozen=True, gc=False):
    """The key with which a writer seals: its id and the 32 bytes of its public key."""

    id: str
    public_key: bytes


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A record of the command topic, with the result of a signature check that may be outdated by now."""

    offset: int
    received_at: int
    """When the broker appended it, ms."""
    envelope: Envelope | Omitted
    tried: bytes | None
    """The key with which the signature was checked; None if there was no key to try."""
    signature_good: bool
    """Whether the signature is that key's."""


class LinkedDecision(msgspec.Struct, frozen=True, gc=False):
    """The result for one command, whose record is linked."""

    refusal: Refusal | None
    omitted: OmittedCommand | None = None
    """What is kept if the bytes are not: they are not a command, or their sender is not known."""
    unreadable: Exception | None = None
    """What decoding the bytes raised: a fault in the codec, which should be investigated."""


class PartitionWriter(Generic[D]):
    """One partition's state, and the records that it makes from what is received. It has one owner.

    It begins at the start of its ledger. `replay` advances it past accepted records, and `begin` opens its
    own term. From then on `decide` and `record_due` link records, which `take_batch` returns.
    """

    def __init__(self, desk: D, head: Head, *, sealer: Sealer | None, is_signed: IsSigned) -> None:
        """`head`: of the empty ledger. `sealer`: None for one that appends nothing and is never retired."""
        self.desk: Final[D] = desk
        self.next_input = 0
        """The offset of the first undecided command."""
        self.last_decided = (-1, -1)
        """The seq of the last record that decided a command, and the command's offset; -1 for none."""
        self.input_sha256: str | None = None
        """SHA-256 (hex) of the command before `next_input`; None if it is not known."""
        self._chain = Chain(head, epoch=0)
        self._sealer = sealer
        self._is_signed = is_signed
        self._links: list[Link] = []
        self._size = 0
        self._batch_governance = -1

    @property
    def seq(self) -> int:
        """The seq of the last record."""
        return self._chain.seq

    @property
    def epoch(self) -> int:
        """The term of the last record, or this writer's own once it has begun."""
        return self._chain.epoch

    @property
    def head(self) -> Head:
        """The head after the last record, except for its `next_offset`."""
        named = self.desk.governance_named
        return self._chain.head(-1 if named is UNSET else named, next_offset=0)

    @property
    def is_retired(self) -> bool:
        """Whether the writer's key is no longer listed, so that its term has ended."""
        sealer = self._sealer
        return sealer is not None and self.desk.governance.writers.get(sealer.id) != sealer.public_key

    @property
    def is_full(self) -> bool:
        """Whether the linked records must be taken before another one is linked."""
        return not has_room(len(self._links), self._size)

    # Records that others have written.

    def replay(self, accepted: Accepted) -> None:
        """Advance past an accepted record without deciding it again."""
        self.desk.replay(accepted.record)
        self.passed(accepted)

    def passed(self, accepted: Accepted) -> None:
        """Note that the chain continues after this record, which the desk has already consumed."""
        record = accepted.record
        self._chain.follow(record.seq, accepted.value_sha256, record.epoch)
        if isinstance(record.input, int):
            self.next_input = record.input + 1
            self.last_decided, self.input_sha256 = (record.seq, record.input), None

    def resume(self, *, epoch: int, last_decided: tuple[int, int], input_sha256: str | None) -> None:
        """Continue where another writer was, whose state the desk has."""
        self._chain.epoch, self.last_decided = epoch, last_decided
        self.next_input, self.input_sha256 = last_decided[1] + 1, input_sha256

    def begin(self) -> None:
        """Open the next term, after the whole ledger has been replayed."""
        self._chain.epoch += 1

    # Decisions on commands.

    def decide(self, incoming: Incoming) -> LinkedDecision:
        """Decide a received record and link the decision. Log time advances to its receipt, never back.

        Raises what the rules raise. Then it is not known how the ledger continues.
        """
        at = max(incoming.received_at, self.desk.at)
        it = self._read(incoming, at)
        if isinstance(it, LinkedDecision):
            return it
        seq = self._chain.seq + 1
        came = incoming.received_at
        decision = self.desk.handle(it, signature_good=True, seq=seq, at=at, received_at=came)
        if isinstance(decision, Refusal) and decision.code in OMITTED:
            return self._omit(incoming, Omitted(decision, it.value_sha256, len(it.value)), at)
        command = RecordedCommand(value=msgspec.Raw(it.value), key=it.key_id, signature=it.signature)
        envelope = incoming.envelope
        key = envelope.kafka_key if isinstance(envelope, Envelope) else None
        try:
            self._link(key, decision, at, command, incoming)
        except RecordTooLargeError as error:
            decision = too_large("the decision's record", error.size, limits.RECORD_MAX_BYTES, "bytes")
            self._link(key, decision, at, command, incoming)
        self.desk.apply_decision(it, decision, seq=seq, at=at)
        return LinkedDecision(decision if isinstance(decision, Refusal) else None)

    def _read(self, incoming: Incoming, at: int) -> Received[Any] | LinkedDecision:
        """The command, if a known key has signed it; else the result for these bytes."""
        envelope = incoming.envelope
        if isinstance(envelope, Omitted):
            return self._omit(incoming, envelope, at)
        unreadable = None
        good = self._is_good(incoming, envelope)
        refusal = self.desk.unattributed(envelope, signature_good=good, received_at=incoming.received_at)
        if refusal is None:
            try:
                it = self.desk.read(envelope)
            except Exception as error:  # noqa: BLE001  any error from a sender's bytes is their refusal
                unreadable = error
                it = malformed("The record cannot be read.")
            if not isinstance(it, Refusal):
                return it
            refusal = it
        omitted = Omitted(refusal, envelope.value_sha256, len(envelope.value))
        return self._omit(incoming, omitted, at, unreadable=unreadable)

    def _is_good(self, incoming: Incoming, envelope: Envelope) -> bool:
        key = self.desk.signing_key(envelope)
        if key == incoming.tried:
            return incoming.signature_good
        # A key that was registered after the check has not been tried.
        return key is not None and self._is_signed(envelope, key)

    def _omit(
        self, incoming: Incoming, it: Omitted, at: int, *, unreadable: Exception | None = None
    ) -> LinkedDecision:
        """Record only hash and size. The Kafka key is omitted too, because anyone may have written it."""
        command = OmittedCommand(sha256=it.value_sha256.hex(), size=it.size)
        self._link(None, it.refusal, at, command, incoming)
        self.desk.apply((), seq=self._chain.seq, at=at)
        return LinkedDecision(it.refusal, command, unreadable)

    # Records by the writer itself.

    def record_due(self, now: int | None) -> Iterator[OwnRecord]:
        """Link what is due at `now` (ms), one record a step, until nothing is due or the key is retired.

        Everything that was received before `now` must have been decided. None means that the time is not
        known. Then what is due gets the last record's time, or waits if there is no such time.
        """
        if now is None:
            if not self.desk.is_dated:
                return
            now = self.desk.at
        at = max(now, self.desk.at)
        due = self.desk.due(at)
        while not self.is_retired:
            own = next(due, None)
            if own is None:
                return
            self._link(own.key, own.events, at, own.command, None)
            self.desk.apply(own.events, seq=self._chain.seq, at=at)
            yield own

    # Records to append.

    def _link(
        self,
        key: bytes | None,
        decision: EventsOrRefusal,
        at: int,
        command: RecordedCommand | OmittedCommand | UnsetType,
        incoming: Incoming | None,
    ) -> None:
        named = self.desk.governance_named
        link = self._chain.link(
            key,
            decision,
            at=at,
            governance=named,
            input_offset=UNSET if incoming is None else incoming.offset,
            received_at=UNSET if incoming is None else incoming.received_at,
            command=command,
        )
        if incoming is not None:
            self.next_input = incoming.offset + 1
            self.last_decided = (self._chain.seq, incoming.offset)
            self.input_sha256 = incoming.envelope.value_sha256.hex()
        self._batch_governance = -1 if named is UNSET else named
        self._links.append(link)
        self._size += link_size(link)

    def take_batch(self) -> Batch | None:
        """All linked records that were not taken yet, to be appended as one batch; None if there are none."""
        if not self._links:
            return None
        links, self._links, self._size = self._links, [], 0
        head = self._chain.head(self._batch_governance, next_offset=0)
        return Batch(links, head, self.desk.at, self.next_input, self.input_sha256)
