"""R23: a decision covers all that was shown: object, operation, requester, justification and payload."""

from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.states import Submission
from assent_contracts.refusals import Refusal, RefusalCode


def not_as_shown(submission: Submission, named: str) -> Refusal | None:
    """The refusal of a decision that names another submission than the request's; None if it is the same.

    `named`: the SHA-256 (hex) of the bytes that were shown to the person who decides.
    """
    if named == submission.sha256:
        return None
    return refuse(
        RefusalCode.DIGEST_MISMATCH, f"The request's submission has the SHA-256 {submission.sha256}."
    )
