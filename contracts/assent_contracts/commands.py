"""Commands on requests: what a principal wants to happen. Imperative, signed, versioned by `type`.

Every version that was ever written stays readable. A new version is a new class with a new tag.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from assent_contracts import limits
from assent_contracts.change_details import (
    Base,
    Emergency,
    Expected,
    Fallback,
    Impact,
    Members,
    NotAfter,
    NotBefore,
    PartOf,
    TestedList,
    Tickets,
    Version,
)
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.resources import OPERATION_PATTERN, REQUEST_ID_PATTERN


def _documented(description: str, **schema: object) -> Meta:
    # The limits are in the schema only. `codec` checks them itself, to answer with the right refusal.
    return Meta(description=description, extra_json_schema=dict(schema))


CommandId = Annotated[
    str,
    _documented(
        "Chosen by the sender. Unique among the principal's commands to one partition in 24 hours.",
        minLength=1,
        maxLength=limits.COMMAND_ID_MAX_CHARS,
    ),
]
PrincipalId = Annotated[
    str, _documented("The id of an account.", minLength=1, maxLength=limits.NAME_MAX_CHARS)
]
Milliseconds = Annotated[int, Meta(description="Milliseconds since 1970 in UTC.")]
Resource = Annotated[
    str,
    _documented(
        "The object, `<type>/<id>`; also the Kafka key. `resource-id.json` lists the characters of an id.",
        minLength=3,
        maxLength=321,
    ),
]
RequestId = Annotated[
    str, _documented("`<partition>-<seq>` of the submission.", pattern=f"^{REQUEST_ID_PATTERN}$")
]
Digest = Annotated[str, _documented("SHA-256 of the payload's bytes, hex.", pattern=f"^{DIGEST_PATTERN}$")]
SubmissionHash = Annotated[
    str,
    _documented(
        "R23: SHA-256 (hex) of the submission command's bytes, which are everything that was shown.",
        pattern=f"^{DIGEST_PATTERN}$",
    ),
]
Operation = Annotated[str, _documented("R15: the name of any operation.", pattern=f"^{OPERATION_PATTERN}$")]
Justification = Annotated[
    str,
    _documented("R6: why the change is needed.", minLength=1, maxLength=limits.JUSTIFICATION_MAX_CHARS),
]
Note = Annotated[str, _documented("R8: shown to the requester.", maxLength=limits.NOTE_MAX_CHARS)]
SeenSeq = Annotated[
    int,
    Meta(
        description="The seq of the last record that changed the request, as it was shown. If a later record"
        " has changed it, the decision is refused (`outdated`). Absent: the decision counts in any case."
    ),
]
ClosingReason = Annotated[
    str,
    _documented(
        "R22: why the request is closed. Shown to everyone who can see the request.",
        minLength=1,
        maxLength=limits.REASON_MAX_CHARS,
    ),
]
OnBehalfOf = Annotated[
    PrincipalId,
    Meta(description="R20: the account of the person on whose behalf a service submits this change."),
]
Outcome = Literal["succeeded", "failed", "unknown"]
Settlement = Annotated[
    Literal["succeeded", "failed", "retry"],
    Meta(description="`retry` releases the change again. The other two end the request."),
]
ClaimNumber = Annotated[
    int, Meta(description="The claim's number: the ledger seq of its record, in the request's partition.")
]
SettlementReason = Annotated[
    str,
    _documented(
        "How it is known, or why it is tried again. Shown to everyone who can see the request.",
        minLength=1,
        maxLength=limits.REASON_MAX_CHARS,
    ),
]


FindingId = Annotated[
    str, _documented("`<partition>-<seq>` of the record of the report.", pattern=f"^{REQUEST_ID_PATTERN}$")
]
TargetName = Annotated[
    str,
    _documented(
        "The name of the target, as the reconciler's configuration has it.",
        minLength=1,
        maxLength=limits.TARGET_NAME_MAX_CHARS,
    ),
]
FindingKind = Annotated[
    Literal["unexplained", "different", "missing", "restored"],
    Meta(
        description="`unexplained`: the target shows a change that no request explains. `different`: it shows"
        " something else than the request made. `missing`: it does not show what the request made."
        " `restored`: it shows again what was applied; such a finding is never open."
    ),
]


class CommandFields(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True, gc=False
):
    """The fields of every command on a request."""

    id: CommandId
    principal: PrincipalId
    at: Milliseconds
    resource: Resource


class SubmitChange(CommandFields, frozen=True, kw_only=True, tag="assent.submit-change.v1", gc=False):
    """Ask for a change to one object. The payload is any JSON value, and its bytes are kept as received.

    It has the fields of `ChangeDetails`, which a type with two bases could not inherit.
    """

    operation: Operation
    justification: Justification = ""
    payload: Annotated[msgspec.Raw, Meta(description="At most 256 KiB, at most 64 levels deep.")]
    on_behalf_of: OnBehalfOf | UnsetType = UNSET
    impact: Impact | UnsetType = UNSET
    fallback: Fallback | UnsetType = UNSET
    tested: TestedList | UnsetType = UNSET
    expected: Expected | UnsetType = UNSET
    emergency: Emergency | UnsetType = UNSET
    tickets: Tickets | UnsetType = UNSET
    base: Base | UnsetType = UNSET
    not_before: NotBefore | UnsetType = UNSET
    not_after: NotAfter | UnsetType = UNSET
    members: Members | UnsetType = UNSET
    part_of: PartOf | UnsetType = UNSET


class Approve(CommandFields, frozen=True, kw_only=True, tag="assent.approve.v1", gc=False):
    """Approve what was submitted, having seen all of it (R4, R8, R9, R23)."""

    request: RequestId
    submission: SubmissionHash
    note: Note = ""
    seen: SeenSeq | UnsetType = UNSET


class Reject(CommandFields, frozen=True, kw_only=True, tag="assent.reject.v1", gc=False):
    """Reject what was submitted, having seen all of it: the change is not made (R4, R8, R9, R23)."""

    request: RequestId
    submission: SubmissionHash
    note: Note = ""
    seen: SeenSeq | UnsetType = UNSET


class Revoke(CommandFields, frozen=True, kw_only=True, tag="assent.revoke.v1", gc=False):
    """Withdraw one's own approval before the change is released (R8)."""

    request: RequestId
    note: Note = ""
    seen: SeenSeq | UnsetType = UNSET


