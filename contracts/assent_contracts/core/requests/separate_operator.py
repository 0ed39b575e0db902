"""R25: requester, approvers and the applier's operator are different people, where a policy wants that."""

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.operators import operating_person
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import has_spoken, standing_terms
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import Released, Submission
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def unknown_requester(command: SubmitChange, context: Context) -> Refusal | None:
    """The refusal of a submission that leaves open which person requests it. None otherwise."""
    governance = context.governance
    kind = resource_type(command.resource)
    if not any(terms.separate_operator for terms in governance.terms_for(kind)):
        return None
    if isinstance(command.on_behalf_of, str) or operating_person(governance, context.principal) is not None:
        return None
    return refuse(
        RefusalCode.ON_BEHALF_OF_REQUIRED,
        f"R25: a policy for {kind} keeps requester and operator apart: name the person, or have the operator"
        f" of {context.principal.id} set.",
    )


def not_separate(request: Released, context: Context) -> Refusal | None:
    """The refusal of a claim whose applier is run by the requester, an approver, or nobody known.

    Both the terms at the submission and the present ones count. Operators are those of the present.
    """
    governance, submission = context.governance, request.submission
    terms = standing_terms(submission, governance)
    if not any(each.separate_operator for each in terms):
        return None
    if submission.part_of is not None:
        # R29: who approved it is only known in the partition of its set.
        return refuse(RefusalCode.OPERATOR_UNKNOWN, "R25: who approved its set is not known here.")
    operator = operating_person(governance, context.principal)
    requester = _requesting_person(submission, governance)
    if operator is None or requester is None:
        whose = context.principal.id if operator is None else f"{submission.requester}, the requester"
        return refuse(RefusalCode.OPERATOR_UNKNOWN, f"R25: it is not known which person operates {whose}.")
    if operator == requester:
        return refuse(RefusalCode.OPERATOR_INVOLVED, "R25: the operator of this applier is the requester.")
    if has_spoken(operator, request.approvals):
        return refuse(RefusalCode.OPERATOR_INVOLVED, "R25: the operator of this applier has approved it.")
    submitter = operating_person(governance, governance.principals[submission.requester])
    if submitter is not None and has_spoken(submitter, request.approvals):
        return refuse(
            RefusalCode.OPERATOR_INVOLVED, f"R25: the operator of {submission.requester} has approved it."
        )
    return None


def own_submission(
    submission: Submission, terms: tuple[PolicyTerms, ...], context: Context
) -> Refusal | None:
    """The refusal of an approval by the person who runs the service that submitted the change.

    Such a person writes what the service signs, and on whose behalf. None if no policy separates duties.
    """
    governance = context.governance
    if not any(each.separate_operator for each in terms):
        return None
    submitter = operating_person(governance, governance.principals[submission.requester])
    if submitter is None or submitter != context.principal.person:
        return None
    return refuse(
        RefusalCode.OWN_REQUEST, f"R25: you operate {submission.requester}, which submitted this request."
    )


def _requesting_person(submission: Submission, governance: Governance) -> str | None:
    if submission.on_behalf_of is not None:
        return submission.person
    return operating_person(governance, governance.principals[submission.requester])
