"""What a Session needs to know of the ledger that it writes: the same loop decides both."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
from aiokafka import TopicPartition
from msgspec import UnsetType

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.events import Event
from assent_contracts.governance import GovernanceEvent
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal

Events = tuple[Event, ...] | tuple[GovernanceEvent, ...]
Decision = Events | Refusal


class OwnRecord(msgspec.Struct, frozen=True, gc=False):
    """A record that the writer makes without having been sent a command."""

    key: bytes
    events: Events
    command: RecordedCommand | UnsetType = msgspec.UNSET
    """Of a release that governance carries out: the submission, as it stands in the request ledger."""


class Desk(Protocol):
    """One partition's state with its rules. The session is its owner."""

    place: TopicPartition
    """Where its commands come from."""
    name: str
    """What logs and metrics call it: the partition's number, or `governance`."""

    @property
    def governance(self) -> Governance:
        """The state that signatures are checked under."""
        ...

    @property
    def at(self) -> int:
        """Log time of the last record, ms."""
        ...

    @property
    def is_retired(self) -> bool:
        """Whether the writer's key would not seal another record: its term has ended."""
        ...

    @property
    def governance_named(self) -> int | UnsetType:
        """The governance seq that the next record names; UNSET on the governance ledger itself."""
        ...

    async def catch_up(self) -> None:
        """Take in what other ledgers have said meanwhile; waits while they cannot be read.

        Raises NotFollowingError.
        """
        ...

    async def news(self) -> None:
        """Return when another ledger has made something due. Raises NotFollowingError, KafkaError."""
        ...

    def unattributed(self, envelope: Envelope, *, signature_good: bool, at: int) -> Refusal | None:
        """The refusal of bytes that no key has signed at log time `at` (ms); None when one has."""
        ...

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """The command in an envelope, or the refusal of its form."""
        ...

    def decide(self, received: Received[Any], *, seq: int, at: int) -> Decision:
        """Decide a command that a key has signed, at `seq` and log time `at` (ms). Changes nothing."""
        ...

    def keep_decision(self, received: Received[Any], decision: Decision, *, seq: int, at: int) -> None:
        """Move past a command's decision."""
        ...

    def keep(self, events: Events, *, seq: int, at: int) -> None:
        """Move past a record that decides no command: the writer's own, or of what was not read."""
        ...

    def due(self, at: int) -> Iterator[OwnRecord]:
        """What the writer has to record by itself at log time `at`.

        Each must be kept before the next one is asked for.
        """
        ...

    def measure(self) -> None:
        """Set the gauges that only this ledger has."""
        ...
