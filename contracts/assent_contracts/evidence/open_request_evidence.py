"""What is kept of an open request until it ends: what was judged of it, and what still has to be."""

import msgspec

from assent_contracts.core.requests.states import Open
from assent_contracts.evidence.command_signatures import SignedCommand
from assent_contracts.ledger import LedgerRecord


class Judged(msgspec.Struct):
    """The state of a request as far as signed commands have led to it."""

    state: Open
    submission: SignedCommand
    as_of: int
    """The governance seq that the record of the submission names."""
    last: int
    """The seq of the latest record that has changed it."""
    decisions: dict[tuple[str, str], SignedCommand] = msgspec.field(
        default_factory=dict[tuple[str, str], SignedCommand]
    )
    """The latest command of each kind and principal that has changed the request."""
    spent: set[bytes] = msgspec.field(default_factory=set[bytes])
    """SHA-256 of every decided command about the request. None of them may be decided again."""
    released: int | None = None
    """The governance seq that the record of the release names."""
    is_checked: bool = False
    """Whether the signatures were checked and are good."""
    hashes: frozenset[bytes] = frozenset()
    """R29: what a set lists, or of a member its own hash: see `set_members`."""


class OpenRequestEvidence(msgspec.Struct):
    """One open request."""

    is_new: bool
    """Whether its submission was not a repeated command."""
    waiting: list[LedgerRecord]
    """Accepted records about it that still have to be judged, in order."""
    judged: Judged | None = None
    is_set: bool = False
    """R29: whether it is a set of objects."""
    part_of: str | None = None
    """R29: the set of which it is a member."""
    lacks: str | None = None
    """Why no release of it can be acted on; None if there is no reason so far."""


def waiting_record_size(record: LedgerRecord) -> int:
    """About how many bytes of memory a waiting record takes, apart from a few hundred."""
    command, events = record.command, record.events
    return (len(command) if isinstance(command, msgspec.Raw) else 0) + (
        len(events) if isinstance(events, msgspec.Raw) else 0
    )
