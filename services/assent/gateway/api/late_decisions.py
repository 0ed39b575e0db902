"""GET /api/v1/commands/{id}: the decision on a command that was not decided in time."""

from typing import Annotated

from litestar import get
from litestar.params import PathParameter, QueryParameter

from assent.gateway.application.command_sending import Decision, late_decision
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent_contracts.limits import COMMAND_ID_MAX_CHARS


@get("/commands/{command_id:str}", operation_id="showCommand")
async def show_command(
    command_id: Annotated[str, PathParameter(max_length=COMMAND_ID_MAX_CHARS)],
    caller: Caller,
    gateway: Gateway,
    sent_at: Annotated[
        int, QueryParameter(ge=0, le=(1 << 53) - 1, description="When the command was sent, ms since 1970.")
    ],
    resource: Annotated[
        str | None, QueryParameter(max_length=321, description="The command's object; speeds up the search.")
    ] = None,
) -> Decision:
    """Get the decision on one's own command; 202 while there is none. Location names this address."""
    return await late_decision(gateway, caller, command_id, resource, sent_at)
