"""GET /api/v1/requests/{id}/approvers and /explanation: who can approve, and what is missing (R4, R9)."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter

from assent.gateway.application.requests import find, records_of
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem
from assent.gateway.table_lag import AfterHeader
from assent.reading.explanations import (
    Explained,
    Next,
    explained,
    explanation_lines,
    next_sentence,
    next_step,
    standing_sentence,
)
from assent.reading.possible_approvers import Approver, can_approve
from assent.reading.request_events import state_of
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import RequestId
from assent_contracts.core.requests.states import Request
from assent_contracts.events import Status
from assent_contracts.limits import NAME_MAX_CHARS


class Approvers(msgspec.Struct, frozen=True, kw_only=True):
    """Who can approve a request now; empty once it is decided."""

    request: str
    status: Status
    can_approve: tuple[Approver, ...]


class ExplainedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a request and what is missing, as data and in sentences."""

    explained: Explained
    sentences: list[str]
    next: Next | None
    """What has to happen next; null once there is nothing left to approve."""
    next_sentence: str | None
    standing: str | None
    """Whether the account that was asked about can approve it, and if not, why."""


async def state_now(gateway: Gateway, row: RequestView) -> Request:
    """The state of a request at least as new as `row`. Raises Problem: lagging."""
    records, whole = await records_of(gateway, row)
    if not whole:
        raise Problem(
            503,
            "lagging",
            f"The audit log does not contain all of {row.id} yet.",
            todo="Ask again after Retry-After seconds.",
            headers={"Retry-After": "1"},
        )
    return state_of(records)


@get("/requests/{request_id:str}/approvers", operation_id="showApprovers")
async def show_approvers(
    request_id: RequestId, caller: Caller, gateway: Gateway, after: AfterHeader = None
) -> Approvers:
    """Show who can approve a request now."""
    await gateway.lag.reach(after)
    row = await find(gateway, caller, request_id)
    can = can_approve(await state_now(gateway, row), gateway.log.governance, now_ms())
    return Approvers(request=row.id, status=row.status, can_approve=can)


@get("/requests/{request_id:str}/explanation", operation_id="explainRequest")
async def explain(
    request_id: RequestId,
    caller: Caller,
    gateway: Gateway,
    after: AfterHeader = None,
    principal: Annotated[
        str | None,
        QueryParameter(
            max_length=NAME_MAX_CHARS, description="An account: explain why it can or cannot approve."
        ),
    ] = None,
) -> ExplainedRequest:
    """Explain a request's state: what each rule requires and has, and what has to happen next."""
    await gateway.lag.reach(after)
    row = await find(gateway, caller, request_id)
    state, governance = await state_now(gateway, row), gateway.log.governance
    document = explained(row, state, governance, now_ms(), principal)
    explanation = document.explanation
    step = None if explanation is None else next_step(explanation)
    return ExplainedRequest(
        explained=document,
        sentences=[] if explanation is None else explanation_lines(explanation, governance),
        next=step,
        next_sentence=None if step is None else next_sentence(row, step),
        standing=standing_sentence(document.for_) if document.for_ else None,
    )
