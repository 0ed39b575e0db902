"""One process's view of the governance ledger, and readers of the request ledger that follow it."""

from collections.abc import Callable
from typing import Final

from assent_contracts.acceptance import Acceptance, Accepted, Head, first_head
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.governance_objects import Loss
from assent_contracts.ledger import decode_governance_events
from tests.simulation.broker import Broker
from tests.simulation.known_heads import Outside, known_of, missing
from tests.simulation.organisation import Founded


class Following:
    """The accepted governance ledger, as far as this process has read it."""

    def __init__(self, log: Founded, broker: Broker, evidence: GovernanceEvidence | None = None) -> None:
        """`evidence`: of the founding, for a process that judges governance too."""
        self.log: Final = log
        self.writers = log.registry()
        self.history = list(log.history)
        self.evidence: Final = evidence
        self._broker = broker
        self._acceptance = Acceptance(
            "governance",
            0,
            identity=log.identity,
            writers=self.writers,
            verify=log.signing.verify,
            head=log.head,
        )
        self._read_to = log.head.next_offset

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses that were accepted, in order."""
        return self.writers.losses

    def catch_up(self) -> None:
        """Read to the current end of the topic."""
        entries = self._broker.governance.entries
        for offset in range(self._read_to, len(entries)):
            entry = entries[offset]
            for accepted in self._acceptance.offer(offset, entry.value, entry.headers):
                events = decode_governance_events(accepted.record)
                self.writers.apply(accepted.record.seq, events)
                self.history.append(events)
                if self.evidence is not None:
                    self.evidence.take(accepted.record, events)
        self._read_to = len(entries)

    def acceptance(self, head: Head | None = None) -> Acceptance:
        """The acceptance rule for the request ledger."""
        return Acceptance(
            "ledger",
            0,
            identity=self.log.identity,
            writers=self.writers,
            verify=self.log.signing.verify,
            head=head or first_head("ledger", self.log.identity),
        )


class LedgerReading:
    """Reads the request ledger from a head on, and reports what is accepted."""

    def __init__(
        self,
        following: Following,
        broker: Broker,
        take: Callable[[Accepted], object],
        head: Head | None = None,
        outside: Outside | None = None,
    ) -> None:
        """`outside`: for a process that follows no governance with less than what is known of it."""
        self._outside = outside
        self.acceptance = following.acceptance(head)
        self._following = following
        self._broker = broker
        self._take = take
        self.read_to = self.acceptance.head.next_offset

    def read(self, records: int = 1 << 30) -> int:
        """Continue reading, at most this many records; returns how many were accepted."""
        if self._broker.restores and missing(known_of("ledger", self.acceptance.head), self._broker.ledger):
            return 0
        # What a record names was on the governance ledger before it: all of that is read first.
        self._following.catch_up()
        if self._broker.restores and self._outside is not None and self._governs_by_less(self._outside):
            return 0
        entries, accepted_count = self._broker.ledger.entries, 0
        end = min(self.read_to + records, len(entries))
        for offset in range(self.read_to, end):
            entry = entries[offset]
            for accepted in self.acceptance.offer(offset, entry.value, entry.headers):
                self._take(accepted)
                accepted_count += 1
        self.read_to = end
        return accepted_count

    def _governs_by_less(self, outside: Outside) -> bool:
        following = self._following
        known = outside.known(following.writers.public_keys(), following.losses)
        return missing(known.get(("governance", 0)), self._broker.governance) is not None


def governance_records(log: Founded, broker: Broker) -> list[Accepted]:
    """The accepted governance ledger after the founding, unchanged."""
    following = Following(log, broker)
    acceptance = Acceptance(
        "governance",
        0,
        identity=log.identity,
        writers=following.writers,
        verify=log.signing.verify,
        head=log.head,
    )
    following.catch_up()
    found: list[Accepted] = []
    for offset in range(log.head.next_offset, broker.governance.end):
        entry = broker.governance.entries[offset]
        found += acceptance.offer(offset, entry.value, entry.headers)
    return found
