"""One partition of requests, as its writer decides it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.memory import CommandMemory
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.requests.book import Book
from assent_contracts.core.requests.carried import carried_due, decide_carried
from assent_contracts.core.requests.decide import Decision as RequestDecision
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.judge import judge, keep
from assent_contracts.core.requests.receive import read_command
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.requests.states import Closed, Released, Unsettled
from assent_contracts.core.sender import unattributed
from assent_contracts.core.writer.desk import Decision, Events, OwnRecord
from assent_contracts.events import (
    Event,
    LogTimeCorrected,
    RequestCompleted,
    RequestEvent,
    RequestFailed,
    WritersChanged,
)
from assent_contracts.governance import GovernanceEvent
from assent_contracts.ledger import LedgerRecord
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id, request_id

WRITERS_KEY: Final = b"writers"
TIME_KEY: Final = b"time"
"""The Kafka keys of records that are about no object."""


class RequestsDesk:
    """Requests, decided under governance as far as the desk has been told to follow it."""

    def __init__(self, partition: int) -> None:
        self.governance = Governance()
        self.book = Book(partition)
        self._carried_seen = -1
        """The governance seq up to which it has been seen what governance has carried out."""

    @property
    def at(self) -> int:
        """Log time of the last record, as it counts under governance as it is followed, ms."""
        return self.book.at_under(self.governance)

    @property
    def is_dated(self) -> bool:
        """Whether that is a record's own time: a correction may say any, such as 1970."""
        return self.book.records > 0 and self.at == self.book.at

    @property
    def remembered(self) -> CommandMemory:
        """The commands whose ids are taken."""
        return self.book.memory

    @property
    def governance_named(self) -> int:
        """The governance seq that the next record names."""
        return self.governance.seq

    def follow(self, history: Sequence[tuple[GovernanceEvent, ...]], seq: int) -> None:
        """Go along with governance up to `seq`; `history[n]` holds the events of governance seq n."""
        advance(self.governance, history, seq)

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

    def judge(
        self, received: Received[Any], *, signature_good: bool, seq: int, at: int, received_at: int
    ) -> RequestDecision:
        """Decide a command."""
        return judge(
            self.book,
            received,
            signature_good=signature_good,
            seq=seq,
            at=at,
            received_at=received_at,
            governance=self.governance,
        )

    def keep_decision(self, received: Received[Any], decision: Decision, *, seq: int, at: int) -> None:
        """Move the book past a command's decision."""
        decided = cast("RequestDecision", decision)
        keep(self.book, received, decided, seq=seq, at=at, governance=self.governance.seq)

    def keep(self, events: Events, *, seq: int, at: int) -> None:
        """Move the book past a record that is no command's decision."""
        self.book.record(seq, at, cast("tuple[Event, ...]", events), governance=self.governance.seq)

    def replay(self, record: LedgerRecord) -> None:
        """Move the book past an accepted record."""
        replay(self.book, record)

    def has_deadline(self, at: int) -> bool:
        """Whether a deadline is at hand, which may be that of a request that has gone on since."""
        return self.book.has_deadline(at)

    def due(self, at: int) -> Iterator[OwnRecord]:
        """That writers or log time have changed, what governance has carried out, what log time has ended."""
        changed = self.book.writers_due(self.governance)
        if changed is not None:
            yield OwnRecord(WRITERS_KEY, (changed,))
        corrected = self.book.correction_due(self.governance)
        if corrected is not None:
            yield OwnRecord(TIME_KEY, (corrected,))
        if self._carried_seen != self.governance.seq:
            seen, self._carried_seen = self._carried_seen, self.governance.seq
            for resource, event in carried_due(self.book, self.governance, seen):
                yield OwnRecord(resource.encode(), (event,))
        for seq in self.book.due(at):
            request = self.book.requests[seq]
            assert not isinstance(request, Closed | Unsettled)
            yield OwnRecord(request.submission.resource.encode(), (self._expiry(seq),))

    def due_again(self, events: tuple[Event, ...], at: int) -> Event | str:
        """The event of the record that was due where one with these events is; or why none was.

        For a reader who checks a record of the writer's own: governance may have gone on since, so only what
        the record is about is looked at.
        """
        match events:
            case (WritersChanged(),):
                changed = self.book.writers_due(self.governance)
                return changed or "it has no command, and the writers have not changed"
            case (LogTimeCorrected(),):
                corrected = self.book.correction_due(self.governance)
                return corrected or "it has no command, and log time was not corrected"
            case (RequestCompleted(request=request) | RequestFailed(request=request),):
                return self._carried(request)
            case _:
                seq = next(self.book.due(at), None)
                return "it has no command, and nothing was due" if seq is None else self._expiry(seq)

    def _carried(self, request: str) -> RequestEvent | str:
        position = parse_request_id(request)
        carried = self.governance.carried
        if request not in carried or position is None or position[0] != self.book.partition:
            return "it has no command, and governance has not carried it out"
        if not isinstance(self.book.requests.get(position[1]), Released):
            return "it has no command, and what it ends is not released"
        return decide_carried(request, carried[request].refusal)

    def _expiry(self, seq: int) -> RequestEvent:
        request = self.book.requests[seq]
        assert not isinstance(request, Closed | Unsettled), "it has no deadline"
        return decide_expiry(request_id(self.book.partition, seq), request)
