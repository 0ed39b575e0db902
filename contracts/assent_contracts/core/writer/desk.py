"""What the writer needs to know of the ledger that it writes: one loop decides both."""

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
    """A record that the writer makes without having been sent a command."""

    key: bytes
    events: Events
    command: RecordedCommand | UnsetType = msgspec.UNSET
    """Of a release that governance carries out: the submission, as it is in the request ledger."""


class Desk(Protocol):
    """One partition's state with its rules. Pure; the writer is its owner."""

    @property
    def governance(self) -> Governance:
        """The state that signatures are checked under."""
        ...

    @property
    def at(self) -> int:
        """Log time of the last record, as it counts for the next one, ms."""
        ...

    @property
    def is_dated(self) -> bool:
        """Whether `at` is a time that a record has; not so before the first, and once it was set back."""
        ...

    @property
    def remembered(self) -> CommandMemory:
        """The commands whose ids are taken."""
        ...

    @property
    def governance_named(self) -> int | UnsetType:
        """The governance seq that the next record names; UNSET on the governance ledger itself."""
        ...

    def signing_key(self, envelope: Envelope) -> bytes | None:
        """The 32 bytes of the key that has to have signed an envelope, if there is such a key."""
        ...

    def unattributed(self, envelope: Envelope, *, signature_good: bool, received_at: int) -> Refusal | None:
        """The refusal of bytes that came at `received_at` (ms) and no key has signed; None when one has."""
        ...

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """The command in an envelope, or the refusal of its form."""
        ...

    def handle(
        self, received: Received[Any], *, signature_good: bool, seq: int, at: int, received_at: int
    ) -> EventsOrRefusal:
        """Decide a command that came at `received_at`, at `seq` and log time `at` (ms). Changes nothing."""
        ...

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int
    ) -> None:
        """Move past a command's decision."""
        ...

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        """Move past a record that decides no command: the writer's own, or of what was not read."""
        ...

    def replay(self, record: LedgerRecord) -> None:
        """Move past an accepted record without deciding it again."""
        ...

    def has_deadline(self, at: int) -> bool:
        """Whether log time `at` (ms) may end something: only then is `due` worth asking between commands."""
        ...

    def due(self, at: int) -> Iterator[OwnRecord]:
        """What the writer has to record by itself at log time `at`.

        Each must be kept before the next one is asked for.
        """
        ...
