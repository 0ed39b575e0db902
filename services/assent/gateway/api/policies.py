"""GET /api/v1/policies: what must be approved by whom, in a sentence, and who could approve (R2, R4)."""

import msgspec
from litestar import Response, get

from assent.gateway.api.governance_pages import (
    GOVERNANCE,
    Id,
    PageCursor,
    PageLimit,
    id_in,
    page_of,
    versioned,
)
from assent.gateway.problems import not_found
from assent.reading.possible_approvers import Approver
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.policies import policy_sentence, rule_words
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import policy_object


class PolicyView(msgspec.Struct, frozen=True, kw_only=True):
    """The current policy. A change to it must name its `version`."""

    policy: Policy
    version: int
    sentence: str


class PolicyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Policies, in the order of their ids."""

    policies: list[PolicyView]
    next: str | None


class RuleMeets(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a policy, and who could approve under it. A request's own requester cannot (R9)."""

    quorum: int
    groups: tuple[str, ...]
    sentence: str
    people: int
    """How many distinct people these are. Two accounts of one person count once."""
    could_approve: list[Approver]


class ShownPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with the people who could meet each of its rules."""

    policy: Policy
    version: int
    sentence: str
    rules: list[RuleMeets]


def version_of(governance: Governance, governed: str) -> int:
    """The version of an object that exists in governance."""
    version = governance.version(governed)
    assert version is not None, governed
    return version


def rule_meets(rule: ApprovalRule, governance: Governance) -> RuleMeets:
    """R4: the enabled humans in a rule's groups."""
    members = (governance.principals[each] for each in sorted(governance.members_of_any(rule.groups)))
    could = [
        Approver(
            principal=each.id,
            person=each.person,
            name=each.account.name,
            groups=tuple(group for group in rule.groups if each.id in governance.members(group)),
        )
        for each in members
        if each.enabled and each.person is not None
    ]
    return RuleMeets(
        quorum=rule.quorum,
        groups=rule.groups,
        sentence=rule_words(rule, governance),
        people=len({each.person for each in could}),
        could_approve=could,
    )


def policy_view(policy: Policy, governance: Governance) -> PolicyView:
    """A policy with its version and its sentence."""
    return PolicyView(
        policy=policy,
        version=version_of(governance, policy_object(policy.id)),
        sentence=policy_sentence(policy, governance),
    )


@get("/policies", dependencies=GOVERNANCE, operation_id="listPolicies")
async def list_policies(
    governance: Governance,
    cursor: PageCursor = None,
    limit: PageLimit = 100,
) -> Response[PolicyPage]:
    """List the access policies."""
    policies, more = page_of(governance.policies, cursor, limit)
    return versioned(
        governance, PolicyPage(policies=[policy_view(each, governance) for each in policies], next=more)
    )


@get("/policies/{policy_id:path}", dependencies=GOVERNANCE, operation_id="showPolicy")
async def show_policy(policy_id: Id, governance: Governance) -> Response[ShownPolicy]:
    """Show one access policy, and who could meet each of its rules."""
    policy_id = id_in(policy_id)
    found = governance.policies.get(policy_id)
    if found is None:
        raise not_found(f"policy {policy_id[:40]!r}")
    view = policy_view(found, governance)
    rules = [rule_meets(rule, governance) for rule in found.approvals]
    return versioned(
        governance, ShownPolicy(policy=found, version=view.version, sentence=view.sentence, rules=rules)
    )