class Cancel(CommandFields, frozen=True, kw_only=True, tag="assent.cancel.v1", gc=False):
    """Withdraw one's own request before it is approved (R11)."""

    request: RequestId
    seen: SeenSeq | UnsetType = UNSET


class Complete(CommandFields, frozen=True, kw_only=True, tag="assent.complete.v1", gc=False):
    """Release one's own approved change to the applier (R12)."""

    request: RequestId
    submission: SubmissionHash
    seen: SeenSeq | UnsetType = UNSET


class CloseRequest(CommandFields, frozen=True, kw_only=True, tag="assent.close-request.v1", gc=False):
    """End an open request of a type that one administers, with a reason. Nothing is applied (R22)."""

    request: RequestId
    reason: ClosingReason
    seen: SeenSeq | UnsetType = UNSET


class Settle(CommandFields, frozen=True, kw_only=True, tag="assent.settle.v1", gc=False):
    """Settle an unknown outcome, as an administrator of the type, with a reason."""

    request: RequestId
    outcome: Settlement
    reason: SettlementReason
    claim: (
        Annotated[ClaimNumber, Meta(description="The claim that it is about. Absent: the latest one.")]
        | UnsetType
    ) = UNSET
    seen: SeenSeq | UnsetType = UNSET


class Claim(CommandFields, frozen=True, kw_only=True, tag="assent.claim.v1", gc=False):
    """An applier claims the released change for the time of a lease."""

    request: RequestId


class RenewLease(CommandFields, frozen=True, kw_only=True, tag="assent.renew-lease.v1", gc=False):
    """The applier that holds the claim extends its lease, while it runs."""

    request: RequestId
    claim: ClaimNumber


