"""Access policies: which type they protect, and what has to be approved before a change goes through.

The form is closed: a field that is not known here is refused. Conditions and stages may come as further
fields, and what was written before stays what it was.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from assent_contracts import limits

ADMINISTRATORS: Final = "@administrators"
"""The approvers of a change to governance: those with the role administrator for every type.

It stands where a group's id would, and as the policy's id in the terms. `administrators_of` limits it.
"""
RESERVED_PREFIX: Final = "@"
"""No group and no policy that somebody makes has an id that begins so."""

ACCESS_POLICY: Final = "access-policy"
GOVERNANCE_TYPE: Final = "governance"
BUILT_IN_TYPES: Final = frozenset({ACCESS_POLICY, GOVERNANCE_TYPE})
"""R18: the resource types of changes to governance itself, always protected, carried out by Assent."""

Completion = Literal["requester", "automatic"]
OnBehalf = Literal["optional", "required"]


def administrators_of(resource_type: str) -> str:
    """The virtual group of those who have the role administrator for this resource type."""
    return f"{ADMINISTRATORS}/{resource_type}"


class ApprovalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """So many distinct people out of these groups. Who is in two rules counts in both."""

    quorum: Annotated[
        int, Meta(description="Approvals of distinct people, at least 1.", ge=0, le=limits.QUORUM_MAX)
    ] = 1
    groups: tuple[str, ...]


class Policy(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """R2: one resource type, and what must be approved before a change to it is made."""

    id: str
    name: str
    description: str = ""
    resource_type: str
    approvals: tuple[ApprovalRule, ...]
    """Every one of them must be met."""
    rejections: Annotated[
        int, Meta(description="Rejections of distinct people that end a request.", ge=0, le=limits.QUORUM_MAX)
    ] = 1
    completion: Completion = "requester"
    """R12: whether the requester releases the approved change, or the last approval does."""
    expiry_ms: (
        Annotated[int, Meta(description="R14; absent: as the settings say.", ge=1_000, le=limits.LONGEST_MS)]
        | None
    ) = None
    own_signature: bool = False
    """Approvals that a gateway signed on an approver's behalf do not count."""
    on_behalf_of: OnBehalf = "optional"
    """R20: whether a service must name the person on whose behalf it submits; asked at the submission."""
    excluded_groups: tuple[str, ...] = ()
    """R2: always refused, with a sentence that says so."""


class PolicyTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one access policy asks for, as a request keeps it."""

    policy: str
    since: Annotated[int, Meta(description="The governance seq at which the policy was created.")] = -1
    rules: tuple[ApprovalRule, ...]
    rejections: int = 1
    completion: Completion = "requester"
    expiry_ms: int | None = None
    own_signature: bool = False


def terms_of(policy: Policy, since: int, *, own_signature: bool) -> PolicyTerms:
    """What a policy asks for; `since`: the governance seq at which it was created."""
    return PolicyTerms(
        policy=policy.id,
        since=since,
        rules=policy.approvals,
        rejections=policy.rejections,
        completion=policy.completion,
        expiry_ms=policy.expiry_ms,
        own_signature=own_signature,
    )
