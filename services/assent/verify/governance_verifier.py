"""Repeat every decision and every carried-out release of the governance ledger, and compare."""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import UNSET

from assent.verify.decided_inputs import Inputs
from assent.verify.finding import FindingError, Tally
from assent.verify.record_comparison import (
    as_recorded,
    decision_mismatch,
    no_input,
    not_one_decision,
    not_refused_unread,
    should_not_be_kept,
    unjudged,
)
from assent.verify.release_confirmation import ReleaseReferences
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.core.governance.field_limits import is_public_key
from assent_contracts.core.governance.handle import handle_recovery
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.log_time import not_log_time, received_at
from assent_contracts.core.received import Received
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.digests import from_base64url
from assent_contracts.evidence.command_signatures import CommandSignatures, VerifySignature, signed_command
from assent_contracts.evidence.repeated_carry_out import carried_again
from assent_contracts.governance_messages import (
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    LossAccepted,
    RecoveryCommand,
    ReleaseCarriedOut,
    ReleaseRefused,
)
from assent_contracts.governance_objects import Loss
from assent_contracts.ledger import (
    LedgerRecord,
    OmittedCommand,
    RecordedCommand,
    decode_governance_events,
    decode_recorded_command,
)
from assent_contracts.refusals import Refusal
from assent_contracts.signing import NO_IDENTITY
from assent_contracts.writer_registry import WriterRegistry

C = TypeVar("C")


class GovernanceVerifier:
    """Follows the governance ledger's accepted records. Request ledgers refer to its `history`."""

    def __init__(self, identity: str, verify: VerifySignature) -> None:
        self.tally = Tally()
        self.inputs = Inputs("governance", 0)
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self.claims = ReleaseReferences()
        """What the request ledger must still confirm."""
        self._signatures = CommandSignatures(identity, verify)
        self._founding = CommandSignatures(NO_IDENTITY, verify)
        self._writer = PartitionWriter(
            GovernanceDesk(),
            first_head("governance", identity),
            sealer=None,
            is_signed=self._signatures.has_signed,
        )
        self._desk = self._writer.desk

    @property
    def writers(self) -> WriterRegistry:
        """The writers, as the ledger itself lists them."""
        return self._desk.writers

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses that were accepted, in order."""
        return self._desk.governance.losses

    @property
    def partitions(self) -> int:
        """How many request partitions the log was founded with; 0 before its founding is read."""
        return self._desk.governance.partitions

    def take(self, run: Sequence[Accepted]) -> None:
        """Verify the next accepted records. Raises FindingError at the first that is wrong."""
        for accepted in run:
            try:
                events = self._take(accepted.record)
            except FindingError:
                raise
            except Exception as error:
                raise _finding(accepted.record.seq, unjudged(error)) from error
            self._writer.passed(accepted)
            self.history.append(events)
            self.tally.head = accepted.value_sha256
            self.tally.records += 1

    def _take(self, record: LedgerRecord) -> tuple[GovernanceEvent, ...]:
        _must_not(record, not_log_time(record, self._desk.at))
        _must_not(record, not_one_decision(record))
        _must_not(record, self.inputs.take(record, self._desk.governance.losses))
        recorded = decode_recorded_command(record)
        match recorded:
            case RecordedCommand():
                _must_not(record, should_not_be_kept(record))
                events = decode_governance_events(record)
                if (
                    record.input is UNSET
                    and events
                    and isinstance(events[-1], ReleaseCarriedOut | ReleaseRefused)
                ):
                    self._carry_out_again(record, recorded, events, events[-1])
                    return events
                return self._decide_again(record, recorded)
            case OmittedCommand():
                _must_not(record, no_input(record) or not_refused_unread(record))
                self._desk.apply((), seq=record.seq, at=record.at)
                self.tally.unreadable += 1
                return ()
            case None:
                raise _finding(record.seq, "it has no command")

    def _decide_again(self, record: LedgerRecord, recorded: RecordedCommand) -> tuple[GovernanceEvent, ...]:
        received = governance_received_again(recorded)
        if isinstance(received, Refusal):
            raise _finding(record.seq, f"its command is not well-formed: {received.detail}")
        if record.input is UNSET and isinstance(received.command, RecoveryCommand):
            good = self._is_signed(received, self._desk.governance.recovery)
            decision = handle_recovery(self._desk.record, received, signature_good=good)
        else:
            _must_not(record, None if self._is_founding else no_input(record))
            good = self._is_signed(received, self._signer(received))
            came = received_at(record)
            decision = self._desk.handle(
                received, signature_good=good, seq=record.seq, at=record.at, received_at=came
            )
        self.tally.commands += 1
        _must_not(record, decision_mismatch(record, decision))
        decision = as_recorded(record, decision)
        by_topic = record.input is not UNSET
        self._desk.apply_decision(received, decision, seq=record.seq, at=record.at, by_topic=by_topic)
        if isinstance(decision, Refusal):
            self.tally.refusals += 1
            return ()
        for event in decision:
            if isinstance(event, LossAccepted):
                self.tally.given_up += self.claims.give_up(event.loss)
        return decision

    @property
    def _is_founding(self) -> bool:
        governance = self._desk.governance
        return governance.seq == -1 or governance.founder is not None

    def _signer(self, received: Received[GovernanceCommand]) -> bytes | None:
        governance, command = self._desk.governance, received.command
        if governance.seq == -1 and isinstance(command, FoundLog):
            founder = command.founding.founder
            return from_base64url(founder) if is_public_key(founder) else None
        return governance.founder or self._registered(received.key_id)

    def _registered(self, key_id: str) -> bytes | None:
        key = self._desk.governance.keys.get(key_id)
        return None if key is None else key.public_key

    def _is_signed(self, received: Received[C], public_key: bytes | None) -> bool:
        command = signed_command(received, public_key)
        self.tally.signatures += command is not None
        # The identity is made from the command of record 0, so that command cannot contain it.
        signatures = self._signatures if self.history else self._founding
        return signatures.is_good(command)

    def _carry_out_again(
        self,
        record: LedgerRecord,
        recorded: RecordedCommand,
        events: tuple[GovernanceEvent, ...],
        release: ReleaseCarriedOut | ReleaseRefused,
    ) -> None:
        """R18: repeat the change of a released request. That it was released is left as a claim."""
        claim = carried_again(self._desk.governance, record, recorded, release, self._is_signed)
        if isinstance(claim, str):
            raise _finding(record.seq, claim)
        self.claims.add(claim)
        self._desk.apply(events, seq=record.seq, at=record.at)
        self.tally.carried += 1


def _must_not(record: LedgerRecord, what: str | None) -> None:
    """Raises FindingError when something is wrong with the record."""
    if what is not None:
        raise _finding(record.seq, what)


def _finding(seq: int, what: str) -> FindingError:
    return FindingError("governance", 0, seq, what)
