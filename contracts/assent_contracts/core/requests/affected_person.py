"""The people whose power a change to governance concerns. They cannot close a request for it (R22)."""

from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import group_object, key_object, principal_object, role_object

_PRINCIPAL, _KEY, _GROUP, _ROLE = principal_object(""), key_object(""), group_object(""), role_object("")


def affects_person(governance: Governance, resource: str, person: str) -> bool:
    """Whether the object is an account or key of this person, or a group or role that they have now."""
    for prefix, whose in (
        (_PRINCIPAL, _account),
        (_KEY, _holder),
        (_GROUP, _members),
        (_ROLE, _assigned),
    ):
        if resource.startswith(prefix):
            accounts = whose(governance, resource.removeprefix(prefix))
            return any(
                found is not None and found.person == person
                for found in map(governance.principals.get, accounts)
            )
    return False


def _account(_governance: Governance, principal: str) -> frozenset[str]:
    return frozenset({principal})


def _holder(governance: Governance, key: str) -> frozenset[str]:
    found = governance.keys.get(key)
    return frozenset() if found is None else frozenset({found.principal})


def _members(governance: Governance, group: str) -> frozenset[str]:
    return governance.members(group)


def _assigned(governance: Governance, assignment: str) -> frozenset[str]:
    found = governance.assignments.get(assignment)
    if found is None:
        return frozenset()
    return frozenset(found.principals) | governance.members_of_any(found.groups)
