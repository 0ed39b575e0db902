"""POST /api/v1/requests/{id}/<action>: what people do to a request (R4, R8, R9, R11, R12, R22)."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter

from assent.gateway.api.bodies import TAKES, read_body
from assent.gateway.api.requests import find
from assent.gateway.api.submissions import IdempotencyKey
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.deciding import Decision, decide, fields_of
from assent.gateway.problems import Problem, of_refusal
from assent.store.queries import RequestView
from assent_contracts.codec import check_fields
from assent_contracts.commands import (
    Approve,
    Cancel,
    CloseRequest,
    Command,
    Complete,
    Note,
    Reason,
    Reject,
    RequestId,
    Revoke,
    SubmissionHash,
)

Seen = Annotated[
    int | None,
    msgspec.Meta(description="`last_seq` of the request as it was shown: refused when it has gone on since."),
]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Yes, or no, to everything that was shown: the request's `submission` names it (R23)."""

    submission: SubmissionHash
    note: Note = ""
    seen: Seen = None


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The change that is released, by the request's `submission` (R23)."""

    submission: SubmissionHash
    seen: Seen = None


class Remark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes with a revocation."""

    note: Note = ""
    seen: Seen = None


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that says it all."""

    seen: Seen = None


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an administrator closes a request."""

    reason: Reason
    seen: Seen = None


IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", max_length=200, description="The ETag of the request as it was shown: as `seen`."
    ),
]
Body = Verdict | Release | Remark | Nothing | Closing


def approve_of(fields: dict[str, Any], body: Verdict) -> Command:
    """R4, R8: the command of an approval."""
    return Approve(**fields, submission=body.submission, note=body.note)


def reject_of(fields: dict[str, Any], body: Verdict) -> Command:
    """R4, R8: the command of a rejection."""
    return Reject(**fields, submission=body.submission, note=body.note)


def revoke_of(fields: dict[str, Any], body: Remark) -> Command:
    """The command that takes an approval back."""
    return Revoke(**fields, note=body.note)


def cancel_of(fields: dict[str, Any], _body: Nothing) -> Command:
    """R11: the command of a cancellation."""
    return Cancel(**fields)


def complete_of(fields: dict[str, Any], body: Release) -> Command:
    """R12: the command of a completion."""
    return Complete(**fields, submission=body.submission)


def close_of(fields: dict[str, Any], body: Closing) -> Command:
    """R22: the command that closes a request."""
    return CloseRequest(**fields, reason=body.reason)


async def act(
    door: Door,
    caller: Caller,
    request_id: str,
    body: Any,
    make: Callable[[dict[str, Any], Any], Command],
    *,
    idempotency_key: str | None = None,
    if_match: str | None = None,
) -> Decision:
    """Do something to a request that the caller may see. Raises Problem.

    `lagging` where the tables may not say how the request stands, and so not whether that was seen.
    """
    if body.seen is not None or if_match is not None:
        await door.lag.settled(request_id)
    shown = await find(door, caller, request_id)
    seen = body.seen if body.seen is not None else seen_of(if_match, shown)
    fields = fields_of(caller, shown.resource, idempotency_key)
    if seen is not None:
        # R16: the ledger compares, so that a refused decision is on record.
        fields["seen"] = seen
    command = make({**fields, "request": request_id}, body)
    refusal = check_fields(command)
    if refusal is not None:
        raise of_refusal(refusal)
    return await decide(door, command, once=idempotency_key is not None)


def seen_of(if_match: str | None, shown: RequestView) -> int | None:
    """What If-Match, by RFC 9110, says was seen; the ledger compares it. Raises Problem for other tags.

    A refused action makes another ETag and leaves the request as it was: that is no reason to refuse.
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
        f"Request {shown.id} has gone on since you looked: it is {shown.status.replace('_', ' ')} now.",
        todo="Look at what has changed, and decide on that.",
        status_now=shown.status,
        last_seq=shown.last_seq,
    )


def _action(
    name: str, kind: type[msgspec.Struct], make: Callable[[dict[str, Any], Any], Command], description: str
) -> HTTPRouteHandler:
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
        door: Door,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Decision:
        body = await read_body(request, kind)
        return await act(
            door, caller, request_id, body, make, idempotency_key=idempotency_key, if_match=if_match
        )

    return handler


ACTIONS = (
    _action("approve", Verdict, approve_of, "Approve what was submitted, with a note (R4, R8, R9)."),
    _action("reject", Verdict, reject_of, "End the request without the change being made (R4, R8, R9)."),
    _action("revoke", Remark, revoke_of, "Take back one's own approval before the change is released."),
    _action("cancel", Nothing, cancel_of, "Withdraw one's own request before it is approved (R11)."),
    _action("complete", Release, complete_of, "Release one's own approved change to the applier (R12)."),
    _action(
        "close",
        Closing,
        close_of,
        "End an open request of a type that one administers, with a reason; nothing is applied (R22).",
    ),
)
