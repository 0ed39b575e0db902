"""Compares a record's decision with the one that the rules make: the same for both ledgers."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from assent_contracts import limits
from assent_contracts.codec import encode
from assent_contracts.core.sender import OMITTED
from assent_contracts.events import Event
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord, decode_refusal
from assent_contracts.refusals import Refusal, RefusalCode

_NOT_KEPT: Final = OMITTED | frozenset(
    {
        RefusalCode.MALFORMED,
        RefusalCode.TOO_LARGE,
        RefusalCode.UNKNOWN_VERSION,
        RefusalCode.JUSTIFICATION_REQUIRED,
    }
)
"""What the codec itself refuses, what no known key signed, and what exceeded a sender's limit."""

_ERROR_MAX_CHARS: Final = 200
D = TypeVar("D")


def not_one_decision(record: LedgerRecord) -> str | None:
    """What is wrong with a record that has both events and a refusal, or neither; None otherwise."""
    # Readers take the events of such a record as true, whatever else it contains.
    if (record.events is UNSET) == (record.refusal is UNSET):
        return "it is not one decision: either events or a refusal"
    return None


def decision_mismatch(
    record: LedgerRecord, decision: tuple[Event, ...] | tuple[GovernanceEvent, ...] | Refusal
) -> str | None:
    """How a record differs from what the rules decide; None when it does not."""
    if isinstance(decision, Refusal):
        same = _is_same_refusal(decode_refusal(record), decision)
        return None if same else f"the rules refuse its command ({decision.code})"
    if record.refusal is not UNSET:
        if _was_too_large(record, decision):
            return None
        return "it refuses a command that the rules do not refuse"
    if record.events is UNSET or bytes(record.events) != encode(decision):
        return "the rules decide its command otherwise"
    return None


def as_recorded(record: LedgerRecord, decision: D) -> D | Refusal:
    """What the record, which agrees with the rules, has decided.

    It is a refusal where the decision was too large for a record; then none of it happened.
    """
    if isinstance(decision, Refusal):
        return decision
    return decode_refusal(record) or decision


def not_refused_unread(record: LedgerRecord) -> str | None:
    """What is wrong with a record whose command is not kept; None when there is a reason not to keep it."""
    refusal = decode_refusal(record)
    if refusal is None or refusal.code not in _NOT_KEPT:
        return "a command that is not kept was not refused for its form, its signature or its number"
    return None


def should_not_be_kept(record: LedgerRecord) -> str | None:
    """What is wrong with a record that contains the bytes of a command of which only the hash is kept."""
    if record.refusal is UNSET:  # as nearly all are
        return None
    refusal = decode_refusal(record)
    if refusal is not None and refusal.code in OMITTED:
        return f"it holds a command that was refused as {refusal.code}"
    return None


def not_its_own(record: LedgerRecord) -> str | None:
    """What is wrong with a record that has no command but names an input; None otherwise."""
    return None if record.input is UNSET else "it names an input and has no command"


def no_input(record: LedgerRecord) -> str | None:
    """What is wrong with a record of a sent command that does not name its input; None otherwise."""
    return "it names no input for its command" if record.input is UNSET else None


def unjudged(error: Exception) -> str:
    """Why a record cannot be judged: reading it or applying the rules fails, as no honest writer causes."""
    if isinstance(error, msgspec.MsgspecError | UnicodeDecodeError):
        return f"it cannot be read: {error}"
    return f"the rules fail on it ({type(error).__name__}: {str(error)[:_ERROR_MAX_CHARS]})"


def _was_too_large(record: LedgerRecord, decision: Sequence[Event] | Sequence[GovernanceEvent]) -> bool:
    """Whether it was refused because readers would have rejected the record with this decision."""
    refusal = decode_refusal(record)
    if refusal is None or refusal.code is not RefusalCode.TOO_LARGE:
        return False
    whole = msgspec.structs.replace(record, refusal=UNSET, events=msgspec.Raw(encode(decision)))
    return len(encode(whole)) > limits.RECORD_MAX_BYTES


def _is_same_refusal(recorded: Refusal | None, decided: Refusal) -> bool:
    # The detail is for people, and a later version may word it better.
    return recorded is not None and msgspec.structs.replace(recorded, detail=decided.detail) == decided
