"""R19: whether a change may still be released for its requester."""

from assent_contracts.access_policies import ADMINISTRATORS, BUILT_IN_TYPES
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.core.requests.states import Submission
from assent_contracts.governance_changes import DIRECTORY, key_object
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type

_KEY = key_object("")


def requester_refusal(submission: Submission, governance: Governance) -> Refusal | None:
    """Why the change cannot be released for its requester now; None if it can (R19).

    The requester and the person on whose behalf it was submitted must be enabled, and the requester must
    still have the role with which they submitted it.
    """
    for account in (submission.requester, submission.on_behalf_of):
        if account is not None and not governance.principals[account].enabled:
            return _barred(f"{account} is disabled")
    missing = _missing_role(submission, governance)
    return None if missing is None else _barred(f"{submission.requester} no longer has the role {missing}")


def _missing_role(submission: Submission, governance: Governance) -> str | None:
    requester, kind = submission.requester, resource_type(submission.resource)
    if kind not in BUILT_IN_TYPES:
        return None if governance.has_role(requester, "requester", kind) else f"requester for {kind}"
    if submission.resource.startswith(_KEY):
        # Anyone can ask for a change to their own key. Governance checks whose it is when it carries it out.
        return None
    if submission.resource == DIRECTORY and governance.has_role(requester, "directory", EVERY_TYPE):
        return None
    administered = _administered_type(submission)
    if governance.has_role(requester, "administrator", administered):
        return None
    return f"administrator for {administered}" if administered else "administrator"


def _administered_type(submission: Submission) -> str:
    """The type whose administrators must approve a change to governance; EVERY_TYPE for most changes."""
    for terms in submission.terms:
        if terms.policy == ADMINISTRATORS:
            return terms.rules[0].groups[0].removeprefix(ADMINISTRATORS).removeprefix("/")
    return EVERY_TYPE


def _barred(why: str) -> Refusal:
    return refuse(RefusalCode.REQUESTER_NOT_PERMITTED, f"R19: {why}: the change is not released.")
