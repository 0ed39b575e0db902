"""Which requests an account decides on."""

from collections.abc import Iterable

from assent_contracts.access_policies import ADMINISTRATORS, RESERVED_PREFIX, administrators_of
from assent_contracts.core.governance.state import Governance


def received_types(governance: Governance, principal: str) -> list[str]:
    """R21: the resource types for which a policy names this account now.

    The account also decides on their open requests, whatever the policies required when these were submitted.
    """
    return sorted(
        {
            policy.resource_type
            for policy in governance.policies.values()
            if any(principal in governance.members_of_any(rule.groups) for rule in policy.approvals)
        }
    )


def received_groups(governance: Governance, principal: str, asked: Iterable[str]) -> list[str]:
    """R7: the groups, including those of administrators, whose requests this account decides on.

    `asked`: the result of `groups_of_open_policy_requests`.
    """
    groups = [group for group in governance.groups if principal in governance.members(group)]
    kinds = {
        *(policy.resource_type for policy in governance.policies.values()),
        *(kind for each in governance.assignments.values() for kind in each.resource_types),
    }
    virtual = {name for name in asked if name.startswith(RESERVED_PREFIX)}
    administrators = sorted({ADMINISTRATORS, *map(administrators_of, kinds), *virtual})
    return groups + [group for group in administrators if principal in governance.members(group)]
