"""What is kept of an open request until it ends: what has been judged of it, and what is still to be."""

import msgspec

from assent_contracts.core.requests.states import Open
from assent_contracts.evidence.command_signatures import SignedCommand
from assent_contracts.ledger import LedgerRecord


class Judged(msgspec.Struct):
    """How far signed commands have led a request."""

    state: Open
    submission: SignedCommand
    as_of: int
    """The governance seq that the record of the submission names."""
    last: int
    """The seq of the latest record that has changed it."""
    decisions: dict[tuple[str, str], SignedCommand] = msgspec.field(
        default_factory=dict[tuple[str, str], SignedCommand]
    )
    """The latest command of each kind and principal that has moved the request."""
    spent: set[bytes] = msgspec.field(default_factory=set[bytes])
    """SHA-256 of every command about the request that has had its decision: none is decided again."""
    released: int | None = None
    """The governance seq that the record of the release names."""
    is_checked: bool = False
    """Whether the signatures were found good."""


class OpenRequestEvidence(msgspec.Struct):
    """One open request."""

    is_new: bool
    """Whether its submission had not come before."""
    waiting: list[LedgerRecord]
    """Accepted records about it that are still to be judged, in order."""
    judged: Judged | None = None
    lacks: str | None = None
    """Why no release of it can be acted on any more."""


def waiting_record_size(record: LedgerRecord) -> int:
    """The bytes that a waiting record keeps, but for some hundreds."""
    command, events = record.command, record.events
    return (len(command) if isinstance(command, msgspec.Raw) else 0) + (
        len(events) if isinstance(events, msgspec.Raw) else 0
    )
