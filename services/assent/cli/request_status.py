"""Where a request stands, and governance with it."""

import asyncio

from assent.cli import output
from assent.cli.log_access import LogAccess, following, governance_of, reading
from assent.cli.request_output import find
from assent.reading.folding import state_of
from assent.store.queries import LIST_MAX, AuditRow, RequestView, timeline
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Request
from assent_contracts.topics import LEDGER

_APPEARS_WITHIN_S = 2.0


async def standing(to: LogAccess, request: str) -> tuple[RequestView, Request, Governance]:
    """A request, its state, and governance now; ends the command when there is none."""
    row = await find(to, request)
    records = await _records(to, row)
    async with following(to) as follower:
        return row, state_of(records), governance_of(follower)


async def _records(to: LogAccess, row: RequestView) -> list[AuditRow]:
    deadline = asyncio.get_running_loop().time() + _APPEARS_WITHIN_S
    async with reading(to) as db:
        while True:
            records = await timeline(db, row.id)
            # The audit log may be behind the status; what lies between would be missing.
            last = max((each.seq for each in records if each.ledger == LEDGER), default=-1)
            if last >= row.last_seq or len(records) == LIST_MAX:
                return records
            if asyncio.get_running_loop().time() > deadline:
                output.fail(f"The records of {row.id} are not in the audit log yet; try again.")
            await asyncio.sleep(0.05)
