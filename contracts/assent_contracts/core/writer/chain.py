"""The writer's end of a chain: each decision becomes the next record. Pure."""

import hashlib

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.codec import encode
from assent_contracts.events import Event
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import DecisionRecord, OmittedCommand, RecordedCommand
from assent_contracts.refusals import Refusal


class RecordTooLargeError(Exception):
    """Readers refuse records of this size: it must never be appended."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a record of {size:,} bytes; readers take {limits.RECORD_MAX_BYTES:,}")
        self.size = size


class Link(msgspec.Struct, frozen=True, gc=False):
    """One record that is ready to be appended."""

    key: bytes | None
    value: bytes


class Chain:
    """Where the next record goes: its seq, its `prev`, and the term of this writer."""

    def __init__(self, head: Head, epoch: int) -> None:
        self.seq = head.seq
        self.value_sha256 = head.value_sha256
        self.epoch = epoch

    def follow(self, seq: int, value_sha256: str, epoch: int) -> None:
        """Go on behind a record that somebody has written: the next link follows it."""
        self.seq, self.value_sha256, self.epoch = seq, value_sha256, epoch

    def link(
        self,
        key: bytes | None,
        decision: tuple[Event, ...] | tuple[GovernanceEvent, ...] | Refusal,
        *,
        at: int,
        governance: int | UnsetType = UNSET,
        input_offset: int | UnsetType = UNSET,
        received_at: int | UnsetType = UNSET,
        command: RecordedCommand | OmittedCommand | UnsetType = UNSET,
    ) -> Link:
        """The next record, for this decision; moves the chain on.

        Raises RecordTooLargeError, and the chain stays, for a record that readers would refuse.
        """
        refused = isinstance(decision, Refusal)
        value = encode(
            DecisionRecord(
                seq=self.seq + 1,
                prev=self.value_sha256,
                epoch=self.epoch,
                input=input_offset,
                received=received_at,
                at=at,
                governance=governance,
                command=command,
                events=UNSET if refused else decision,
                refusal=decision if refused else UNSET,
            )
        )
        if len(value) > limits.RECORD_MAX_BYTES:
            raise RecordTooLargeError(len(value))
        self.seq += 1
        self.value_sha256 = hashlib.sha256(value).hexdigest()
        return Link(key, value)

    def head(self, governance: int, next_offset: int) -> Head:
        """The head that a reader has once everything linked so far is accepted."""
        return Head(self.seq, self.value_sha256, governance, next_offset)
