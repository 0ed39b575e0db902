"""POST /api/v1/requests: ask for a change to one object (R6, R10, R15, R18, R20)."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.params import HeaderParameter

from assent.gateway.api.bodies import TAKES, read_body
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.deciding import Decision, decide, fields_of
from assent.gateway.problems import of_refusal
from assent_contracts.codec import check_fields, decode_command, encode
from assent_contracts.commands import Justification, OnBehalfOf, Operation, Resource, SubmitChange
from assent_contracts.refusals import Refusal

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=128,
        description="The same key and the same content count once within 24 hours, for each object.",
    ),
]


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change that somebody wants made."""

    resource: Resource
    operation: Operation
    justification: Justification
    payload: Annotated[
        msgspec.Raw,
        msgspec.Meta(description="Any JSON value, at most 256 KiB; its bytes are kept as they came."),
    ]
    on_behalf_of: OnBehalfOf | msgspec.UnsetType = msgspec.UNSET


@post("/requests", opt={TAKES: Submission}, operation_id="submitChange", status_code=201)
async def submit(
    request: Request[Any, Any, Any], caller: Caller, door: Door, idempotency_key: IdempotencyKey = None
) -> Response[Decision]:
    """Submit a change; answers when it is decided: 201 with the request, or the refusal."""
    body = await read_body(request, Submission)
    command = SubmitChange(
        **fields_of(caller, body.resource, idempotency_key),
        operation=body.operation,
        justification=body.justification,
        payload=msgspec.Raw(bytes(body.payload)),
        on_behalf_of=body.on_behalf_of,
    )
    decision = await decide(door, checked(command), once=idempotency_key is not None)
    return Response(
        decision,
        status_code=200 if decision.repeated else 201,
        headers={"Location": f"/api/v1/requests/{decision.request}"},
    )


def checked(command: SubmitChange) -> SubmitChange:
    """The command, if the log would take its form. Raises Problem: what is wrong never gets that far."""
    refusal = check_fields(command)
    if refusal is None:
        read = decode_command(encode(command))
        refusal = read if isinstance(read, Refusal) else None
    if refusal is not None:
        raise of_refusal(refusal)
    return command
