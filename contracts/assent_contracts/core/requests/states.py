"""The states of a request. A request that nobody submitted has none."""

import msgspec

from assent_contracts.events import Status
from assent_contracts.policies import PolicyTerms


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


Open = NeedsApproval | Approved | Released | Applying | Unsettled
Request = Open | Closed
Timed = NeedsApproval | Approved | Released | Applying
