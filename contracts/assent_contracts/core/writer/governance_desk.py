"""Governance as its writer decides it, from commands and from released requests."""

from collections.abc import Iterator
from typing import Any, cast

from msgspec import UNSET, UnsetType

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.carry_out import carry_release
from assent_contracts.core.governance.decide import GovernanceDecision
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.handle import (
    GovernanceLedgerState,
    apply_governance_decision,
    handle_governance,
)
from assent_contracts.core.governance.receive import read_governance_command
from assent_contracts.core.governance.replay import replay_governance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.sender import unattributed
from assent_contracts.core.writer.desk import Events, EventsOrRefusal, OwnRecord
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.governance_messages import GOVERNANCE_KEY, GovernanceEvent
from assent_contracts.ledger import LedgerRecord
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import WriterRegistry


class GovernanceDesk:
    """The governance ledger, whose state changes by its own decisions."""

    def __init__(self, releases: GovernanceReleases | None = None) -> None:
        """`releases`: what the request ledger has released, as far as it has been read."""
        self.record = GovernanceLedgerState()
        self.writers = WriterRegistry()
        """The writers that may seal, by this ledger itself. Advanced together with `record`."""
        self._releases = releases or GovernanceReleases()

    @property
    def governance(self) -> Governance:
        """The current state."""
        return self.record.governance

    @property
    def at(self) -> int:
        """The log time of the last record, ms, after corrections that apply to the next record."""
        return self.record.at

    @property
    def remembered(self) -> CommandMemory:
        """The commands whose ids are taken."""
        return self.record.memory

    @property
    def is_dated(self) -> bool:
        """Whether `at` is the time of a record, and not one to which the last record has corrected it."""
        corrections = self.governance.time_corrections
        return not corrections or corrections[-1].seq < self.governance.seq

    @property
    def governance_named(self) -> UnsetType:
        """UNSET: a record of this ledger is decided by the records before it."""
        return UNSET

    def signing_key(self, envelope: Envelope) -> bytes | None:
        """The key that the envelope names, or the founder's key until the founding is closed."""
        if self.governance.founder is not None:
            return self.governance.founder
        key = self.governance.keys.get(envelope.key_id)
        return None if key is None else key.public_key

    def unattributed(self, envelope: Envelope, *, signature_good: bool, received_at: int) -> Refusal | None:
        """The refusal of bytes that no key has signed."""
        if self.governance.founder is None:
            return unattributed(
                self.governance,
                envelope.key_id,
                signed=bool(envelope.signature),
                good=signature_good,
                received_at=received_at,
            )
        if signature_good:
            return None
        return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not the founder's over these bytes.")

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """A command of `assent.governance.commands`."""
        return read_governance_command(envelope)

    def handle(
        self, received: Received[Any], *, signature_good: bool, seq: int, at: int, received_at: int
    ) -> GovernanceDecision:
        """Decide a command."""
        return handle_governance(
            self.record, received, signature_good=signature_good, at=at, received_at=received_at
        )

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int, by_topic: bool = True
    ) -> None:
        """Advance the state past a command's decision. `by_topic`: whether the command came by the topic."""
        kept = cast("GovernanceDecision", decision)
        apply_governance_decision(self.record, received, kept, seq=seq, at=at, by_topic=by_topic)
        self.writers.apply(seq, () if isinstance(kept, Refusal) else kept)

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        """Advance the state past a record that does not decide a command."""
        changes = cast("tuple[GovernanceEvent, ...]", events)
        self.record.take(seq, at, changes)
        self.writers.apply(seq, changes)

    def replay(self, record: LedgerRecord) -> None:
        """Advance the state past an accepted record."""
        self.writers.apply(record.seq, replay_governance(self.record, record))

    def has_deadline(self, at: int) -> bool:
        """False: nothing in governance ends by itself."""
        return False

    def due(self, at: int) -> Iterator[OwnRecord]:
        """One record for each release that has none yet, and never a second one."""
        for release in self._releases.waiting():
            if release.request not in self.governance.release_outcomes:
                events = carry_release(
                    self.governance,
                    release.submission.value,
                    at,
                    request=release.request,
                    released=release.seq,
                    digest=release.digest,
                    as_of=release.as_of,
                )
                yield OwnRecord(GOVERNANCE_KEY, events, release.submission)
