"""R7: which requests an account may see: its own, those it decides on, and all of them for auditors."""

from assent.store.queries import RequestView
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.resources import resource_type

SEE_ALL = ("auditor", "administrator")
"""The roles that see every request of their resource types."""


def may_see(governance: Governance, principal: Principal, request: RequestView) -> bool:
    """Whether this account may see the request. Without a grant, nothing is shown."""
    if principal.id == request.requester or (
        principal.person is not None and principal.person == request.person
    ):
        return True
    kind = resource_type(request.resource)
    if any(governance.has_role(principal.id, role, kind) for role in (*SEE_ALL, "applier")):
        return True
    named = {group for terms in request.terms for rule in terms.rules for group in rule.groups}
    named |= {group for terms in governance.terms_for(kind) for rule in terms.rules for group in rule.groups}
    return any(principal.id in governance.members(group) for group in named)


def sees_all(governance: Governance, principal: Principal) -> bool:
    """Whether this account may list all requests."""
    return any(governance.has_role(principal.id, role, EVERY_TYPE) for role in SEE_ALL)
