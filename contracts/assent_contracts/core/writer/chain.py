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
    """A record that must never be appended, because readers refuse records of this size."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a record of {size:,} bytes; readers take {limits.RECORD_MAX_BYTES:,}")
        self.size = size


class Link(msgspec.Struct, frozen=True, gc=False):
    """One record that is ready to be appended."""

    key: bytes | None
    value: bytes


class Chain:
    """The end of a chain, from which the next record gets its seq, its `prev` and the writer's term."""

    def __init__(self, head: Head, epoch: int) -> None:
        self.seq = head.seq
        self.value_sha256 = head.value_sha256
        self.epoch = epoch

    def follow(self, seq: int, value_sha256: str, epoch: int) -> None:
        """Continue after an existing record: the next link follows it."""
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
        """Make the next record, for this decision, and advance the chain.

        Raises RecordTooLargeError for a record that readers would refuse. The chain then stays where it is.
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
        """The head of a reader once everything linked so far is accepted."""
        return Head(self.seq, self.value_sha256, governance, next_offset)
