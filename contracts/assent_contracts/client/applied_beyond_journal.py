"""Changes that an applier applied according to the ledger, but that its state folder does not know.

The folder may be an older copy. If the target was restored together with it, those changes are missing from
the target, and they are never released again. So the target itself is asked: another applier of the same
principal may have applied them, or this one just before it was killed.
"""

from collections.abc import Collection

import msgspec

from assent_contracts.acceptance import Accepted, Head
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import ReadBack, Release
from assent_contracts.client.handler_run import READ_BACK_S, read_back
from assent_contracts.client.lease import WorkTime
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.client.open_requests import OpenRequest, OpenRequests, submitted_payload
from assent_contracts.events import RequestCompleted
from assent_contracts.ledger import decode_events
from assent_contracts.proof import NotProven
from assent_contracts.released_change import Change, idempotency_key
from assent_contracts.resources import parse_request_id

_DETAIL = (
    "The ledger says that this change was applied, but this applier's state folder does not know it and the"
    " target does not have it. Was an older copy restored? Submit it again, or restore the newer copy."
)


class AppliedBeyondJournal:
    """Collects what the ledger has after the remembered heads, until it is asked."""

    def __init__(self, principal: str, remembered: dict[int, Head]) -> None:
        """Partitions that are not `remembered` are ignored: a new applier has applied nothing."""
        self._principal = principal
        self._remembered = remembered
        self._last: dict[str, OpenRequest] = {}
        """The last change to each object, which replaced the ones before."""

    def hear(self, accepted: Accepted, requests: OpenRequests) -> None:
        """Consume a record before `requests` does."""
        head = self._remembered.get(requests.partition)
        if head is None or accepted.record.seq <= head.seq:
            return
        try:
            events = decode_events(accepted.record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # OpenRequests then blocks all releases of the partition
        for event in events:
            found = requests.find(event.request) if isinstance(event, RequestCompleted) else None
            if found is not None and found.grant is not None and found.grant.applier == self._principal:
                self._last[found.resource] = found

    async def not_held(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        reads_back: ReadBack | None,
        *,
        but: Collection[str],
    ) -> list[Handled]:
        """The last change to each object that the target does not have. Afterwards nothing more is collected.

        `but`: objects with a change in progress, which may have been made. Empty without `reads_back`. Raises
        KafkaError, TimeoutError.
        """
        last = [each for each in self._last.values() if each.resource not in but]
        partitions, self._remembered, self._last = [*self._remembered], {}, {}
        if reads_back is None or not last:
            return []
        lookup = LedgerLookup(connection, governance, partitions)
        try:
            await lookup.start()
            changes = [(request, await _change(request, lookup)) for request in last]
        finally:
            await lookup.stop()
        return [
            Handled(result="not-held", detail=_DETAIL, request=request.request, resource=request.resource)
            for request, change in changes
            if change is not None and await _is_lost(request, change, governance.identity, reads_back)
        ]


async def _is_lost(request: OpenRequest, change: Change, identity: str, step: ReadBack) -> bool:
    assert request.grant is not None
    release = Release(
        change=change,
        claim=request.grant.claim,
        idempotency_key=idempotency_key(identity, change),
        remaining_s=0,
    )
    return await read_back(step, release, WorkTime(None, READ_BACK_S)) is None


async def _change(request: OpenRequest, lookup: LedgerLookup) -> Change | None:
    """The change as it was released; None if its submission is missing, which is reported elsewhere."""
    place = parse_request_id(request.request)
    assert place is not None
    run = await lookup.run_at(*place, request.offset)
    if isinstance(run, NotProven):
        return None
    try:
        return request.change(submitted_payload(run.values[0]))
    except (msgspec.MsgspecError, ValueError):
        return None
