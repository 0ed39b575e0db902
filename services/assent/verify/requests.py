"""Decide every command of a request ledger's partition again and compare."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from assent.core.governance.cursor import advance
from assent.core.governance.state import Governance
from assent.core.requests.book import Book
from assent.core.requests.expire import decide_expiry
from assent.core.requests.judge import judge, keep
from assent.core.requests.receive import Received, received_again, signature_bytes
from assent.core.requests.states import Closed, Unsettled
from assent.verify.finding import FindingError, Tally
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.governance import GovernanceEvent
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    UnreadableCommand,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import request_id
from assent_contracts.signing import COMMAND_PREFIX
from assent_contracts.topics import LEDGER

VerifySignature = Callable[[bytes, bytes, bytes], bool]
_SHAPE = frozenset(
    {
        RefusalCode.MALFORMED,
        RefusalCode.TOO_LARGE,
        RefusalCode.UNKNOWN_VERSION,
        RefusalCode.JUSTIFICATION_REQUIRED,
    }
)
"""What the codec itself refuses."""


class RequestsVerifier:
    """Follows one partition's accepted records, deciding each command again."""

    def __init__(
        self, partition: int, history: Sequence[tuple[GovernanceEvent, ...]], verify: VerifySignature
    ) -> None:
        """`history` may grow; a record names the governance seq that it used, which must be in it."""
        self.tally = Tally()
        self._partition = partition
        self._history = history
        self._verify = verify
        self._governance = Governance()
        self._book = Book(partition)

    def take(self, run: Sequence[Accepted]) -> None:
        """Verify the next accepted records. Raises FindingError at the first that is wrong."""
        for accepted in run:
            try:
                self._take(accepted.record)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise self._finding(accepted.record.seq, f"it cannot be read: {error}") from error
            self.tally.head = accepted.value_sha256
        self.tally.records += len(run)

    def _take(self, record: LedgerRecord) -> None:
        if record.at < self._book.at:
            raise self._finding(record.seq, "log time goes back")
        if not isinstance(record.governance, int) or record.governance >= len(self._history):
            raise self._finding(record.seq, "it names a governance seq that does not exist")
        advance(self._governance, self._history, record.governance)
        recorded = decode_recorded_command(record)
        match recorded:
            case RecordedCommand():
                self._decide_again(record, recorded)
            case UnreadableCommand():
                self._unreadable(record)
            case None:
                self._expire_again(record)

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
        if isinstance(decision, Refusal):
            self.tally.refusals += 1
            if not _same_refusal(decode_refusal(record), decision):
                raise self._finding(record.seq, f"the rules refuse its command ({decision.code})")
        elif record.events is UNSET or bytes(record.events) != encode(decision):
            raise self._finding(record.seq, "the rules decide its command otherwise")
        keep(self._book, received, decision, seq=record.seq, at=record.at)

    def _is_signed(self, received: Received) -> bool:
        key = self._governance.keys.get(received.key_id)
        signature = signature_bytes(received)
        if key is None or signature is None:
            return False
        self.tally.signatures += 1
        return self._verify(key.public_key, COMMAND_PREFIX + received.value_sha256, signature)

    def _unreadable(self, record: LedgerRecord) -> None:
        refusal = decode_refusal(record)
        if refusal is None or refusal.code not in _SHAPE:
            raise self._finding(record.seq, "a command that is not kept was not refused for its form")
        self._book.record(record.seq, record.at, ())
        self.tally.unreadable += 1

    def _expire_again(self, record: LedgerRecord) -> None:
        seq = next(self._book.due(record.at), None)
        if seq is None:
            raise self._finding(record.seq, "it has no command, and nothing was due")
        request = self._book.requests[seq]
        assert not isinstance(request, Closed | Unsettled)
        event = decide_expiry(request_id(self._partition, seq), request)
        if record.events is UNSET or bytes(record.events) != encode((event,)):
            raise self._finding(record.seq, "something else was due")
        self._book.record(record.seq, record.at, (event,))

    def _finding(self, seq: int, what: str) -> FindingError:
        return FindingError(LEDGER, self._partition, seq, what)


def _same_refusal(recorded: Refusal | None, decided: Refusal) -> bool:
    # The detail is for people: a later version may word it better.
    return recorded is not None and msgspec.structs.replace(recorded, detail=decided.detail) == decided
