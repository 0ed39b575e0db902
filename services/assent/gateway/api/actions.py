"""POST /api/v1/requests/{id}/<action>: what people do to a request (R4, R8, R9, R11, R12, R22)."""

from typing import Annotated, Any

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter

from assent.gateway.api.submissions import IdempotencyKey
from assent.gateway.application.actions import DETAILS, Action, act
from assent.gateway.application.decisions import Decision
from assent.gateway.bodies import TAKES, read_body
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent_contracts.commands import RequestId

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", max_length=200, description="The ETag of the request as it was shown: as `seen`."
    ),
]


def _action(name: Action, description: str) -> HTTPRouteHandler:
    kind = DETAILS[name]

    @post(
        f"/requests/{{request_id:str}}/{name}",
        opt={TAKES: kind},
        operation_id=f"{name}Request",
        status_code=200,
        summary=f"{name.capitalize()} a request",
        description=description,
        name=f"api-{name}",
    )
    async def handler(
        request: Request[Any, Any, Any],
        request_id: RequestId,
        caller: Caller,
        gateway: Gateway,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Decision:
        details = await read_body(request, kind)
        return await act(
            gateway, caller, request_id, name, details, idempotency_key=idempotency_key, if_match=if_match
        )

    return handler


ACTIONS = (
    _action("approve", "Approve what was submitted, with a note (R4, R8, R9)."),
    _action("reject", "End the request without the change being made (R4, R8, R9)."),
    _action("revoke", "Take back one's own approval before the change is released."),
    _action("cancel", "Withdraw one's own request before it is approved (R11)."),
    _action("complete", "Release one's own approved change to the applier (R12)."),
    _action(
        "close",
        "End an open request of a type that one administers, with a reason; nothing is applied (R22).",
    ),
)
