"""The states of a request. A request that nobody submitted has none."""

from typing import Literal, assert_never

import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.events import Status


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What does not change after the submission. The payload stays in the ledger."""

    seq: int
    resource: str
    requester: str
    person: str
    sha256: str
    """R23: of the submission command's bytes, hex."""
    digest: str
    """SHA-256 of the payload's bytes, hex."""
    terms: tuple[PolicyTerms, ...]
    on_behalf_of: str | None = None
    """R20: the account of the person whom the service that submitted it named."""


class Approval(msgspec.Struct, frozen=True, gc=False):
    """One approver's word, the person behind it, and the gateway that signed for them, if one did."""

    approver: str
    person: str
    through: str | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """One approver's no."""

    approver: str
    person: str


class NeedsApproval(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for approvers until the deadline (ms of log time)."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Approved(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for the requester to complete. Needs approval again when its approvals no longer do."""

    submission: Submission
    approvals: tuple[Approval, ...]
    rejections: tuple[Rejection, ...]
    deadline: int


class Released(msgspec.Struct, frozen=True, gc=False):
    """Open: waits for an applier to claim it."""

    submission: Submission
    deadline: int


class Applying(msgspec.Struct, frozen=True, gc=False):
    """Open: `applier` holds it until its lease ends at the deadline."""

    submission: Submission
    applier: str
    deadline: int


class Unsettled(msgspec.Struct, frozen=True, gc=False):
    """Open: nobody knows whether the change was applied. People settle it."""

    submission: Submission
    applier: str


class Closed(msgspec.Struct, frozen=True, gc=False):
    """Ended: the object is free. Forgotten a day later; the audit log keeps it for ever."""

    resource: str
    status: Status
    at: int
    by: str | None = None
    """The account that rejected, closed or reported it; None if it was canceled or expired."""


Open = NeedsApproval | Approved | Released | Applying | Unsettled
Request = Open | Closed
Timed = NeedsApproval | Approved | Released | Applying
ReleaseProgress = Literal["released", "applying", "unknown"]
"""How far the release of an approved change has come."""


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
    """The inverse of `status_of` for a request that is open; None for an ended one.

    Approvals are part of it only where they still count: a released request has used its own.
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
