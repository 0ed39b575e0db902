"""Decide every command of the governance ledger again and compare."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from assent.core.governance.decide import decide
from assent.core.governance.state import Governance
from assent.verify.finding import FindingError, Tally
from assent.verify.requests import VerifySignature
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.digests import from_base64url
from assent_contracts.governance import FoundLog, GovernanceCommand, GovernanceEvent
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.refusals import Refusal
from assent_contracts.signing import command_message
from assent_contracts.topics import GOVERNANCE

_decode_command = msgspec.json.Decoder(GovernanceCommand).decode


class GovernanceVerifier:
    """Follows the governance ledger's accepted records; `history` is what request ledgers refer to."""

    def __init__(self, verify: VerifySignature) -> None:
        self.tally = Tally()
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self._verify = verify
        self._governance = Governance()

    def take(self, run: Sequence[Accepted]) -> None:
        """Verify the next accepted records. Raises FindingError at the first that is wrong."""
        for accepted in run:
            try:
                self._take(accepted.record)
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                raise _finding(accepted.record.seq, f"it cannot be read: {error}") from error
            self.tally.head = accepted.value_sha256
            self.tally.records += 1

    def _take(self, record: LedgerRecord) -> None:
        recorded = decode_recorded_command(record)
        if not isinstance(recorded, RecordedCommand):
            raise _finding(record.seq, "it has no command")
        command = _decode_command(recorded.value)
        founder = from_base64url(command.founding.founder) if isinstance(command, FoundLog) else None
        public_key = founder or self._governance.founder
        signature = from_base64url(recorded.signature)
        if public_key is None or not self._verify(
            public_key, command_message(bytes(recorded.value)), signature
        ):
            raise _finding(record.seq, "its command is not signed by the founder")
        self.tally.signatures += 1
        decision = decide(self._governance, command)
        if isinstance(decision, Refusal):
            raise _finding(record.seq, f"the rules refuse its command ({decision.code})")
        if record.events is UNSET or bytes(record.events) != encode(decision):
            raise _finding(record.seq, "the rules decide its command otherwise")
        self._governance.evolve(record.seq, decision)
        self.history.append(decision)
        self.tally.commands += 1


def _finding(seq: int, what: str) -> FindingError:
    return FindingError(GOVERNANCE, 0, seq, what)
