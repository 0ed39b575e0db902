"""R4 and the quorum: who may decide on a request, and whether enough distinct people have approved."""

from assent.core.governance.state import Governance
from assent.core.requests.context import Context, refuse
from assent.core.requests.states import Approval, Submission
from assent_contracts.refusals import Refusal, RefusalCode


def approver_refusal(submission: Submission, context: Context) -> Refusal | None:
    """Why the principal may not approve or reject this request; None when they may (R4, R9)."""
    principal = context.principal
    if principal.person is None:
        return refuse(RefusalCode.NOT_AN_APPROVER, "A service never approves or rejects.")
    if principal.person == submission.person:
        return refuse(RefusalCode.OWN_REQUEST, "R9: this request is your own.")
    for terms in submission.terms:
        if principal.id in context.governance.members_of_any(terms.groups):
            return None
    return refuse(RefusalCode.NOT_AN_APPROVER, "R4: you are in none of the policy's approver groups.")


def has_quorum(submission: Submission, approvals: tuple[Approval, ...], governance: Governance) -> bool:
    """Whether every policy has the approvals of enough distinct people who are eligible still."""
    for terms in submission.terms:
        eligible = governance.members_of_any(terms.groups)
        people = {
            approval.person
            for approval in approvals
            if approval.approver in eligible
            and approval.person != submission.person
            and governance.principals[approval.approver].enabled
        }
        if len(people) < terms.quorum:
            return False
    return True
