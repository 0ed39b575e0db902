"""Events of requests: what a decision changed. Past tense, versioned by `type`."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.change_details import Emergency, Members, NotAfter, NotBefore, PartOf, Version
from assent_contracts.commands import (
    Digest,
    FindingId,
    FindingKind,
    Milliseconds,
    OnBehalfOf,
    Operation,
    PrincipalId,
    RequestId,
    Resource,
    Settlement,
    SubmissionHash,
    TargetName,
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
"""R17: what a requester is notified of, the most important first. A record makes one notification."""


class EventFields(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """The fields of every event of a request."""

    news: ClassVar[RequesterNews | None] = None
    """R17: what the requester is notified of; None for their own action, or if another event covers it."""
    asks_approvers: ClassVar[bool] = False
    """R17: whether the approvers are notified that the request needs them, now or again."""
    asks_settlers: ClassVar[bool] = False
    """R17: whether those who can settle its unknown outcome are notified."""

    request: RequestId


class ChangeSubmitted(EventFields, frozen=True, kw_only=True, tag="assent.change-submitted.v1", gc=False):
    """A request was opened. It needs approval, unless the type is unprotected, when it has no terms."""

    asks_approvers: ClassVar[bool] = True

    resource: Resource
    operation: Operation
    requester: PrincipalId
    person: Annotated[
        str, Meta(description="R9, R20: the person who counts as the requester, with any account.")
    ]
    submission: SubmissionHash
    digest: Digest
    terms: tuple[PolicyTerms, ...]
    deadline: Milliseconds
    on_behalf_of: OnBehalfOf | UnsetType = UNSET
    emergency: Emergency | UnsetType = UNSET
    not_before: NotBefore | UnsetType = UNSET
    not_after: NotAfter | UnsetType = UNSET
    newest: (
        Annotated[
            Version, Meta(description="R26: the newest known version of the object, if it is not the base.")
        ]
        | UnsetType
    ) = UNSET
    members: Members | UnsetType = UNSET
    part_of: PartOf | UnsetType = UNSET


class MembersReserved(EventFields, frozen=True, kw_only=True, tag="assent.members-reserved.v1", gc=False):
    """R29: every member of the set holds the lock of its object. The set can be approved from now on."""

    asks_approvers: ClassVar[bool] = True

    deadline: Milliseconds


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
    """An approval no longer counts, because governance about its approver has changed."""

    approver: PrincipalId
    reason: Lapse


class RequestApproved(EventFields, frozen=True, kw_only=True, tag="assent.request-approved.v1", gc=False):
    """Every policy has its quorum: the requester can complete."""

    news: ClassVar[RequesterNews | None] = "approved"


class ApprovalRevoked(EventFields, frozen=True, kw_only=True, tag="assent.approval-revoked.v1", gc=False):
    """An approver revoked their approval. The request needs approval (again)."""

    news: ClassVar[RequesterNews | None] = "approval-revoked"
    asks_approvers: ClassVar[bool] = True

    approver: PrincipalId
    deadline: Milliseconds


class RequestReopened(EventFields, frozen=True, kw_only=True, tag="assent.request-reopened.v1", gc=False):
    """An approved request needs approval again, because approvals lapsed or a policy asks for more."""

    news: ClassVar[RequesterNews | None] = "reopened"
    asks_approvers: ClassVar[bool] = True


class RejectionGiven(EventFields, frozen=True, kw_only=True, tag="assent.rejection-given.v1", gc=False):
    """One approver rejected the request. A policy can require several rejections."""

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
    """R12: appliers may claim it, for the first time or again after an administrator settled it so.

    The payload is in the submission that the request id names.
    """

    resource: Resource
    digest: Digest
    deadline: Milliseconds


class ChangeClaimed(EventFields, frozen=True, kw_only=True, tag="assent.change-claimed.v1", gc=False):
    """One applier may apply the bytes with this digest, until the lease ends."""

    applier: PrincipalId
    digest: Digest
    deadline: Milliseconds


class LeaseRenewed(EventFields, frozen=True, kw_only=True, tag="assent.lease-renewed.v1", gc=False):
    """The applier holds its claim until the new deadline."""

    applier: PrincipalId
    deadline: Milliseconds


class RequestCompleted(EventFields, frozen=True, kw_only=True, tag="assent.request-completed.v1", gc=False):
    """The change was applied."""

    news: ClassVar[RequesterNews | None] = "completed"

    reporter: PrincipalId
    version: (
        Annotated[Version, Meta(description="R26: the version of the object that the change made.")]
        | UnsetType
    ) = UNSET


class RequestFailed(EventFields, frozen=True, kw_only=True, tag="assent.request-failed.v1", gc=False):
    """The change was not applied. The report's message explains why."""

    news: ClassVar[RequesterNews | None] = "failed"

    reporter: PrincipalId
    message: Annotated[str, Meta(description="Why Assent itself could not carry it out.")] | (
        UnsetType
    ) = UNSET


