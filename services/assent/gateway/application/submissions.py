"""Submit a change to one object (R6, R10, R15, R18, R20)."""

import msgspec
from msgspec import UNSET, UnsetType

from assent.gateway.application.command_sending import Decision, command_fields, send_command
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import of_refusal
from assent_contracts.change_details import NO_DETAILS, ChangeDetails
from assent_contracts.codec import check_fields, decode_command, encode
from assent_contracts.commands import OnBehalfOf, SubmitChange
from assent_contracts.refusals import Refusal


async def submit(
    gateway: Gateway,
    caller: Caller,
    *,
    resource: str,
    operation: str,
    justification: str,
    payload: bytes,
    on_behalf_of: OnBehalfOf | UnsetType = UNSET,
    details: ChangeDetails = NO_DETAILS,
    idempotency_key: str | None,
) -> Decision:
    """The decision on a submission, whose `payload` is JSON. Raises Problem."""
    command = SubmitChange(
        **command_fields(caller, resource, idempotency_key),
        operation=operation,
        justification=justification,
        payload=msgspec.Raw(payload),
        on_behalf_of=on_behalf_of,
        **msgspec.structs.asdict(details),
    )
    return await send_command(gateway, checked_command(command), once=idempotency_key is not None)


def checked_command(command: SubmitChange) -> SubmitChange:
    """The command, if it is well-formed. Raises Problem: a malformed one is never published."""
    refusal = check_fields(command)
    if refusal is None:
        read = decode_command(encode(command))
        refusal = read if isinstance(read, Refusal) else None
    if refusal is not None:
        raise of_refusal(refusal)
    return command
