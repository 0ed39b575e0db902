"""Renew the lease of a claim while its change is being applied."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from assent_contracts.client.applier_commands import ApplierCommands
from assent_contracts.client.lease import Lease, WorkTime
from assent_contracts.client.open_requests import OpenRequest
from assent_contracts.client.task_end import end
from assent_contracts.codec import encode
from assent_contracts.commands import RenewLease
from assent_contracts.refusals import RefusalCode
from assent_contracts.released_change import Change

_SOONEST_S: Final = 0.1
_log: Final = logging.getLogger(__name__)


@asynccontextmanager
async def renewed(
    commands: ApplierCommands,
    find: Callable[[str], OpenRequest | None],
    change: Change,
    lease: Lease,
    work_time: WorkTime,
) -> AsyncIterator[None]:
    """Renew `lease` in the background whenever half of it has passed and its handler may need the rest."""
    task = asyncio.create_task(
        _keep_renewing(commands, find, change, lease, work_time), name=f"renew-{change.request}"
    )
    try:
        yield
    finally:
        await end(task)


async def _keep_renewing(
    commands: ApplierCommands,
    find: Callable[[str], OpenRequest | None],
    change: Change,
    lease: Lease,
    work_time: WorkTime,
) -> None:
    while True:
        await asyncio.sleep(max(lease.remaining_s() / 2, _SOONEST_S))
        if lease.over() or lease.remaining_s() >= work_time.at_most_s():
            return
        command = RenewLease(
            **commands.fields(), resource=change.resource, request=change.request, claim=lease.claim
        )
        answer, sent = await commands.publish(command, encode(command))
        found = find(change.request)
        if found is None or found.grant is None or found.grant.claim != lease.claim or found.unsettled:
            return
        # By the ledger's state and not by the answer, which may only point to a first decision.
        lease.renew(found.grant.deadline, answer.at, sent)
        refusal = answer.refusal
        if refusal is not None and refusal.code is not RefusalCode.TOO_MANY_COMMANDS:
            _log.warning("request %s: the lease is not renewed: %s", change.request, refusal.detail)
            return
