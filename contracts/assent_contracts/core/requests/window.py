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
    return _over(command.not_after, at) if isinstance(command.not_after, int) else None


def no_time_left(submission: Submission, at: int) -> Refusal | None:
    """The refusal of another release of a change whose window is over at log time `at` (ms), or None.

    Such a release would expire immediately, and hide that its earlier outcome is unknown.
    """
    return _over(submission.not_after, at)


def _over(not_after: int, at: int) -> Refusal | None:
    if at < not_after:
        return None
    ended = moment(not_after)
    return refuse(RefusalCode.WINDOW_OVER, f"R27: the change could be applied until {ended} only.")


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
