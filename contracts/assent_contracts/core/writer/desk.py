"""What the writer needs from the ledger that it writes, so that one loop decides for both ledgers."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
from msgspec import UnsetType

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.events import Event
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord, RecordedCommand
from assent_contracts.refusals import Refusal

Events = tuple[Event, ...] | tuple[GovernanceEvent, ...]
EventsOrRefusal = Events | Refusal


class OwnRecord(msgspec.Struct, frozen=True, gc=False):
    """A record that the writer makes by itself, without a command."""

    key: bytes
    events: Events
    command: RecordedCommand | UnsetType = msgspec.UNSET
    """For a release that governance carries out, the submission as it is in the request ledger."""


class Desk(Protocol):
    """The state of one partition with its rules. Pure. The writer is its owner."""

    @property
    def governance(self) -> Governance:
        """The state of governance under which signatures are checked."""
        ...

    @property
    def at(self) -> int:
        """The log time of the last record, ms, after corrections that apply to the next record."""
        ...

    @property
    def is_dated(self) -> bool:
        """Whether `at` is the time of a record. It is not before the first record, or after a correction."""
        ...

    @property
    def remembered(self) -> CommandMemory:
        """The commands whose ids are taken."""
        ...

    @property
    def governance_named(self) -> int | UnsetType:
        """The governance seq for the next record; UNSET on the governance ledger itself."""
        ...

    def signing_key(self, envelope: Envelope) -> bytes | None:
        """The 32 bytes of the key that must have signed an envelope; None if there is no such key."""
        ...

    def unattributed(self, envelope: Envelope, *, signature_good: bool, received_at: int) -> Refusal | None:
        """The refusal of bytes, received at `received_at` (ms), that no key has signed; None if one has."""
        ...

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """The command in an envelope, or the refusal of its form."""
        ...

    def handle(
        self, received: Received[Any], *, signature_good: bool, seq: int, at: int, received_at: int
    ) -> EventsOrRefusal:
        """Decide a command, received at `received_at`, at `seq` and log time `at` (ms). Changes nothing."""
        ...

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int
    ) -> None:
        """Advance the state past a command's decision."""
        ...

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        """Advance the state past a record without a decided command: the writer's own, or omitted bytes."""
        ...

    def replay(self, record: LedgerRecord) -> None:
        """Advance the state past an accepted record without deciding it again."""
        ...

    def has_deadline(self, at: int) -> bool:
        """Whether something may end at log time `at` (ms), so that `due` must be called between commands."""
        ...

    def due(self, at: int) -> Iterator[OwnRecord]:
        """The records that the writer has to make by itself at log time `at`.

        Each must be applied before the next one is requested.
        """
        ...
