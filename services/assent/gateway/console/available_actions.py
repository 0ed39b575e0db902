"""What somebody can do to a request now: the rules are asked, nothing is judged here. Pure."""

from typing import Any

from assent.reading.requests import submission_of_row
from assent.store.queries import RequestView
from assent_contracts.commands import Approve, Cancel, CloseRequest, Complete, Reject, Revoke
from assent_contracts.core.governance.principals import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approve import decide_approve
from assent_contracts.core.requests.cancel import decide_cancel
from assent_contracts.core.requests.close import decide_close
from assent_contracts.core.requests.complete import decide_complete
from assent_contracts.core.requests.context import Context
from assent_contracts.core.requests.explain import Deciding
from assent_contracts.core.requests.reject import decide_reject
from assent_contracts.core.requests.revoke import decide_revoke
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Open,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.events import ChangeReleased
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal


def possible(
    state: Request, governance: Governance, principal: Principal, at: int, through: str | None
) -> frozenset[str]:
    """Which of approve, reject, revoke, cancel and complete would be taken at log time `at` (ms).

    `through`: the gateway that signs for the principal. A completion that would only reopen the request
    is not among them.
    """
    if isinstance(state, Closed) or not principal.enabled:
        return frozenset()
    answers = _answers(state, governance, principal, at, through)
    can = {name for name, answer in answers.items() if not isinstance(answer, Refusal)}
    released = answers["complete"]
    if not isinstance(released, Refusal) and not any(isinstance(each, ChangeReleased) for each in released):
        can.discard("complete")
    return frozenset(can)


def can_close(row: RequestView, governance: Governance, principal: Principal, at: int) -> bool:
    """R22: whether closing the request would be taken at log time `at` (ms), released ones included."""
    state = _open_state(row)
    if state is None or not principal.enabled:
        return False
    context = Context(row.partition, row.seq + 1, at, governance, principal, b"")
    command = CloseRequest(
        id="asked", principal=principal.id, at=at, resource=row.resource, request=row.id, reason="asked"
    )
    return not isinstance(decide_close(state, command, context), Refusal)


def _open_state(row: RequestView) -> Open | None:
    submission = submission_of_row(row)
    deadline, applier = row.deadline or FOR_EVER_MS, row.applier or ""
    match row.status, row.progress:
        case "needs_approval", None:
            return NeedsApproval(submission, (), (), deadline)
        case "approved", None:
            return Approved(submission, (), (), deadline)
        case "approved", "released":
            return Released(submission, deadline)
        case "approved", "applying":
            return Applying(submission, applier, deadline)
        case "approved", "unknown":
            return Unsettled(submission, applier)
        case _:
            return None


def why_not_approve(
    state: Deciding, governance: Governance, principal: Principal, at: int, through: str | None
) -> Refusal | None:
    """The refusal that an approval would get here; None when it would be taken."""
    answer = _answers(state, governance, principal, at, through)["approve"]
    return answer if isinstance(answer, Refusal) else None


def _answers(
    state: Any, governance: Governance, principal: Principal, at: int, through: str | None
) -> dict[str, Any]:
    submission = state.submission
    context = Context(0, submission.seq + 1, at, governance, principal, b"", through)
    fields: dict[str, Any] = {
        "id": "asked",
        "principal": principal.id,
        "at": at,
        "resource": submission.resource,
        "request": "0-0",
    }
    shown = {**fields, "submission": submission.sha256}
    return {
        "approve": decide_approve(state, Approve(**shown), context),
        "reject": decide_reject(state, Reject(**shown), context),
        "revoke": decide_revoke(state, Revoke(**fields), context),
        "cancel": decide_cancel(state, Cancel(**fields), context),
        "complete": decide_complete(state, Complete(**shown), context),
    }
