"""One partition of requests as its writer decides it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.requests.decide import RequestDecision
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.handle import apply_decision, handle
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.receive import read_command
from assent_contracts.core.requests.release_outcome import outcome_of_release, release_outcomes_due
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.requests.states import Closed, Released, Unsettled
from assent_contracts.core.sender import unattributed
from assent_contracts.core.writer.desk import Events, EventsOrRefusal, OwnRecord
from assent_contracts.events import (
    Event,
    LogTimeCorrected,
    RequestCompleted,
    RequestEvent,
    RequestFailed,
    WritersChanged,
)
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id, request_id

WRITERS_KEY: Final = b"writers"
TIME_KEY: Final = b"time"
"""The Kafka keys of records that concern no object."""


class RequestsDesk:
    """Requests, decided under governance as far as `follow` has advanced it."""

    def __init__(self, partition: int, state: PartitionState | None = None) -> None:
        """`state`: the partition's, from a snapshot. None: before its first record."""
        self.governance = Governance()
        self.state = state or PartitionState(partition)
        self._outcomes_seen = -1
        """The governance seq up to which the outcomes of releases have been recorded here."""

    @property
    def at(self) -> int:
        """The log time of the last record, ms, after the corrections in the followed governance."""
        return self.state.at_under(self.governance)

    @property
    def is_dated(self) -> bool:
        """Whether `at` is the time of a record. A correction may set it to any time, such as 1970."""
        return self.state.records > 0 and self.at == self.state.at

    @property
    def remembered(self) -> CommandMemory:
        """The commands whose ids are taken."""
        return self.state.memory

    @property
    def governance_named(self) -> int:
        """The governance seq for the next record."""
        return self.governance.seq

    def follow(self, history: Sequence[tuple[GovernanceEvent, ...]], seq: int) -> None:
        """Follow governance up to `seq`. `history[n]` has the events of governance seq n."""
        advance_to(self.governance, history, seq)

    def signing_key(self, envelope: Envelope) -> bytes | None:
        """The key that the envelope names."""
        key = self.governance.keys.get(envelope.key_id)
        return None if key is None else key.public_key

    def unattributed(self, envelope: Envelope, *, signature_good: bool, received_at: int) -> Refusal | None:
        """The refusal of bytes that no key has signed."""
        return unattributed(
            self.governance,
            envelope.key_id,
            signed=bool(envelope.signature),
            good=signature_good,
            received_at=received_at,
        )

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """A command of `assent.commands`."""
        return read_command(envelope)

    def handle(
        self, received: Received[Any], *, signature_good: bool, seq: int, at: int, received_at: int
    ) -> RequestDecision:
        """Decide a command."""
        return handle(
            self.state,
            received,
            signature_good=signature_good,
            seq=seq,
            at=at,
            received_at=received_at,
            governance=self.governance,
        )

    def apply_decision(
        self, received: Received[Any], decision: EventsOrRefusal, *, seq: int, at: int
    ) -> None:
        """Advance the partition's state past a command's decision."""
        decided = cast("RequestDecision", decision)
        apply_decision(self.state, received, decided, seq=seq, at=at, governance=self.governance.seq)

    def apply(self, events: Events, *, seq: int, at: int) -> None:
        """Advance the partition's state past a record that does not decide a command."""
        self.state.record(seq, at, cast("tuple[Event, ...]", events), governance=self.governance.seq)

    def replay(self, record: LedgerRecord) -> None:
        """Advance the partition's state past an accepted record."""
        replay(self.state, record)

    def has_deadline(self, at: int) -> bool:
        """Whether a deadline has been reached. It may be an outdated one of a request that has moved on."""
        return self.state.has_deadline(at)

    def due(self, at: int) -> Iterator[OwnRecord]:
        """Records of changed writers, corrected log time, outcomes of governance changes, and expiries."""
        changed = self.state.writers_due(self.governance)
        if changed is not None:
            yield OwnRecord(WRITERS_KEY, (changed,))
        corrected = self.state.correction_due(self.governance)
        if corrected is not None:
            yield OwnRecord(TIME_KEY, (corrected,))
        if self._outcomes_seen != self.governance.seq:
            seen, self._outcomes_seen = self._outcomes_seen, self.governance.seq
            for resource, event in release_outcomes_due(self.state, self.governance, seen):
                yield OwnRecord(resource.encode(), (event,))
        for seq in self.state.due(at):
            request = self.state.requests[seq]
            assert not isinstance(request, Closed | Unsettled)
            yield OwnRecord(request.submission.resource.encode(), (self._expiry(seq),))

    def due_again(self, events: tuple[Event, ...], at: int) -> Event | str:
        """The event of the record that was due in place of one with these events, or why none was due.

        For a reader that checks a record by the writer itself. Governance may have changed further since, so
        only the subject of the record is checked.
        """
        match events:
            case (WritersChanged(),):
                changed = self.state.writers_due(self.governance)
                return changed or "it has no command, and the writers have not changed"
            case (LogTimeCorrected(),):
                corrected = self.state.correction_due(self.governance)
                return corrected or "it has no command, and log time was not corrected"
            case (RequestCompleted(request=request) | RequestFailed(request=request),):
                return self._carried(request)
            case _:
                seq = next(self.state.due(at), None)
                return "it has no command, and nothing was due" if seq is None else self._expiry(seq)

    def _carried(self, request: str) -> RequestEvent | str:
        position = parse_request_id(request)
        carried = self.governance.release_outcomes
        if request not in carried or position is None or position[0] != self.state.partition:
            return "it has no command, and governance has not carried it out"
        if not isinstance(self.state.requests.get(position[1]), Released):
            return "it has no command, and what it ends is not released"
        return outcome_of_release(request, carried[request].refusal)

    def _expiry(self, seq: int) -> RequestEvent:
        request = self.state.requests[seq]
        assert not isinstance(request, Closed | Unsettled), "it has no deadline"
        return decide_expiry(request_id(self.state.partition, seq), request)
