"""R25: the person who runs a service, whom a policy can keep apart from requesters and approvers. Pure."""

from typing import Final

from assent_contracts.core.governance.change_rules import Asker, ChangeRules
from assent_contracts.core.governance.field_changes import FieldChange, changed_fields
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import SetOperator
from assent_contracts.governance_messages import GovernanceEvent, OperatorSet
from assent_contracts.refusals import Refusal, RefusalCode


def bad_operator(governance: Governance, operator: str) -> Refusal | None:
    """The refusal of an operator that is not the account of a human; None if it is one."""
    found = governance.principals.get(operator)
    if found is None:
        return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {operator[:128]!r} to operate it.")
    if found.person is None:
        return refuse(RefusalCode.WRONG_KIND, f"{operator} is a service: name the account of a human.")
    return None


def set_operator(governance: Governance, change: SetOperator) -> tuple[GovernanceEvent, ...] | Refusal:
    """Set who runs a service, or that nobody is known to."""
    found = governance.principals.get(change.principal)
    if found is None:
        return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {change.principal[:128]!r}.")
    if found.person is not None:
        return refuse(RefusalCode.WRONG_KIND, f"{change.principal} is a human: only a service is operated.")
    bad = None if change.operator is None else bad_operator(governance, change.operator)
    if bad is not None:
        return bad
    if found.account.operator == change.operator:
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} is operated so already.")
    return (OperatorSet(principal=change.principal, operator=change.operator),)


def operating_person(governance: Governance, principal: Principal) -> str | None:
    """The person who acts when this account does: a human, or a service's operator; None if not known."""
    if principal.person is not None:
        return principal.person
    operator = governance.principals.get(principal.account.operator or "")
    return None if operator is None else operator.person


def _difference(change: SetOperator, governance: Governance) -> tuple[FieldChange, ...]:
    found = governance.principals.get(change.principal)
    return changed_fields(("operator", None if found is None else found.account.operator, change.operator))


def _sentence(change: SetOperator, _governance: Governance) -> str:
    if change.operator is None:
        return f"State no operator of {change.principal}."
    return f"Set the operator of {change.principal} to {change.operator}."


def _why_approval(_governance: Governance, _change: SetOperator, _asker: Asker) -> str:
    return "it changes who must be apart from requesters and approvers"


SET_OPERATOR: Final = ChangeRules[SetOperator](
    decide=lambda governance, change, _at: set_operator(governance, change),
    sentence=_sentence,
    difference=_difference,
    why_approval=_why_approval,
)
