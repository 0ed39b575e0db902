"""POST /api/v1/requests/{id}/<action>: what people do to a request (R4, R8, R9, R11, R12, R22)."""

import inspect
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter

from assent.gateway.api.submissions import IdempotencyKey
from assent.gateway.application.actions import DETAILS, act
from assent.gateway.application.command_sending import Decision
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.request_bodies import TAKES, read_body
from assent_contracts.commands import ACTIONS, Action, RequestId

IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=200,
        description="The ETag of the request as it was shown; works like `seen`.",
    ),
]


def _action(name: Action) -> HTTPRouteHandler:
    kind = DETAILS[name]

    @post(
        f"/requests/{{request_id:str}}/{name}",
        opt={TAKES: kind},
        operation_id=f"{name}Request",
        status_code=200,
        summary=f"{name.capitalize()} a request",
        description=inspect.getdoc(ACTIONS[name]),
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
        details = msgspec.structs.asdict(await read_body(request, kind))
        return await act(
            gateway, caller, request_id, name, details, idempotency_key=idempotency_key, if_match=if_match
        )

    return handler


HANDLERS = tuple(_action(name) for name in ACTIONS)
