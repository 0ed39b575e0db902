"""POST /api/v1/governance/changes: change policies, groups, roles, accounts, keys or settings (R3, R15, R18).

A change that one administrator can make alone takes effect at once. Any other becomes a request that a second
administrator has to approve.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post

from assent.gateway.api.submissions import IdempotencyKey
from assent.gateway.application.governance_changes import Changed, change_governance, prospect_of
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import of_refusal
from assent.gateway.request_bodies import TAKES, read_body
from assent.reading.change_prospects import Prospect
from assent_contracts.commands import Justification
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.refusals import Refusal

_WhyIfAsked = Annotated[
    Justification | None,
    msgspec.Meta(description="R6: needed when a second administrator must approve."),
]


class ChangeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change to governance. `dry_run` answers what it would do, without doing it."""

    change: GovernanceChange
    justification: _WhyIfAsked = None
    dry_run: bool = False


class _Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # The change as bytes, so that the contracts' own decoder reports what is wrong with it.
    change: msgspec.Raw
    justification: str | None = None
    dry_run: bool = False


def read_change(change: msgspec.Raw) -> GovernanceChange:
    """The change in these bytes. Raises Problem: the refusal of a malformed one."""
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
async def change_by_post(
    request: Request[Any, Any, Any], caller: Caller, gateway: Gateway, idempotency_key: IdempotencyKey = None
) -> Response[Changed | Prospect]:
    """Change governance: 200 if it took effect at once, 201 with the request if a second must approve.

    A dry run answers 200 with what would happen, even if that is a refusal. The same change with the same
    Idempotency-Key counts once, and gets the first answer again.
    """
    sent = await read_body(request, _Sent)
    prospect = prospect_of(gateway, caller, read_change(sent.change))
    if sent.dry_run:
        return Response(prospect, status_code=200)
    done = await change_governance(
        gateway, caller, prospect, sent.justification or "", idempotency_key=idempotency_key
    )
    if done.request is None:
        return Response(done, status_code=200)
    headers = {"Location": f"/api/v1/requests/{done.request}"}
    return Response(done, status_code=200 if done.repeated else 201, headers=headers)