class OutcomeUnknown(EventFields, frozen=True, kw_only=True, tag="assent.outcome-unknown.v1", gc=False):
    """It is not known whether the change was applied. It is never retried silently: people settle it."""

    news: ClassVar[RequesterNews | None] = "outcome-unknown"
    asks_settlers: ClassVar[bool] = True

    cause: Literal["lease-ended", "reported"]


class SettlementProposed(
    EventFields, frozen=True, kw_only=True, tag="assent.settlement-proposed.v1", gc=False
):
    """The first of two administrators has settled the unknown outcome. Another person must agree.

    It replaces earlier proposals with another outcome.
    """

    asks_settlers: ClassVar[bool] = True

    administrator: PrincipalId
    person: str
    outcome: Settlement


class RequestExpired(EventFields, frozen=True, kw_only=True, tag="assent.request-expired.v1", gc=False):
    """R14: no progress within the time limit."""

    news: ClassVar[RequesterNews | None] = "expired"


class CommandRepeated(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.command-repeated.v1", gc=False
):
    """The same command was received again. Its decision is the one at `decided`."""

    decided: Annotated[int, Meta(description="The seq of the first decision, in the same partition.")]


class WritersChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.writers-changed.v1", gc=False
):
    """A record by the writers themselves, after which a retired writer can add nothing to this partition.

    A seal counts if its key is listed at the governance seq that the record names, and that seq never
    decreases. So an idle partition gets this record immediately.
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
    """A record by the writers themselves, which corrects log time in an idle partition."""

    since: Annotated[int, Meta(description="The governance seq of the latest correction.")]


class FindingReported(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.finding-reported.v1", gc=False
):
    """R28: a target differs from what was applied. The finding is open until it is closed.

    One of the kind `restored` is never open: it states that the target shows again what was applied.
    """

    finding: FindingId
    resource: Resource
    target: TargetName
    kind: FindingKind
    reporter: PrincipalId
    version: Annotated[Version, Meta(description="What the target shows.")] | UnsetType = UNSET
    request: (
        Annotated[RequestId, Meta(description="The request that made what the target should show.")]
        | UnsetType
    ) = UNSET


class FindingClosed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="assent.finding-closed.v1", gc=False
):
    """R28: a person has closed the finding. The command contains the reason."""

    finding: FindingId
    closed_by: PrincipalId


RequestEnd = (
    RequestRejected | RequestCanceled | RequestClosed | RequestExpired | RequestCompleted | RequestFailed
)
"""The events that end a request. Readers use `isinstance(event, RequestEnd)`, so add a new one here."""

RequestEvent = (
    ChangeSubmitted
    | MembersReserved
    | ApprovalGiven
    | ApprovalLapsed
    | RequestReopened
    | RejectionGiven
    | RequestApproved
    | ApprovalRevoked
    | ChangeReleased
    | ChangeClaimed
    | LeaseRenewed
    | OutcomeUnknown
    | SettlementProposed
    | RequestEnd
)
FindingEvent = FindingReported | FindingClosed
OfNoRequest = CommandRepeated | WritersChanged | LogTimeCorrected | FindingEvent
"""Events that concern no request. Readers of requests skip them."""
Event = RequestEvent | OfNoRequest

Status = Literal["needs_approval", "approved", "completed", "rejected", "canceled", "expired", "failed"]
"""R13: the statuses that people see."""
