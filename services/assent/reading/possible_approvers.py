"""Who can approve a request, and through which groups. Pure."""

import msgspec

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import standing_terms
from assent_contracts.core.requests.permissions import Deciding, able_to_approve
from assent_contracts.core.requests.states import Request


class Approver(msgspec.Struct, frozen=True):
    """An account whose approval would be accepted. `groups`: the named groups that it is in."""

    principal: str
    person: str | None
    name: str
    groups: tuple[str, ...]


def can_approve(state: Request, governance: Governance, at: int) -> tuple[Approver, ...]:
    """R4, R9: who can approve at log time `at` (ms), by id. Empty once the request is decided."""
    if not isinstance(state, Deciding):
        return ()
    named = named_groups(state, governance)
    return tuple(_approver(name, named, governance) for name in able_to_approve(state, governance, at))


def named_groups(state: Deciding, governance: Governance) -> tuple[str, ...]:
    """The groups that the policies of a request name, without duplicates."""
    terms = standing_terms(state.submission, governance)
    return tuple(dict.fromkeys(group for each in terms for rule in each.rules for group in rule.groups))


def _approver(name: str, named: tuple[str, ...], governance: Governance) -> Approver:
    account = governance.principals[name].account
    groups = tuple(group for group in named if name in governance.members(group))
    return Approver(principal=name, person=account.person, name=account.name, groups=groups)
