"""Repeat every decision of a request ledger's partition and compare."""

from collections.abc import Sequence

from msgspec import UNSET

from assent.verify.decided_inputs import Inputs
from assent.verify.finding import FindingError, Tally
from assent.verify.record_comparison import (
    as_recorded,
    decision_mismatch,
    no_input,
    not_its_own,
    not_one_decision,
    not_refused_unread,
    should_not_be_kept,
    unjudged,
)
from assent.verify.release_confirmation import RecordedRelease, ReleaseReferences
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.codec import encode
from assent_contracts.commands import Command, SubmitChange
from assent_contracts.core.log_time import not_log_time, received_at
from assent_contracts.core.received import Received
from assent_contracts.core.requests.receive import received_again
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    Event,
    RequestEnd,
)
from assent_contracts.evidence.command_signatures import CommandSignatures, VerifySignature, signed_command
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import (
    LedgerRecord,
    OmittedCommand,
    RecordedCommand,
    decode_events,
    decode_recorded_command,
)
from assent_contracts.refusals import Refusal


class RequestsVerifier:
    """Follows one partition's accepted records, deciding each command again."""

    def __init__(
        self,
        partition: int,
        identity: str,
        history: Sequence[tuple[GovernanceEvent, ...]],
        verify: VerifySignature,
        claims: ReleaseReferences | None = None,
    ) -> None:
        """`history` may grow. A record names the governance seq that it used, which must be in it.

        `claims` is told what it needs for confirming.
        """
        self.tally = Tally()
        self.inputs = Inputs("ledger", partition)
        self.partition = partition
        self._signatures = CommandSignatures(identity, verify)
        self._history = history
        self._claims = ReleaseReferences() if claims is None else claims
        self._writer = PartitionWriter(
            RequestsDesk(partition),
            first_head("ledger", identity),
            sealer=None,
            is_signed=self._signatures.has_signed,
        )
        self._desk = self._writer.desk

    def take(self, run: Sequence[Accepted]) -> None:
        """Verify the next accepted records. Raises FindingError at the first that is wrong."""
        for accepted in run:
            try:
                self._take(accepted.record)
            except FindingError:
                raise
            except Exception as error:
                raise self._finding(accepted.record.seq, unjudged(error)) from error
            self._writer.passed(accepted)
            self.tally.head = accepted.value_sha256
        self.tally.records += len(run)

    def _take(self, record: LedgerRecord) -> None:
        if not isinstance(record.governance, int) or record.governance >= len(self._history):
            raise self._finding(record.seq, "it names a governance seq that does not exist")
        self._desk.follow(self._history, record.governance)
        self._must_not(record, not_log_time(record, self._desk.at))
        self._must_not(record, not_one_decision(record))
        self._must_not(record, self.inputs.take(record, self._desk.governance.losses))
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
        came = received_at(record)
        decision = self._desk.handle(
            received, signature_good=good, seq=record.seq, at=record.at, received_at=came
        )
        self.tally.commands += 1
        self._must_not(record, decision_mismatch(record, decision))
        decision = as_recorded(record, decision)
        self._desk.apply_decision(received, decision, seq=record.seq, at=record.at)
        if isinstance(decision, Refusal):
            self.tally.refusals += 1
        else:
            self._tell_claims(received, decision, seq=record.seq)

    def _tell_claims(self, received: Received[Command], events: tuple[Event, ...], *, seq: int) -> None:
        for event in events:
            match event:
                case ChangeSubmitted():
                    governance = self._desk.governance.seq
                    self._claims.submitted(event.request, received.value_sha256, governance)
                    if isinstance(received.command, SubmitChange):
                        self._claims.sets.submitted(event.request, received.command)
                case ChangeReleased():
                    self._claims.sets.released(event.request, self.partition, seq)
                    release = RecordedRelease(
                        seq=seq, digest=event.digest, governance=self._desk.governance.seq
                    )
                    self._claims.released(event.request, release)
                case _ if isinstance(event, RequestEnd):
                    self._claims.sets.ended(event.request)
                case _:
                    pass

    def _is_signed(self, received: Received[Command]) -> bool:
        key = self._desk.governance.keys.get(received.key_id)
        command = signed_command(received, None if key is None else key.public_key)
        self.tally.signatures += command is not None
        return self._signatures.is_good(command)

    def _omitted(self, record: LedgerRecord) -> None:
        self._must_not(record, not_refused_unread(record))
        self._desk.apply((), seq=record.seq, at=record.at)
        self.tally.unreadable += 1

    def _write_again(self, record: LedgerRecord) -> None:
        """Repeat what the writer recorded by itself: new writers, carried-out changes, what was due."""
        event = self._desk.due_again(decode_events(record), record.at)
        if isinstance(event, str):
            raise self._finding(record.seq, event)
        if record.events is UNSET or bytes(record.events) != encode((event,)):
            raise self._finding(record.seq, "something else was due")
        self._desk.apply((event,), seq=record.seq, at=record.at)
        if isinstance(event, RequestEnd):
            self._claims.sets.ended(event.request)

    def _must_not(self, record: LedgerRecord, what: str | None) -> None:
        """Raises FindingError when something is wrong with the record."""
        if what is not None:
            raise self._finding(record.seq, what)

    def _finding(self, seq: int, what: str) -> FindingError:
        return FindingError("ledger", self.partition, seq, what)
