"""The states of a request. A request that was never submitted has none."""

from typing import Literal, assert_never

import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import Settlement
from assent_contracts.events import Status
from assent_contracts.limits import FOR_EVER_MS


class Submission(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What does not change after the submission. The payload is only in the ledger."""

    seq: int
    resource: str
    requester: str
    person: str
    sha256: str
    """R23: SHA-256 of the submission command's bytes, hex."""
    digest: str
    """SHA-256 of the payload's bytes, hex."""
    terms: tuple[PolicyTerms, ...]
    on_behalf_of: str | None = None
    """R20: the account of the person on whose behalf a service submitted it."""
    not_before: int = 0
    not_after: int = FOR_EVER_MS
    """R27: its window: not_before <= log time (ms) < not_after."""
    emergency: bool = False
    members: int = 0
    """R29: of how many objects it is a set; 0 if it is not a set."""
    part_of: str | None = None
    """R29: the request of the set that it is a member of."""
    is_whole: bool = True
    """R29: False for a set whose members are not known to hold their locks yet."""


class Approval(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One approval: the account, the person behind it, and the gateway that signed for them, if any."""

    approver: str
    person: str
    through: str | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One rejection: the account and the person behind it."""

    approver: str
    person: str


class NeedsApproval(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Open: waits for approvers until the deadline (ms of log time)."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Approved(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Open: waits for the requester to complete it. It needs approval again if its quorum is lost."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Released(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Open: waits for an applier to claim it."""

    submission: Submission
    deadline: int
    approvals: tuple[Approval, ...] = ()
    """The approvals that led to the release. They count again if it is released once more."""


class Applying(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Open: `applier` has claimed it until its lease ends at the deadline."""

    submission: Submission
    applier: str
    deadline: int
    claim: int
    """The claim's number: the ledger seq of its record."""
    since: int
    """When it was claimed, in ms of log time."""
    approvals: tuple[Approval, ...] = ()


class Proposal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How one administrator settles an unknown outcome, where two must agree."""

    administrator: str
    person: str
    outcome: Settlement


class Unsettled(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Open: it is not known whether the change was applied. People settle it."""

    submission: Submission
    applier: str
    claim: int
    """The number of the claim whose outcome is unknown."""
    approvals: tuple[Approval, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    """The settlement that people have proposed, all with the same outcome."""


class Closed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Ended: the object is free. Forgotten a day later, while the audit log keeps it forever."""

    resource: str
    status: Status
    at: int
    by: str | None = None
    """The account that rejected, closed, settled or reported on it; None if it was canceled or expired."""
    claim: int | None = None
    """The number of the claim that it ended with; None if it was not claimed then."""


Open = NeedsApproval | Approved | Released | Applying | Unsettled
Request = Open | Closed
Timed = NeedsApproval | Approved | Released | Applying
ReleaseProgress = Literal["released", "applying", "unknown"]
"""The progress of an approved change after its release."""


def status_of(request: Request) -> tuple[Status, ReleaseProgress | None]:
    """R13: the status that people see, and the progress of a released change."""
    match request:
        case NeedsApproval():
            return "needs_approval", None
        case Approved():
            return "approved", None
        case Released():
            return "approved", "released"
        case Applying():
            return "approved", "applying"
        case Unsettled():
            return "approved", "unknown"
        case Closed():
            return request.status, None
        case _:
            assert_never(request)


def open_state(
    status: Status,
    progress: ReleaseProgress | None,
    submission: Submission,
    approvals: tuple[Approval, ...],
    rejections: tuple[Rejection, ...],
    *,
    deadline: int,
    applier: str,
    claim: int = -1,
    claimed_at: int = 0,
    proposals: tuple[Proposal, ...] = (),
) -> Open | None:
    """The inverse of `status_of` for an open request; None for an ended one.

    Rejections are part of the state only before the release. `claim` is -1 for a claim whose number is not
    known.
    """
    match status, progress:
        case "needs_approval", None:
            return NeedsApproval(submission, approvals, rejections, deadline)
        case "approved", None:
            return Approved(submission, approvals, rejections, deadline)
        case "approved", "released":
            return Released(submission, deadline, approvals)
        case "approved", "applying":
            return Applying(submission, applier, deadline, claim, claimed_at, approvals)
        case "approved", "unknown":
            return Unsettled(submission, applier, claim, approvals, proposals)
        case _:
            return None
