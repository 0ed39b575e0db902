"""Events of requests: what a decision made true. Past tense, versioned by `type`."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import (
    Digest,
    Milliseconds,
    OnBehalfOf,
    Operation,
    PrincipalId,
    RequestId,
    Resource,
    SubmissionHash,
)

Lapse = Literal["disabled", "not-eligible", "own-signature-required"]
"""Why an approval no longer counts: the account is disabled, in none of the groups, or did not sign."""


RequesterNews = Literal[
    "completed",
    "failed",
    "outcome-unknown",
    "expired",
    "closed",
    "rejected",
    "approved",
    "reopened",
    "approval-revoked",
    "rejection-given",
    "approval-given",
]
"""R17: what a requester is notified of. The most important first: one record makes one notification."""


class EventFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every event of a request has."""

    news: ClassVar[RequesterNews | None] = None
    """R17: what its requester is notified of; None for their own action, or if another event has it."""
    asks_approvers: ClassVar[bool] = False
    """R17: whether the approvers are notified that the request needs them, now or again."""

    request: RequestId


class ChangeSubmitted(EventFields, frozen=True, kw_only=True, tag="assent.change-submitted.v1", gc=False):
    """A request was opened: it needs approval (or none, where the type is unprotected: no terms)."""

    asks_approvers: ClassVar[bool] = True

    resource: Resource
    operation: Operation
    requester: PrincipalId
    person: Annotated[
        str, Meta(description="R9, R20: the person who counts as the requester, whichever account.")
    ]
    submission: SubmissionHash
    digest: Digest
    terms: tuple[PolicyTerms, ...]
    deadline: Milliseconds
    on_behalf_of: OnBehalfOf | UnsetType = UNSET


class ApprovalGiven(EventFields, frozen=True, kw_only=True, tag="assent.approval-given.v1", gc=False):
    """One approver's approval counts from now on, for as long as they are eligible."""

    news: ClassVar[RequesterNews | None] = "approval-given"

    approver: PrincipalId
    person: str
    deadline: Milliseconds
    through: (
        Annotated[PrincipalId, Meta(description="The gateway that signed on their behalf.")] | UnsetType
    ) = UNSET


class ApprovalLapsed(EventFields, frozen=True, kw_only=True, tag="assent.approval-lapsed.v1", gc=False):
    """An approval no longer counts, because of what governance says about its approver now."""

    approver: PrincipalId
    reason: Lapse


class RequestApproved(EventFields, frozen=True, kw_only=True, tag="assent.request-approved.v1", gc=False):
    """Every policy has its quorum: the requester can complete."""

    news: ClassVar[RequesterNews | None] = "approved"


class ApprovalRevoked(EventFields, frozen=True, kw_only=True, tag="assent.approval-revoked.v1", gc=False):
    """An approver took their approval back: the request needs approval (again)."""

    news: ClassVar[RequesterNews | None] = "approval-revoked"
    asks_approvers: ClassVar[bool] = True

    approver: PrincipalId
    deadline: Milliseconds


class RequestReopened(EventFields, frozen=True, kw_only=True, tag="assent.request-reopened.v1", gc=False):
    """What had been approved needs approval again: approvals lapsed, or a policy asks for more."""

    news: ClassVar[RequesterNews | None] = "reopened"
    asks_approvers: ClassVar[bool] = True


class RejectionGiven(EventFields, frozen=True, kw_only=True, tag="assent.rejection-given.v1", gc=False):
    """One approver said no; a policy can ask for several of them."""

    news: ClassVar[RequesterNews | None] = "rejection-given"

    approver: PrincipalId
    person: str


class RequestRejected(EventFields, frozen=True, kw_only=True, tag="assent.request-rejected.v1", gc=False):
    """An approver ended the request."""

    news: ClassVar[RequesterNews | None] = "rejected"

    approver: PrincipalId


class RequestCanceled(EventFields, frozen=True, kw_only=True, tag="assent.request-canceled.v1", gc=False):
    """R11: the requester withdrew it."""


class RequestClosed(EventFields, frozen=True, kw_only=True, tag="assent.request-closed.v1", gc=False):
    """R22: an administrator of the type ended it; the command contains the reason. Nothing is applied."""

    news: ClassVar[RequesterNews | None] = "closed"

    closed_by: PrincipalId


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

    news: ClassVar[RequesterNews | None] = "completed"

    reporter: PrincipalId


class RequestFailed(EventFields, frozen=True, kw_only=True, tag="assent.request-failed.v1", gc=False):
    """The change was not applied; the report's message says why."""

    news: ClassVar[RequesterNews | None] = "failed"

    reporter: PrincipalId
    message: Annotated[str, Meta(description="Where nobody reported: why Assent could not carry it out.")] | (
        UnsetType
    ) = UNSET


class OutcomeUnknown(EventFields, frozen=True, kw_only=True, tag="assent.outcome-unknown.v1", gc=False):
    """Nobody can tell whether it was applied: never retried silently, people settle it."""

    news: ClassVar[RequesterNews | None] = "outcome-unknown"

    cause: Literal["lease-ended", "reported"]


class RequestExpired(EventFields, frozen=True, kw_only=True, tag="assent.request-expired.v1", gc=False):
    """R14: no progress within the time limit."""

    news: ClassVar[RequesterNews | None] = "expired"


class CommandRepeated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.command-repeated.v1", gc=False
):
    """The same command came again: its decision is the one at `decided`."""

    decided: Annotated[int, Meta(description="The seq of the first decision, in the same partition.")]


class WritersChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.writers-changed.v1", gc=False
):
    """The writers' own record, which ends what a retired writer could add to this partition.

    A seal counts if its key is listed at the governance seq that the record names, and that seq never
    decreases. So a partition in which nothing happens gets this record at once.
    """

    since: Annotated[int, Meta(description="The governance seq of the latest change of writers.")]


class LogTimeCorrected(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="assent.log-time-corrected.v1",
    gc=False,
):
    """The writers' own record, by which log time is corrected where nothing happens."""

    since: Annotated[int, Meta(description="The governance seq of the latest correction.")]


RequestEnd = (
    RequestRejected | RequestCanceled | RequestClosed | RequestExpired | RequestCompleted | RequestFailed
)
"""The events that end a request. A reader asks `isinstance(event, RequestEnd)`: a new one is added here."""

RequestEvent = (
    ChangeSubmitted
    | ApprovalGiven
    | ApprovalLapsed
    | RequestReopened
    | RejectionGiven
    | RequestApproved
    | ApprovalRevoked
    | ChangeReleased
    | ChangeClaimed
    | OutcomeUnknown
    | RequestEnd
)
OfNoRequest = CommandRepeated | WritersChanged | LogTimeCorrected
"""Events that are about no request: readers of requests pass over them."""
Event = RequestEvent | OfNoRequest

Status = Literal["needs_approval", "approved", "completed", "rejected", "canceled", "expired", "failed"]
"""R13: the statuses that people see."""