class ReportOutcome(CommandFields, frozen=True, kw_only=True, tag="assent.report-outcome.v1", gc=False):
    """The outcome of the change, from the applier that claimed it, or from an administrator if unknown."""

    request: RequestId
    outcome: Outcome
    message: Annotated[str, _documented("For people.", maxLength=limits.OUTCOME_MESSAGE_MAX_CHARS)] = ""
    claim: (
        Annotated[
            ClaimNumber,
            Meta(
                description="The claim under which it was applied. If another one is current, the report is"
                " refused (`claim-superseded`). Absent: the report counts for the current claim."
            ),
        ]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[Version, Meta(description="R26: the version that the change made; only with `succeeded`.")]
        | UnsetType
    ) = UNSET


class ReportFinding(CommandFields, frozen=True, kw_only=True, tag="assent.report-finding.v1", gc=False):
    """R28: a target differs from what was applied to it. Only a reconciler of the type reports it."""

    target: TargetName
    kind: FindingKind
    seen_at: Annotated[int, Meta(description="When the reconciler saw it. Milliseconds since 1970 in UTC.")]
    version: (
        Annotated[
            Version,
            Meta(
                description="What the target shows: a commit, a SHA-256, an ETag. Required with `unexplained`"
                " and `different`, not allowed with `missing`."
            ),
        ]
        | UnsetType
    ) = UNSET
    request: (
        Annotated[
            RequestId,
            Meta(
                description="The request that made what the target should show. Required with `different` and"
                " `missing`, not allowed with `unexplained`."
            ),
        ]
        | UnsetType
    ) = UNSET
    previous: (
        Annotated[
            FindingId,
            Meta(
                description="The newest finding of this object at this target that the reporter knows. If"
                " there is a newer one, the report is refused (`outdated`), so that two reporters record it"
                " once. Absent: the reporter knows none."
            ),
        ]
        | UnsetType
    ) = UNSET
    by: (
        Annotated[
            str,
            _documented(
                "Who made the change, as the target states. Nobody has checked it.",
                minLength=1,
                maxLength=limits.FINDING_BY_MAX_CHARS,
            ),
        ]
        | UnsetType
    ) = UNSET
    detail: Annotated[str, _documented("For people.", maxLength=limits.FINDING_DETAIL_MAX_CHARS)] = ""


class CloseFinding(CommandFields, frozen=True, kw_only=True, tag="assent.close-finding.v1", gc=False):
    """R28: close a finding, as an administrator or an approver of the type, with the explanation."""

    finding: FindingId
    reason: Annotated[
        str,
        _documented(
            "What explains the change, or what was done about it. Shown to everyone who can see the finding.",
            minLength=1,
            maxLength=limits.REASON_MAX_CHARS,
        ),
    ]


class ConfirmSet(CommandFields, frozen=True, kw_only=True, tag="assent.confirm-set.v1", gc=False):
    """R29: a gateway has found every member of the set in the ledger, each with the lock of its object."""

    request: RequestId


Action = Literal["approve", "reject", "revoke", "cancel", "complete", "close", "settle"]
"""What people can do to a request."""
ActionCommand = Approve | Reject | Revoke | Cancel | Complete | CloseRequest | Settle
ACTIONS: Final[dict[Action, type[ActionCommand]]] = {
    "approve": Approve,
    "reject": Reject,
    "revoke": Revoke,
    "cancel": Cancel,
    "complete": Complete,
    "close": CloseRequest,
    "settle": Settle,
}
"""The command of each action. The HTTP API, the console and the permissions take their fields from it."""

RequestCommand = ActionCommand | Claim | RenewLease | ReportOutcome | ConfirmSet
"""The commands on an existing request."""
FindingCommand = ReportFinding | CloseFinding
"""The commands on findings, which concern an object and no request."""
Command = SubmitChange | RequestCommand | FindingCommand


def command_type(command: msgspec.Struct | type[msgspec.Struct]) -> str:
    """The versioned type of a command, event or change, or of their class: its tag."""
    tag = command.__struct_config__.tag
    assert isinstance(tag, str)
    return tag
