"""GET /api/v1/requests/{id}/submission and /api/v1/governance/ledger: proofs, so clients need no trust.

A client that knows the log's identity verifies the governance records, which name the writers, and with those
the seal on the submission. `assent_contracts.proof` does that in pure functions.
"""

import asyncio
from typing import Annotated, Final

import msgspec
from aiokafka.errors import KafkaError
from litestar import Response, get
from litestar.params import QueryParameter

from assent.gateway.application.requests import find
from assent.gateway.application.shown_submission import doubted, unreadable
from assent.gateway.application.visibility import sees_all
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.table_lag import AfterHeader
from assent.store.queries import AuditRow, audit_tail
from assent_contracts.client.follower import NotFollowingError
from assent_contracts.commands import RequestId
from assent_contracts.proof import LedgerEntry, NotProven
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

PAGE_MAX_BYTES: Final = 2 * 1024 * 1024
_OFFSET_MAX: Final = (1 << 53) - 1
_WITHIN_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.05
_UNREADABLE: Final = (KafkaError, NotFollowingError, TimeoutError, OSError)


class SubmissionProof(msgspec.Struct, frozen=True, kw_only=True):
    """A submission as the ledger has it, with the proof of its place."""

    request: str
    value: bytes
    """The ledger record's value: the command's bytes, its sender's key and signature, and its decision."""
    following: tuple[bytes, ...] | None
    """The values after it, up to the next sealed record; null if the caller may not see them."""
    writer: str
    """The key id of the writer that sealed the last of them; empty if `following` is null."""
    seal: str
    """The seal, base64url; empty if `following` is null."""


class GovernanceLedger(msgspec.Struct, frozen=True, kw_only=True):
    """Records of the governance topic as they are, including ones that are not accepted."""

    records: list[LedgerEntry]
    next: int | None
    """The `offset` of the page after this one; null on the last."""


@get("/requests/{request_id:str}/submission", operation_id="showSubmission")
async def show_submission(
    request_id: RequestId, caller: Caller, gateway: Gateway, after: AfterHeader = None
) -> Response[SubmissionProof]:
    """Show the exact bytes that a decision on this request names by their hash, with the writer's seal."""
    await gateway.lag.reach(after)
    found = await find(gateway, caller, request_id)
    place = parse_request_id(found.id)
    assert place is not None, "`find` has looked it up by its id"
    audited = await _audited(gateway, *place)
    if audited is None:
        raise doubted(found.id, "not-yet")
    try:
        run = await gateway.proofs.for_clients.run_at(*place, audited.ledger_offset)
    except _UNREADABLE as error:
        raise doubted(found.id, "unreadable") from error
    if isinstance(run, NotProven):
        raise doubted(found.id, "differs")
    # The records after it are about other requests, which not everyone may see (decision 15).
    whole = len(run.values) == 1 or sees_all(gateway.log.governance, caller.principal)
    proof = SubmissionProof(
        request=found.id,
        value=run.values[0],
        following=run.values[1:] if whole else None,
        writer=run.writer if whole else "",
        seal=run.seal if whole else "",
    )
    return Response(proof, headers={"Cache-Control": "no-store"})


@get("/governance/ledger", operation_id="showGovernanceLedger")
async def show_governance_ledger(
    caller: Caller,  # noqa: ARG001  every signed-in account may see governance
    gateway: Gateway,
    offset: Annotated[
        int,
        QueryParameter(ge=0, le=_OFFSET_MAX, description="Where to begin: the `next` of the previous page."),
    ] = 0,
) -> Response[GovernanceLedger]:
    """Page through the governance ledger, to verify it under the log's identity."""
    try:
        records, following = await gateway.proofs.for_clients.governance_from(
            offset, max_bytes=PAGE_MAX_BYTES
        )
    except _UNREADABLE as error:
        raise unreadable("The governance ledger cannot be read at the moment.") from error
    return Response(GovernanceLedger(records=records, next=following))


async def _audited(gateway: Gateway, partition: int, seq: int) -> AuditRow | None:
    """The audit table's row of this record, which can appear a moment after the request's row."""
    deadline = asyncio.get_running_loop().time() + _WITHIN_S
    while True:
        rows = await audit_tail(gateway.db, {(LEDGER, partition): seq - 1}, 1)
        if rows and rows[0].seq == seq:
            return rows[0]
        if rows or asyncio.get_running_loop().time() > deadline:
            return None
        await asyncio.sleep(_LOOK_EVERY_S)
