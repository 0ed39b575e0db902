"""POST /api/v1/requests: request a change to one object (R6, R10, R15, R18, R20, R24)."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import HeaderParameter

from assent.gateway.application import submissions
from assent.gateway.application.command_sending import Decision
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.request_bodies import TAKES, read_body
from assent_contracts.change_details import ChangeDetails, details_of
from assent_contracts.commands import Justification, OnBehalfOf, Operation, Resource

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=128,
        description="The same content with the same key counts once within 24 hours, for each object.",
    ),
]


class Submission(ChangeDetails, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to be approved and made. A policy can demand some of the optional fields (R24)."""

    resource: Resource
    operation: Operation
    justification: Justification
    payload: Annotated[
        msgspec.Raw,
        msgspec.Meta(description="Any JSON value, at most 256 KiB; its bytes are kept as sent."),
    ]
    on_behalf_of: OnBehalfOf | msgspec.UnsetType = msgspec.UNSET


@post("/requests", opt={TAKES: Submission}, operation_id="submitChange", status_code=201)
async def submit(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway, idempotency_key: IdempotencyKey = None
) -> Response[Decision]:
    """Submit a change. Answers when it is decided: 201 with the request, or the refusal."""
    body = await read_body(request, Submission)
    decision = await submissions.submit(
        gateway,
        caller,
        resource=body.resource,
        operation=body.operation,
        justification=body.justification,
        payload=bytes(body.payload),
        on_behalf_of=body.on_behalf_of,
        details=details_of(body),
        idempotency_key=idempotency_key,
    )
    return Response(
        decision,
        status_code=200 if decision.repeated else 201,
        headers={"Location": f"/api/v1/requests/{decision.request}"},
    )
