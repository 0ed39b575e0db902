"""R18: changes that governance itself carries out are not passed to appliers."""

from collections.abc import AsyncIterator
from itertools import count

import pytest_asyncio
from msgspec.structs import replace

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import ChangeSubmitted
from assent_contracts.governance_changes import DefineGroup, group_object
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import decode_change
from tests.support.governor import governance_of, released
from tests.support.handover import dispatching, read_changes
from tests.support.log import PARTITIONS, Actor, Log, deciding, publishing
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def actor(log: Log, follower: GovernanceFollower) -> AsyncIterator[Actor]:
    """Acts as any principal, while no decider of governance runs: what is released stays released."""
    async with deciding(log, follower, governing=False), publishing(log, follower) as somebody:
        yield somebody


async def _released_after(actor: Actor, request: ChangeSubmitted) -> ChangeSubmitted:
    """A released change to a script, in the partition of `request`."""
    partition = int(request.request.partition("-")[0])
    names = (f"script/after-{number}-{request.request}" for number in count())
    return await actor.released(
        next(name for name in names if partition_for(name.encode(), PARTITIONS) == partition)
    )


async def _all_written(log: Log, request: ChangeSubmitted) -> list[str]:
    """The requests on `assent.changes`, once `request` is among them."""
    written: list[str] = []

    async def is_written() -> bool:
        records = await read_changes(log.connection)
        written[:] = [decode_change(record.value or b"").request for record in records]
        return request.request in written

    await until(is_written)
    return written


async def test_R18_released_change_to_governance_is_not_passed_to_appliers(
    log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    governance = governance_of(follower)
    group = replace(governance.groups["security"], members=("alice", "bob", "carol", "dave"))
    change = DefineGroup(group=group, version=governance.version(group_object("security")))
    request = await released(actor, change)
    later = await _released_after(actor, request)
    async with dispatching(log, follower):
        # It was stopped, and finds both of them released.
        assert await _all_written(log, later) == [later.request]
        live = replace(change, group=replace(group, id="more", members=()), version=None)
        second = await released(actor, live)
        last = await _released_after(actor, second)
        assert sorted(await _all_written(log, last)) == sorted([later.request, last.request])
