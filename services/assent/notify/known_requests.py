"""The requests that are open, as the ledger adds up: later news of one needs its submission and its state."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self

import asyncpg
import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import PostgresConnection
from assent_contracts.access_policies import PolicyTerms
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve, open_request
from assent_contracts.core.requests.permissions import Deciding
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Closed,
    NeedsApproval,
    Proposal,
    Rejection,
    Request,
    Submission,
    Unsettled,
    open_state,
    status_of,
)
from assent_contracts.events import ChangeSubmitted, RequestEvent
from assent_contracts.limits import FOR_EVER_MS

_SQL: Final = load_sql(Path(__file__).with_name("outbox.sql"))
_encode: Final = msgspec.json.Encoder().encode
_decode_terms: Final = msgspec.json.Decoder(tuple[PolicyTerms, ...]).decode
_decode_approvals: Final = msgspec.json.Decoder(tuple[Approval, ...]).decode
_decode_rejections: Final = msgspec.json.Decoder(tuple[Rejection, ...]).decode

_decode_proposals: Final = msgspec.json.Decoder(tuple[Proposal, ...]).decode


class KnownRequest(msgspec.Struct, frozen=True, gc=False):
    """A request in its state after some record, and what else of its submission goes into messages."""

    state: Request
    submission: Submission
    operation: str
    justification: str
    governance: int
    """The governance seq as of which its approvers were notified of it."""

    @classmethod
    def opened(cls, event: ChangeSubmitted, seq: int, justification: str, governance: int) -> Self:
        """A new request, from the event at `seq`."""
        state = open_request(event, seq)
        return cls(state, state.submission, event.operation, justification, governance)

    def after(self, events: Iterable[RequestEvent], at: int, seq: int) -> Self:
        """The request after these events of the record `seq`, at log time `at` (ms).

        Raises ImpossibleEventError.
        """
        state = self.state
        for event in events:
            if isinstance(event, ChangeSubmitted):
                continue
            if isinstance(state, Closed):
                msg = f"{type(event).__name__} on a request that is {state.status}"
                raise ImpossibleEventError(msg)
            state = evolve(state, event, at, seq)
        return msgspec.structs.replace(self, state=state)


async def read_requests(
    connection: PostgresConnection, partition: int, seqs: Iterable[int]
) -> dict[int, KnownRequest]:
    """By seq, those of these requests that are open."""
    rows = await connection.fetch(_SQL["read_requests"], partition, list(seqs))
    return {row["seq"]: _known(row) for row in rows}


async def requests_needing_approval(
    connection: PostgresConnection, types: Iterable[str], groups: Iterable[str], before: int, limit: int
) -> list[tuple[int, KnownRequest]]:
    """(partition, request): the newest that need approval, of these types or with policies of these groups.

    `before`: only those whose approvers were notified as of an earlier governance seq.
    """
    rows = await connection.fetch(_SQL["waiting_requests"], sorted(types), sorted(groups), before, limit)
    return [(row["partition"], _known(row)) for row in rows]


async def keep_requests(
    connection: PostgresConnection, partition: int, requests: Sequence[KnownRequest], opened: frozenset[int]
) -> None:
    """Write these requests as they are now, and forget those that have ended. `opened`: the new seqs."""
    still_open = [each for each in requests if not isinstance(each.state, Closed)]
    if still_open:
        await connection.execute(_SQL["keep_requests"], partition, *_columns(still_open))
    ended = [
        each.submission.seq
        for each in requests
        if isinstance(each.state, Closed) and each.submission.seq not in opened
    ]
    if ended:
        await connection.execute(_SQL["remove_requests"], partition, ended)


def _columns(requests: Sequence[KnownRequest]) -> list[list[object]]:
    rows = [_row(each) for each in requests]
    return [list(column) for column in zip(*rows, strict=True)]


def _row(request: KnownRequest) -> tuple[object, ...]:
    submission, state = request.submission, request.state
    claimed = state if isinstance(state, Applying | Unsettled) else None
    _, progress = status_of(state)
    return (
        submission.seq,
        submission.requester,
        submission.person,
        submission.resource,
        request.operation,
        _encode(submission.terms).decode(),
        submission.on_behalf_of,
        request.governance,
        submission.sha256,
        submission.digest,
        request.justification,
        isinstance(state, NeedsApproval),
        progress,
        _encode(() if isinstance(state, Closed) else state.approvals).decode(),
        _encode(state.rejections if isinstance(state, Deciding) else ()).decode(),
        None if isinstance(state, Unsettled | Closed) else state.deadline,
        None if claimed is None else claimed.applier,
        None if claimed is None else claimed.claim,
        state.since if isinstance(state, Applying) else None,
        _encode(state.proposals if isinstance(state, Unsettled) else ()).decode(),
        submission.part_of,
    )


def _known(row: asyncpg.Record) -> KnownRequest:
    submission = Submission(
        row["seq"],
        row["resource"],
        row["requester"],
        row["person"],
        row["submission"],
        row["digest"],
        _decode_terms(row["terms"]),
        row["on_behalf_of"],
        part_of=row["part_of"],
    )
    state = open_state(
        "needs_approval" if row["waits"] else "approved",
        row["progress"],
        submission,
        _decode_approvals(row["approvals"]),
        _decode_rejections(row["rejections"]),
        deadline=FOR_EVER_MS if row["deadline"] is None else row["deadline"],
        applier=row["applier"] or "",
        claim=-1 if row["claim"] is None else row["claim"],
        claimed_at=row["claimed_at"] or 0,
        proposals=_decode_proposals(row["proposals"]),
    )
    assert state is not None, "only open requests are kept"
    return KnownRequest(state, submission, row["operation"], row["justification"], row["governance"])
