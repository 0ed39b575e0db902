"""The states of a request. A request that was never submitted has none."""

from typing import Literal, assert_never

import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.events import Status


class Submission(msgspec.Struct, frozen=True, gc=False):
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


class Approval(msgspec.Struct, frozen=True, gc=False):
    """One approval: the account, the person behind it, and the gateway that signed for them, if any."""

    approver: str
    person: str
    through: str | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """One rejection: the account and the person behind it."""

    approver: str
    person: str


class NeedsApproval(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for approvers until the deadline (ms of log time)."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Approved(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for the requester to complete it. It needs approval again if its quorum is lost."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Released(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for an applier to claim it."""

    submission: Submission
    deadline: int


class Applying(msgspec.Struct, frozen=True, gc=False):
    """Open: `applier` has claimed it until its lease ends at the deadline."""

    submission: Submission
    applier: str
    deadline: int


class Unsettled(msgspec.Struct, frozen=True, gc=False):
    """Open: it is not known whether the change was applied. People settle it."""

    submission: Submission
    applier: str


class Closed(msgspec.Struct, frozen=True, gc=False):
    """Ended: the object is free. Forgotten a day later, while the audit log keeps it forever."""

    resource: str
    status: Status
    at: int
    by: str | None = None
    """The account that rejected, closed or reported on it; None if it was canceled or expired."""


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
) -> Open | None:
    """The inverse of `status_of` for an open request; None for an ended one.

    Approvals are part of the state only while they still matter, which is before the release.
    """
    match status, progress:
        case "needs_approval", None:
            return NeedsApproval(submission, approvals, rejections, deadline)
        case "approved", None:
            return Approved(submission, approvals, rejections, deadline)
        case "approved", "released":
            return Released(submission, deadline)
        case "approved", "applying":
            return Applying(submission, applier, deadline)
        case "approved", "unknown":
            return Unsettled(submission, applier)
        case _:
            return None
