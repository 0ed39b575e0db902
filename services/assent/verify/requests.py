"""Decide every command of a request ledger's partition again and compare."""

from collections.abc import Sequence

from msgspec import UNSET

from assent.verify.again import (
    VerifySignature,
    difference,
    no_input,
    not_its_own,
    not_one_decision,
    not_refused_unread,
    should_not_be_kept,
    unjudged,
)
from assent.verify.claims import Claims, Release
from assent.verify.finding import FindingError, Tally
from assent.verify.inputs import Inputs
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.core.requests.book import Book
from assent_contracts.core.requests.carried import decide_carried
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.judge import judge, keep
from assent_contracts.core.requests.receive import received_again
from assent_contracts.core.requests.states import Closed, Released, Unsettled
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    Event,
    RequestCompleted,
    RequestEvent,
    RequestFailed,
    WritersChanged,
)
from assent_contracts.evidence.signed import Signatures, signed
from assent_contracts.governance import GovernanceEvent
from assent_contracts.ledger import (
    LedgerRecord,
    OmittedCommand,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
)
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id, request_id


class RequestsVerifier:
    """Follows one partition's accepted records, deciding each command again."""

    def __init__(
        self,
        partition: int,
        identity: str,
        history: Sequence[tuple[GovernanceEvent, ...]],
        verify: VerifySignature,
        claims: Claims | None = None,
    ) -> None:
        """`history` may grow; a record names the governance seq that it used, which must be in it.

        `claims` hears what it needs to be confirmed.
        """
        self.tally = Tally()
        self.inputs = Inputs("ledger", partition)
        self.partition = partition
        self._signatures = Signatures(identity, verify)
        self._history = history
        self._claims = Claims() if claims is None else claims
        self._governance = Governance()
        self._book = Book(partition)

    def take(self, run: Sequence[Accepted]) -> None:
        """Verify the next accepted records. Raises FindingError at the first that is wrong."""
        for accepted in run:
            try:
                self._take(accepted.record)
            except FindingError:
                raise
            except Exception as error:
                raise self._finding(accepted.record.seq, unjudged(error)) from error
            self.tally.head = accepted.value_sha256
        self.tally.records += len(run)

    def _take(self, record: LedgerRecord) -> None:
        if record.at < self._book.at:
            raise self._finding(record.seq, "log time goes back")
        if not isinstance(record.governance, int) or record.governance >= len(self._history):
            raise self._finding(record.seq, "it names a governance seq that does not exist")
        advance(self._governance, self._history, record.governance)
        self._must_not(record, not_one_decision(record))
        self._must_not(record, self.inputs.take(record, self._governance.losses))
        recorded = decode_recorded_command(record)
        match recorded:
            case RecordedCommand():
                self._must_not(record, no_input(record) or should_not_be_kept(record))
                self._decide_again(record, recorded)
            case OmittedCommand():
                self._must_not(record, no_input(record))
                self._omitted(record)
            case None:
                self._must_not(record, not_its_own(record))
                self._write_again(record)

    def _decide_again(self, record: LedgerRecord, recorded: RecordedCommand) -> None:
        received = received_again(recorded)
        if isinstance(received, Refusal):
            raise self._finding(record.seq, f"its command is not well-formed: {received.detail}")
        good = self._is_signed(received)
        decision = judge(
            self._book,
            received,
            signature_good=good,
            seq=record.seq,
            at=record.at,
            governance=self._governance,
        )
        self.tally.commands += 1
        self._must_not(record, difference(record, decision))
        keep(self._book, received, decision, seq=record.seq, at=record.at)
        if isinstance(decision, Refusal):
            self.tally.refusals += 1
        elif self._claims:
            self._tell_claims(received, decision, seq=record.seq)

    def _tell_claims(self, received: Received[Command], events: tuple[Event, ...], *, seq: int) -> None:
        for event in events:
            match event:
                case ChangeSubmitted():
                    governance = self._governance.seq
                    self._claims.submitted(event.request, received.value_sha256, governance)
                case ChangeReleased():
                    release = Release(seq=seq, digest=event.digest, governance=self._governance.seq)
                    self._claims.released(event.request, release)
                case _:
                    pass

    def _is_signed(self, received: Received[Command]) -> bool:
        key = self._governance.keys.get(received.key_id)
        command = signed(received, None if key is None else key.public_key)
        self.tally.signatures += command is not None
        return self._signatures.is_good(command)

    def _omitted(self, record: LedgerRecord) -> None:
        self._must_not(record, not_refused_unread(record))
        self._book.record(record.seq, record.at, ())
        self.tally.unreadable += 1

    def _write_again(self, record: LedgerRecord) -> None:
        """What the writer records by itself: new writers, what governance has carried out, what was due."""
        match decode_events(record):
            case (WritersChanged(),):
                event = self._writers_changed(record)
            case (RequestCompleted(request=request) | RequestFailed(request=request),):
                event = self._carried(record, request)
            case _:
                event = self._due(record)
        if record.events is UNSET or bytes(record.events) != encode((event,)):
            raise self._finding(record.seq, "something else was due")
        self._book.record(record.seq, record.at, (event,))

    def _writers_changed(self, record: LedgerRecord) -> Event:
        event = self._book.writers_due(self._governance)
        if event is None:
            raise self._finding(record.seq, "it has no command, and the writers have not changed")
        return event

    def _carried(self, record: LedgerRecord, request: str) -> RequestEvent:
        position = parse_request_id(request)
        if request not in self._governance.carried or position is None or position[0] != self.partition:
            raise self._finding(record.seq, "it has no command, and governance has not carried it out")
        if not isinstance(self._book.requests.get(position[1]), Released):
            raise self._finding(record.seq, "it has no command, and what it ends is not released")
        return decide_carried(request, self._governance.carried[request])

    def _due(self, record: LedgerRecord) -> RequestEvent:
        seq = next(self._book.due(record.at), None)
        if seq is None:
            raise self._finding(record.seq, "it has no command, and nothing was due")
        request = self._book.requests[seq]
        assert not isinstance(request, Closed | Unsettled)
        return decide_expiry(request_id(self.partition, seq), request)

    def _must_not(self, record: LedgerRecord, what: str | None) -> None:
        """Raises FindingError when something is wrong with the record."""
        if what is not None:
            raise self._finding(record.seq, what)

    def _finding(self, seq: int, what: str) -> FindingError:
        return FindingError("ledger", self.partition, seq, what)
