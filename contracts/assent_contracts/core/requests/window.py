"""R27: when a change may be released and claimed: its own window, and the freeze periods of its type.

Freeze periods are those of the present policies. A window is the submission's and is approved with it.
"""

from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.number_words import moment
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Submission
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def window_over(command: SubmitChange, at: int) -> Refusal | None:
    """The refusal of a submission whose window is over at log time `at` (ms); None if it is not."""
    if isinstance(command.not_after, int) and command.not_after <= at:
        ended = moment(command.not_after)
        return refuse(RefusalCode.WINDOW_OVER, f"R27: the change could be applied until {ended} only.")
    return None


def not_yet(submission: Submission, governance: Governance, at: int) -> Refusal | None:
    """Why the change cannot be released or claimed at log time `at` (ms), and until when; or None."""
    if at < submission.not_before:
        begins = moment(submission.not_before)
        return _until(submission.not_before, f"R27: the change can be applied from {begins} on.")
    for policy in governance.policies_of(resource_type(submission.resource)):
        if submission.emergency and policy.emergency_passes_freeze:
            continue
        for freeze in policy.freezes:
            if freeze.start <= at < freeze.end:
                ends = moment(freeze.end)
                return _until(
                    freeze.end, f"R27: policy {policy.id} freezes this until {ends}: {freeze.reason}"
                )
    return None


def _until(again_at: int, detail: str) -> Refusal:
    return Refusal(code=RefusalCode.NOT_YET, detail=detail, again_at=again_at)
