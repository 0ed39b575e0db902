"""Events of requests: what a decision made true. Past tense, versioned by `type`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent_contracts.commands import Digest, Milliseconds, Operation, PrincipalId, RequestId, Resource


class PolicyTerms(msgspec.Struct, frozen=True, gc=False):
    """What one access policy asked for when the change was submitted."""

    policy: str
    quorum: Annotated[int, Meta(description="Approvals of distinct people.")]
    groups: tuple[str, ...]


class EventFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every event of a request says."""

    request: RequestId


class ChangeSubmitted(EventFields, frozen=True, kw_only=True, tag="assent.change-submitted.v1", gc=False):
    """A request was opened: it needs approval (or none, where the type is unprotected: no terms)."""

    resource: Resource
    operation: Operation
    requester: PrincipalId
    person: Annotated[str, Meta(description="R9: who counts as the requester, whichever account.")]
    digest: Digest
    terms: tuple[PolicyTerms, ...]
    deadline: Milliseconds


class ApprovalGiven(EventFields, frozen=True, kw_only=True, tag="assent.approval-given.v1", gc=False):
    """One approver's approval counts from now on."""

    approver: PrincipalId
    person: str
    deadline: Milliseconds


class RequestApproved(EventFields, frozen=True, kw_only=True, tag="assent.request-approved.v1", gc=False):
    """Every policy has its quorum: the requester can complete."""


class ApprovalRevoked(EventFields, frozen=True, kw_only=True, tag="assent.approval-revoked.v1", gc=False):
    """An approver took their approval back: the request needs approval (again)."""

    approver: PrincipalId
    deadline: Milliseconds


class RequestRejected(EventFields, frozen=True, kw_only=True, tag="assent.request-rejected.v1", gc=False):
    """An approver ended the request."""

    approver: PrincipalId


class RequestCanceled(EventFields, frozen=True, kw_only=True, tag="assent.request-canceled.v1", gc=False):
    """R11: the requester withdrew it."""


class ChangeReleased(EventFields, frozen=True, kw_only=True, tag="assent.change-released.v1", gc=False):
    """R12: appliers may claim it. The payload stands in the submission that the request id names."""

    resource: Resource
    digest: Digest
    deadline: Milliseconds


class ChangeClaimed(EventFields, frozen=True, kw_only=True, tag="assent.change-claimed.v1", gc=False):
    """One applier may apply the bytes with this digest, until the lease ends."""

    applier: PrincipalId
    digest: Digest
    deadline: Milliseconds


class RequestCompleted(EventFields, frozen=True, kw_only=True, tag="assent.request-completed.v1", gc=False):
    """The change was applied."""

    reporter: PrincipalId


class RequestFailed(EventFields, frozen=True, kw_only=True, tag="assent.request-failed.v1", gc=False):
    """The change was not applied; the report's message says why."""

    reporter: PrincipalId


class OutcomeUnknown(EventFields, frozen=True, kw_only=True, tag="assent.outcome-unknown.v1", gc=False):
    """Nobody can tell whether it was applied: never retried silently, people settle it."""

    cause: Literal["lease-ended", "reported"]


class RequestExpired(EventFields, frozen=True, kw_only=True, tag="assent.request-expired.v1", gc=False):
    """R14: no progress within the time limit."""


class CommandRepeated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.command-repeated.v1", gc=False
):
    """The same command came again: its decision is the one at `decided`."""

    decided: Annotated[int, Meta(description="The seq of the first decision, in the same partition.")]


RequestEvent = (
    ChangeSubmitted
    | ApprovalGiven
    | RequestApproved
    | ApprovalRevoked
    | RequestRejected
    | RequestCanceled
    | ChangeReleased
    | ChangeClaimed
    | RequestCompleted
    | RequestFailed
    | OutcomeUnknown
    | RequestExpired
)
Event = RequestEvent | CommandRepeated

Status = Literal["needs_approval", "approved", "completed", "rejected", "canceled", "expired", "failed"]
"""R13: the statuses that people see."""
