"""Access policies: the type that they protect, and the approvals that a change needs.

Unknown fields are refused. Later versions may add fields, such as conditions and stages. Policies that were
written before keep their meaning.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits
from assent_contracts.change_details import Demand

ADMINISTRATORS: Final = "@administrators"
"""The approvers of a change to governance: those with the role administrator for every type.

It is used in place of a group's id, and as the policy's id in the terms. `administrators_of` limits it.
"""
RESERVED_PREFIX: Final = "@"
"""The prefix of built-in ids: no group and no policy that a user creates has an id that begins with it."""

ACCESS_POLICY: Final = "access-policy"
GOVERNANCE_TYPE: Final = "governance"
BUILT_IN_TYPES: Final = frozenset({ACCESS_POLICY, GOVERNANCE_TYPE})
"""R18: the resource types of changes to governance. Always protected, and carried out by Assent itself."""

Completion = Literal["requester", "automatic"]
StaleBase = Literal["show", "refuse"]
OnBehalf = Literal["optional", "required"]
Settlements = Literal[1, 2]
"""How many administrators settle an unknown outcome."""


def administrators_of(resource_type: str) -> str:
    """The virtual group of the principals with the role administrator for this resource type."""
    return f"{ADMINISTRATORS}/{resource_type}"


class Freeze(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    gc=False,
    rename={"start": "from", "end": "to"},
):
    """R27: a period in which no change of a type is released or claimed: from <= log time < to."""

    start: Annotated[int, Meta(ge=0, le=limits.FOR_EVER_MS, description="Milliseconds since 1970 in UTC.")]
    end: Annotated[int, Meta(ge=0, le=limits.FOR_EVER_MS, description="Milliseconds since 1970 in UTC.")]
    reason: str


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A number of distinct people from these groups. A person who is in two rules counts for both."""

    quorum: Annotated[
        int, Meta(description="Approvals of distinct people, at least 1.", ge=0, le=limits.QUORUM_MAX)
    ] = 1
    groups: tuple[str, ...]


class Policy(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """R2: one resource type, and the approvals that a change to it needs."""

    id: str
    name: str
    description: str = ""
    resource_type: str
    approvals: tuple[ApprovalRule, ...]
    """All rules must be met."""
    rejections: Annotated[
        int, Meta(description="Rejections of distinct people that end a request.", ge=0, le=limits.QUORUM_MAX)
    ] = 1
    completion: Completion = "requester"
    """R12: whether the requester releases the approved change, or the last approval does."""
    expiry_ms: (
        Annotated[
            int, Meta(description="R14; if absent, the settings apply.", ge=1_000, le=limits.LONGEST_MS)
        ]
        | None
    ) = None
    own_signature: bool = False
    """Whether approvals, and settlements of an unknown outcome, that a gateway signed do not count."""
    on_behalf_of: OnBehalf = "optional"
    """R20: whether a service must name the person on whose behalf it submits. Checked at the submission."""
    settlements: Settlements = 1
    """How many administrators must agree before an unknown outcome is settled."""
    separate_operator: bool = False
    """R25: whether requester, approvers and the applier's operator must be different people."""
    stale_base: StaleBase = "show"
    """R26: what happens to a submission that was made from an older version of its object than is known."""
    freezes: tuple[Freeze, ...] = ()
    """R27: periods in which no change of the type is released or claimed."""
    emergency_passes_freeze: bool = False
    """R27: whether they do not hold for a change whose submission states that it is an emergency."""
    demands: tuple[Demand, ...] = ()
    """R24: the optional fields that a submission must have. Checked at the submission."""
    excluded_groups: tuple[str, ...] = ()
    """R2: always refused, with an explanation."""


class PolicyTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one access policy asks for, as stored in a request."""

    policy: str
    since: Annotated[int, Meta(description="The governance seq at which the policy was created.")] = -1
    rules: tuple[ApprovalRule, ...]
    rejections: int = 1
    completion: Completion = "requester"
    expiry_ms: int | None = None
    own_signature: bool = False
    settlements: Settlements = 1
    separate_operator: bool = False


def terms_of(policy: Policy, since: int, *, own_signature: bool) -> PolicyTerms:
    """What a policy asks for. `since`: the governance seq at which it was created."""
    return PolicyTerms(
        policy=policy.id,
        since=since,
        rules=policy.approvals,
        rejections=policy.rejections,
        completion=policy.completion,
        expiry_ms=policy.expiry_ms,
        own_signature=own_signature,
        settlements=policy.settlements,
        separate_operator=policy.separate_operator,
    )
