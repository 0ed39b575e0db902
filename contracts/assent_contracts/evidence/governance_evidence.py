"""The governance ledger, decided again: every record that changes something must have its own evidence.

Until the founding is closed, the evidence is a command that the founder signed. Afterwards it is one of
three: a signed command of an account that may make the change immediately, a command of the recovery key, or
a released request, which the request ledger must confirm.
"""

import msgspec
from msgspec import UNSET

from assent_contracts.codec import encode
from assent_contracts.core.governance.field_limits import is_public_key
from assent_contracts.core.governance.handle import (
    GovernanceLedgerState,
    apply_governance_decision,
    handle_governance,
    handle_recovery,
)
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.governance.replay import carries_release
from assent_contracts.core.log_time import Correction, not_log_time, received_at
from assent_contracts.core.received import C, Received
from assent_contracts.core.remember_record import remember_record
from assent_contracts.digests import from_base64url
from assent_contracts.events import CommandRepeated
from assent_contracts.evidence.command_signatures import CommandSignatures, VerifySignature, signed_command
from assent_contracts.evidence.past_governance import PastGovernance
from assent_contracts.evidence.release_references import Confirmations
from assent_contracts.evidence.repeated_carry_out import carried_again
from assent_contracts.evidence.set_releases import SetReleases
from assent_contracts.governance_messages import (
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    LossAccepted,
    RecoveryCommand,
    ReleaseCarriedOut,
    ReleaseRefused,
)
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.refusals import Refusal
from assent_contracts.signing import NO_IDENTITY

_CHANGE_NOTHING = ReleaseRefused | CommandRepeated


class EvidenceGap(msgspec.Struct, frozen=True):
    """The first governance record that lacks evidence, and what it lacks."""

    seq: int
    lacks: str


class GovernanceEvidence:
    """Governance as far as it has evidence. Its one owner gives it the accepted records in order."""

    def __init__(self, identity: str, verify: VerifySignature) -> None:
        """`identity`: the log's (hex)."""
        self.signatures = CommandSignatures(identity, verify)
        self.history: list[tuple[GovernanceEvent, ...]] = []
        """The events of each seq, up to the gap."""
        self.past = PastGovernance(self.history)
        self.gap: EvidenceGap | None = None
        self.confirmations = Confirmations()
        self.sets = SetReleases()
        """R29: what all partitions of the request ledger have released as a set."""
        self._founding = CommandSignatures(NO_IDENTITY, verify)
        self._record = GovernanceLedgerState()

    @property
    def time_corrections(self) -> tuple[Correction, ...]:
        """The corrections of log time, as far as there is evidence."""
        return self._record.governance.time_corrections

    def take(self, record: LedgerRecord, events: tuple[GovernanceEvent, ...]) -> None:
        """Consume the next accepted record of the governance ledger, and its events.

        After the gap nothing more is judged, because decisions that use it have no evidence.
        """
        if self.gap is not None:
            return
        try:
            lacks = self._lacks(record, events)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            lacks = "it holds no command that can be read"
        if lacks is None:
            self.history.append(events)
            for event in events:
                if isinstance(event, LossAccepted):
                    self.confirmations.give_up(event.loss)
        else:
            self.gap = EvidenceGap(record.seq, lacks)

    def lacking(self, seq: int, *, confirmed: bool = True) -> str | None:
        """Why governance up to `seq` cannot be used for judging; None if it can.

        `confirmed`: check the request ledger too. All its partitions must have been read then.
        """
        if self.gap is not None and self.gap.seq <= seq:
            return f"governance seq {self.gap.seq} lacks evidence: {self.gap.lacks}"
        if seq >= len(self.history):
            return f"governance seq {seq} is not known here"
        claim = self.confirmations.unconfirmed(seq) if confirmed else None
        if claim is not None:
            return (
                f"governance seq {claim.seq} lacks evidence: it carries out request {claim.request},"
                " and the request ledger has no such release"
            )
        return None

    def _lacks(self, record: LedgerRecord, events: tuple[GovernanceEvent, ...]) -> str | None:
        wrong = not_log_time(record, self._record.at)
        if wrong is not None:
            return wrong
        if all(isinstance(event, _CHANGE_NOTHING) for event in events):
            if not carries_release(events):
                remember_record(self._record.memory, record)
            self._record.take(record.seq, record.at, events)
            return None
        recorded = decode_recorded_command(record)
        if not isinstance(recorded, RecordedCommand):
            return "it holds no command"
        last = events[-1]
        if record.input is UNSET and isinstance(last, ReleaseCarriedOut):
            return self._carry_again(record, recorded, events, last)
        return self._decide_again(record, recorded)

    def _decide_again(self, record: LedgerRecord, recorded: RecordedCommand) -> str | None:
        received = governance_received_again(recorded)
        if isinstance(received, Refusal):
            return "its command is not well-formed"
        by_recovery = record.input is UNSET and isinstance(received.command, RecoveryCommand)
        signer = self._record.governance.recovery if by_recovery else self._signer(received)
        if not self._is_signed(received, signer):
            return "the signature of its command is not good"
        if by_recovery:
            decision = handle_recovery(self._record, received, signature_good=True)
        else:
            if record.input is UNSET and not self._is_founding:
                return "its command came from no topic"
            came = received_at(record)
            decision = handle_governance(
                self._record, received, signature_good=True, at=record.at, received_at=came
            )
        if isinstance(decision, Refusal):
            return f"the rules refuse its command ({decision.code}: {decision.detail})"
        if not isinstance(record.events, msgspec.Raw) or bytes(record.events) != encode(decision):
            return "its events are not what its command makes"
        apply_governance_decision(
            self._record,
            received,
            decision,
            seq=record.seq,
            at=record.at,
            by_topic=record.input is not UNSET,
        )
        return None

    def _carry_again(
        self,
        record: LedgerRecord,
        recorded: RecordedCommand,
        events: tuple[GovernanceEvent, ...],
        release: ReleaseCarriedOut,
    ) -> str | None:
        claim = carried_again(self._record.governance, record, recorded, release, self._is_signed)
        if isinstance(claim, str):
            return claim
        self.confirmations.add(claim)
        self._record.take(record.seq, record.at, events)
        return None

    @property
    def _is_founding(self) -> bool:
        governance = self._record.governance
        return governance.seq == -1 or governance.founder is not None

    def _signer(self, received: Received[GovernanceCommand]) -> bytes | None:
        governance, command = self._record.governance, received.command
        if governance.seq == -1 and isinstance(command, FoundLog):
            founder = command.founding.founder
            return from_base64url(founder) if is_public_key(founder) else None
        key = governance.keys.get(received.key_id)
        return governance.founder or (None if key is None else key.public_key)

    def _is_signed(self, received: Received[C], public_key: bytes | None) -> bool:
        # The command of record 0 makes the identity, so its signature cannot cover it.
        signatures = self.signatures if self.history else self._founding
        return signatures.is_good(signed_command(received, public_key))
