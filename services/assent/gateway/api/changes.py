"""POST /api/v1/governance/changes: change policies, groups, roles, accounts, keys or settings (R3, R15, R18).

What one administrator may do alone works at once; the rest becomes a request that a second one approves.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post

from assent.gateway.api.bodies import TAKES, read_body
from assent.gateway.api.governance_pages import POSITION
from assent.gateway.api.submissions import IdempotencyKey, checked
from assent.gateway.at_once import change_at_once, works_at_once
from assent.gateway.caller import Caller
from assent.gateway.components import Door
from assent.gateway.deciding import decide, fields_of
from assent.gateway.problems import of_refusal
from assent.reading.prospects import Prospect, foresee, submission
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Justification, command_type
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.refusals import Refusal

_WhyIfAsked = Annotated[
    Justification | None,
    msgspec.Meta(description="R6: needed when a second administrator must approve."),
]


class ChangeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to governance that somebody wants; `dry_run` says what it would do, and does nothing."""

    change: GovernanceChange
    justification: _WhyIfAsked = None
    dry_run: bool = False


class _Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # The change as bytes: the contracts' own reader says what is wrong with it.
    change: msgspec.Raw
    justification: str | None = None
    dry_run: bool = False


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a change: decided at once, or the request that it has become."""

    sentence: str
    object: str
    why_approval: str | None
    """Why a second administrator must approve; null when it worked at once."""
    request: str | None
    position: str
    """`governance-<seq>`, or the request's ledger position: send it as Assent-After to read what follows."""
    at: int
    """Log time, ms."""
    events: tuple[str, ...]
    repeated: bool = False


async def foreseen(door: Door, caller: Caller, change: GovernanceChange) -> Prospect:
    """What would become of the caller's change, signed by this gateway, if it were sent now."""
    return foresee(door.log.governance, change, caller.id, now_ms(), through=door.log.key.principal)


async def change_governance(
    door: Door,
    caller: Caller,
    prospect: Prospect,
    justification: str | None,
    *,
    idempotency_key: str | None = None,
) -> Changed:
    """Send a foreseen change the way that it has to go. Raises Problem: its refusal among them."""
    needs_approval = prospect.why_approval is not None
    if await works_at_once(door, caller, idempotency_key, needs_approval=needs_approval):
        return await _at_once(door, caller, prospect, idempotency_key)
    fields = fields_of(caller, prospect.object, idempotency_key)
    del fields["resource"]
    command = checked(submission(prospect.change, justification or "", fields))
    decision = await decide(door, command, once=idempotency_key is not None)
    return Changed(
        sentence=prospect.sentence,
        object=prospect.object,
        why_approval=prospect.why_approval,
        request=decision.request,
        position=decision.position,
        at=decision.at,
        events=decision.events,
        repeated=decision.repeated,
    )


async def _at_once(door: Door, caller: Caller, prospect: Prospect, idempotency_key: str | None) -> Changed:
    decided = await change_at_once(door, caller, prospect.change, idempotency_key)
    return Changed(
        sentence=prospect.sentence,
        object=prospect.object,
        why_approval=None,
        request=None,
        position=f"{POSITION}{decided.seq}",
        at=decided.at,
        events=tuple(command_type(event) for event in decided.events),
        repeated=decided.repeated,
    )


def read_change(change: msgspec.Raw) -> GovernanceChange:
    """The change that these bytes say. Raises Problem: the refusal of its form."""
    read = decode_governance_change(bytes(change))
    if isinstance(read, Refusal):
        raise of_refusal(read)
    return read


@post(
    "/governance/changes",
    opt={TAKES: ChangeWanted},
    operation_id="changeGovernance",
    status_code=201,
    summary="Change governance",
)
async def change(
    request: Request[Any, Any, Any], caller: Caller, door: Door, idempotency_key: IdempotencyKey = None
) -> Response[Changed | Prospect]:
    """Change governance: 200 when it worked at once, 201 with the request that a second one must approve.

    A dry run answers 200 with what would come of it, its refusal included. The same Idempotency-Key and
    the same change count once, and get the first answer again.
    """
    sent = await read_body(request, _Sent)
    prospect = await foreseen(door, caller, read_change(sent.change))
    if sent.dry_run:
        return Response(prospect, status_code=200)
    done = await change_governance(
        door, caller, prospect, sent.justification, idempotency_key=idempotency_key
    )
    if done.request is None:
        return Response(done, status_code=200)
    headers = {"Location": f"/api/v1/requests/{done.request}"}
    return Response(done, status_code=200 if done.repeated else 201, headers=headers)
