"""Changes to governance on a real broker: at once, and as requests that others approve."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from assent.verify.finding import Tally
from assent.verify.running_log import verify_governance, verify_requests
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.governance_publisher import GovernanceDecided, GovernancePublisher
from assent_contracts.client.keys import verify_signature
from assent_contracts.codec import encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.events import ChangeSubmitted, RequestCompleted, RequestFailed
from assent_contracts.governance_changes import GovernanceChange, object_of
from assent_contracts.governance_messages import GovernanceEvent, ReleaseCarriedOut, ReleaseRefused
from assent_contracts.ledger import decode_events
from tests.support.log import PARTITIONS, Actor, Log, read_ledger
from tests.support.stack import until

PROPOSER = "alice-admin"


class Governor:
    """Sends changes to governance as the principals of the demo's governance file."""

    def __init__(self, log: Log, publisher: GovernancePublisher) -> None:
        self.log = log
        self.publisher = publisher

    async def change(self, change: GovernanceChange, principal: str = PROPOSER) -> GovernanceDecided:
        """Send a change directly, with the principal's own key."""
        return await self.publisher.send(change, self.log.keys[principal])


@asynccontextmanager
async def governing(log: Log, follower: GovernanceFollower) -> AsyncIterator[Governor]:
    """A client that sends any change as any principal and receives its decision."""
    publisher = GovernancePublisher(log.connection, follower, source="tests")
    await publisher.start()
    try:
        yield Governor(log, publisher)
    finally:
        await publisher.stop()


def governance_of(follower: GovernanceFollower) -> Governance:
    """The current governance, as far as it has been followed."""
    governance = Governance()
    advance_to(governance, follower.history, len(follower.history) - 1)
    return governance


async def proposed(actor: Actor, change: GovernanceChange, principal: str = PROPOSER) -> ChangeSubmitted:
    """A change to governance, submitted as a request."""
    return await actor.opened(
        object_of(change), principal=principal, operation="edit", payload=encode(change)
    )


async def approved(actor: Actor, change: GovernanceChange, *, approver: str = "bob") -> ChangeSubmitted:
    """A change that was submitted as a request and approved."""
    request = await proposed(actor, change)
    decided = await actor.approve(request, approver)
    assert decided.refusal is None, decided.refusal
    return request


async def released(actor: Actor, change: GovernanceChange) -> ChangeSubmitted:
    """A change that was submitted as a request, approved and completed."""
    request = await approved(actor, change)
    decided = await actor.complete(request, PROPOSER)
    assert decided.refusal is None, decided.refusal
    return request


def carried(follower: GovernanceFollower, request: ChangeSubmitted) -> list[tuple[GovernanceEvent, ...]]:
    """The events of each governance record that acts on this request's release."""
    return [
        events
        for events in follower.history
        if events
        and isinstance(events[-1], ReleaseCarriedOut | ReleaseRefused)
        and events[-1].request == request.request
    ]


async def ends(
    log: Log, follower: GovernanceFollower, request: ChangeSubmitted
) -> list[RequestCompleted | RequestFailed]:
    """The events that end the request on the request ledger, now."""
    return [
        event
        for accepted in (await read_ledger(log, follower)).values()
        for each in accepted
        for event in decode_events(each.record)
        if isinstance(event, RequestCompleted | RequestFailed) and event.request == request.request
    ]


async def ended(
    log: Log, follower: GovernanceFollower, request: ChangeSubmitted
) -> RequestCompleted | RequestFailed:
    """How the request has ended; waits until it has."""

    async def has_ended() -> bool:
        return bool(await ends(log, follower, request))

    await until(has_ended)
    [end] = await ends(log, follower, request)
    return end


async def assert_verified(log: Log, follower: GovernanceFollower) -> dict[int, Tally]:
    """Every decision of both ledgers is made again, with the same result; returns the partitions' content."""
    await follower.catch_up()
    governance = await verify_governance(log.connection, log.identity, verify_signature)
    return await verify_requests(
        log.connection,
        follower,
        PARTITIONS,
        verify_signature,
        lambda done, total: None,
        claims=governance.claims,
    )
