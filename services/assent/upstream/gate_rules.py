"""What a gate does next, by the state of its request: pure, without a database or a clock.

A gate is requester and applier of what it asks for. Once the request is approved it completes it, so that
the approval cannot be revoked under an open gate. It claims it, so that it opens the gate once. Then it lets
the caller pass, and reports that.
"""

from typing import Literal, assert_never

import msgspec

from assent_contracts.events import (
    ApprovalRevoked,
    ChangeClaimed,
    ChangeReleased,
    ChangeSubmitted,
    OutcomeUnknown,
    RequestApproved,
    RequestCanceled,
    RequestClosed,
    RequestCompleted,
    RequestEvent,
    RequestExpired,
    RequestFailed,
    RequestRejected,
    RequestReopened,
)

State = Literal["open", "approved", "released", "claimed", "used", "ended"]
"""`open`: it needs approval. `used`: it has opened the gate, for one run. `ended`: it never will."""
Step = Literal["wait", "complete", "claim", "pass", "ask-again", "fail"]
"""What to do for a caller that waits."""

Approvals = Literal["once", "reused"]
"""Whether an approval opens the gate for one run, or for each run of the same change."""


class Progress(msgspec.Struct, frozen=True):
    """How far a request has come."""

    state: State
    why: str | None = None
    """How it ended."""


def progress_after(before: Progress, event: RequestEvent, own: str) -> Progress:  # noqa: C901, PLR0912  an arm each
    """The progress after an event. `own`: the gate's account."""
    match event:
        case ChangeSubmitted() | ApprovalRevoked() | RequestReopened():
            return Progress("open")
        case RequestApproved():
            return Progress("approved")
        case ChangeReleased():
            return Progress("released")
        case ChangeClaimed() if event.applier == own:
            return Progress("claimed")
        case ChangeClaimed():
            return Progress("ended", f"{event.applier} has claimed the change, and this gate cannot any more")
        case RequestCompleted():
            return Progress("used")
        case RequestRejected():
            return Progress("ended", f"rejected by {event.approver}")
        case RequestClosed():
            return Progress("ended", f"closed by {event.closed_by}")
        case RequestCanceled():
            return Progress("ended", "canceled")
        case RequestExpired():
            return Progress("ended", "expired without approval")
        case RequestFailed():
            return Progress("ended", "reported as failed")
        case OutcomeUnknown():
            return Progress("ended", "its outcome is unknown: people must settle it")
        case _:
            return before


def step_for(state: State, approvals: Approvals, *, report: bool) -> Step:
    """What to do for a caller that waits for a request in this state."""
    match state:
        case "open" | "claimed":
            # Claimed: the caller for whom it was claimed has its answer. Others wait how that ends.
            return "wait"
        case "approved":
            return "complete"
        case "released":
            return "claim" if report else "pass"
        case "used":
            return "pass" if approvals == "reused" else "ask-again"
        case "ended":
            return "fail"
        case _:
            assert_never(state)


def may_be_found(state: State, age_s: float, approvals: Approvals, within_s: float) -> bool:
    """Whether a new run of the same change joins this request. `age_s`: since its last change."""
    match state:
        case "open" | "claimed":
            return True
        case "approved" | "released":
            return age_s <= within_s
        case "used":
            return approvals == "reused" and age_s <= within_s
        case _:
            return False


def asks_again(why: str | None) -> bool:
    """Whether a caller whose request ended may make another for the same question.

    GitLab asks at every comment: what people rejected is not put before them again for that.
    """
    return why is None or not why.startswith("rejected")
