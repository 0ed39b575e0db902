"""Act on a request: approve, reject, revoke, cancel, complete or close it (R4, R8, R11, R12, R22, R23)."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import UNSET

from assent.gateway.application.command_sending import Decision, command_fields, send_command
from assent.gateway.application.requests import find
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, of_refusal
from assent.store.queries import RequestView
from assent_contracts.codec import check_fields
from assent_contracts.commands import ACTIONS, Action, CommandFields

SeenSeqAsked = Annotated[
    int | None,
    msgspec.Meta(
        description="`last_seq` of the request as it was shown. Refused if the request has changed since."
    ),
]


_NOT_GIVEN: Final = frozenset({*CommandFields.__struct_fields__, "request"})
"""Fields that the request, the caller and the clock determine."""


def _details_of(action: Action) -> type[msgspec.Struct]:
    kind = ACTIONS[action]
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        if field.name == "seen":
            fields.append(("seen", SeenSeqAsked, None))
        elif field.name not in _NOT_GIVEN:
            hint = get_type_hints(kind, include_extras=True)[field.name]
            fields.append((field.name, hint) if field.required else (field.name, hint, field.default))
    return msgspec.defstruct(
        f"{action.capitalize()}Details",
        fields,
        namespace={"__doc__": f"The fields for the action `{action}` on a request."},
        kw_only=True,
        frozen=True,
        forbid_unknown_fields=True,
    )


DETAILS: Final[dict[Action, type[msgspec.Struct]]] = {action: _details_of(action) for action in ACTIONS}
"""The fields that the caller sends with each action: the rest of its command's fields."""


async def act(
    gateway: Gateway,
    caller: Caller,
    request_id: str,
    action: Action,
    details: Mapping[str, Any],
    *,
    idempotency_key: str | None = None,
    if_match: str | None = None,
) -> Decision:
    """The decision on an action on a request that the caller may see. Raises Problem.

    `details`: the fields of DETAILS. The problem is `lagging` if the tables may not have the newest state of
    the request, so that it is unknown whether the caller saw that state.
    """
    seen = details.get("seen")
    if seen is not None or if_match is not None:
        await gateway.lag.settled(request_id)
    shown = await find(gateway, caller, request_id)
    # R16: the ledger compares, so that a refused decision is on record.
    seen = seen_of(if_match, shown) if seen is None else seen
    command = ACTIONS[action](
        **command_fields(caller, shown.resource, idempotency_key),
        **{name: value for name, value in details.items() if name != "seen"},
        request=request_id,
        seen=UNSET if seen is None else seen,
    )
    refusal = check_fields(command)
    if refusal is not None:
        raise of_refusal(refusal)
    return await send_command(gateway, command, once=idempotency_key is not None)


def seen_of(if_match: str | None, shown: RequestView) -> int | None:
    """The seq that If-Match (RFC 9110) names as seen, for the ledger to compare. Raises Problem without one.

    A refused action changes the ETag but not the request, so a different ETag alone is no reason to refuse.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [re.fullmatch(r'"([0-9]{1,18})-[0-9]+"', tag.strip()) for tag in if_match.split(",")]
    seen = [int(tag[1]) for tag in tags if tag is not None]
    if not seen:
        raise _changed_since(shown)
    return shown.last_seq if shown.last_seq in seen else seen[0]


def _changed_since(shown: RequestView) -> Problem:
    return Problem(
        412,
        "changed-since",
        f"Request {shown.id} has changed since you looked: it is now {shown.status.replace('_', ' ')}.",
        todo="Look at what has changed before you decide.",
        status_now=shown.status,
        last_seq=shown.last_seq,
    )
